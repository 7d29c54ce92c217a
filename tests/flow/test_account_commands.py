"""What the desk does for an account after it was made: a lost password, somebody who leaves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from typer.testing import CliRunner, Result

from app.cli.main import app
from indexing.access import Role
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
