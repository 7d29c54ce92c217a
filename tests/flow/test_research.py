"""Studies from ingest to knowledge search: found by meaning, closed when restricted or gone."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.encoders import _studied
from app.following import catch_up
from app.knowledge import Known, known
from app.services import services_of
from app.stores import stores
from app.wiring import Installation
from indexing.access import LABELS, Access, Role
from indexing.errors import EngineUnavailable
from indexing.ingest import Ingest
from indexing.model import Tenant, Tombstone
from indexing.rebuild import rebuild
from indexing.reconcile import reconcile
from rankers.knowledge import KnowledgeRequest
from tests.unit.test_linking import Counted

Q = "anticoagulation to prevent stroke in atrial fibrillation"
PERIOD = {"start": "2019-03-01", "end": "2021-06-30"}


def study(own: str, title: str, description: str = "", label: str = "", **more: Any) -> Any:
    meta = {"security": [{"code": label, "system":
            "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"}]}  # fmt: skip
    return {
        "resourceType": "ResearchStudy", "id": own, "status": "active", "title": title,
        "description": description or "A study.", **({"meta": meta} if label else {}), **more,
    }  # fmt: skip


FIBRILLATION = study(
    "af", "Apixaban or warfarin",
    "A randomised comparison of oral anticoagulants to prevent stroke in people with atrial "
    "fibrillation, led by Dr Jane Zqleader.",
    condition=[{"text": "Atrial fibrillation", "coding": [{"code": "49436004"}]}],
    focus=[{"coding": [{"code": "1364430", "display": "apixaban"}]}], period=PERIOD,
    primaryPurposeType={"text": "Prevention"}, objective=[{"name": "Stroke within a year"}],
)  # fmt: skip


def put(installation: Installation, tenant: Tenant, *resources: Any) -> None:
    access = Access(tenant.tenant_id, "loader", frozenset({Role.ADMIN}), labels=LABELS)
    for each in resources:
        outcome = Ingest(installation.records, access, ZoneInfo("UTC")).submit(
            json.dumps(each).encode()
        )
        assert outcome[0].rejected is None, outcome[0].rejected
    catch_up(installation, lanes=("vectors",))


def asked(installation: Installation, access: Access, q: str = Q) -> Known:
    return known(services_of(installation), access, KnowledgeRequest(q, k=3, depth=0))


def ids(answer: Known) -> list[str]:
    assert answer.studies is not None
    return [each.study_id for each in answer.studies]


def test_a_study_is_found_by_meaning_as_it_stands(
    installation: Installation, tenant: Tenant, access: Access, new_tenant: Callable[[], Tenant]
) -> None:
    other = study("hip", "Early walking after a broken hip", "Physiotherapy after surgery.")
    secret = study("secret", "Anticoagulants to prevent stroke in atrial fibrillation", label="R")
    put(installation, tenant, FIBRILLATION, other, secret)
    answer = asked(installation, access)
    assert answer.studies is not None
    first = answer.studies[0]
    assert (first.study_id, first.period, first.status) == ("af", "2019–2021", "active")
    assert "atrial fibrillation" in first.text
    assert "secret" not in ids(answer)
    assert ids(asked(installation, access, "broken femur rehabilitation"))[:1] == ["hip"]
    stranger = replace(access, tenant_id=new_tenant().tenant_id)
    assert ids(asked(installation, stranger)) == []
    with installation.database.tenant(tenant.tenant_id) as conn:
        row = conn.execute(
            "SELECT entities FROM audit_event WHERE subtype = 'studies' ORDER BY seq LIMIT 1"
        ).fetchone()
    assert row is not None
    assert "ResearchStudy/af" in row[0]
    held = installation.research.index.entries(tenant.tenant_id)
    assert held == installation.research.studies.versions(tenant.tenant_id)
    assert set(held) == {"ResearchStudy/af", "ResearchStudy/hip"}


def test_a_study_that_changes_is_restricted_or_goes_is_followed(
    installation: Installation, tenant: Tenant, access: Access
) -> None:
    put(installation, tenant, FIBRILLATION)
    put(installation, tenant, study("af", "Walking after a broken hip", "Physiotherapy."))
    assert ids(asked(installation, access)) == []
    assert ids(asked(installation, access, "hip fracture exercise")) == ["af"]
    put(installation, tenant, {**FIBRILLATION, **study("af", "Anticoagulation", label="R")})
    assert installation.research.index.entries(tenant.tenant_id) == {}
    put(installation, tenant, FIBRILLATION)
    assert ids(asked(installation, access)) == ["af"]
    put(installation, tenant, {**FIBRILLATION, "status": "entered-in-error"})
    assert installation.research.index.entries(tenant.tenant_id) == {}
    put(installation, tenant, FIBRILLATION)
    [store] = [each for each in stores(installation) if each.name == "research"]
    installation.research.index.drop(tenant.tenant_id)
    [(before, after)] = reconcile(tenant.tenant_id, installation.derived.live, [store])
    assert (before.missing, after.equal) == (("ResearchStudy/af",), True)
    loader = Access(tenant.tenant_id, "loader", frozenset({Role.ADMIN}), labels=LABELS)
    Ingest(installation.records, loader, ZoneInfo("UTC")).delete("ResearchStudy", "_id=af")
    catch_up(installation, lanes=("vectors",))
    assert installation.research.index.entries(tenant.tenant_id) == {}


@pytest.mark.parametrize("repair", ["reconcile", "rebuild"])
def test_a_study_that_other_rules_open_again_at_the_same_version_comes_back(
    installation: Installation, tenant: Tenant, access: Access, repair: str
) -> None:
    hip = study("hip", "Early walking after a broken hip", "Physiotherapy after surgery.")
    put(installation, tenant, FIBRILLATION, hip)
    [store] = [each for each in stores(installation) if each.name == "research"]
    t = tenant.tenant_id
    # As the follower did when the rules of labels closed it.
    version = store.entries(t)["ResearchStudy/af"]
    installation.research.index.delete(t, [Tombstone("ResearchStudy/af", version)])
    assert ids(asked(installation, access)) == []
    if repair == "reconcile":
        [(before, after)] = reconcile(t, installation.derived.live, [store])
        assert (before.missing, after.equal) == (("ResearchStudy/af",), True)
    else:
        assert rebuild(installation.derived, t, [store], lambda _: None) == {"research": 2}
    assert ids(asked(installation, access)) == ["af"]
    assert store.entries(t) == installation.research.studies.versions(t)


def test_another_encoder_has_every_study_before_it_serves(
    installation: Installation, tenant: Tenant
) -> None:
    put(installation, tenant, FIBRILLATION)
    beside = Installation(installation.settings)
    beside.__dict__["encoder"] = Counted("minilm-l6-studies")
    held = beside.research.index.entries
    assert held(tenant.tenant_id) == {}
    _studied(beside, [tenant])
    put(installation, tenant, {**FIBRILLATION, **study("af", "Anticoagulation", label="R")},
        study("hip", "Walking after a broken hip"))  # fmt: skip
    assert set(held(tenant.tenant_id)) == {"ResearchStudy/af"}
    _studied(beside, [tenant])  # what came in meanwhile
    assert set(held(tenant.tenant_id)) == {"ResearchStudy/hip"}
    assert set(installation.research.index.entries(tenant.tenant_id)) == {"ResearchStudy/hip"}
    beside.close()


def test_a_researcher_reads_no_names_and_a_dead_engine_is_named(
    installation: Installation, tenant: Tenant, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(installation, tenant, FIBRILLATION)
    hidden = asked(installation, replace(access, roles=frozenset({Role.RESEARCHER})))
    assert hidden.studies is not None
    [shown] = hidden.studies
    assert (shown.study_id, shown.title, shown.text) == ("", "Apixaban or warfarin", "")
    assert b"Zqleader" not in json.dumps(hidden.to_json()["studies"]).encode()

    def down(*_: object) -> None:
        raise EngineUnavailable("down")

    monkeypatch.setattr(installation.research.index, "search", down)
    answer = asked(installation, access)
    assert answer.missing == ("studies",)
    assert answer.found.concepts
