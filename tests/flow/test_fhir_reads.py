"""FHIR reads over HTTP: search, paging, includes, $everything, history, capabilities."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import OperationOutcome

from app.web import create_app
from app.wiring import Installation
from indexing.access import Role
from indexing.backends.postgres.fhir_search import PostgresFhirSearch
from tests.ward import Ward

SITE = "http://127.0.0.1:8080"
Json = dict[str, Any]
MANY = [
    {
        "resourceType": "Group", "id": "g-both", "type": "person", "actual": True,
        "member": [
            {"entity": {"reference": "Patient/p-ada"}}, {"entity": {"reference": "Patient/p-ben"}}
        ],
    },
    {"resourceType": "Practitioner", "id": "dr-quill", "name": [{"family": "Quill"}]},
    {
        "resourceType": "Encounter", "id": "e-ada", "status": "finished",
        "class": {"code": "AMB"}, "subject": {"reference": "Patient/p-ada"},
        "participant": [{"individual": {"reference": "Practitioner/dr-quill"}}],
        "period": {"start": "2024-03-02", "end": "2024-03-02"},
    },
    {
        "resourceType": "Appointment", "id": "ap-both", "status": "booked",
        "participant": [
            {"actor": {"reference": "Patient/p-ada"}, "status": "accepted"},
            {"actor": {"reference": "Patient/p-ben"}, "status": "accepted"},
        ],
    },
    {
        "resourceType": "Observation", "id": "o-secret", "status": "final",
        "meta": {"security": [{
            "system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R",
        }]},
        "code": {"coding": [{"code": "secret"}]}, "subject": {"reference": "Patient/p-ada"},
    },
]  # fmt: skip


@pytest.fixture(scope="module")
def client(ward: Ward) -> Iterator[TestClient]:
    with TestClient(create_app(ward.services), base_url=SITE) as opened:
        opened.headers["Authorization"] = f"Bearer {ward.token(Role.CLINICIAN)}"
        for resource in MANY:
            path = f"/fhir/{resource['resourceType']}/{resource['id']}"
            answer = opened.put(path, content=json.dumps(resource))
            assert answer.status_code == 201, answer.text
        yield opened


def ids(bundle: Json, mode: str = "match") -> list[str]:
    return [
        f"{e['resource']['resourceType']}/{e['resource']['id']}"
        for e in bundle.get("entry", [])
        if e["search"]["mode"] == mode
    ]


def link(bundle: Json, relation: str) -> str | None:
    return next((x["url"] for x in bundle["link"] if x["relation"] == relation), None)


def test_a_search_answers_a_searchset_with_its_total(client: TestClient) -> None:
    bundle = client.get("/fhir/Observation?code=718-7&subject=p-ada").json()
    assert (bundle["type"], bundle["total"]) == ("searchset", 3)
    assert ids(bundle) == [f"Observation/o-{year}" for year in (2021, 2022, 2023)]
    assert client.post(
        "/fhir/Observation/_search", data={"code": "718-7", "subject": "p-ada"}
    ).json()["total"] == 3  # fmt: skip


def test_paging_never_shifts_and_no_address_holds_the_question(client: TestClient) -> None:
    bundle = client.get("/fhir/Observation?code=718-7&_count=1&_sort=-date").json()
    seen = ids(bundle)
    later = {"resourceType": "Observation", "id": "o-1999", "status": "final",
             "subject": {"reference": "Patient/p-ada"}, "effectiveDateTime": "2030-01-01",
             "code": {"coding": [{"code": "718-7"}]}}  # fmt: skip
    client.put("/fhir/Observation/o-1999", content=json.dumps(later))
    try:
        while following := link(bundle, "next"):
            assert "718-7" not in following
            assert "p-ada" not in following
            bundle = client.get(following).json()
            seen += ids(bundle)
    finally:
        client.delete("/fhir/Observation/o-1999")
    assert seen == [f"Observation/o-{year}" for year in (2023, 2022, 2021)]


def test_what_one_search_cannot_keep_is_told(
    client: TestClient, ward: Ward, installation: Installation
) -> None:
    few = PostgresFhirSearch(installation.database, timedelta(hours=1), most=2)
    with TestClient(create_app(replace(ward.services, fhir=few)), base_url=SITE) as other:
        other.headers["Authorization"] = f"Bearer {ward.token(Role.CLINICIAN)}"
        bundle = other.get("/fhir/Observation?code=718-7").json()
    assert (bundle["total"], len(ids(bundle))) == (3, 2)
    assert "1 left out" in bundle["entry"][-1]["resource"]["issue"][0]["diagnostics"]


def test_a_frozen_page_is_its_owners(client: TestClient, ward: Ward) -> None:
    bundle = client.get("/fhir/Observation?_count=1").json()
    other = {"Authorization": f"Bearer {ward.token(Role.ADMIN)}"}
    answer = client.get(str(link(bundle, "next")), headers=other)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    "query",
    [
        "colour=red", "code:text=x", "code:in=http://x", "_has:Observation:code=1", "_text=pain",
        "date=ap2020", "date=yesterday", "value-quantity=much", "subject.name=Ada", "_sort=colour",
        "_include=Observation:code", "_include=Patient:organization", "_revinclude=Condition:code",
        "_summary=some", "_count=-1", "_total=some", "code-value-quantity=1$2",
        "code=", "_filter=x", "combo-code:above=1", "subject:Practitioner=x",
        "_elements=a&_summary=true", "_sort=date&_sort=code", "status:missing=maybe",
        "_id=%20", "date=ge2020,ge", "_include:iterate=Observation:encounter", "_pretty=perhaps",
        "family:phonetic=x", "code=a,,b", "_lastUpdated=now", "=x", "code",
    ],
)  # fmt: skip
def test_what_is_not_understood_fails_and_never_widens(client: TestClient, query: str) -> None:
    answer = client.get(f"/fhir/Observation?{query}")
    assert answer.status_code == 400, answer.text
    assert answer.json()["resourceType"] == "OperationOutcome"
    assert answer.json()["issue"][0]["severity"] == "error"


def test_how_an_answer_is_set_out_is_no_filter(client: TestClient) -> None:
    assert client.get("/fhir/Observation?code=718-7&_pretty=true").json()["total"] == 3


def test_an_unknown_type_fails(client: TestClient) -> None:
    assert client.get("/fhir/Teapot?_id=x").status_code == 400


def test_references_are_followed_both_ways(client: TestClient) -> None:
    bundle = client.get(
        "/fhir/Encounter?_id=e-ada&_include=Encounter:participant&_include=Encounter:subject"
    ).json()
    assert ids(bundle) == ["Encounter/e-ada"]
    assert set(ids(bundle, "include")) == {"Practitioner/dr-quill", "Patient/p-ada"}
    back = client.get("/fhir/Patient?_id=p-ada&_revinclude=Observation:subject").json()
    assert ids(back) == ["Patient/p-ada"]
    assert len(ids(back, "include")) == 3
    assert back["total"] == 1


def test_chains_and_their_reverse(client: TestClient) -> None:
    found = client.get("/fhir/Observation?patient.family=exam").json()
    assert found["total"] == 3
    found = client.get("/fhir/Patient?_has:Observation:subject:code=718-7").json()
    assert ids(found) == ["Patient/p-ada"]
    assert client.get("/fhir/Encounter?participant:Practitioner.name=QUILL").json()["total"] == 1


def test_a_restricted_resource_is_not_found_by_any_way(client: TestClient) -> None:
    assert client.get("/fhir/Observation?code=secret").json()["total"] == 0
    assert client.get("/fhir/Patient?_has:Observation:subject:code=secret").json()["total"] == 0
    everything = client.get("/fhir/Patient/p-ada/$everything?_count=1000").json()
    assert "o-secret" not in json.dumps(everything)
    assert client.get("/fhir/Observation/o-secret/_history").status_code == 404


def test_a_summary_is_marked_and_keeps_what_must_stay(client: TestClient) -> None:
    bundle = client.get("/fhir/AllergyIntolerance?_summary=true&_id=a-pen").json()
    resource = bundle["entry"][0]["resource"]
    assert resource["meta"]["tag"][-1]["code"] == "SUBSETTED"
    assert "patient" in resource  # mandatory
    assert "reaction" not in resource
    few = client.get("/fhir/Observation?_elements=code&_id=o-2021").json()["entry"][0]["resource"]
    assert set(few) == {"resourceType", "id", "meta", "status", "code"}
    assert client.get("/fhir/Observation?_summary=count").json() == {
        "resourceType": "Bundle", "type": "searchset", "total": 3,
    }  # fmt: skip


def test_everything_holds_the_record_and_nobody_elses(client: TestClient) -> None:
    bundle = client.get("/fhir/Patient/p-ada/$everything?_count=1000").json()
    found = set(ids(bundle))
    assert {"Patient/p-ada", "Condition/c-htn", "Encounter/e-ada", "Practitioner/dr-quill",
            "DocumentReference/note-angina"} <= found  # fmt: skip
    assert not {"Patient/p-ben", "Group/g-both", "Appointment/ap-both"} & found
    assert "p-ben" not in json.dumps(bundle)
    (outcome,) = [e for e in bundle["entry"] if e["search"]["mode"] == "outcome"]
    assert "1 left out" in outcome["resource"]["issue"][0]["diagnostics"]
    only = client.get("/fhir/Patient/p-ada/$everything?_type=Condition").json()
    assert ids(only) == ["Condition/c-htn"]
    assert client.get("/fhir/Patient/p-nobody/$everything").status_code == 404
    assert client.get("/fhir/Patient/p-ada/$everything?start=2020").status_code == 400


@pytest.mark.parametrize(
    "path", ["Patient/p-ada/$everything", "Patient/p-ada/_history", "Patient"]
)  # fmt: skip
def test_every_interaction_is_asked_for_a_form_alike(client: TestClient, path: str) -> None:
    """Source: hl7.org/fhir/R4/http.html#parameters"""
    plain = client.get(f"/fhir/{path}")
    for form in ("_pretty=true", "_format=json", "_format=application/fhir+json", "_pretty=false"):
        answer = client.get(f"/fhir/{path}?{form}")
        assert answer.status_code == 200, form
        assert answer.json()["total"] == plain.json()["total"]
    for form, status in (("_pretty=perhaps", 400), ("_format=xml", 406)):
        assert client.get(f"/fhir/{path}?{form}").status_code == status, form


def test_a_batch_that_lands_nothing_is_answered_entry_by_entry(client: TestClient) -> None:
    """Source: hl7.org/fhir/R4/http.html#transaction-response"""
    bad = {"resourceType": "Patient", "id": "never", "birthDate": "2023-02-29"}
    entries = [
        {"resource": bad, "request": {"method": "PUT", "url": "Patient/never"}},
        {"resource": {"resourceType": "Sorcery"}, "request": {"method": "POST", "url": "Sorcery"}},
    ]
    sent = {"resourceType": "Bundle", "type": "batch", "entry": entries}
    answer = client.post("/fhir", content=json.dumps(sent))
    assert (answer.status_code, answer.json()["type"]) == (200, "batch-response")
    told = [each["response"] for each in answer.json()["entry"]]
    assert [each["status"][:1] for each in told] == ["4", "4"]
    assert all(each["outcome"]["resourceType"] == "OperationOutcome" for each in told)


def test_history_tells_every_version_and_the_deletion(client: TestClient) -> None:
    body = {"resourceType": "Basic", "id": "b1", "code": {"text": "one"}}
    client.put("/fhir/Basic/b1", content=json.dumps(body))
    client.put("/fhir/Basic/b1", content=json.dumps(body | {"code": {"text": "two"}}))
    client.delete("/fhir/Basic/b1")
    bundle = client.get("/fhir/Basic/b1/_history").json()
    assert [e["request"]["method"] for e in bundle["entry"]] == ["DELETE", "PUT", "POST"]
    assert bundle["total"] == 3
    assert client.get("/fhir/Basic?_id=b1").json()["total"] == 0


def test_an_update_is_searched_by_its_new_values_alone(client: TestClient) -> None:
    body = {"resourceType": "Basic", "id": "b2", "code": {"coding": [{"code": "one"}]}}
    client.put("/fhir/Basic/b2", content=json.dumps(body))
    body["code"] = {"coding": [{"code": "two"}]}
    client.put("/fhir/Basic/b2", content=json.dumps(body))
    assert client.get("/fhir/Basic?code=one").json()["total"] == 0
    assert client.get("/fhir/Basic?code=two").json()["total"] == 1


def test_capabilities_are_open_and_name_what_can_be_asked(ward: Ward) -> None:
    with TestClient(create_app(ward.services), base_url=SITE) as anybody:
        stated = anybody.get("/fhir/metadata").json()
    (patient,) = [r for r in stated["rest"][0]["resource"] if r["type"] == "Patient"]
    assert {"name": "birthdate", "type": "date"} in patient["searchParam"]
    assert patient["operation"][0]["name"] == "everything"
    assert patient["conditionalRead"] == "full-support"


def test_a_researcher_stays_out_and_every_search_is_recorded(
    client: TestClient, ward: Ward, installation: Installation
) -> None:
    who = {"Authorization": f"Bearer {ward.token(Role.RESEARCHER)}"}
    for path in ("Patient", "Patient/p-ada/$everything", "Patient/p-ada/_history", "_page/x"):
        assert client.get(f"/fhir/{path}", headers=who).status_code == 403
    client.get("/fhir/Condition?subject=p-ada")
    with installation.database.tenant(ward.tenant.tenant_id) as conn:
        row = conn.execute(
            "SELECT subtype, patient_ids, entities FROM audit_event ORDER BY seq DESC LIMIT 1"
        ).fetchone()
    assert row is not None
    assert (row[0], row[1]) == ("fhir-search", ["p-ada"])
    assert "Condition/c-htn" in row[2]


def test_a_tenant_that_is_not_filled_yet_answers_nothing(
    client: TestClient, ward: Ward, installation: Installation
) -> None:
    with installation.database.tenant(ward.tenant.tenant_id) as conn:
        conn.execute("INSERT INTO search_unfilled VALUES (%s)", (ward.tenant.tenant_id,))
        conn.execute("DELETE FROM search_token WHERE tenant_id = %s", (ward.tenant.tenant_id,))
    try:
        answer = client.get("/fhir/Observation?code=718-7")
        assert answer.status_code == 503
        assert "OperationOutcome" in answer.text
    finally:
        from indexing.backends.postgres.search_values import fill_search

        fill_search(installation.database, ward.tenant)
    assert client.get("/fhir/Observation?code=718-7").json()["total"] == 3


def test_an_ordinary_client_library_reads_it(client: TestClient, ward: Ward, site: str) -> None:
    library = SyncFHIRClient(f"{site}/fhir", authorization=f"Bearer {ward.token(Role.CLINICIAN)}")
    found = library.resources("Observation").search(code="718-7").sort("-date").limit(1)
    assert [each.id for each in found.fetch_all()] == ["o-2023", "o-2022", "o-2021"]
    assert library.resources("Patient").search(name__contains="xampl").first()["id"] == "p-ada"
    assert library.resources("Observation").search(code="718-7").fetch_raw().total == 3
    assert library.reference("Patient", "p-ada").to_resource()["gender"] == "female"
    with pytest.raises(OperationOutcome):
        library.resources("Patient").search(colour="red").fetch()
