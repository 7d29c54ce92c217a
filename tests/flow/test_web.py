"""The HTTP edge on a real database: who gets in, what is answered, what is recorded."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import cast

import pytest
import zstandard
from fastapi.testclient import TestClient
from pydantic import SecretStr

from app.services import services_of
from app.web import create_app
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.errors import EngineUnavailable
from indexing.model import Tenant
from rankers.answer import Answer, Hit, SearchRequest, Sentence
from rankers.plan import Plan
from rankers.search import Found
from tests.ward import NOTES, PASSWORD, Ward, build

SITE = "http://127.0.0.1:8080"


@pytest.fixture(scope="module")
def ward(installation: Installation) -> Ward:
    return build(installation)


def browser(ward: Ward, address: str = "10.0.0.1") -> TestClient:
    return TestClient(create_app(ward.services), base_url=SITE, client=(address, 5))


@pytest.fixture
def client(ward: Ward) -> Iterator[TestClient]:
    with browser(ward) as opened:
        yield opened


def form_token(text: str) -> str:
    found = re.search(r'name="form_token" value="([0-9a-f]+)"', text)
    assert found is not None
    return found.group(1)


def sign_in(client: TestClient, ward: Ward, role: Role) -> None:
    token = form_token(client.get("/login").text)
    answer = client.post(
        "/login",
        data={
            "form_token": token, "tenant": ward.tenant.code, "name": role.value,
            "password": PASSWORD,
        },
        follow_redirects=False,
    )  # fmt: skip
    assert answer.status_code == 303, answer.text


def ask(client: TestClient, words: str, **more: str) -> str:
    """Search in the browser and return the path of the frozen page."""
    token = form_token(client.get("/search").text)
    answer = client.post(
        "/search", data={"form_token": token, "q": words, **more}, follow_redirects=False
    )
    assert answer.status_code == 303
    return answer.headers["location"]


def bearer(ward: Ward, role: Role = Role.CLINICIAN) -> dict[str, str]:
    return {"Authorization": f"Bearer {ward.token(role)}"}


def last_rows(
    installation: Installation, ward: Ward, number: int = 1
) -> list[tuple[str, list[str]]]:
    with installation.database.tenant(ward.tenant.tenant_id) as conn:
        rows = conn.execute(
            "SELECT subtype, patient_ids FROM audit_event WHERE tenant_id = %s "
            "ORDER BY seq DESC LIMIT %s",
            (ward.tenant.tenant_id, number),
        ).fetchall()
    return [(row[0], row[1]) for row in rows]


# Getting in


@pytest.mark.parametrize("path", ["/search", "/notes/note-angina", "/patients/p-ada", "/status"])
def test_nobody_sees_a_page_without_signing_in(client: TestClient, path: str) -> None:
    answer = client.get(path, follow_redirects=False)
    assert answer.status_code == 303
    assert answer.headers["location"].startswith("/login")


def test_a_wrong_password_and_an_unknown_name_read_the_same(client: TestClient, ward: Ward) -> None:
    token = form_token(client.get("/login").text)
    pages = []
    for name in ("clinician", "nobody-of-that-name"):
        answer = client.post(
            "/login",
            data={
                "form_token": token, "tenant": ward.tenant.code, "name": name,
                "password": "wrong password",
            },
        )  # fmt: skip
        assert answer.status_code == 401
        pages.append(re.sub(r'value="[^"]*"', "", answer.text))
    assert pages[0] == pages[1]


def test_guessing_is_slowed_down_even_for_the_right_password(ward: Ward) -> None:
    with browser(ward, "10.0.0.9") as client:
        token = form_token(client.get("/login").text)
        data = {"form_token": token, "tenant": ward.tenant.code, "name": "relevance"}
        for _ in range(5):
            assert client.post("/login", data=data | {"password": "wrong"}).status_code == 401
        answer = client.post("/login", data=data | {"password": PASSWORD})
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) >= 1
    with browser(ward, "10.0.0.10") as elsewhere:
        sign_in(elsewhere, ward, Role.RELEVANCE)


def test_a_form_without_its_token_does_nothing(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    for data in ({"q": "fever"}, {"q": "fever", "form_token": "0" * 64}):
        assert client.post("/search", data=data).status_code == 403
    assert client.post("/logout", data={}).status_code == 403
    assert client.get("/search").status_code == 200


def test_a_session_ends_with_sign_out_and_its_cookie_is_worth_nothing_after(
    client: TestClient, ward: Ward
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    cookies = dict(client.cookies)
    token = form_token(client.get("/search").text)
    assert client.post("/logout", data={"form_token": token}).url.path == "/login"
    client.cookies.clear()
    client.cookies.update(cookies)
    assert client.get("/search", follow_redirects=False).status_code == 303


def test_an_idle_session_ends(ward: Ward, installation: Installation) -> None:
    with browser(ward) as client:
        sign_in(client, ward, Role.CLINICIAN)
        with installation.database.tenant(ward.tenant.tenant_id) as conn:
            conn.execute(
                "UPDATE account_session SET seen_at = now() - interval '31 minutes' "
                "WHERE tenant_id = %s",
                (ward.tenant.tenant_id,),
            )
        assert client.get("/search", follow_redirects=False).status_code == 303


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(
    client: TestClient, ward: Ward
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    token = form_token(client.get("/search").text)
    answer = client.post(
        "/theme", data={"form_token": token, "theme": "dark", "next": "//elsewhere.example"},
        follow_redirects=False,
    )  # fmt: skip
    assert answer.headers["location"] == "/"
    assert "HttpOnly" in answer.headers["set-cookie"]
    assert "SameSite=lax" in answer.headers["set-cookie"]


@pytest.mark.parametrize(
    ("role", "path", "status"),
    [
        (Role.PRIVACY, "/audit", 200),
        (Role.PRIVACY, "/notes/note-angina", 403),
        (Role.PRIVACY, "/search", 403),
        (Role.CLINICIAN, "/audit", 403),
        (Role.RELEVANCE, "/patients/p-ada", 403),
        (Role.ADMIN, "/notes/note-angina", 403),
        (Role.RESEARCHER, "/search", 200),
    ],
)
def test_roles_open_what_the_table_says(
    client: TestClient, ward: Ward, role: Role, path: str, status: int
) -> None:
    sign_in(client, ward, role)
    assert client.get(path).status_code == status


def test_an_unknown_host_is_refused(client: TestClient) -> None:
    assert client.get("/login", headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/health/live", headers={"Host": "[::1]:8080"}).status_code == 200


def test_every_page_carries_its_guards(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    for path in ("/search", "/patients/p-ada", "/notes/note-angina", "/nothing-here"):
        headers = client.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-request-id"]
    assert "immutable" in client.get("/static/style.css?v=1").headers["cache-control"]


def test_signing_in_leads_back_to_where_one_was_going(client: TestClient, ward: Ward) -> None:
    sent = client.get("/patients/p-ada", follow_redirects=False).headers["location"]
    assert sent == "/login?next=/patients/p-ada"
    assert 'name="next" value="/patients/p-ada"' in client.get(sent).text


# Searching


def test_a_search_answers_with_an_opaque_page_and_no_words_in_any_address(
    client: TestClient, ward: Ward
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "chest pain")
    assert re.fullmatch(r"/search/[\w-]{20,}", path)
    text = client.get(path).text
    assert "Cardiology clinic" in text
    addresses = re.findall(r'(?:href|action|hx-post)="([^"]*)"', text)
    assert addresses
    assert not [each for each in addresses if "chest" in each or "pain" in each]


def test_a_page_is_readable_by_its_owner_only(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "chest pain")
    with browser(ward) as other:
        sign_in(other, ward, Role.RESEARCHER)
        assert other.get(path).status_code == 404


def test_what_was_deleted_since_is_not_shown_from_a_frozen_page(
    client: TestClient, ward: Ward, installation: Installation
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "pulmonary edema furosemide")
    assert "Discharge from ward 4" in client.get(path).text
    with installation.database.tenant(ward.tenant.tenant_id) as conn:
        conn.execute("UPDATE document SET live = false WHERE doc_id = 'note-edema'")
    try:
        text = client.get(path).text
    finally:
        with installation.database.tenant(ward.tenant.tenant_id) as conn:
            conn.execute("UPDATE document SET live = true WHERE doc_id = 'note-edema'")
    assert "withdrawn" in text
    assert "Discharge from ward 4" not in text


def test_a_frozen_page_keeps_no_text_and_shows_notes_as_they_read_now(
    client: TestClient, ward: Ward, installation: Installation
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "pulmonary edema furosemide")
    assert "Discharge from ward 4" in client.get(path).text
    page_id = path.split("?")[0].rsplit("/", 1)[1]
    with installation.database.tenant(ward.tenant.tenant_id) as conn:
        row = conn.execute("SELECT answer FROM frozen_page WHERE page_id = %s", (page_id,))
        [kept] = row.fetchone() or [b""]
        stored = zstandard.ZstdDecompressor().decompress(kept).decode()
        assert "note-edema" in stored
        assert "ward 4" not in stored
        conn.execute("UPDATE document SET title = 'Amended since' WHERE doc_id = 'note-edema'")
    try:
        text = client.get(path).text
    finally:
        with installation.database.tenant(ward.tenant.tenant_id) as conn:
            conn.execute(
                "UPDATE document SET title = 'Discharge from ward 4' WHERE doc_id = 'note-edema'"
            )
    assert "Amended since" in text
    assert "Discharge from ward 4" not in text


def test_a_bad_query_points_at_its_character(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    token = form_token(client.get("/search").text)
    answer = client.post("/search", data={"form_token": token, "q": "fever AND (cough"})
    assert answer.status_code == 422
    assert "<b>(</b>" in answer.text
    assert "Character 11" in answer.text


def test_taking_a_chip_away_and_narrowing_by_a_facet_make_new_pages(
    client: TestClient, ward: Ward
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "chest pain furosemide")
    token = form_token(client.get(path).text)
    refined = client.post(
        f"{path}/refine", data={"form_token": token, "change": "facet=type:Discharge summary"}
    )
    assert refined.status_code == 200
    assert "Discharge from ward 4" in refined.text
    assert "Cardiology clinic" not in refined.text
    fewer = client.post(f"{path}/refine", data={"form_token": token, "change": "query=furosemide"})
    assert 'value="furosemide"' in fewer.text


def test_searching_one_chart_finds_only_that_patient(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    text = client.get(ask(client, "chest pain", patient="p-ben")).text
    assert "Discharge from ward 4" in text
    assert "Cardiology clinic" not in text


def test_grouped_by_patient_the_patients_head_their_notes(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    text = client.get(ask(client, "chest pain") + "?group=patient").text
    assert len(re.findall('class="patient-head"', text)) == 2


def test_why_a_note_is_not_here(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "chest pain", patient="p-ben")
    token = form_token(client.get(path).text)
    data = {"form_token": token, "doc_id": "note-angina"}
    assert "patient" in client.post(f"{path}/why", data=data).text
    data["doc_id"] = "Ada Example, born 3 February"
    assert "no such note" in client.post(f"{path}/why", data=data).text


def test_the_audit_of_why_names_a_note_and_keeps_nothing_that_was_typed(
    client: TestClient, ward: Ward, installation: Installation
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "chest pain")
    token = form_token(client.get(path).text)
    for typed, entities, patients in (
        ("note-angina", ["Document/note-angina"], ["p-ada"]),
        ("Ada Example, born 3 February", [], []),
    ):
        client.post(f"{path}/why", data={"form_token": token, "doc_id": typed})
        with installation.database.tenant(ward.tenant.tenant_id) as conn:
            row = conn.execute(
                "SELECT subtype, entities, patient_ids, detail FROM audit_event "
                "ORDER BY seq DESC LIMIT 1"
            ).fetchone()
        assert row is not None
        assert row[:3] == ("why", entities, patients)
        assert "Example" not in json.dumps(row[3])


def test_what_was_left_out_is_one_click_away_and_its_cue_is_marked(
    client: TestClient, ward: Ward
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "chest pain")
    shown = client.get(path).text
    assert re.search(r'value="assertion=negated"[^>]*><b>1</b> denied', shown)
    data = {"form_token": form_token(shown), "change": "assertion=negated"}
    denied = client.post(f"{path}/refine", data=data)
    assert "note-denies" in denied.text
    page_id = str(denied.url).rpartition("/")[2]
    note = client.get(f"/notes/note-denies?found={page_id}").text
    assert re.search(r'<(mark|span) class="[^"]*m-cue[^"]*"[^>]*>Denies<', note)
    assert re.search(r"<mark[^>]*>chest</mark>", note)


def test_a_note_is_escaped_first_and_marked_after(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "chest pain")
    text = client.get(f"/notes/note-angina?found={path.rsplit('/', 1)[1]}").text
    assert "&lt;81 mg&gt; &amp; arrange" in text
    assert re.search(r'<mark class="m m-literal[^>]*id="hit-1"', text)
    assert "Cardiology clinic · 2024-03-02" in text  # the citation's source


def test_the_chart_tells_what_came_since_the_last_visit(
    client: TestClient, ward: Ward, installation: Installation
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    with installation.database.tenant(ward.tenant.tenant_id) as conn:
        conn.execute("DELETE FROM chart_visit")
    text = client.get("/patients/p-ada").text
    assert "first visit" in text
    for words in ("Hypertension", "Penicillin", "Aspirin 81 mg", "Hemoglobin", "Annual visit"):
        assert words in text
    with installation.database.tenant(ward.tenant.tenant_id) as conn:
        conn.execute("UPDATE chart_visit SET last_at = now() - interval '2 days'")
    assert "New since" in client.get("/patients/p-ada").text
    assert "New since" in client.get("/patients/p-ada").text  # a reload is the same visit


# What is recorded


def test_every_read_leaves_its_row(
    client: TestClient, ward: Ward, installation: Installation
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "furosemide", patient="p-ben")
    assert last_rows(installation, ward)[0][0] == "search"
    client.get(path)
    assert last_rows(installation, ward)[0] == ("search-page", ["p-ben"])
    client.get("/notes/note-angina")
    assert last_rows(installation, ward)[0] == ("note", ["p-ada"])
    client.get("/patients/p-ben")
    assert ("patient", ["p-ben"]) in last_rows(installation, ward, 6)


def test_who_looked_at_ada(client: TestClient, ward: Ward, installation: Installation) -> None:
    with browser(ward) as doctor:
        sign_in(doctor, ward, Role.CLINICIAN)
        doctor.get("/notes/note-angina")
        doctor.get("/patients/p-ben")
    sign_in(client, ward, Role.PRIVACY)
    token = form_token(client.get("/audit").text)
    text = client.post("/audit", data={"form_token": token, "patient": "p-ada"}).text
    assert "Who looked at Ada Example?" in text
    assert "Document/note-angina" in text
    assert "Patient/p-ben" not in text
    assert last_rows(installation, ward)[0] == ("audit", ["p-ada"])
    assert "chain of records holds" in text


def test_no_audit_row_means_no_read(
    client: TestClient, ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    path = ask(client, "chest pain")

    def refuse(*_: object) -> int:
        raise EngineUnavailable("the audit does not answer")

    monkeypatch.setattr("indexing.backends.postgres.audit.record", refuse)
    for address in (path, "/notes/note-angina", "/patients/p-ada"):
        answer = client.get(address)
        assert answer.status_code == 503
        assert "Chest pain" not in answer.text
        assert "Example" not in answer.text


# The JSON interface


def test_api_search_has_the_public_shape(client: TestClient, ward: Ward) -> None:
    answer = client.post("/api/search", json={"q": "chest pain", "k": 5}, headers=bearer(ward))
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
    client.post("/api/search", json={"q": "chest pain"}, headers=bearer(ward))
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
    answer = client.post("/api/search", json=body, headers=bearer(ward))
    assert answer.status_code == status
    assert answer.json()["error"]["request_id"] == answer.headers["x-request-id"]
    assert "fever" not in answer.text


def test_api_takes_deep_json_calmly(client: TestClient, ward: Ward) -> None:
    deep = b'{"q":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    headers = bearer(ward) | {"Content-Type": "application/json"}
    assert client.post("/api/search", content=deep, headers=headers).status_code == 400


def test_tokens_end(client: TestClient, ward: Ward, installation: Installation) -> None:
    headers = bearer(ward, Role.RELEVANCE)
    assert client.post("/api/search", json={"q": "pain"}, headers=headers).status_code == 200
    accounts = ward.services.accounts
    account = accounts.by_name(ward.tenant.tenant_id, "relevance")
    assert accounts.revoke_tokens(ward.tenant.tenant_id, account.user_id, None) >= 1
    assert client.post("/api/search", json={"q": "pain"}, headers=headers).status_code == 401
    headers = bearer(ward, Role.RELEVANCE)
    with installation.database.tenant(ward.tenant.tenant_id) as conn:
        conn.execute("UPDATE account_token SET expires_at = now() WHERE revoked_at IS NULL")
    assert client.post("/api/search", json={"q": "pain"}, headers=headers).status_code == 401


def test_a_cookie_is_no_token(client: TestClient, ward: Ward) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    assert client.get("/api/notes/note-angina").status_code == 401


def test_api_note_and_chart(client: TestClient, ward: Ward) -> None:
    note = client.get("/api/notes/note-angina", headers=bearer(ward)).json()
    assert note["text"] == NOTES["note-angina"][5]
    for mention in note["mentions"]:
        assert 0 <= mention["start"] < mention["end"] <= len(note["text"])
    chart = client.get("/api/patients/p-ada", headers=bearer(ward)).json()
    assert chart["person"]["name"]
    assert [each["doc_id"] for each in chart["notes"]] == ["note-denies", "note-angina"]


def test_what_is_not_there_and_what_is_not_yours_read_the_same(
    client: TestClient, ward: Ward, installation: Installation
) -> None:
    other = build_other(installation)
    answers = [
        client.get(path, headers=bearer(other))
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
    headers = bearer(ward) | {"Content-Type": "application/fhir+json"}
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
    headers = bearer(ward) | {"Content-Type": "application/fhir+json"}

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


def test_a_transaction_lands_whole_or_not_at_all(client: TestClient, ward: Ward) -> None:
    headers = bearer(ward) | {"Content-Type": "application/fhir+json"}

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
    headers = bearer(ward) | {"Content-Type": "application/fhir+json"}
    if encoding:
        headers["Content-Encoding"] = encoding
    answer = client.post("/fhir", content=content, headers=headers)
    assert answer.status_code == status
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_fhir_needs_a_token_and_says_so_in_fhir(client: TestClient) -> None:
    answer = client.get("/fhir/Patient/p-ada")
    assert answer.status_code == 401
    assert answer.json()["issue"][0]["code"] == "login"


# When things are down


class _Down:
    def rank(self, *_: object) -> Found:
        raise EngineUnavailable("no ranker answered", hint="try again in a moment")


class _Lame:
    def rank(self, _access: object, request: SearchRequest) -> Found:
        answer = Answer((), "present", False, 0, (), missing=("vector",))
        return Found(cast(Plan, None), answer)  # nothing is described

    def describe(self, *_: object) -> tuple[tuple[Hit, ...], tuple[Sentence, ...]]:
        return (), ()


def test_all_legs_down_is_a_page_that_says_so(ward: Ward) -> None:
    down = replace(ward, services=replace(ward.services, search=_Down))  # type: ignore[arg-type,return-value]
    with browser(down) as client:
        sign_in(client, down, Role.CLINICIAN)
        token = form_token(client.get("/search").text)
        answer = client.post("/search", data={"form_token": token, "q": "fever"})
        assert answer.status_code == 503
        assert "No ranker answered" in answer.text
        assert answer.headers["retry-after"]


def test_one_leg_down_is_named_on_the_page(ward: Ward) -> None:
    lame = replace(ward, services=replace(ward.services, search=_Lame))  # type: ignore[arg-type,return-value]
    with browser(lame) as client:
        sign_in(client, lame, Role.CLINICIAN)
        text = client.get(ask(client, "fever")).text
        assert "<strong>Meaning</strong> did not answer in time" in text
        assert "No good match" in text


def test_a_dead_database_is_a_page_too(ward: Ward, monkeypatch: pytest.MonkeyPatch) -> None:
    with browser(ward) as client:

        def gone(*_: object) -> None:
            raise EngineUnavailable("PostgreSQL does not answer")

        sign_in(client, ward, Role.CLINICIAN)
        monkeypatch.setattr(type(ward.services.accounts), "lookup", gone)
        monkeypatch.setattr(type(ward.services.accounts), "sole_tenant", gone)
        answer = client.get("/search")
        assert answer.status_code == 503
        assert "PostgreSQL does not answer" in answer.text
        assert client.get("/health/ready").status_code == 503
        assert client.get("/health/live").status_code == 200


def test_our_own_bugs_tell_nothing(
    ward: Ward, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("Ada Example has a secret")

    with browser(ward) as client:
        sign_in(client, ward, Role.CLINICIAN)
        monkeypatch.setattr(type(ward.services.charts), "chart", broken)
        answer = client.get("/patients/p-ada")
        assert answer.status_code == 500
        assert "secret" not in answer.text
        assert "secret" not in caplog.text
        assert answer.headers["x-request-id"] in caplog.text


def test_metrics_need_a_token_and_hold_no_ids(ward: Ward) -> None:
    settings = ward.services.settings.model_copy(update={"metrics_token": SecretStr("m" * 20)})
    watched = replace(ward, services=replace(ward.services, settings=settings))
    with browser(watched) as client:
        client.get("/api/notes/note-angina", headers=bearer(ward))
        assert client.get("/metrics").status_code == 401
        text = client.get("/metrics", headers={"Authorization": "Bearer " + "m" * 20}).text
        assert 'route="/api/notes/{doc_id:path}"' in text
        assert "note-angina" not in text
        assert client.get("/metrics", headers=bearer(ward, Role.ADMIN)).status_code == 200
        assert client.get("/metrics", headers=bearer(ward)).status_code == 403
