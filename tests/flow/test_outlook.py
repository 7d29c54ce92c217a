"""Outcome models of a tenant: off until turned on, measured, stored with lineage, followed up."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient

from app.following import catch_up
from app.outlook import Outlook, Registration
from app.predictions import words_of
from app.services import services_of
from app.web import create_app
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.backends.postgres.watched import WatchedVitals
from indexing.errors import Conflict, Forbidden, IntegrityFault, InvalidInput, NotFound
from indexing.ingest import Ingest
from indexing.medical_graph import NodeKind, Relation
from indexing.model import Tenant
from indexing.outlook import ACUTE, RETURN, Switches
from indexing.vitals.model import SeriesKey, Span, batch_of, micros
from rankers.onnx_risk import OnnxRisk
from rankers.outcomes import KnownPatient
from tests.leavers import COUNT, LEFT, found
from tests.onnx_files import field, onnx_model

NEAREST = Registration("return", "1", RETURN, "By those alike.", "platt")
NEAREST_AGAIN = Registration("return", "again", RETURN, "", "platt")


@pytest.fixture(scope="module")
def access(installation: Installation) -> Access:
    return found(installation)


@pytest.fixture
def own(installation: Installation, access: Access) -> Outlook:
    return Outlook(installation, access)


def test_outcomes_are_of_the_first_stay_and_nothing_later_is_a_feature(own: Outlook) -> None:
    found = {o.patient_id: o for o in own.store.outcomes(own.access)}
    assert len(found) == COUNT
    assert found["p2"].happened is True
    assert found["p3"].happened is False
    assert found["p2"].features == {"Heart failure", "Z2"}
    assert found["p2"].age == 74
    [now] = own.store.outcomes(own.access, ["p2"], now=True)
    assert "Later finding" in now.features
    # The stay itself is none of the visits before it; before the newest stay there was one.
    assert {each.visits for each in own.store.outcomes(own.access)} == {0}
    assert now.visits == 1


def test_a_year_is_looked_ahead_from_the_same_day_for_everybody(own: Outlook) -> None:
    found = {o.patient_id: o for o in own.store.outcomes(own.access, kind_of=ACUTE)}
    # The newest record is p0's last stay, in September; a year before it nobody had been seen.
    assert found == {}
    now = own.store.outcomes(own.access, ["p2"], now=True, kind_of=ACUTE)
    assert [each.happened for each in now] == [None]


def test_everything_is_off_until_the_tenant_turns_it_on(own: Outlook) -> None:
    assert own.store.switches(own.access) == Switches()
    with pytest.raises(Forbidden, match="off for this tenant"):
        own.predict("p2", RETURN)


def test_a_prediction_is_told_stored_written_back_and_followed_up(
    own: Outlook, installation: Installation
) -> None:
    card = own.register(NEAREST)
    assert card.metrics["error"] < 0.1
    assert card.metrics["low"] > 0
    own.store.switch(own.access, Switches(predictions=True))
    ill, well = own.predict("p2", RETURN), own.predict("p3", RETURN)
    assert ill.chance is not None
    assert well.chance is not None
    assert ill.chance > 0.6 > 0.4 > well.chance
    assert ill.low <= ill.chance <= ill.high
    assert "p2" not in ill.evidence["alike"]
    held = installation.records.read(own.access, "RiskAssessment", ill.prediction_id)
    told = json.loads(held.received)
    assert told["subject"] == {"reference": "Patient/p2"}
    assert told["method"] == {"text": "return 1"}
    installation.records.read(own.access, "Provenance", f"{ill.prediction_id}-provenance")
    [series] = installation.vitals.points(own.access, ["p2"], Span(kinds=[RETURN]))
    assert series.value.tolist() == [ill.chance]
    assert series.key.device == "return/1"
    assert own.follow_up(card) == {"told": 2, "withheld": 0, "known": 0}
    with pytest.raises(Conflict):
        own.register(NEAREST)
    with pytest.raises(NotFound):
        own.predict("nobody", RETURN)


def test_what_was_told_joins_the_graph_the_vector_and_fhir(
    own: Outlook, installation: Installation
) -> None:
    card = own.register(Registration("lineage", "1", RETURN, "", "platt"))
    own.store.switch(own.access, Switches(predictions=True))
    told = own.predict("p6", RETURN)
    catch_up(installation, tenants=[own.access.tenant_id])
    found, _ = installation.everybody.medical.questions.patient(own.access, ["p6"], 3)
    kinds = {placed.node.node_id: placed.node.kind for placed in found.nodes}
    edges = {(kinds[e.source], e.relation, kinds[e.target]) for e in found.edges}
    prediction, model = NodeKind.PREDICTION, NodeKind.AI_MODEL
    assert {
        (model, Relation.GENERATES, prediction), (prediction, Relation.GENERATED_BY, model),
        (prediction, Relation.APPLIES_TO, NodeKind.PATIENT),
        (prediction, Relation.PREDICTS, NodeKind.CONDITION),
        (model, Relation.TRAINED_ON, NodeKind.TENANT),
    } <= edges  # fmt: skip
    trained = [e for e in found.edges if e.relation is Relation.TRAINED_ON]
    assert {e.properties["patients"] for e in trained} == {float(card.training["patients"])}
    table = installation.patients.neighbours.index(own.access.tenant_id).table
    vector = table.profile(table.number_of["p6"]).observed
    [feature] = [each for each in vector if each.startswith("OUTLOOK:")]
    assert feature == "OUTLOOK:return90:higher than among all patients here"
    assert table.names[feature].endswith("(told by a model)")
    assert feature not in own.store.outcomes(own.access, ["p6"], now=True)[0].features
    [shown] = own.store.told_of(own.access, "p6", 5)
    assert shown.prediction_id == told.prediction_id


def test_what_was_told_of_a_merged_chart_follows_it(
    own: Outlook, installation: Installation
) -> None:
    card = own.register(Registration("merged", "1", RETURN, "", "platt"))
    own.store.switch(own.access, Switches(predictions=True))
    told = own.predict("p10", RETURN)  # who stayed away, but p8 came back
    link = {"type": "replaced-by", "other": {"reference": "Patient/p8"}}
    gone = {"resourceType": "Patient", "id": "p10", "active": False, "link": [link]}
    into = Ingest(installation.records, own.access, ZoneInfo("UTC"))
    assert all(o.rejected is None for o in into.submit(json.dumps(gone).encode()))
    [followed] = own.store.told_of(own.access, "p8", 5)
    assert followed.prediction_id == told.prediction_id
    both = own.store.outcomes(own.access, ["p8"], now=True)[0]
    assert {"Heart failure", "Z3", "Z0"} <= both.features
    with installation.database.tenant(own.access.tenant_id) as conn:
        conn.execute(
            "UPDATE outlook_prediction SET made_at = %s WHERE tenant_id = %s AND model = %s",
            (LEFT, own.access.tenant_id, card.name),
        )
    own.fill_in(card)
    assert own.store.told(own.access, card)[0].actual is True


def test_what_was_told_is_drawn_and_listed_while_predictions_are_on(
    own: Outlook, installation: Installation
) -> None:
    watched = WatchedVitals(installation.vitals, installation.database)
    now = datetime.now(UTC).replace(microsecond=0)
    told = SeriesKey("prediction", "p2", RETURN, "1", "return/1", "", "model")
    pulse = SeriesKey("vital_signs", "p2", "heart_rate", "/min")
    batch = batch_of([told, pulse], [0, 1], [micros(now)] * 2, [0.4, 70.0])
    installation.vitals.write(own.access.tenant_id, batch)
    end = now + timedelta(minutes=1)

    def shown() -> list[set[str]]:
        access = own.access
        found = (
            watched.points(access, ["p2"], Span()), watched.extents(access, ["p2"]),
            watched.rollups(access, ["p2"], Span()), watched.courses(access, "p2", Span()),
            [*watched.window(access, RETURN, now, end),
             *watched.window(access, "heart_rate", now, end)],
        )  # fmt: skip
        return [{each.key.measurement for each in one} for one in found]

    for on in (False, True, False, True):
        own.store.switch(own.access, Switches(predictions=on))
        assert shown() == [{"vital_signs", "prediction"} if on else {"vital_signs"}] * 5


def test_a_prediction_is_asked_for_over_http_and_read_as_fhir(
    own: Outlook, installation: Installation
) -> None:
    own.register(Registration("http", "1", RETURN, "", "platt"))
    own.store.switch(own.access, Switches(predictions=True))
    services, tenant = services_of(installation), own.access.tenant_id
    user = services.accounts.create(tenant, "ann", [Role.CLINICIAN], "none")
    token = services.accounts.create_token(tenant, user, timedelta(days=1))[1]
    head = {"Authorization": f"Bearer {token}"}
    with TestClient(create_app(services), base_url="http://127.0.0.1:8080") as client:
        told = client.post("/api/patients/p12/predict", json={}, headers=head)
        assert told.status_code == 200, told.text
        made = told.json()
        assert "This says how others fared, not what will be." in made["words"]
        name = made["prediction"]["prediction_id"]
        risk = client.get(f"/fhir/RiskAssessment/{name}", headers=head).json()
        assert risk["prediction"][0]["qualitativeRisk"]["text"].startswith("higher")
        source = client.get(f"/fhir/Provenance/{name}-provenance", headers=head).json()
        assert source["target"] == [{"reference": f"RiskAssessment/{name}"}]
        found = client.get("/fhir/RiskAssessment?subject=Patient/p12", headers=head).json()
        assert found["total"] == 1
        view = client.get("/api/patients/p12/view", headers=head).json()
        [shown] = view["parts"]["outlook"]["body"]["told"]
        assert shown["risk_assessment"] == f"RiskAssessment/{name}"
        assert shown["words"] == made["words"]
        page = client.get("/api/models/http/1", headers=head).json()
        assert page["lineage"]["patients"] == 1
        assert len(page["calibration"]) == 10
        assert client.get("/api/models/none/1", headers=head).status_code == 404
        assert client.post("/api/patients/p12/predict", json={"type": "x"}, headers=head
                           ).status_code == 404  # fmt: skip


def test_what_happened_is_filled_in_when_the_time_is_up(
    own: Outlook, installation: Installation
) -> None:
    card = own.register(Registration("later", "1", RETURN, "", "platt"))
    own.store.switch(own.access, Switches(predictions=True))
    told = own.predict("p4", RETURN)
    with installation.database.tenant(own.access.tenant_id) as conn:
        conn.execute(
            "UPDATE outlook_prediction SET made_at = %s WHERE tenant_id = %s "
            "AND prediction_id = %s", (LEFT, own.access.tenant_id, told.prediction_id)
        )  # fmt: skip
    assert own.follow_up(card)["known"] == 1
    assert own.store.told(own.access, card)[0].actual is True


def test_a_closed_patient_speaks_to_nobody(own: Outlook, installation: Installation) -> None:
    few = Access(own.access.tenant_id, "dr", own.access.roles, patients=frozenset({"p1", "p2"}))
    found = Outlook(installation, few).store.outcomes(few)
    assert {o.patient_id for o in found} == {"p1", "p2"}


@pytest.mark.parametrize("body", [b"", b"\x80\x04pickle", b"not a model at all" * 100])
def test_a_file_that_is_not_what_it_says_is_refused(own: Outlook, body: bytes) -> None:
    with pytest.raises(InvalidInput, match="not a model that can be used"):
        own.register(Registration("file", "1", RETURN, "", body=body))


def test_an_onnx_file_is_registered_by_its_digest_and_asked(own: Outlook) -> None:
    body = onnx_model(["Heart failure"])
    card = own.register(Registration("file", "9", RETURN, "", body=body))
    assert card.kind == "onnx"
    assert len(card.digest) == 64
    own.store.switch(own.access, Switches(predictions=True))
    told = {each: own.predict(each, RETURN).chance for each in ("p2", "p3")}
    assert told["p2"] == pytest.approx(0.7311, abs=1e-3)
    assert told["p3"] is None  # it has nothing that the model looks at
    assert COUNT // 2 <= card.metrics["withheld"] < COUNT // 2 + 10
    [shown] = own.store.told_of(own.access, "p3", 1)
    assert "nothing is known" in shown.why


def test_a_file_tells_what_moved_it_and_what_happened_to_those_told_alike(own: Outlook) -> None:
    said = "4,000 stays of another hospital"
    body = onnx_model(["Heart failure"])
    card = own.register(Registration("grounds", "1", RETURN, "", body=body, training=said))
    assert card.training["elsewhere"] == said
    own.store.switch(own.access, Switches(predictions=True))
    told = own.predict("p4", RETURN)
    assert told.evidence["moved"] == [["Heart failure", pytest.approx(0.2311, abs=1e-3)]]
    measured = card.metrics["held_out"] - card.metrics["withheld"]
    assert told.evidence["measured"] == measured > COUNT // 2 - 10
    assert told.low < 0.8 < told.high  # four of five of them came back
    words = words_of(told)
    assert "73 in 100 by the model" in words
    assert f"Of the {measured} patients here of whom it told as much" in words


def test_a_model_is_taken_out_of_force_and_put_back(own: Outlook) -> None:
    first = own.register(Registration("turn", "1", RETURN, "", "platt"))
    own.register(Registration("turn", "2", RETURN, "", "platt"))
    assert own.store.active(own.access, RETURN)[0].version == "2"
    own.store.put(own.access, first)
    assert own.store.active(own.access, RETURN)[0].version == "1"
    states = {c.version: c.status for c in own.store.models(own.access) if c.name == "turn"}
    assert states == {"1": "active", "2": "retired"}
    own.store.put(own.access, replace(first, status="retired"))
    with pytest.raises(NotFound):
        own.store.active(own.access, RETURN)
    own.store.put(own.access, first)


@pytest.mark.parametrize("outside", ["secret.bin", "../secret.bin", "/etc/hostname"])
def test_a_file_reads_nothing_that_lies_outside_of_it(
    outside: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "in").mkdir()
    for folder in (tmp_path, tmp_path / "in"):
        (folder / "secret.bin").write_bytes(bytes(4))
    monkeypatch.chdir(tmp_path / "in")
    parts = (("location", outside), ("offset", "0"), ("length", "4"))
    said = b"".join(field(13, field(1, name) + field(2, text)) for name, text in parts)
    weight = field(1, 1) + field(2, 1) + field(8, "w") + said + field(14, 1)
    with pytest.raises(InvalidInput, match="not a model that can be used"):
        OnnxRisk(onnx_model(["a"], "Mul", weight=weight))


def test_a_file_tells_nothing_of_somebody_unlike_those_it_was_measured_on(
    own: Outlook, installation: Installation
) -> None:
    own.register(Registration("aged", "1", RETURN, "", body=onnx_model(["Heart failure"])))
    own.store.switch(own.access, Switches(predictions=True))
    stranger = [
        {"resourceType": "Patient", "id": "stranger", "gender": "unknown"},
        *({"resourceType": "Condition", "id": f"strange{n}", "code": {"text": f"Oddity {n}"},
           "subject": {"reference": "Patient/stranger"}} for n in range(40)),
        {"resourceType": "Condition", "id": "strange", "code": {"text": "Heart failure"},
         "subject": {"reference": "Patient/stranger"}},
    ]  # fmt: skip
    into = Ingest(installation.records, own.access, ZoneInfo("UTC"))
    for each in stranger:
        assert into.submit(json.dumps(each).encode())[0].rejected is None
    told = own.predict("stranger", RETURN)
    assert told.chance is None
    assert "unlike those" in told.why


def test_a_file_that_was_changed_since_is_refused(own: Outlook, installation: Installation) -> None:
    own.register(Registration("pinned", "1", RETURN, "", body=onnx_model(["Heart failure"])))
    own.store.switch(own.access, Switches(predictions=True))
    with installation.database.tenant(own.access.tenant_id) as conn:
        conn.execute(
            "UPDATE outlook_model SET body = %s WHERE tenant_id = %s AND name = 'pinned'",
            (onnx_model(["Fracture"]), own.access.tenant_id),
        )
    with pytest.raises(IntegrityFault, match="was changed"):
        own.predict("p2", RETURN)
    own.register(NEAREST_AGAIN)  # retires it


@pytest.mark.parametrize(
    "body",
    [
        onnx_model(["a", "b"]),  # names more columns than it takes
        onnx_model(["a"], "Exp"),  # e to the 0 is 1, to the 1 no chance
        onnx_model(["a"], "Run", "evil.example"),  # an operator that is not ONNX Runtime's
        onnx_model([]),
    ],
)
def test_a_model_that_does_not_fit_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidInput, match="not a model that can be used"):
        OnnxRisk(body).chances([KnownPatient("", frozenset({"a"}), 1, "")])


def test_the_year_counts_from_its_day_the_living_and_what_was_known_then(
    installation: Installation, access: Access
) -> None:
    own = Access(new_tenant_id(), "dr", access.roles)
    installation.tenants.create(Tenant(own.tenant_id, f"y-{own.tenant_id.hex[:12]}", "Y"))
    into = Ingest(installation.records, own, ZoneInfo("UTC"))

    def met(who: str, day: str, kind: str) -> dict[str, Any]:
        return {
            "resourceType": "Encounter", "id": f"{who}-{day}", "status": "finished",
            "class": {"code": kind}, "subject": {"reference": f"Patient/{who}"},
            "period": {"start": f"{day}T10:00:00Z", "end": f"{day}T11:00:00Z"},
        }  # fmt: skip

    sent = [
        {"resourceType": "Patient", "id": "ill", "birthDate": "1950"},
        {"resourceType": "Patient", "id": "well", "birthDate": "1950"},
        {"resourceType": "Patient", "id": "dies", "deceasedDateTime": "2024-02-01"},
        {"resourceType": "Patient", "id": "dead", "deceasedDateTime": "2020-02-01"},
        {"resourceType": "Patient", "id": "unseen"},
        {"resourceType": "Condition", "id": "late", "code": {"text": "Late finding"},
         "subject": {"reference": "Patient/ill"}, "onsetDateTime": "2024-01-05"},
        *(met(who, "2019-01-01", "AMB") for who in ("ill", "well", "dies", "dead")),
        met("ill", "2024-03-01", "EMER"), met("well", "2024-03-01", "AMB"),
        met("unseen", "2024-12-31", "AMB"),  # the newest record: the year begins 366 days before
    ]  # fmt: skip
    for each in sent:
        assert into.submit(json.dumps(each).encode())[0].rejected is None
    found = {o.patient_id: o for o in Outlook(installation, own).store.outcomes(own, kind_of=ACUTE)}
    assert {name: each.happened for name, each in found.items()} == {
        "ill": True, "well": False, "dies": True,
    }  # fmt: skip
    # Of the year before that day nobody has a visit; of the year before now, each has one.
    assert {name: each.visits for name, each in found.items()} == dict.fromkeys(found, 0)
    now = Outlook(installation, own).store.outcomes(own, ["ill", "dies"], now=True, kind_of=ACUTE)
    assert {each.patient_id: each.visits for each in now} == {"ill": 1, "dies": 0}
    assert found["ill"].features == frozenset()
