"""What doctor tells: each fault once, in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.cli.doctor import Finding, said_once
from app.cli.doctor_engines import looks
from app.settings import Settings
from app.wiring import Installation
from indexing.backends.postgres.installation import load_secrets
from indexing.errors import ConfigurationError


def test_a_fault_that_many_checks_meet_is_told_once_and_in_one_line() -> None:
    dead = ("the database could not be set up", "connection refused\n\tIs the server running?")
    told = said_once([
        Finding("python", "ok", "3.11"), Finding("home", "fault", *dead),
        Finding("secrets", "fault", *dead), Finding("one", "ok", "fine"),
        Finding("two", "ok", "fine"),
        Finding("disk", "fault", "full", "make room"),
    ])  # fmt: skip
    assert [(each.verdict, each.found, each.advice) for each in told] == [
        ("ok", "3.11", ""), ("fault", dead[0], "connection refused Is the server running?"),
        ("fault", "as home", ""), ("ok", "fine", ""), ("ok", "fine", ""),
        ("fault", "full", "make room"),
    ]  # fmt: skip


@pytest.mark.parametrize("written", ["{", "[]", '{"pepper": 3}'])
def test_secrets_that_do_not_read_are_told_and_not_quoted(tmp_path: Path, written: str) -> None:
    (tmp_path / "secrets.json").write_text(written)
    with pytest.raises(ConfigurationError, match=r"secrets\.json of the home folder"):
        load_secrets(tmp_path)
    assert looks(Installation(Settings(home=tmp_path, vector="weaviate"))).keys() == {"weaviate"}


def test_a_home_that_cannot_hold_a_database_ends_no_doctor(tmp_path: Path) -> None:
    """What each check says of it stands in its finding: which engines to look at comes before."""
    (tmp_path / "postgres").write_text("a file, where a folder belongs")
    assert looks(Installation(Settings(home=tmp_path))) == {}
