"""Words planted in notes, names and questions: none may reach a log, an error, an address."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from pydantic import SecretStr

from app.wiring import Installation
from indexing.errors import AnamnesisError
from tests.attack import (
    Hospital,
    ask,
    browser,
    chart_of,
    found_hospital,
    note,
    person,
    sign_in,
)

PLANTED = "qzplantedword"
FHIR = {"Content-Type": "application/fhir+json"}
OBSERVATION = {
    "resourceType": "Observation", "id": "l-bad", "status": "final", "code": {"text": PLANTED},
    "subject": {"reference": "Patient/l-p"},
}  # fmt: skip


@pytest.fixture(scope="module")
def hospital(installation: Installation) -> Hospital:
    made = found_hospital(installation, [person("l-p", PLANTED), *chart_of("l-p", PLANTED, "l")])
    settings = made.services.settings.model_copy(update={"metrics_token": SecretStr("m" * 20)})
    return replace(made, services=replace(made.services, settings=settings))


@pytest.fixture
def client(hospital: Hospital) -> Iterator[TestClient]:
    with browser(hospital) as opened:
        yield opened


@pytest.fixture(autouse=True)
def nothing_is_logged(
    installation: Installation, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> Iterator[None]:
    """After each test, no log, stream or log file holds the word."""
    caplog.set_level(logging.DEBUG)
    yield
    ours = [r for r in caplog.records if not r.name.startswith(("httpx", "asyncio"))]
    logged = "\n".join(
        f"{r.getMessage()} {r.exc_text or ''} {r.exc_info or ''} {r.__dict__}" for r in ours
    )
    assert PLANTED not in logged.lower()
    out, err = capfd.readouterr()
    assert PLANTED not in (out + err).lower()
    logs = [path for path in installation.home.rglob("*log*") if path.is_file()]
    assert logs  # the database writes one
    for path in logs:
        if "pgdata/pg_wal" not in str(path) and "base" not in path.parts:
            assert PLANTED.encode() not in path.read_bytes().lower(), path.name


def quiet(answer: Response) -> None:
    """Hold headers, address and body of an error to silence."""
    assert PLANTED not in str(answer.headers).lower()
    if answer.status_code >= 400:
        assert PLANTED not in answer.text.lower()


BAD: list[Any] = [
    {**OBSERVATION, "status": PLANTED},
    {**OBSERVATION, "effectiveDateTime": PLANTED},
    {**OBSERVATION, "valueQuantity": {"value": PLANTED}},
    {**OBSERVATION, f"Mrs {PLANTED}": PLANTED},
    {**OBSERVATION, f"Mrs {PLANTED}": {"a": "\x00"}},
    {**OBSERVATION, f"Mrs {PLANTED}": {"reference": "urn:uuid:gone"}},
    {**OBSERVATION, "id": f"{PLANTED}/.."},
    {**OBSERVATION, "valueString": f"{PLANTED}\x00"},
    {**OBSERVATION, "valueString": f"{PLANTED}\ud800"},
    {**OBSERVATION, "subject": {"reference": f"urn:uuid:{PLANTED}"}},
    {**OBSERVATION, "subject": {"reference": f"Patient?identifier={PLANTED}"}},
    {"resourceType": f"A {PLANTED}", "id": "x"},
    {"resourceType": "Patient", "id": "l-bad", "birthDate": PLANTED},
    {"resourceType": "Patient", "id": "l-bad", "name": PLANTED},
    {"resourceType": "Patient", "id": "l-bad", "photo": [{"data": f"!{PLANTED}!"}]},
    f'{{"resourceType":"Patient","id":"l-bad","name":"{PLANTED}"',
    f'{{"resourceType":"Patient","id":"l-bad","Mrs {PLANTED}":1,"Mrs {PLANTED}":2}}',
    f"{PLANTED}",
    {**note("l-bad", "l-p", "x", PLANTED), "content": [{"attachment": {"data": PLANTED}}]},
    {"resourceType": "Bundle", "type": PLANTED, "entry": []},
    {
        "resourceType": "Bundle", "type": "transaction",
        "entry": [
            {
                "fullUrl": PLANTED, "resource": OBSERVATION,
                "request": {"method": PLANTED, "url": f"Observation/{PLANTED}"},
            }
        ],
    },
    {
        "resourceType": "Bundle", "type": "batch",
        "entry": [{"resource": {**OBSERVATION, "status": PLANTED}}, {"resource": PLANTED}],
    },
]  # fmt: skip


def _bytes(body: Any) -> bytes:
    return body.encode() if isinstance(body, str) else json.dumps(body).encode()


@pytest.mark.parametrize("body", BAD, ids=range(len(BAD)))
def test_what_is_wrong_with_a_resource_is_said_without_its_words(
    client: TestClient, hospital: Hospital, body: Any
) -> None:
    answer = client.post("/fhir", content=_bytes(body), headers=hospital.bearer() | FHIR)
    assert answer.status_code < 500
    quiet(answer)
    assert PLANTED not in answer.text.lower()  # nor in the issues beside what was stored


@pytest.mark.parametrize(
    "body",
    [
        {"q": f"{PLANTED} AND ("}, {"q": PLANTED, "k": 0}, {"q": PLANTED, PLANTED: 1},
        {"q": PLANTED, "rankers": [PLANTED]}, {"q": PLANTED, "assertion": PLANTED},
        {"q": PLANTED, "only": {PLANTED: ["x"]}}, {"q": [PLANTED]}, {"q": f'"{PLANTED}'},
        {"q": PLANTED, "k": PLANTED}, {"q": f"date:{PLANTED}..("}, {"q": f"{PLANTED}\x00 ("},
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_question_is_said_without_its_words(
    client: TestClient, hospital: Hospital, body: dict[str, Any]
) -> None:
    quiet(client.post("/api/search", json=body, headers=hospital.bearer()))


def test_a_broken_body_is_not_quoted(client: TestClient, hospital: Hospital) -> None:
    headers = hospital.bearer() | {"Content-Type": "application/json"}
    quiet(client.post("/api/search", content=f'{{"q":"{PLANTED}'.encode(), headers=headers))
    headers["Content-Type"] = f"text/{PLANTED}"
    quiet(client.post("/api/search", content=b"{}", headers=headers))
    quiet(client.post("/fhir", content=b"{}", headers=headers))
    headers |= FHIR | {"Content-Encoding": PLANTED}
    quiet(client.post("/fhir", content=b"{}", headers=headers))


def test_no_address_holds_a_word(client: TestClient, hospital: Hospital) -> None:
    token = sign_in(client, hospital)
    asked = client.post("/search", data={"form_token": token, "q": PLANTED})
    quiet(asked)
    page = ask(client, token, PLANTED)
    assert PLANTED in page.text  # its owner reads it
    quiet(page)
    for change in (f"query={PLANTED} x", f"facet=author:Dr {PLANTED}", f"reject={PLANTED}"):
        data = {"form_token": token, "change": change}
        quiet(client.post(f"{page.url.path}/refine", data=data))
    quiet(client.post(f"{page.url.path}/refine", data={"form_token": token, "change": PLANTED}))
    metrics = client.get("/metrics", headers={"Authorization": "Bearer " + "m" * 20})
    assert metrics.status_code == 200
    assert PLANTED not in metrics.text
    assert "l-note" not in metrics.text


def test_our_own_bugs_and_the_drivers_words_stay_here(
    client: TestClient, hospital: Hospital, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = sign_in(client, hospital)
    headers = hospital.bearer()

    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(PLANTED)

    def driver(*_: object, **__: object) -> None:
        raise psycopg.errors.UniqueViolation(f"Key (name)=({PLANTED}) already exists")

    for fault in (broken, driver):
        with monkeypatch.context() as patched:
            patched.setattr("indexing.backends.postgres.audit.send", fault)
            answers = [
                client.get("/patients/l-p"), client.get("/notes/l-note"),
                client.post("/search", data={"form_token": token, "q": PLANTED}),
                client.get("/fhir/Observation/l-observation", headers=headers),
                client.post("/fhir", json=OBSERVATION, headers=headers | FHIR),
            ]  # fmt: skip
            for answer in answers:
                assert answer.status_code >= 400
                quiet(answer)


_INSERT = (
    "INSERT INTO account (tenant_id, user_id, name, roles, password_hash) "
    "VALUES (%s, 'x', %s, '{}', '')"
)


def test_the_database_refuses_without_quoting(
    hospital: Hospital, installation: Installation
) -> None:
    """A constraint, a type and a syntax error: the server's own log, and the exception."""
    statements = (
        (_INSERT, (hospital.tenant.tenant_id, PLANTED.upper())),
        ("SELECT %s::text::int", (PLANTED,)),
        (f"SELECT '{PLANTED}' FROM", None),
    )  # fmt: skip
    for statement, values in statements:
        with (
            pytest.raises(AnamnesisError) as raised,
            installation.database.tenant(hospital.tenant.tenant_id) as conn,
        ):
            conn.execute(statement, values)
        assert PLANTED not in f"{raised.value!r} {raised.value.__cause__!r}".lower()


def run(home: Path, *command: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("ANAMNESIS_")}
    return subprocess.run(
        [sys.executable, "-m", "app.cli.main", *map(str, command)],
        check=False, capture_output=True, text=True, timeout=120,
        env={**environment, "ANAMNESIS_HOME": str(home)}, cwd=Path(__file__).parents[2],
    )  # fmt: skip


@pytest.fixture
def bad_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    for number, body in enumerate(BAD):
        (folder / f"{number:02}.json").write_bytes(_bytes(body))
    (folder / "lines.ndjson").write_bytes(b"\n".join(_bytes(body) for body in BAD[:12]))
    return folder


def test_a_rejects_file_keeps_to_places(
    hospital: Hospital, installation: Installation, tmp_path: Path, bad_folder: Path
) -> None:
    rejects, code = tmp_path / "made" / "rejects.ndjson", hospital.tenant.code
    done = run(installation.home, "ingest", "--tenant", code, "--rejects", rejects, bad_folder)
    assert done.returncode == 1, done.stderr
    assert PLANTED not in (done.stdout + done.stderr).lower()
    assert PLANTED not in rejects.read_text().lower()
    assert rejects.read_text().count("\n") >= 12


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ("ingest", "--tenant", "{code}", "--strict", "{folder}"),
        ("ingest", "--tenant", "{code}", "--json", "{folder}"),
        ("validate", "{folder}"), ("validate", "--json", "{folder}"),
        ("search", "--tenant", "{code}", f"{PLANTED} AND ("),
        ("search", "--tenant", "{code}", "--rankers", PLANTED, "x"),
    ],
)  # fmt: skip
def test_the_commands_keep_to_places_too(
    hospital: Hospital, installation: Installation, bad_folder: Path, command: tuple[str, ...]
) -> None:
    words = [each.format(code=hospital.tenant.code, folder=bad_folder) for each in command]
    done = run(installation.home, *words)
    assert done.returncode == (2 if command[0] == "search" else 1), done.stderr
    assert PLANTED not in (done.stdout + done.stderr).lower()


@pytest.mark.slow
def test_notes_that_cannot_be_read_are_not_quoted(
    hospital: Hospital, installation: Installation, tmp_path: Path
) -> None:
    table = tmp_path / "notes.csv"
    table.write_text(f'id,when,body\n1,{PLANTED},ok\n{PLANTED}/../,2020-01-01,x\n3,2020,"{PLANTED}')
    done = run(
        installation.home, "notes", "--tenant", hospital.tenant.code, "--map", "id=id",
        "--map", "date=when", "--map", "text=body", "--rejects", tmp_path / "r", table,
    )  # fmt: skip
    assert done.returncode in (0, 1), done.stderr
    assert PLANTED not in (done.stdout + done.stderr).lower()
    reasons = [json.loads(line)["reason"] for line in (tmp_path / "r").read_text().splitlines()]
    assert PLANTED not in str(reasons).lower()
