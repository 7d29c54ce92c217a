"""A Bundle that is kept whole: it tells of no erased patient, and is as closed as what it holds."""

from __future__ import annotations

import json
from typing import Any
from zoneinfo import ZoneInfo

from app.erasing import alone, by_operator, eraser
from app.wiring import Installation
from indexing.access import LABELS, Access, Role
from indexing.fhir.labels import labels_of
from indexing.ingest import Ingest, Outcome
from tests import erased_ward
from tests.attack import Hospital, person
from tests.erased_ward import GONE, OTHER, STAYS, WORD, plain_scan

AT = "urn:uuid:0f1e2d3c-0000-4000-8000-00000000000a"


def kept(installation: Installation, hospital: Hospital, bundle: dict[str, Any]) -> Outcome:
    own = Access(hospital.tenant.tenant_id, "dr", frozenset({Role.ADMIN}), labels=LABELS)
    into = Ingest(installation.records, own, ZoneInfo("UTC"))
    return into.submit(json.dumps(bundle).encode(), request={})[0]


def bundle(*entries: dict[str, Any], own: str = "held") -> dict[str, Any]:
    return {"resourceType": "Bundle", "id": own, "type": "collection", "entry": list(entries)}


def observed(subject: str, word: str) -> dict[str, Any]:
    return {
        "resourceType": "Observation", "status": "final", "code": {"text": word},
        "subject": {"reference": subject}, "note": [{"text": f"{word} said so"}],
    }  # fmt: skip


def test_a_kept_bundle_tells_of_no_erased_patient(installation: Installation) -> None:
    hospital = erased_ward.build(installation)
    tenant_id = hospital.tenant.tenant_id
    of_both = bundle(
        {"fullUrl": AT, "resource": person(GONE, WORD)},
        {"resource": observed(AT, WORD)},
        {"resource": observed(f"Patient/{GONE}", WORD)},
        {"resource": bundle({"resource": person(GONE, WORD)}, own="inner")},
        {"response": {"status": "201", "location": f"Patient/{GONE}/_history/1"}},
        {"resource": person(STAYS, OTHER)},
        {"resource": observed(f"Patient/{STAYS}", OTHER)},
    )
    assert kept(installation, hospital, of_both).rejected is None
    assert kept(installation, hospital, {**of_both, "type": "document"}).rejected is None
    with alone(installation):
        _, proof = eraser(installation).erase(by_operator(tenant_id, "op"), GONE, "request 17")
    assert [store for store in proof.stores if not store.clean] == []
    for needle in (GONE, WORD):
        assert plain_scan(installation, tenant_id, needle) == [], needle
    left = installation.records.read(by_operator(tenant_id, "op"), "Bundle", "held")
    told = [entry["resource"] for entry in json.loads(left.received)["entry"]]
    assert [each["resourceType"] for each in told] == ["Bundle", "Patient", "Observation"]
    assert told[0]["entry"] == []
    assert told[2]["note"] == [{"text": f"{OTHER} said so"}]
    for again in (bundle({"resource": person(GONE, WORD)}), of_both):
        refused = kept(installation, hospital, {**again, "id": "again"}).rejected
        assert refused is not None
        assert "erased" in refused.reason


def test_a_bundle_is_as_closed_as_what_it_holds() -> None:
    security = [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}]
    closed = {**observed("Patient/p", "x"), "meta": {"security": security}}
    assert labels_of(bundle({"resource": closed})) == {"V"}
    assert labels_of(bundle({"resource": bundle({"resource": closed})})) == {"V"}
    assert labels_of(bundle({"resource": observed("Patient/p", "x")}, {})) == frozenset()


def test_whom_a_bundle_names_by_an_address_alone_is_erased_from_it(
    installation: Installation,
) -> None:
    hospital = erased_ward.build(installation)
    tenant_id = hospital.tenant.tenant_id
    away = f"https://ward.example/fhir/Patient/{GONE}"
    stays = {"resource": observed(f"Patient/{STAYS}", OTHER)}
    by_reference = bundle({"resource": observed(away, WORD)}, stays, own="by-reference")
    by_place = bundle({"response": {"status": "201", "location": away}}, stays, own="by-place")
    within = bundle({"resource": by_reference}, own="within")
    each = (by_reference, by_place, within)
    assert all(kept(installation, hospital, one).rejected is None for one in each)
    with alone(installation):
        _, proof = eraser(installation).erase(by_operator(tenant_id, "op"), GONE, "request 18")
    assert [store for store in proof.stores if not store.clean] == []
    for own in ("by-reference", "by-place"):
        left = installation.records.read(by_operator(tenant_id, "op"), "Bundle", own)
        assert json.loads(left.received)["entry"] == [stays], own
    refused = [kept(installation, hospital, {**one, "id": "again"}).rejected for one in each]
    assert all(one is not None and "erased" in one.reason for one in refused)


def test_bundles_in_bundles_cost_no_more_than_they_are_long() -> None:
    """Each level once: asked anew by every level above it, forty took days."""
    found = observed("Patient/p", "x")
    for _ in range(40):
        found = bundle({"resource": found})
    assert labels_of(found) == frozenset()
