"""Outcome models of a tenant: off until turned on, measured, stored with lineage, followed up."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.outlook import Outlook, Registration
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.errors import Conflict, Forbidden, InvalidInput, NotFound
from indexing.ingest import Ingest
from indexing.model import Tenant
from indexing.outlook import RETURN, Switches
from indexing.vitals.model import Span

COUNT = 520
LEFT = datetime(2024, 3, 1, tzinfo=UTC)
NEAREST = Registration("return", "1", RETURN, "By those alike.", "platt")


@pytest.fixture(scope="module")
def access(installation: Installation) -> Access:
    """A tenant of patients with one stay; those with heart failure mostly come back."""
    tenant = Tenant(new_tenant_id(), f"o-{new_tenant_id().hex[:12]}", "H")
    installation.tenants.create(tenant)
    own = Access(tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
    into = Ingest(installation.records, own, ZoneInfo("UTC"))
    for start in range(0, COUNT, 130):
        entries = [e for n in range(start, start + 130) for e in person(n)]
        bundle = {"resourceType": "Bundle", "type": "batch", "entry": [
            {"resource": e, "request": {"method": "PUT", "url": f"{e['resourceType']}/{e['id']}"}}
            for e in entries
        ]}  # fmt: skip
        assert all(o.rejected is None for o in into.submit(json.dumps(bundle).encode()))
    return own


def person(number: int) -> list[dict[str, Any]]:
    who = {"reference": f"Patient/p{number}"}
    ill = number % 2 == 0
    back = (number // 2) % 5 != 0 if ill else (number // 2) % 5 == 0

    def stay(name: str, start: datetime, days: int) -> dict[str, Any]:
        period = {"start": start.isoformat(), "end": (start + timedelta(days=days)).isoformat()}
        kind = {"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "IMP"}
        return {"resourceType": "Encounter", "id": f"{name}{number}", "status": "finished",
                "class": kind, "subject": who, "period": period}  # fmt: skip

    def condition(name: str, at: datetime) -> dict[str, Any]:
        return {"resourceType": "Condition", "id": f"{name[:2]}{number}", "subject": who,
                "code": {"text": name}, "onsetDateTime": at.isoformat()}  # fmt: skip

    found = [
        {
            "resourceType": "Patient",
            "id": f"p{number}",
            "gender": "male",
            "birthDate": "1950-01-01",
        },
        stay("first", LEFT - timedelta(days=5), 5),
        condition("Heart failure" if ill else "Fracture", LEFT - timedelta(days=5)),
        condition(f"Z{number % 5}", LEFT - timedelta(days=9)),
        condition("Later finding", LEFT + timedelta(days=30)),
    ]
    if back:
        found.append(stay("again", LEFT + timedelta(days=20), 3))
    if number == 0:
        found.append(stay("last", LEFT + timedelta(days=200), 1))
    return found


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


def _field(number: int, value: bytes | str | int) -> bytes:
    """Write one field of a protocol buffer: a number, or bytes by their length."""
    if isinstance(value, int):
        return bytes([number << 3]) + _varint(value)
    raw = value.encode() if isinstance(value, str) else value
    return bytes([number << 3 | 2]) + _varint(len(raw)) + raw


def _varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def onnx_model(features: list[str], operator: str = "Sigmoid", domain: str = "") -> bytes:
    """Write a model of one operator over one column. Source: onnx.proto."""
    shape = _field(1, _field(2, "n")) + _field(1, _field(1, 1))
    tensor = _field(2, _field(1, _field(1, 1) + _field(2, shape)))
    node = _field(1, "x") + _field(2, "y") + _field(4, operator)
    node += _field(7, domain) if domain else b""
    graph = _field(1, node) + _field(2, "g")
    graph += _field(11, _field(1, "x") + tensor) + _field(12, _field(1, "y") + tensor)
    named = _field(14, _field(1, "features") + _field(2, json.dumps(features)))
    opset = _field(8, _field(1, "") + _field(2, 13))
    return _field(1, 7) + opset + _field(7, graph) + named


def test_an_onnx_file_is_registered_by_its_digest_and_asked(own: Outlook) -> None:
    body = onnx_model(["Heart failure"])
    card = own.register(Registration("file", "9", RETURN, "", body=body))
    assert card.kind == "onnx"
    assert len(card.digest) == 64
    own.store.switch(own.access, Switches(predictions=True))
    told = {each: own.predict(each, RETURN).chance for each in ("p2", "p3")}
    assert told == {"p2": pytest.approx(0.7311, abs=1e-3), "p3": pytest.approx(0.5)}


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
    from rankers.onnx_risk import OnnxRisk
    from rankers.outcomes import KnownPatient

    with pytest.raises(InvalidInput, match="not a model that can be used"):
        OnnxRisk(body).chances([KnownPatient("", frozenset({"a"}), 1, "")])
