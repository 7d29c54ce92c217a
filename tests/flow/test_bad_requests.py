"""Addresses, methods, headers, markup and sessions that are meant to harm, in the browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest
from fastapi.testclient import TestClient

from app.wiring import Installation
from indexing.access import Role
from tests.attack import (
    PASSWORD,
    Hospital,
    ask,
    browser,
    chart_of,
    form_token,
    found_hospital,
    person,
    sign_in,
)

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}"


@pytest.fixture(scope="module")
def hospital(installation: Installation) -> Hospital:
    resources = [person("b-p", EVIL), *chart_of("b-p", EVIL, "b")]
    return found_hospital(installation, resources, EVIL)


@pytest.fixture
def client(hospital: Hospital) -> Iterator[TestClient]:
    with browser(hospital) as opened:
        yield opened


# Addresses, methods, headers


@pytest.mark.parametrize(
    "path",
    [
        "/static/../app/web.py", "/static/%2e%2e/app/web.py", "/static/..%2fpyproject.toml",
        "/static//etc/passwd", "/static/%00", "/static/" + "a" * 5000, "/static/..%5c..%5cx",
        "/static/", "/static/style.css/..", "/%00", "/notes/%00", "/patients/%00", "/notes/%ff%fe",
        "/fhir/Patient/%00", "/fhir/%00/x", "/fhir/Patient/x/_history/9" + "9" * 30,
        "/fhir/Patient/x/_history/-1", "/search/%00", "/search/" + "a" * 5000,
        "/patients/" + "%C3%28", "/notes/" + "a/" * 2000, "/search/x?start=" + "9" * 40,
        "/notes/b-note?found=%00", "/notes/b-note?found=" + "x" * 5000,
        "/login?next=%0d%0aX-Leak:1",
        "/docs", "/openapi.json", "/.env", "/.git/config",
    ],
)  # fmt: skip
def test_any_address_is_answered_or_refused(
    client: TestClient, hospital: Hospital, path: str
) -> None:
    sign_in(client, hospital)
    for headers in ({}, hospital.bearer()):
        answer = client.get(path, headers=headers)
        assert answer.status_code < 500, answer.text
        assert "x-leak" not in answer.headers
        assert "root:" not in answer.text
        assert "def create_app" not in answer.text
        assert "[project]" not in answer.text


@pytest.mark.parametrize("method", ["TRACE", "CONNECT", "OPTIONS", "PATCH", "PROPFIND", "DELETE"])
@pytest.mark.parametrize("path", ["/search", "/notes/b-note", "/api/search", "/patients/b-p", "/"])
def test_odd_methods_do_nothing(
    client: TestClient, hospital: Hospital, method: str, path: str
) -> None:
    sign_in(client, hospital)
    answer = client.request(method, path, headers=hospital.bearer())
    assert answer.status_code in (404, 405)
    assert "chest pain" not in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "/%00", "/search/%00", "/search?asked=%00", "/graph?asked=%00", "/notes/%00",
        "/patients/%00", "/cohorts/%00", "/fhir/Patient/%00", "/api/notes/a%00b",
        "/notes/b-note?found=%00",
    ],
)  # fmt: skip
def test_no_address_holds_what_no_name_holds(
    client: TestClient, hospital: Hospital, path: str
) -> None:
    sign_in(client, hospital)
    answer = client.get(path, headers=hospital.bearer())
    assert answer.status_code == 404
    assert "PostgreSQL" not in answer.text


def test_head_answers_as_get_does_without_a_body(client: TestClient, hospital: Hospital) -> None:
    sign_in(client, hospital)
    for path, status in (
        ("/health/live", 200), ("/search", 200), ("/fhir/Patient/b-p", 200), ("/notes/nope", 404),
        ("/static/style.css", 200), ("/api/search", 405),
    ):  # fmt: skip
        whole = client.get(path, headers=hospital.bearer())
        bare = client.head(path, headers=hospital.bearer())
        assert (bare.status_code, whole.status_code) == (status, status), path
        assert bare.content == b""
        for name in ("content-type", "content-length", "etag", "content-security-policy"):
            assert bare.headers.get(name) == whole.headers.get(name)


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PATCH", "/fhir/Patient/b-p", "DELETE, GET, HEAD, PUT"),
        ("PUT", "/api/search", "POST"),
        ("GET", "/api/search", "POST"),
        ("DELETE", "/search", "GET, HEAD, POST"),
    ],
)
def test_a_method_that_is_not_taken_is_told_which_are(
    client: TestClient, hospital: Hospital, method: str, path: str, allowed: str
) -> None:
    answer = client.request(method, path, headers=hospital.bearer())
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "", "127.0.0.1@evil.example", "[::2]", "\xff"],
)
def test_another_host_name_is_refused_and_never_written_down(
    client: TestClient, hospital: Hospital, host: str
) -> None:
    answer = client.get("/login", headers={b"Host": host.encode("latin-1")})
    assert answer.status_code == 400
    assert "evil" not in answer.text + str(answer.headers)


@pytest.mark.parametrize(
    "then",
    [
        "//evil.example", "https://evil.example", "/\\evil.example", "\\\\evil.example",
        "/\t/evil.example", "javascript:alert(1)", "/\r\nX-Leak: 1", "evil.example",
        "///evil.example", "http:evil.example", "/%09/evil.example/../..//evil.example",
        " //evil.example",
    ],
)  # fmt: skip
def test_a_sign_in_leads_nowhere_else(client: TestClient, hospital: Hospital, then: str) -> None:
    shown = client.get("/login", params={"next": then})
    answer = client.post(
        "/login",
        data={
            "form_token": form_token(shown.text), "tenant": hospital.tenant.code, "next": then,
            "name": "clinician", "password": PASSWORD,
        },
    )  # fmt: skip
    assert answer.status_code == 303
    assert re.match(r"/([^/\\]|$)", answer.headers["location"])
    assert "x-leak" not in answer.headers
    again = client.get("/login", params={"next": then})
    assert re.match(r"/([^/\\]|$)", again.headers["location"])


# Words that would be markup


def test_no_field_brings_markup_along(client: TestClient, hospital: Hospital) -> None:
    token = sign_in(client, hospital)
    found = ask(client, token, "chest pain")
    by_name = ask(client, token, EVIL, plain="1", group="patient")
    pages = [
        found, by_name, client.get(f"{found.url.path}?group=patient"),
        client.get("/patients/b-p"), client.get(f"/notes/b-note?found={found.url.path[8:]}"),
        client.get("/status"), client.get(f"/nothing/{EVIL}"), client.get(f"/notes/{EVIL}"),
        client.post("/search", data={"form_token": token, "q": f"{EVIL} ((("}),
        client.post("/search", data={"form_token": token, "q": "x", "patient": EVIL}),
        client.post("/login", data={"form_token": token, "name": EVIL, "tenant": EVIL}),
        client.post(f"{found.url.path}/why", data={"form_token": token, "doc_id": EVIL}),
        client.get(f"/search/{EVIL}"), client.get("/login", params={"next": f"/{EVIL}"}),
    ]  # fmt: skip
    with browser(hospital) as other:
        officer = sign_in(other, hospital, Role.PRIVACY)
        for field in ({"patient": EVIL}, {"user": EVIL}, {"patient": "b-p"}):
            sent = {"form_token": officer, **field}
            pages.append(other.post("/audit", data=sent, follow_redirects=True))
    for page in pages:
        assert not re.search(r"<script(?! src=\"/static/)", page.text, re.I), page.url
        assert "<img src=x" not in page.text.lower(), page.url
        assert not re.search(r"<[^>]*\son\w+\s*=", _plain_tags(page.text)), page.url
        assert "script-src 'self'" in page.headers["content-security-policy"]
        assert page.headers["cache-control"] == "no-store"
    assert "<script>" in unescape(pages[3].text).lower()  # it is there, as words


def _plain_tags(text: str) -> str:
    """Return the tags alone, their quoted values emptied."""
    return "".join(re.findall(r"<[^<>]*>", re.sub(r"=\"[^\"]*\"|='[^']*'", "=''", text)))


# Sessions and tokens


def test_a_session_handed_in_beforehand_is_not_the_one_that_is_opened(
    client: TestClient, hospital: Hospital
) -> None:
    client.get("/login")
    sign_in(client, hospital)
    name = next(n for n in client.cookies if "session" in n)
    secret = client.cookies[name]
    with browser(hospital) as victim:
        victim.cookies.set(name, "f" * 43)
        sign_in(victim, hospital)
        opened = [c.value for c in victim.cookies.jar if c.name == name and c.value != "f" * 43]
        assert opened
        assert opened[0] != secret


def test_a_token_of_forms_is_worth_nothing_in_another_session(
    client: TestClient, hospital: Hospital
) -> None:
    with browser(hospital) as other:
        foreign = sign_in(other, hospital, Role.RESEARCHER)
        sign_in(client, hospital)
        for path, fields in (
            ("/search", {"q": "x"}), ("/logout", {}), ("/theme", {"theme": "dark"}),
        ):  # fmt: skip
            for token in (foreign, "", "é", "0" * 64):
                assert client.post(path, data={"form_token": token, **fields}).status_code == 403
            assert client.post(path, data=fields).status_code == 403


def test_a_disabled_account_ends_at_once(client: TestClient, hospital: Hospital) -> None:
    token = sign_in(client, hospital, Role.RESEARCHER)
    headers = hospital.bearer(Role.RESEARCHER)
    page = str(ask(client, token, "pain").url.path)
    accounts, tenant_id = hospital.services.accounts, hospital.tenant.tenant_id
    user_id = hospital.user_id(Role.RESEARCHER)
    accounts.set_disabled(tenant_id, user_id, True)
    try:
        for path in ("/search", page, "/patients/b-p"):
            assert client.get(path).status_code == 303
        assert client.get("/api/notes/b-note", headers=headers).status_code == 401
    finally:
        accounts.set_disabled(tenant_id, user_id, False)


@pytest.mark.parametrize(
    "value",
    ["Bearer", "Bearer ", "Bearer \x7f", "Basic eDp5", "bearer ana_" + "x" * 43, "x" * 9000],
)
def test_a_token_that_is_none_is_refused(client: TestClient, value: str) -> None:
    assert client.get("/api/notes/b-note", headers={"Authorization": value}).status_code == 401
