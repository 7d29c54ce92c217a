"""Bodies, questions and forms that are meant to harm: each gets a calm answer."""

from __future__ import annotations

import asyncio
import gzip
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import zstandard
from fastapi.testclient import TestClient
from httpx2 import Response

from app.web import create_app
from app.wiring import Installation
from indexing.access import Role
from tests.attack import (
    Hospital,
    ask,
    browser,
    chart_of,
    found_hospital,
    person,
    sign_in,
)

EVIL = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'{{7*7}}"
FHIR = {"Content-Type": "application/fhir+json"}


@pytest.fixture(scope="module")
def hospital(installation: Installation) -> Hospital:
    resources = [person("b-p", EVIL), *chart_of("b-p", EVIL, "b")]
    return found_hospital(installation, resources, EVIL)


@pytest.fixture
def client(hospital: Hospital) -> Iterator[TestClient]:
    with browser(hospital) as opened:
        yield opened


def post_form(client: TestClient, path: str, **fields: str) -> Response:
    """Post a form that may hold half a surrogate."""
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return client.post(path, content=urlencode(fields, errors="surrogatepass"), headers=kind)


# Bodies


def _patient(**more: Any) -> bytes:
    return json.dumps({"resourceType": "Patient", "id": "bad", **more}).encode()


DEEP, NINES = b"[" * 100_000 + b"]" * 100_000, b"9" * 100_000
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "not json": b"\x00\x01\x02",
    "zeros": bytes(100_000),
    "only brackets": b"[" * 100_000,
    "deep in a resource": b'{"resourceType":"Patient","id":"bad","x":' + DEEP + b"}",
    "deep objects": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "a huge number": b'{"resourceType":"Observation","id":"bad","valueInteger":' + NINES + b"}",
    "two of one key": b'{"resourceType":"Patient","id":"bad","id":"worse"}',
    "U+0000": b'{"resourceType":"Patient","id":"bad","name":[{"text":"a\\u0000b"}]}',
    "half a surrogate": b'{"resourceType":"Patient","id":"bad","name":[{"text":"a\\ud800b"}]}',
    "latin-1": '{"resourceType":"Patient","id":"bad","name":[{"text":"\xe9"}]}'.encode("latin-1"),
    "utf-16": '{"resourceType":"Patient","id":"bad"}'.encode("utf-16"),
    "an array": b'[{"resourceType":"Patient","id":"bad"}]',
    "no such type": b'{"resourceType":"Sorcery","id":"bad"}',
    "an id that climbs": _patient(id="../../etc/passwd"),
    "a day that is none": _patient(birthDate="2023-02-29"),
    "NaN": b'{"resourceType":"Patient","id":"bad","x":NaN}',
}  # fmt: skip


@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_a_bad_resource_is_refused_and_nothing_of_it_stays(
    client: TestClient, hospital: Hospital, body: bytes
) -> None:
    headers = hospital.bearer() | FHIR
    answer = client.post("/fhir", content=body, headers=headers)
    assert answer.status_code in (400, 422)
    assert answer.json()["resourceType"] == "OperationOutcome"
    for kind in ("Patient", "Observation"):
        assert client.get(f"/fhir/{kind}/bad", headers=headers).status_code == 404


@cache
def _packed(pack: Callable[[bytes], bytes]) -> bytes:
    """Return a little that unpacks to more than the limit; made when it is first wanted."""
    return pack(b" " * (65 << 20))


@pytest.mark.parametrize(
    ("pack", "encoding", "status"),
    [
        (lambda: _packed(gzip.compress), "gzip", 413),
        (lambda: gzip.compress(_packed(gzip.compress)), "gzip", 400),
        (lambda: gzip.compress(b"{}")[:-4], "gzip", 400),
        (lambda: gzip.compress(b"{}") + b"more", "gzip", 400),
        (lambda: _packed(zstandard.compress), "zstd", 415),
        (lambda: b"{}", "gzip, gzip", 415),
        (lambda: b"{}", "deflate", 415),
    ],
)
def test_packed_bodies_stop_at_the_limit(
    client: TestClient, hospital: Hospital, pack: Callable[[], bytes], encoding: str, status: int
) -> None:
    content = pack()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    headers = hospital.bearer() | FHIR | {"Content-Encoding": encoding}
    assert client.post("/fhir", content=content, headers=headers).status_code == status
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 80 * 1024  # the limit itself is 64 MiB


@pytest.mark.parametrize("path", ["/fhir", "/api/search", "/search", "/login"])
def test_a_body_of_100_mb_ends_at_the_limit_announced_or_not(
    client: TestClient, hospital: Hospital, path: str
) -> None:
    headers = hospital.bearer() | {"Content-Type": "application/json"}
    if path in ("/search", "/login"):
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    announced = headers | {"Content-Length": str(100 << 20)}
    assert client.post(path, content=b"", headers=announced).status_code == 413
    if path == "/search":
        sign_in(client, hospital)  # without it nothing is read at all
    pieces = (b"x" * (1 << 20) for _ in range(100))
    assert client.post(path, content=pieces, headers=headers).status_code == 413


@pytest.mark.parametrize(
    "q",
    [
        "(" * 2000, "(" * 2000 + "a" + ")" * 2000, "a " * 5000, "x" * 10_000, "x" * 10_001,
        '"' + "a " * 4000 + '"~5', "NOT " * 2000 + "a", "*" * 500, "a* " * 2000, "-" * 5000 + "a",
        "date:9999999999..", "date:0000", "patient:*", '""', "\x00", "\ud800", "a\x00b", "\u202e",
        "section:" * 1000, "a AND " * 1500 + "b", "𝔘" * 3000, "e\u0301" * 4000,
    ],
)  # fmt: skip
def test_any_question_is_answered_or_refused(
    client: TestClient, hospital: Hospital, q: str
) -> None:
    headers = hospital.bearer() | {"Content-Type": "application/json"}
    for plain in (False, True):
        body = json.dumps({"q": q, "plain": plain})
        answer = client.post("/api/search", content=body, headers=headers)
        assert answer.status_code in (200, 400, 422), answer.text
    token = sign_in(client, hospital)
    asked = post_form(client, "/search", form_token=token, q=q)
    assert asked.status_code in (303, 400, 422), asked.text
    if asked.status_code == 303:  # what is refused is refused at an address of its own
        assert client.get(asked.headers["location"]).status_code in (200, 400, 422)


@pytest.mark.parametrize(
    "more",
    [
        {"only": {"patient": ["\x00"]}}, {"only": {"sorcery": ["x"]}}, {"only": {"period": ["x"]}},
        {"only": {"period": ["99999"]}}, {"only": {"type": ["x" * 9000]}},
        {"only": {"patient": ["\ud800"]}}, {"rejected": ["\x00"] * 900}, {"accepted": ["x"] * 9000},
        {"rankers": "lexical,,vector"}, {"k": 10**30}, {"k": -1}, {"k": 1.5}, {"extra": 1},
    ],
)  # fmt: skip
def test_any_narrowing_is_answered_or_refused(
    client: TestClient, hospital: Hospital, more: dict[str, Any]
) -> None:
    headers = hospital.bearer() | {"Content-Type": "application/json"}
    body = json.dumps({"q": "pain", **more})
    answer = client.post("/api/search", content=body, headers=headers)
    assert answer.status_code in (200, 400, 422), answer.text


@pytest.mark.parametrize(
    "change",
    [
        "facet=patient:\x00", "facet=sorcery:x", "facet=period:\ud800", "facet=period:0",
        "facet=period:99999", "query=\x00", "query=((", "reject=\x00", "accept=" + "x" * 9000,
        "rankers=magic", "assertion=maybe", "sorcery", "", "facet=" * 1000,
    ],
)  # fmt: skip
def test_any_change_to_a_page_is_answered_or_refused(
    client: TestClient, hospital: Hospital, change: str
) -> None:
    token = sign_in(client, hospital)
    page = ask(client, token, "pain").url.path
    answer = post_form(client, f"{page}/refine", form_token=token, change=change)
    assert answer.status_code in (303, 400, 422), answer.text
    if answer.status_code == 303:  # what is refused is refused at an address of its own
        assert client.get(answer.headers["location"]).status_code in (200, 400, 422)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/audit", {"before": "9" * 40}), ("/audit", {"patient": "\x00"}),
        ("/audit", {"user": "\x00' OR 1=1"}), ("/audit", {"patient": "x" * 200_000}),
        ("/audit", {"before": "-1"}), ("/audit", {"before": "٣"}),
        ("/theme", {"theme": "\u65e5\u672c"}), ("/theme", {"theme": "a\r\nSet-Cookie: x=1"}),
        ("/theme", {"theme": "dark", "next": "/\u65e5\r\nX-Leak: 1"}),
    ],
)  # fmt: skip
def test_any_field_is_answered_or_refused(
    client: TestClient, hospital: Hospital, path: str, fields: dict[str, str]
) -> None:
    token = sign_in(client, hospital, Role.PRIVACY)
    answer = client.post(path, data={"form_token": token, **fields})
    assert answer.status_code in (200, 303, 400, 422), answer.text
    assert "x-leak" not in answer.headers
    if "?asked=" in answer.headers.get("location", ""):
        assert client.get(answer.headers["location"]).status_code in (200, 400, 422)
    cookies = answer.headers.get_list("set-cookie")
    assert not [each for each in cookies if each.startswith("x=")]


@pytest.mark.parametrize(
    "body",
    [
        b"--x\r\nContent-Disposition: form-data; name=\"q\"\r\n\r\nfever",
        b"--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f\"\r\n\r\nfever\r\n--x--",
        b"no boundary at all", b"",
        b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n" * 900,
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "multipart/form-data"])
def test_broken_forms_are_refused(
    client: TestClient, hospital: Hospital, body: bytes, kind: str
) -> None:
    sign_in(client, hospital)
    answer = client.post("/search", content=body, headers={"Content-Type": kind})
    assert answer.status_code in (400, 403)


def test_too_many_fields_are_refused(client: TestClient, hospital: Hospital) -> None:
    sign_in(client, hospital)
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = client.post("/search", content=b"a=1&" * 5000, headers=kind)
    assert answer.status_code in (400, 403)


def test_a_body_that_does_not_come_is_not_waited_for(
    hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.edge.MAX_FHIR_BODY_S", 0.05)
    header, secret = next(iter(hospital.bearer().items()))
    scope: dict[str, Any] = {
        "type": "http", "method": "POST", "path": "/fhir", "raw_path": b"/fhir", "root_path": "",
        "query_string": b"", "scheme": "http", "http_version": "1.1", "client": ("10.1.0.1", 5),
        "server": ("127.0.0.1", 8080), "asgi": {"version": "3.0"},
        "headers": [(b"host", b"127.0.0.1"), (header.lower().encode(), secret.encode())],
    }  # fmt: skip
    sent: list[dict[str, Any]] = []

    async def drip() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError("never set")

    async def send(message: Any) -> None:
        sent.append(message)

    asyncio.run(create_app(hospital.services)(scope, drip, send))
    assert sent[0]["status"] == 408


# The command's reader, in a process of its own


_READER = """
import resource, sys
from pathlib import Path
from indexing.fhir.sources import Source, read_sources
from indexing.prepare import Rules, prepare
from zoneinfo import ZoneInfo
rules = Rules(ZoneInfo("UTC"))
Path(sys.argv[2]).write_text('{"resourceType":"Patient","id":"a"}')
for each in read_sources([Path(sys.argv[2])]): list(prepare(each, rules))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
refused = 0
for each in read_sources([Path(sys.argv[1])]):
    for item in prepare(each, rules): refused += type(item).__name__ == "Refused"
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before, refused)
"""
_ZEROS = b" " * (1 << 20)


def _bomb(kind: str, path: Path) -> None:
    import tarfile
    import zipfile

    big = b" " * (300 << 20) if kind in ("zip", "tar") else b""
    match kind:
        case "gzip":
            with gzip.open(path, "wb") as out:
                for _ in range(600):
                    out.write(_ZEROS)
        case "zstd":
            with zstandard.open(path, "wb") as out:
                for _ in range(600):
                    out.write(_ZEROS)
        case "zip":
            with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("a.json", big)
        case "tar":
            with tarfile.open(path, "w:gz") as archive:
                info = tarfile.TarInfo("a.json")
                info.size = 300 << 20
                archive.addfile(info, __import__("io").BytesIO(big))
        case "depth":
            path.write_bytes(b'{"a":' * 2_000_000)
        case _:
            path.write_bytes(b'{"resourceType":"Patient","id":"a","x":' + b"9" * 9_000_000 + b"}")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gzip", "zstd", "zip", "tar", "depth", "digits"])
def test_a_bomb_costs_less_than_64_mb(tmp_path: Path, kind: str) -> None:
    bomb = tmp_path / "bomb.json"
    _bomb(kind, bomb)
    done = subprocess.run(
        [sys.executable, "-c", _READER, str(bomb), str(tmp_path / "good.json")],
        capture_output=True, text=True, timeout=120, check=True,
        cwd=Path(__file__).parents[2],
    )  # fmt: skip
    grown_kb, refused = map(int, done.stdout.split())
    assert refused >= 1
    assert grown_kb < 64 * 1024
