"""What HTTP means by a FHIR interaction: created, not modified, no body, who may read."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi.testclient import TestClient
from httpx import Response
from starlette.datastructures import Headers
from starlette.types import Message

from app.fhir_known import is_known
from app.web import create_app
from app.wiring import Installation
from indexing.access import Role
from indexing.backends.postgres.search_values import fill_search
from indexing.records import Held
from tests.browsing import last_rows
from tests.ward import Ward

Json = dict[str, Any]


@pytest.fixture
def fhir(client: TestClient, ward: Ward) -> TestClient:
    client.headers.update(ward.bearer() | {"Content-Type": "application/fhir+json"})
    return client


def put(client: TestClient, resource_id: str, **more: object) -> Response:
    body = {"resourceType": "Basic", "id": resource_id, **more}
    return client.put(f"/fhir/Basic/{resource_id}", content=json.dumps(body))


# What was deleted and comes back


def test_what_comes_back_after_its_deletion_is_created(fhir: TestClient) -> None:
    """Source: hl7.org/fhir/R4/http.html#update"""
    assert put(fhir, "back").status_code == 201
    assert fhir.delete("/fhir/Basic/back").status_code == 204
    again = put(fhir, "back")
    assert (again.status_code, again.headers["etag"]) == (201, 'W/"3"')
    assert again.headers["location"].endswith("/fhir/Basic/back/_history/3")
    assert put(fhir, "back").status_code == 200  # the same once more, and then another content
    assert put(fhir, "back", language="en").status_code == 200
    told = fhir.get("/fhir/Basic/back/_history").json()["entry"]
    assert [each["response"]["status"] for each in told] == ["200", "201", "204", "201"]


@pytest.mark.parametrize("kind", ["batch", "transaction"])
def test_an_entry_that_brings_back_is_answered_as_a_creation(fhir: TestClient, kind: str) -> None:
    name = f"within-{kind}"
    put(fhir, name)
    fhir.delete(f"/fhir/Basic/{name}")
    entry = {
        "resource": {"resourceType": "Basic", "id": name},
        "request": {"method": "PUT", "url": f"Basic/{name}"},
    }
    sent = {"resourceType": "Bundle", "type": kind, "entry": [entry]}
    for status in ("201", "200"):
        [answer] = fhir.post("/fhir", content=json.dumps(sent)).json()["entry"]
        assert answer["response"]["status"] == status


# A read of what its client holds


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_what_its_reader_holds_is_not_sent_again(fhir: TestClient, method: str) -> None:
    """Source: hl7.org/fhir/R4/http.html#cread"""
    name = f"held-{method.lower()}"
    put(fhir, name)
    put(fhir, name, language="en")

    def read(value: str) -> Response:
        return fhir.request(method, f"/fhir/Basic/{name}", headers={"If-None-Match": value})

    for value in ('W/"2"', '"2"', "*", 'W/"1", W/"2"', 'W/"1" ,W/"2"'):
        answer = read(value)
        assert (answer.status_code, answer.content) == (304, b""), value
        assert answer.headers["etag"] == 'W/"2"'
        assert "last-modified" in answer.headers
        assert "content-type" not in answer.headers
    for value in ('W/"1"', "2", 'W/"22"', ""):
        answer = read(value)
        assert (answer.status_code, answer.headers["etag"]) == (200, 'W/"2"'), value


def test_a_version_is_held_by_its_own_tag(fhir: TestClient) -> None:
    put(fhir, "one")
    put(fhir, "one", language="en")
    first = fhir.get("/fhir/Basic/one/_history/1")
    tag = {"If-None-Match": first.headers["etag"]}
    assert fhir.get("/fhir/Basic/one/_history/1", headers=tag).status_code == 304
    assert fhir.get("/fhir/Basic/one/_history/2", headers=tag).status_code == 200


def test_what_was_told_last_modified_may_be_asked_by(fhir: TestClient) -> None:
    told = put(fhir, "dated").headers["last-modified"]
    earlier = format_datetime(parsedate_to_datetime(told) - timedelta(seconds=1), usegmt=True)

    def read(**headers: str) -> int:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        return fhir.get("/fhir/Basic/dated", headers=sent).status_code

    assert read(If_Modified_Since=told) == 304
    assert read(If_Modified_Since=earlier) == 200
    # Where a tag stands the date says nothing. Source: RFC 9110, 13.1.3
    assert read(If_Modified_Since=told, If_None_Match='W/"7"') == 200


CHANGED = datetime(2026, 3, 1, 12, 0, 0, 500_000, UTC)


@pytest.mark.parametrize(
    ("since", "version", "known"),
    [
        ("Sun, 01 Mar 2026 12:00:00 GMT", 1, True),
        # Who read version 1 within this second would keep it: version 2 is of this second too.
        ("Sun, 01 Mar 2026 12:00:00 GMT", 2, False),
        ("Sun, 01 Mar 2026 12:00:01 GMT", 2, True),
        ("Sun, 01 Mar 2026 13:00:01 +0100", 2, True),
        ("Sun, 01 Mar 2026 12:00:01", 2, True),
        ("Sun, 01 Mar 2026 12:00:01 +99999999999999999999", 2, False),
        ("Sun, 99 Mar 2026 12:00:01 GMT", 2, False),
        ("yesterday", 2, False),
        ("", 2, False),
    ],
)
def test_a_date_that_does_not_tell_what_was_read_counts_for_nothing(
    since: str, version: int, known: bool
) -> None:
    held = Held("Basic", "b", version, CHANGED, b"{}", {}, False, None, "", "")
    assert is_known(Headers({"If-Modified-Since": since}), held) is known


def test_who_holds_it_must_still_be_allowed_and_is_recorded(
    client: TestClient, ward: Ward, installation: Installation
) -> None:
    own = {"If-None-Match": "*"}
    stranger, clinician = (own | ward.bearer(role) for role in (Role.RESEARCHER, Role.CLINICIAN))
    before = last_rows(installation, ward, 50)
    assert client.get("/fhir/Patient/p-ada", headers=own).status_code == 401
    assert client.get("/fhir/Patient/p-ada", headers=stranger).status_code == 403
    assert client.get("/fhir/Patient/nobody", headers=clinician).status_code == 404
    assert last_rows(installation, ward, 50) == before
    assert client.get("/fhir/Patient/p-ada", headers=clinician).status_code == 304
    assert last_rows(installation, ward) == [("resource", ["p-ada"])]


# A Bundle of which nobody can say what to do


@pytest.mark.parametrize("kind", ["transactions", "", "subscription-notification", None, 5, []])
def test_a_bundle_of_no_known_type_lands_nothing(fhir: TestClient, kind: object) -> None:
    entry = {
        "resource": {"resourceType": "Basic", "id": "unheard-of"},
        "request": {"method": "PUT", "url": "Basic/unheard-of"},
    }
    sent = {"resourceType": "Bundle", "entry": [entry]} | ({} if kind is None else {"type": kind})
    answer = fhir.post("/fhir", content=json.dumps(sent))
    assert answer.status_code == 400
    [issue] = answer.json()["issue"]
    assert (issue["severity"], issue["code"]) == ("error", "invalid")
    assert "Bundle.type" in issue["diagnostics"]
    assert "transactions" not in answer.text
    assert fhir.get("/fhir/Basic/unheard-of").status_code == 404


# Who may write and not read


@pytest.fixture
def blind(ward: Ward, installation: Installation) -> Callable[[str], dict[str, str]]:
    """Tokens of accounts that see notes de-identified and may write resources."""
    roles = [Role.ADMIN, Role.RESEARCHER]

    def bearer(name: str) -> dict[str, str]:
        accounts, tenant_id = ward.services.accounts, ward.tenant.tenant_id
        user_id = accounts.create(tenant_id, name, roles, "x")
        token = accounts.create_token(tenant_id, user_id, timedelta(days=1))[1]
        return {"Authorization": f"Bearer {token}"}

    return bearer


def test_who_may_only_write_gets_no_representation(
    client: TestClient, ward: Ward, installation: Installation,
    blind: Callable[[str], dict[str, str]],
) -> None:  # fmt: skip
    headers = blind("blind") | {"Prefer": "return=representation"}
    body = {"resourceType": "Patient", "id": "unseen", "birthDate": "1970-01-01"}
    for status in (201, 200):  # also of what somebody else may have written
        answer = client.put("/fhir/Patient/unseen", json=body, headers=headers)
        assert answer.status_code == status
        assert answer.json()["resourceType"] == "OperationOutcome"
        assert "1970" not in answer.text
        assert last_rows(installation, ward)[0][0] == "ingest"  # nothing was read
    assert client.get("/fhir/Patient/unseen", headers=headers).status_code == 403


def test_what_is_closed_to_who_wrote_it_is_told_as_stored(fhir: TestClient) -> None:
    security = [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "V"}]
    body = {"resourceType": "Basic", "id": "sealed", "meta": {"security": security}}
    answer = fhir.put("/fhir/Basic/sealed", json=body, headers={"Prefer": "return=representation"})
    assert (answer.status_code, answer.json()["resourceType"]) == (201, "OperationOutcome")
    assert fhir.get("/fhir/Basic/sealed", headers={"If-None-Match": "*"}).status_code == 404


# HEAD


def test_head_has_no_body_on_the_wire(ward: Ward, site: str) -> None:
    """A body behind it would be read as the next answer of the connection."""
    where = urlsplit(site)
    bearer = ward.bearer()["Authorization"]
    asked = "".join(
        f"{method} /fhir/Patient/p-ada HTTP/1.1\r\nHost: {where.netloc}\r\n"
        f"Authorization: {bearer}\r\nConnection: {kept}\r\n\r\n"
        for method, kept in (("HEAD", "keep-alive"), ("GET", "close"))
    )
    with socket.create_connection((str(where.hostname), where.port or 0), timeout=30) as wire:
        wire.sendall(asked.encode())
        told = b"".join(iter(lambda: wire.recv(65536), b""))
    bare, whole, body = told.split(b"\r\n\r\n")
    lengths = {line for line in (bare + whole).split(b"\r\n") if b"content-length" in line.lower()}
    assert (bare[:12], whole[:12]) == (b"HTTP/1.1 200", b"HTTP/1.1 200")
    assert lengths == {b"content-length: %d" % len(body)}
    assert json.loads(body)["id"] == "p-ada"


def test_head_sends_no_body_to_whichever_server(ward: Ward) -> None:
    """uvicorn drops it by itself, another server of ASGI may not."""
    said: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        said.append(message)

    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "HEAD",
        "scheme": "http", "path": "/fhir/metadata", "raw_path": b"/fhir/metadata",
        "query_string": b"", "root_path": "", "headers": [(b"host", b"127.0.0.1")],
        "client": ("127.0.0.1", 5), "server": ("127.0.0.1", 80),
    }  # fmt: skip
    asyncio.run(create_app(ward.services)(scope, receive, send))
    assert said[0]["status"] == 200
    assert [message["body"] for message in said[1:]] == [b""] * (len(said) - 1)
    assert len(said) > 1


# References by this server's own address


def observed(client: TestClient, name: str, base: str, **headers: str) -> Response:
    body = {
        "resourceType": "Observation", "id": name, "status": "final",
        "code": {"coding": [{"code": "own-address"}]},
        "subject": {"reference": f"{base}/Patient/p-ada"},
    }  # fmt: skip
    return client.put(f"/fhir/Observation/{name}", content=json.dumps(body), headers=headers)


def test_a_reference_by_this_servers_address_joins_the_chart(
    fhir: TestClient, ward: Ward, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, other = "https://search.example/fhir", "http://127.0.0.1:8090/fhir"
    asked_at = str(fhir.base_url).rstrip("/") + "/fhir"  # what its answers' links begin with
    monkeypatch.setattr(ward.services.settings, "fhir_base", own)
    assert observed(fhir, "own", own).status_code == 201
    # Whoever names that port as ours does not make the patient of another server there ours.
    assert observed(fhir, "other", other, Host="127.0.0.1:8090").status_code == 201
    sent = fhir.get("/fhir/Observation/own").json()["subject"]["reference"]
    assert sent == f"{own}/Patient/p-ada"

    def found(asked: str) -> list[str]:
        bundle = fhir.get(f"/fhir/Observation?code=own-address&{asked}").json()
        return [each["resource"]["id"] for each in bundle.get("entry", [])]

    for _ in range(2):
        assert found("subject=Patient/p-ada") == ["own"]
        assert found(f"subject={own}/Patient/p-ada") == ["own"]
        assert found(f"subject={asked_at}/Patient/p-ada") == ["own"]
        assert found(f"subject={other}/Patient/p-ada") == ["other"]
        whole = fhir.get("/fhir/Patient/p-ada/$everything?_type=Observation&_count=1000").json()
        names = {each["resource"]["id"] for each in whole["entry"]}
        assert ("own" in names, "other" in names) == (True, False)
        fill_search(installation.database, ward.tenant)  # made anew, they say the same
