"""Vectors of records from ingest to the page of similar patients, on the database."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.following import catch_up
from app.services import services_of
from app.similar import Question, similar
from app.stores import stores
from app.wiring import Installation
from indexing.access import LABELS, Access, Role
from indexing.encoders import EncoderShelf
from indexing.errors import EngineUnavailable
from indexing.ingest import Ingest
from indexing.model import Tenant
from indexing.outlook import OUTCOME_SYSTEM
from indexing.reconcile import reconcile
from rankers.patients import MEANING_WEIGHT
from tests.flow.test_similar import condition, note, patient
from tests.unit.test_linking import Counted

PEOPLE = [
    patient("asked"), patient("like"), patient("other"), patient("old"), patient("wrong"),
    condition("c1", "asked", "Heart failure"), condition("c2", "like", "Heart failure"),
    condition("c3", "other", "Migraine"), condition("c4", "old", "Atrial fibrillation"),
    condition("c5", "wrong", "Heart failure"),
    note("n1", "like", "HISTORY OF PRESENT ILLNESS:\nOrthopnea. She denies fever.\n"),
]  # fmt: skip


@pytest.fixture(scope="module")
def house(installation: Installation) -> Iterator[Installation]:
    """The installation with vectors of records, and a model that costs nothing: the news that
    other tests left is taken first, for it is another model's."""
    catch_up(installation, ("text", "vectors"), tenants=[])
    made = Installation(installation.settings.model_copy(update={"patient_vectors": True}))
    made.__dict__["encoder"] = Counted("minilm-l6-records")
    made._serving = EncoderShelf(made.home).serving()
    yield made
    made.close()


def put(house: Installation, tenant: Tenant, *resources: Any) -> None:
    access = Access(tenant.tenant_id, "loader", frozenset({Role.ADMIN}), labels=LABELS)
    for each in resources:
        outcome = Ingest(house.records, access, ZoneInfo("UTC")).submit(json.dumps(each).encode())
        assert outcome[0].rejected is None
    catch_up(house, lanes=("text", "vectors"), tenants=[tenant.tenant_id])


def parts(house: Installation, tenant: Tenant) -> dict[str, float]:
    access = Access(tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
    shown = similar(services_of(house), access, Question(patient="asked"))
    assert shown.missing == ()
    return {each.patient_id: each.parts["meaning"] for each in shown.neighbours}


def test_a_record_is_found_by_its_vector_changed_merged_and_taken_out(
    house: Installation, tenant: Tenant
) -> None:
    put(house, tenant, *PEOPLE)
    vectors, t = house.patients.vectors, tenant.tenant_id
    assert vectors is not None
    assert set(vectors.entries(t)) == {"asked", "like", "other", "old", "wrong"}
    found = parts(house, tenant)
    assert 0 < found["like"] < found["wrong"] == pytest.approx(MEANING_WEIGHT, abs=1e-4)
    gone = condition("c5", "wrong", "Heart failure", "entered-in-error")
    moved = {**patient("old"), "active": False,
             "link": [{"type": "replaced-by", "other": {"reference": "Patient/like"}}]}  # fmt: skip
    put(house, tenant, gone, moved)
    assert "wrong" not in parts(house, tenant)
    assert set(vectors.entries(t)) == {"asked", "like", "other", "wrong"}
    later = vectors.entries(t)["like"]
    put(house, tenant, condition("c6", "like", "Asthma"))
    assert vectors.entries(t)["like"] > later
    [own] = [each for each in stores(house) if each.name == "patients"]
    vectors.drop(t)
    [(before, after)] = reconcile(t, house.derived.live, [own])
    assert len(before.missing) == 4
    assert after.equal


def test_a_prediction_that_is_stored_moves_the_vector_and_a_dead_engine_is_named(
    house: Installation, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(house, tenant, *PEOPLE)
    vectors, t = house.patients.vectors, tenant.tenant_id
    assert vectors is not None
    before, told = vectors.entries(t)["like"], parts(house, tenant)["like"]
    put(house, tenant, {
        "resourceType": "RiskAssessment", "id": "r1", "status": "final",
        "subject": {"reference": "Patient/like"}, "occurrenceDateTime": "2026-01-01",
        "prediction": [{
            "outcome": {"coding": [{"system": OUTCOME_SYSTEM, "code": "return90"}],
                        "text": "back within 90 days"},
            "probabilityDecimal": 0.8, "qualitativeRisk": {"text": "high"},
        }],
    })  # fmt: skip
    assert vectors.entries(t)["like"] > before
    assert 0 < abs(parts(house, tenant)["like"] - told) < MEANING_WEIGHT

    def down(*_: object) -> None:
        raise EngineUnavailable("down")

    monkeypatch.setattr(vectors.index, "search", down)
    access = Access(t, "dr", frozenset({Role.CLINICIAN}))
    shown = similar(services_of(house), access, Question(patient="asked"))
    assert shown.missing == ("meaning",)
    assert "like" in {each.patient_id for each in shown.neighbours}


def restarted(house: Installation, **settings: object) -> Installation:
    """The same house, begun anew with other settings."""
    made = Installation(house.settings.model_copy(update=settings))
    made.__dict__ |= {name: house.__dict__[name] for name in ("encoder", "database")}
    made._serving = house._serving
    return made


def test_vectors_go_when_they_are_not_wanted_any_more(house: Installation, tenant: Tenant) -> None:
    put(house, tenant, *PEOPLE)
    vectors, t = house.patients.vectors, tenant.tenant_id
    assert vectors is not None
    off = restarted(house, patient_vectors=False)
    catch_up(off, lanes=("vectors",), tenants=[t])
    assert vectors.entries(t) == {}
    with house.database.tenant(t) as conn:
        assert conn.execute("SELECT count(*) FROM space_vector").fetchone() == (0,)
        assert conn.execute("SELECT count(*) FROM space_document").fetchone() == (0,)
    assert off.patients.filled.all() == ()
    catch_up(restarted(house), lanes=("vectors",), tenants=[t])  # wanted again: there again
    assert len(vectors.entries(t)) == 5
    by_distance = restarted(house, patient_metric="euclidean")
    catch_up(by_distance, lanes=("vectors",), tenants=[t])
    other = by_distance.patients.vectors
    assert other is not None
    assert vectors.entries(t) == {}
    assert len(other.entries(t)) == 5
    off.patients.take_back()


def test_an_engine_that_does_not_answer_keeps_them_on_the_record(
    house: Installation, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(house, tenant, *PEOPLE)
    vectors, off = house.patients.vectors, restarted(house, patient_vectors=False)
    assert vectors is not None

    def down(*_: object) -> None:
        raise EngineUnavailable("down")

    with monkeypatch.context() as patched:
        patched.setattr("indexing.backends.postgres.space_vectors.PostgresSpaceIndex.drop", down)
        catch_up(off, lanes=("vectors",))
        assert len(vectors.entries(tenant.tenant_id)) == 5
    assert off.patients.take_back() > 0
    assert vectors.entries(tenant.tenant_id) == {}
