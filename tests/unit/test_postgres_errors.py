"""What the database refuses is told by its SQLSTATE, and in words where an operator can help."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import psycopg
import pytest

from indexing.backends.postgres import embedded
from indexing.backends.postgres.connect import mapped
from indexing.errors import EngineUnavailable


@pytest.mark.parametrize(
    ("raised", "words", "hint"),
    [
        (psycopg.errors.DiskFull("zebra"), "disk of the database is full", "make room"),
        (psycopg.errors.OutOfMemory("zebra"), "no memory left", "free some"),
        (psycopg.errors.TooManyConnections("zebra"), "no connection left", "max_connections"),
        (psycopg.errors.AdminShutdown("zebra"), "PostgreSQL refused (SQLSTATE 57P01)", ""),
    ],
)
def test_what_an_operator_can_mend_is_said_in_words(
    raised: psycopg.Error, words: str, hint: str
) -> None:
    told = mapped(raised)
    assert isinstance(told, EngineUnavailable)
    assert words in str(told)
    assert str(raised.sqlstate) in str(told)
    assert hint in told.hint
    assert "zebra" not in f"{told}{told.hint}"


def test_a_server_that_finds_no_room_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = embedded.Server(tmp_path)
    server.data.mkdir(parents=True)
    monkeypatch.setattr(embedded, "_programs", lambda: Path("/bin"))
    monkeypatch.setattr(embedded.Server, "_as_server_user", lambda _: [])
    for free, words in ((1 << 20, "disk of the home folder is full"), (1 << 40, "exit code 1")):
        monkeypatch.setattr(
            embedded.shutil, "disk_usage", lambda _, free=free: SimpleNamespace(free=free)
        )
        with pytest.raises(EngineUnavailable, match=words):
            server._run("false")
