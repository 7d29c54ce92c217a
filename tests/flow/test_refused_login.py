"""Logins that a real PostgreSQL refuses: `doctor` names the role, and what to do about it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict
from typer.testing import CliRunner

from app.cli.main import app as cli
from app.settings import Settings
from app.wiring import Installation
from indexing.backends.postgres.connect import Database
from indexing.backends.postgres.embedded import SUPERUSER, Server
from indexing.backends.postgres.installation import ROLES
from indexing.errors import EngineUnavailable

PAST = "2020-01-01"
SECRET = "a-secret-of-this-test"


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """An installation whose roles may be spoilt."""
    home = tmp_path_factory.mktemp("refused")
    made = Installation(Settings(home=home))
    _ = made.conninfos
    yield made
    made.close()
    Server(home).stop()


def admin(own: Installation) -> str:
    return Server(own.home).conninfo(SUPERUSER, own.secrets.superuser, "postgres")


@contextmanager
def expired(own: Installation, role: str) -> Iterator[None]:
    """Let a role's password have expired while the block runs."""
    with psycopg.connect(admin(own), autocommit=True) as conn:
        conn.execute(f"ALTER ROLE {role} VALID UNTIL '{PAST}'")
        try:
            yield
        finally:
            conn.execute(f"ALTER ROLE {role} VALID UNTIL 'infinity'")


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[str, str]]:
    def look(home: Path, **settings: str) -> tuple[str, str]:
        """Return what the first fault is, and its advice."""
        monkeypatch.setenv("ANAMNESIS_HOME", str(home))
        for name, value in settings.items():
            monkeypatch.setenv(f"ANAMNESIS_{name.upper()}", value)
        done = CliRunner().invoke(cli, ["doctor", "--json"])
        assert done.exit_code == 2, done.output
        findings = json.loads(done.stdout)["findings"]
        first = next(each for each in findings if each["verdict"] == "fault")
        assert SECRET not in done.output
        return first["found"], first["advice"]

    return look


def test_a_healthy_one_is_no_fault(own: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANAMNESIS_HOME", str(own.home))
    done = CliRunner().invoke(cli, ["doctor", "--json"])
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("role", [ROLES["app"], ROLES["owner"]])
def test_an_expired_password_of_our_own_roles_is_named(
    own: Installation, role: str, doctor: Callable[..., tuple[str, str]]
) -> None:
    with expired(own, role):
        what, advice = doctor(own.home)
    assert what == f"PostgreSQL refuses the login of {role}"
    assert f"ALTER ROLE {role} VALID UNTIL 'infinity'" in advice
    assert "secrets.json" in advice


@pytest.mark.parametrize("wrong", [False, True], ids=["expired", "wrong"])
def test_a_site_s_own_login_is_named(
    own: Installation, tmp_path: Path, wrong: bool, doctor: Callable[..., tuple[str, str]]
) -> None:
    with psycopg.connect(admin(own), autocommit=True) as conn:
        conn.execute(f"CREATE ROLE site LOGIN CREATEROLE PASSWORD '{SECRET}'")
        if not wrong:
            conn.execute(f"ALTER ROLE site VALID UNTIL '{PAST}'")
        host = conninfo_to_dict(admin(own))["host"]
        password = f"{SECRET}-old" if wrong else SECRET
        url = f"postgresql://site:{password}@/postgres?host={host}"
        what, advice = doctor(tmp_path, database_url=url)
        conn.execute("DROP ROLE site")
    assert what == "PostgreSQL refuses the login of site"
    assert "ANAMNESIS_DATABASE_URL" in advice
    assert "VALID UNTIL" in advice


def test_a_pool_that_finds_no_connection_tells_why(
    own: Installation,
) -> None:
    """Somebody who serves meets it when a connection is to be opened anew."""
    serving = Database(own.conninfos.app)
    serving._pool.timeout = 1.0
    with expired(own, ROLES["app"]):
        for _ in range(8):
            with (
                pytest.raises(EngineUnavailable, match=f"refuses the login of {ROLES['app']}"),
                serving.transaction(),
            ):
                pass
    # The longer it lasted, the later a pool left to itself tries again: here after another seven.
    assert any(answers(serving) for _ in range(3))
    serving.close()


def answers(database: Database) -> bool:
    try:
        with database.transaction() as conn:
            return conn.execute("SELECT 1").fetchone() == (1,)
    except EngineUnavailable:
        return False
