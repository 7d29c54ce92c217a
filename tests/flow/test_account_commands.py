"""What the desk does for an account after it was made: a lost password, somebody who leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from app.cli.main import app
from app.cli.output import operator_name
from indexing.access import Access, Role
from tests.browsing import form_token, sign_in
from tests.ward import PASSWORD, Ward


def users(home: Path, ward: Ward, *words: str, typed: str | None = None) -> Result:
    ran = CliRunner().invoke(
        app, ["users", *words, "--tenant", ward.tenant.code],
        input=typed, env={"ANAMNESIS_HOME": str(home)},
    )  # fmt: skip
    assert ran.exit_code == 0, ran.output
    return ran


def enters(client: TestClient, ward: Ward, role: Role, password: str) -> bool:
    answer = client.post(
        "/login",
        data={
            "form_token": form_token(client.get("/login").text), "tenant": ward.tenant.code,
            "name": role.value, "password": password,
        },
        follow_redirects=False,
    )  # fmt: skip
    return answer.status_code == 303


def is_in(client: TestClient) -> bool:
    return client.get("/search", follow_redirects=False).status_code == 200


def test_a_lost_password_is_replaced_and_who_knew_it_is_out(
    home: Path, ward: Ward, client: TestClient
) -> None:
    sign_in(client, ward, Role.CLINICIAN)
    assert is_in(client)
    told = json.loads(users(home, ward, "password", Role.CLINICIAN.value, "--json").stdout)
    assert not is_in(client)
    assert not enters(client, ward, Role.CLINICIAN, PASSWORD)
    assert enters(client, ward, Role.CLINICIAN, told["password"])
    users(home, ward, "password", "CLINICIAN", "--password-stdin", typed=PASSWORD + "\n")
    assert not is_in(client)
    assert enters(client, ward, Role.CLINICIAN, PASSWORD)


def test_who_leaves_is_let_in_by_nothing_until_opened_again(
    home: Path, ward: Ward, client: TestClient
) -> None:
    role = Role.RESEARCHER
    call: Any = {"url": "/api/notes/note-angina", "headers": ward.bearer(role)}
    assert client.get(**call).status_code != 401
    sign_in(client, ward, role)
    users(home, ward, "close", role.value)
    assert not is_in(client)
    assert not enters(client, ward, role, PASSWORD)
    assert client.get(**call).status_code == 401
    assert f"{role.value}\t{role.value}\tclosed" in users(home, ward, "list").stdout
    users(home, ward, "open", role.value)
    assert enters(client, ward, role, PASSWORD)


def test_an_account_that_is_not_there_is_named_as_such(home: Path, ward: Ward) -> None:
    ran = CliRunner().invoke(
        app, ["users", "close", "nobody", "--tenant", ward.tenant.code],
        env={"ANAMNESIS_HOME": str(home)},
    )  # fmt: skip
    assert ran.exit_code != 0
    assert "users list" in str(getattr(ran.exception, "hint", ""))


def test_what_the_desk_does_stands_in_the_audit_as_done_by_whom(
    home: Path, ward: Ward, client: TestClient
) -> None:
    before = _told(ward)
    users(home, ward, "create", "Nightingale", "--role", "clinician,researcher")
    users(home, ward, "password", "nightingale")
    users(home, ward, "close", "nightingale")
    users(home, ward, "open", "nightingale")
    for command in ("create", "revoke"):
        ran = CliRunner().invoke(
            app, ["tokens", command, "--tenant", ward.tenant.code, "--user", "nightingale"],
            env={"ANAMNESIS_HOME": str(home)},
        )  # fmt: skip
        assert ran.exit_code == 0, ran.output
    told = _told(ward)[len(before) :]
    accounts = ward.services.accounts
    user_id = accounts.by_name(ward.tenant.tenant_id, "nightingale").user_id
    assert all(row[2] == [f"account/{user_id}"] for row in told)
    assert {row[3] for row in told} == {(operator_name(), "HOPERAT")}
    (token,) = [row[4]["token"] for row in told if "token" in row[4]]
    assert [(row[0], row[1], row[4]) for row in told] == [
        ("C", "account", {"roles": "clinician, researcher"}),
        ("U", "account", {"change": "password"}),
        ("U", "account", {"change": "closed"}),
        ("U", "account", {"change": "opened"}),
        ("C", "token", {"token": token}),
        ("D", "token", {"revoked": 1}),
    ]
    sign_in(client, ward, Role.PRIVACY)
    assert "account nightingale change closed" in client.get("/audit").text


def _told(ward: Ward) -> list[Any]:
    """Return what the audit says of accounts and tokens, oldest first."""
    access = Access(ward.tenant.tenant_id, "auditor", frozenset({Role.ADMIN}))
    rows = ward.services.trail.read(access, limit=1000)
    return [
        (row.action, row.subtype, list(row.entities), (row.user_id, row.purpose), dict(row.detail))
        for row in reversed(rows) if row.subtype in {"account", "token"}
    ]  # fmt: skip
