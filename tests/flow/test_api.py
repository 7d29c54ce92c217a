"""The JSON interface and FHIR over HTTP, on a real database."""

from __future__ import annotations

import gzip
import json

import pytest
from fastapi.testclient import TestClient
from httpx import Response

from app.services import services_of
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.model import Tenant
from tests.browsing import last_rows, sign_in
from tests.ward import NOTES, Ward


def test_api_search_has_the_public_shape(client: TestClient, ward: Ward) -> None:
    answer = client.post("/api/search", json={"q": "chest pain", "k": 5}, headers=ward.bearer())
    assert answer.status_code == 200
    body = answer.json()
    assert {"query", "total", "freshness", "hits"} <= set(body)
    hit = body["hits"][0]
    assert {"rank", "doc_id", "patient_id", "title", "date", "type", "score", "signals"} <= set(hit)
    total = sum(signal["contribution"] for signal in hit["signals"].values())
    assert total == pytest.approx(hit["score"])
    snippet = hit["snippet"]
    for mark in snippet["marks"]:
        assert snippet["text"][mark["start"] : mark["end"]]


def test_api_search_records_every_patient_it_names(
    client: TestClient, ward: Ward, installation: Installation
) -> None:
    client.post("/api/search", json={"q": "chest pain"}, headers=ward.bearer())
    assert last_rows(installation, ward)[0] == ("search", ["p-ada", "p-ben"])


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"q": "fever AND ("}, 422),
        ({"q": "fever", "k": 0}, 400),
        ({"q": "fever", "rankers": ["magic"]}, 400),
        ({"k": 3}, 400),
        ({"q": "fever", "assertion": "maybe"}, 400),
    ],
)
def test_api_search_says_what_is_wrong(
    client: TestClient, ward: Ward, body: dict[str, object], status: int
) -> None:
    answer = client.post("/api/search", json=body, headers=ward.bearer())
    assert answer.status_code == status
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]
    assert "fever" not in answer.text


def test_api_search_gives_the_newest_first(
    client: TestClient, ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"q": "chest pain furosemide", "newest": True}

    def days(**more: object) -> list[tuple[int, str]]:
        sent = client.post("/api/search", json=asked | more, headers=ward.bearer())
        return [(hit["rank"], hit["date"]) for hit in sent.json()["hits"]]

    assert days(newest=False) == [(1, "2023-11"), (2, "2024-03-02")]
    assert days() == [(1, "2024-03-02"), (2, "2023-11")]
    assert days(k=1) == [(1, "2024-03-02")]
    monkeypatch.setattr("app.answers.DEPTH", 1)  # who asks for more than a page gets more
    monkeypatch.setattr("rankers.search.SPARE", 0)
    assert len(days(k=2)) == 2
    moved = client.post("/api/search", json=asked, headers=ward.bearer(Role.RESEARCHER))
    assert moved.status_code == 400
    assert "dates are moved" in moved.json()["error"]["detail"]


def test_api_takes_deep_json_calmly(client: TestClient, ward: Ward) -> None:
    deep = b'{"q":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    headers = ward.bearer() | {"Content-Type": "application/json"}
    assert client.post("/api/search", content=deep, headers=headers).status_code == 400


def test_tokens_end(client: TestClient, ward: Ward, installation: Installation) -> None:
    headers = ward.bearer(Role.RELEVANCE)
    assert client.post("/api/search", json={"q": "pain"}, headers=headers).status_code == 200
    accounts = ward.services.accounts
    account = accounts.by_name(ward.tenant.tenant_id, "relevance")
    assert accounts.revoke_tokens(ward.tenant.tenant_id, account.user_id, None) >= 1
    assert client.post("/api/search", json={"q": "pain"}, headers=headers).status_code == 401
    headers = ward.bearer(Role.RELEVANCE)
    with installation.database.tenant(ward.tenant.tenant_id) as conn:
        conn.execute("UPDATE account_token SET expires_at = now() WHERE revoked_at IS NULL")
    assert client.post("/api/search", json={"q": "pain"}, headers=headers).status_code == 401


def test_a_cookie_is_no_token(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    assert client.get("/api/notes/note-angina").status_code == 401


def test_api_note_and_chart(client: TestClient, ward: Ward) -> None:
    note = client.get("/api/notes/note-angina", headers=ward.bearer()).json()
    assert note["text"] == NOTES["note-angina"][5]
    for mention in note["mentions"]:
        assert 0 <= mention["start"] < mention["end"] <= len(note["text"])
    chart = client.get("/api/patients/p-ada", headers=ward.bearer()).json()
    assert chart["person"]["name"]
    assert [each["doc_id"] for each in chart["notes"]] == ["note-denies", "note-angina"]


def test_what_is_not_there_and_what_is_not_yours_read_the_same(
    client: TestClient, ward: Ward, installation: Installation
) -> None:
    other = build_other(installation)
    answers = [
        client.get(path, headers=other.bearer())
        for path in ("/api/notes/note-angina", "/api/notes/note-unheard-of")
    ]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.json()["error"]["detail"] for answer in answers}) == 1


def build_other(installation: Installation) -> Ward:
    tenant_id = new_tenant_id()
    tenant = Tenant(tenant_id, f"w-{tenant_id.hex[:12]}", "Elsewhere still")
    installation.tenants.create(tenant)
    services = services_of(installation)
    services.accounts.create(tenant_id, "clinician", [Role.CLINICIAN], "x")
    return Ward(tenant, services, Access(tenant_id, "x", frozenset()))


# FHIR


def test_a_resource_goes_out_as_it_came_in(client: TestClient, ward: Ward) -> None:
    sent = b'{ "resourceType":"Observation", "id":"dec-1","status":"final",'
    sent += b'"code":{"text":"x"},"valueQuantity":{"value":1.50}}'
    headers = ward.bearer() | {"Content-Type": "application/fhir+json"}
    made = client.post("/fhir", content=sent, headers=headers)
    assert made.status_code == 201
    assert made.headers["location"].endswith("/fhir/Observation/dec-1/_history/1")
    assert client.post("/fhir", content=sent, headers=headers).status_code == 200
    got = client.get("/fhir/Observation/dec-1", headers=headers)
    assert got.headers["etag"] == 'W/"1"'
    assert got.content.startswith(b'{ "resourceType":"Observation"')
    assert b'"value":1.50' in got.content
    assert got.json()["meta"]["versionId"] == "1"


def test_put_and_delete_make_versions(client: TestClient, ward: Ward) -> None:
    headers = ward.bearer() | {"Content-Type": "application/fhir+json"}

    def body(text: str) -> bytes:
        return json.dumps({"resourceType": "Organization", "id": "org-1", "name": text}).encode()

    address = "/fhir/Organization/org-1"
    assert client.put(address, content=body("One"), headers=headers).status_code == 201
    assert client.put(address, content=body("Two"), headers=headers).status_code == 200
    stale = headers | {"If-Match": 'W/"1"'}
    assert client.put(address, content=body("Three"), headers=stale).status_code == 412
    assert (
        client.put("/fhir/Organization/org-2", content=body("x"), headers=headers).status_code
        == 400
    )
    assert client.delete(address, headers=headers).status_code == 204
    assert client.get(address, headers=headers).status_code == 410
    assert client.get(f"{address}/_history/1", headers=headers).json()["name"] == "One"
    assert client.delete(address, headers=headers).status_code == 204  # an answer may be lost
    newest = client.get(f"{address}/_history", headers=headers).json()["entry"]
    assert len(newest) == 3  # two contents and one deletion
    assert client.delete("/fhir/Organization/never", headers=headers).status_code == 404


@pytest.mark.parametrize("kind", ["searchset", "transaction", "collection", "document"])
@pytest.mark.parametrize("filled", [True, False])
def test_a_bundle_that_is_sent_as_a_resource_is_kept_as_one(
    client: TestClient, ward: Ward, kind: str, filled: bool
) -> None:
    headers = ward.bearer() | {"Content-Type": "application/fhir+json"}
    entry = {"fullUrl": "urn:uuid:x", "resource": {"resourceType": "Basic", "id": "within"}}
    identity = f"kept-{kind}-{filled}".lower()
    bundle: dict[str, object] = {"resourceType": "Bundle", "id": identity, "type": kind}
    body = json.dumps(bundle | ({"entry": [entry]} if filled else {})).encode()
    for sent in (
        client.post("/fhir/Bundle", content=body, headers=headers),
        client.put(f"/fhir/Bundle/{identity}", content=body, headers=headers),
    ):
        assert sent.headers["location"].endswith(f"/fhir/Bundle/{identity}/_history/1")
    read = client.get(f"/fhir/Bundle/{identity}", headers=headers).json()
    assert read.get("entry") == ([entry] if filled else None)
    assert client.get("/fhir/Basic/within", headers=headers).status_code == 404
    for address in ("/fhir/Basic", "/fhir/Patient"):
        assert client.post(address, content=body, headers=headers).status_code == 400
    assert client.put("/fhir/Basic/within", content=body, headers=headers).status_code == 400


def test_a_writer_gets_back_what_it_prefers(
    client: TestClient, ward: Ward, installation: Installation
) -> None:
    headers = ward.bearer() | {"Content-Type": "application/fhir+json"}
    body = b'{"resourceType":"Patient","id":"wish","multipleBirthInteger":2}'

    def put(prefer: str) -> Response:
        sent = headers | ({"Prefer": prefer} if prefer else {})
        return client.put("/fhir/Patient/wish", content=body, headers=sent)

    first = put("return=minimal")
    assert (first.status_code, first.content) == (201, b"")
    assert first.headers["etag"] == 'W/"1"'
    whole = put("respond-async, return=representation")
    assert whole.status_code == 200
    assert whole.content == client.get("/fhir/Patient/wish", headers=headers).content
    assert whole.headers["location"].endswith("/fhir/Patient/wish/_history/1")
    assert last_rows(installation, ward, 2) == [("resource", ["wish"])] * 2
    for other in ("", "return=OperationOutcome", "return=minimalism"):
        assert put(other).json()["resourceType"] == "OperationOutcome"


def test_a_transaction_lands_whole_or_not_at_all(client: TestClient, ward: Ward) -> None:
    headers = ward.bearer() | {"Content-Type": "application/fhir+json"}

    def bundle(second: dict[str, object]) -> bytes:
        first = {"resourceType": "Organization", "id": "whole-1", "name": "Whole"}
        entries = [
            {"resource": each, "request": {"method": "PUT", "url": f"Organization/{each['id']}"}}
            for each in (first, second)
        ]
        return json.dumps(
            {"resourceType": "Bundle", "type": "transaction", "entry": entries}
        ).encode()

    bad = bundle(
        {"resourceType": "Organization", "id": "whole-2", "partOf": {"reference": "urn:uuid:gone"}}
    )
    refused = client.post("/fhir", content=bad, headers=headers)
    assert refused.status_code == 422
    assert refused.json()["resourceType"] == "OperationOutcome"
    assert client.get("/fhir/Organization/whole-1", headers=headers).status_code == 404
    good = bundle({"resourceType": "Organization", "id": "whole-2", "name": "Second"})
    taken = client.post(
        "/fhir", content=gzip.compress(good), headers=headers | {"Content-Encoding": "gzip"}
    )
    assert taken.status_code == 200
    assert taken.json()["type"] == "transaction-response"
    assert [e["response"]["status"] for e in taken.json()["entry"]] == ["201", "201"]


@pytest.mark.parametrize(
    ("content", "encoding", "status"),
    [
        (b"not json", None, 400),
        (b"[" * 5000, None, 400),
        (b"\x1f\x8b\x08broken", "gzip", 400),
        (gzip.compress(b"0" * (65 << 20)), "gzip", 413),
        (b"{}", "br", 415),
    ],
)
def test_bad_bodies_get_an_outcome(
    client: TestClient, ward: Ward, content: bytes, encoding: str | None, status: int
) -> None:
    headers = ward.bearer() | {"Content-Type": "application/fhir+json"}
    if encoding:
        headers["Content-Encoding"] = encoding
    answer = client.post("/fhir", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_fhir_needs_a_token_and_says_so_in_fhir(client: TestClient) -> None:
    answer = client.get("/fhir/Patient/p-ada")
    assert answer.status_code == 401
    assert answer.json()["issue"][0]["code"] == "login"


def test_what_is_wrong_in_a_bundle_is_told_by_fhirpath(client: TestClient, ward: Ward) -> None:
    bad = {"resourceType": "Patient", "id": "fp", "birthDate": "2023-02-29"}
    good = {"resourceType": "Patient", "id": "fp-2"}
    entries = [
        {"resource": bad, "request": {"method": "PUT", "url": "Patient/fp"}},
        {"resource": good, "request": {"method": "PATCH", "url": "Patient/fp-2"}},
        {"resource": good | {"id": "fp-3"}, "request": {"method": "POST", "url": "Patient"}},
    ]
    bundle = {"resourceType": "Bundle", "type": "transaction", "entry": entries}
    answer = client.post("/fhir", json=bundle, headers=ward.bearer())
    assert answer.status_code == 422
    assert [issue["expression"] for issue in answer.json()["issue"]] == [
        ["Bundle.entry[0].resource.birthDate"], ["Bundle.entry[1].request.method"],
        ["Bundle.entry[2].resource"],
    ]  # fmt: skip
