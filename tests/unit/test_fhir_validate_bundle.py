"""The validator: Bundles and Parameters, and what stands between their resources."""

from __future__ import annotations

from typing import Any

import pytest

from indexing.fhir.validate import check, validate

PATIENT = {"resourceType": "Patient", "id": "1", "name": [{"family": "Lee"}]}
BASE = "http://server.test/fhir/"


def errors(resource: dict[str, Any]) -> list[tuple[str, str]]:
    return [(i.path, i.reason) for i in validate(resource) if i.severity == "error"]


def bundle(kind: str, *entries: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": kind, **rest, "entry": list(entries)}


def composition(**rest: Any) -> dict[str, Any]:
    return {
        "resourceType": "Composition",
        "id": "c",
        "status": "final",
        "type": {"text": "note"},
        "subject": {"reference": "Patient/1"},
        "date": "2020",
        "author": [{"reference": "Patient/1"}],
        "title": "t",
        **rest,
    }


def document(*more: dict[str, Any], **rest: Any) -> dict[str, Any]:
    return bundle(
        "document",
        {"fullUrl": BASE + "Composition/c", "resource": composition(**rest)},
        {"fullUrl": BASE + "Patient/1", "resource": PATIENT},
        *more,
        identifier={"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3"},
        timestamp="2020-01-01T00:00:00Z",
    )


def test_a_document_that_hangs_together() -> None:
    assert errors(document()) == []


def test_a_document_without_what_it_points_at() -> None:
    section = [{"title": "x", "entry": [{"reference": "Condition/9"}]}]
    found = errors(document(section=section))
    assert [path for path, _ in found] == ["Bundle.entry[0].resource.section"]


def test_an_entry_that_nothing_leads_to() -> None:
    stray = {"fullUrl": BASE + "Patient/2", "resource": {**PATIENT, "id": "2"}}
    assert [path for path, _ in errors(document(stray))] == ["Bundle.entry[2]"]


def test_a_document_begins_with_its_composition() -> None:
    entry = {"fullUrl": BASE + "Patient/1", "resource": PATIENT}
    assert any(reason.startswith("bdl-11") for _, reason in errors(bundle("document", entry)))


@pytest.mark.parametrize(
    ("full_url", "fine"),
    [
        (BASE + "Patient/1", True),
        ("urn:uuid:87e11d66-c137-458a-9754-fe6c4e445a6d", True),
        (BASE + "Patient/2", False),
        (BASE + "Group/1", False),
        ("Patient/1", False),
    ],
)
def test_full_urls(full_url: str, fine: bool) -> None:
    found = errors(bundle("collection", {"fullUrl": full_url, "resource": PATIENT}))
    assert (found == []) is fine


def test_full_urls_stand_once() -> None:
    entry = {"fullUrl": BASE + "Patient/1", "resource": PATIENT}
    assert any(
        reason.startswith("bdl-7") for _, reason in errors(bundle("collection", entry, entry))
    )


def test_a_collection_needs_full_urls_and_a_transaction_does_not() -> None:
    assert errors(bundle("collection", {"resource": PATIENT}))
    request = {"method": "POST", "url": "Patient"}
    assert errors(bundle("transaction", {"resource": PATIENT, "request": request})) == []


URN = "urn:uuid:87e11d66-c137-458a-9754-fe6c4e445a6d"


@pytest.mark.parametrize(
    ("reference", "fine"), [(URN, True), (URN[:-1] + "e", False), ("Patient/77", True)]
)
def test_references_inside_a_transaction(reference: str, fine: bool) -> None:
    request = {"method": "POST", "url": "x"}
    condition = {"resourceType": "Condition", "subject": {"reference": reference}}
    found = errors(
        bundle(
            "transaction",
            {"fullUrl": URN, "resource": PATIENT, "request": request},
            {"resource": condition, "request": request},
        )
    )
    assert (found == []) is fine


def test_a_urn_must_lead_to_an_allowed_type() -> None:
    request = {"method": "POST", "url": "x"}
    device = {"resourceType": "Device"}
    condition = {"resourceType": "Condition", "subject": {"reference": URN}}
    found = errors(
        bundle(
            "transaction",
            {"fullUrl": URN, "resource": device, "request": request},
            {"resource": condition, "request": request},
        )
    )
    assert [path for path, _ in found] == ["Bundle.entry[1].resource.subject"]


def search(*entries: dict[str, Any], url: str = "http://s.test/Patient?name=x") -> dict[str, Any]:
    link = [{"relation": "self", "url": url}]
    return bundle("searchset", *entries, link=link)


def result(resource: dict[str, Any], mode: str) -> dict[str, Any]:
    return {"fullUrl": "urn:oid:1.2.3", "resource": resource, "search": {"mode": mode}}


@pytest.mark.parametrize(
    ("resource", "mode", "fine"),
    [
        (PATIENT, "match", True),
        ({"resourceType": "Patient"}, "match", False),
        ({"resourceType": "Basic", "id": "b", "code": {"text": "x"}}, "match", False),
        ({"resourceType": "Basic", "id": "b", "code": {"text": "x"}}, "include", True),
        (PATIENT, "outcome", False),
    ],
)
def test_search_results(resource: dict[str, Any], mode: str, fine: bool) -> None:
    assert (errors(search(result(resource, mode))) == []) is fine


def test_links_of_one_relation_stand_once() -> None:
    link = [{"relation": "self", "url": "http://s.test/x"}] * 2
    assert errors(bundle("collection", {"fullUrl": URN, "resource": PATIENT}, link=link))


def test_an_entry_is_judged_where_it_stands_or_left_out() -> None:
    bad = {"resourceType": "Patient", "birthDate": "never"}
    whole = bundle("collection", {"fullUrl": URN, "resource": bad})
    assert [i.path for i in check(whole).unsafe] == ["Bundle.entry[0].resource.birthDate"]
    assert check(whole, entries=False).issues == ()


def test_parameters_that_bring_one_patient_and_speak_of_another() -> None:
    def sent(patient: str) -> dict[str, Any]:
        coverage = {
            "resourceType": "Coverage",
            "status": "active",
            "beneficiary": {"reference": f"Patient/{patient}"},
            "payor": [{"display": "x"}],
        }
        parameters = [{"name": "p", "resource": PATIENT}, {"name": "c", "resource": coverage}]
        return {"resourceType": "Parameters", "parameter": parameters}

    assert errors(sent("1")) == []
    assert [path for path, _ in errors(sent("2"))] == [
        "Parameters.parameter[1].resource.beneficiary"
    ]
