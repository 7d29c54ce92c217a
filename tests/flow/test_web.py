"""The HTTP edge on a real database: who gets in, what is recorded, what is down."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import cast

import pytest
from argon2 import PasswordHasher
from fastapi.testclient import TestClient
from pydantic import SecretStr

from app.auth.passwords import Passwords
from app.wiring import Installation
from indexing.access import Role
from indexing.errors import EngineUnavailable
from rankers.answer import Answer, Hit, SearchRequest, Sentence
from rankers.plan import Plan
from rankers.search import Found
from tests.browsing import ask, browser, form_token, last_rows, sign_in
from tests.ward import PASSWORD, Ward

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


def test_one_password_tried_on_many_names_is_slowed_down_too(
    ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.routes.landing.FREE_PER_ADDRESS", 3)
    with browser(ward, "10.0.0.11") as client:
        token = form_token(client.get("/login").text)
        data = {"form_token": token, "tenant": ward.tenant.code, "password": "wrong"}
        answers = [
            client.post("/login", data=data | {"name": f"n{i}"}).status_code for i in range(4)
        ]
    assert answers == [401, 401, 401, 429]
    with browser(ward, "10.0.0.12") as elsewhere:
        sign_in(elsewhere, ward, Role.CLINICIAN)


def test_a_session_that_is_used_does_not_end_as_an_idle_one(
    client: TestClient, ward: Ward, installation: Installation
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    idle = ward.services.settings.session_idle_s
    for _ in range(2):  # used shortly before its end, it goes on for as long again
        with installation.database.tenant(ward.tenant.tenant_id) as conn:
            conn.execute(
                "UPDATE account_session SET seen_at = seen_at - make_interval(secs => %s)",
                (idle - 60,),
            )
        assert client.get("/search", follow_redirects=False).status_code == 200


def test_a_hash_of_weaker_settings_is_made_anew_at_the_next_sign_in(ward: Ward) -> None:
    def stored() -> str | None:
        found = ward.services.accounts.lookup("login", Role.ADMIN.value, ward.tenant.code)
        return found.password_hash if found else None

    weak = stored()
    stronger = Passwords(PasswordHasher(time_cost=2, memory_cost=64, parallelism=1))
    strict = replace(ward, services=replace(ward.services, passwords=stronger))
    for _ in range(2):
        with browser(strict, "10.0.0.13") as client:
            sign_in(client, strict, Role.ADMIN)
    assert stored() != weak
    assert "t=2" in str(stored())


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

    monkeypatch.setattr("indexing.backends.postgres.audit.send", refuse)
    for address in (path, "/notes/note-angina", "/patients/p-ada"):
        answer = client.get(address)
        assert answer.status_code == 503
        assert "Chest pain" not in answer.text
        assert "Example" not in answer.text


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
        assert "<strong>Meaning</strong> did not answer: ranked by the others alone" in text
        assert 'see the <a href="/status">indexes</a>' in text
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


def test_an_error_page_that_fails_tells_nothing_either(
    ward: Ward, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("Ada Example has a secret")

    with browser(ward) as client:
        monkeypatch.setattr("app.errors.page", broken)
        answer = client.get("/nothing")
        assert (answer.status_code, answer.text) == (500, "Something went wrong here")
        assert "secret" not in caplog.text


def test_metrics_need_a_token_and_hold_no_ids(ward: Ward) -> None:
    settings = ward.services.settings.model_copy(update={"metrics_token": SecretStr("m" * 20)})
    watched = replace(ward, services=replace(ward.services, settings=settings))
    with browser(watched) as client:
        client.get("/api/notes/note-angina", headers=ward.bearer())
        assert client.get("/metrics").status_code == 401
        text = client.get("/metrics", headers={"Authorization": "Bearer " + "m" * 20}).text
        assert 'route="/api/notes/{doc_id:path}"' in text
        assert "note-angina" not in text
        assert client.get("/metrics", headers=ward.bearer(Role.ADMIN)).status_code == 200
        assert client.get("/metrics", headers=ward.bearer()).status_code == 403
