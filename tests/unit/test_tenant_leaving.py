"""A tenant that leaves: its audit on the disk, and what goes on looking whether it left."""

from __future__ import annotations

import threading
from collections import Counter
from pathlib import Path
from types import SimpleNamespace
from uuid import uuid4

import pytest

from app import letting_go
from app.letting_go import LettingGo, let_go, let_go_of_erased
from app.settings import Settings
from app.tenant_erasing import write_lines
from app.wiring import Installation
from indexing.model import TenantId


def test_an_audit_is_written_into_no_file_that_is_there(tmp_path: Path) -> None:
    path, other = tmp_path / "audit.ndjson", tmp_path / "other"
    other.write_text("of somebody else")
    (tmp_path / ".audit.ndjson.draft").symlink_to(other)
    write_lines(path, ['{"a": "\\u00e4"}'])
    assert other.read_text() == "of somebody else"
    assert path.read_text() == '{"a": "ä"}\n'
    assert not path.is_symlink()
    assert path.stat().st_mode & 0o077 == 0
    assert sorted(each.name for each in tmp_path.iterdir()) == ["audit.ndjson", "other"]


def test_what_goes_wrong_once_ends_no_looking(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    again, looks = threading.Event(), iter([False, True])

    def look(_: Installation, __: Counter[TenantId]) -> None:
        if not next(looks, True):
            raise RuntimeError("Mrs Doe")
        again.set()

    monkeypatch.setattr(letting_go, "_LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(letting_go, "let_go_of_erased", look)
    with LettingGo(Installation(Settings(home=tmp_path))):
        assert again.wait(30)
    assert "RuntimeError" in caplog.text
    assert "Doe" not in caplog.text


def test_one_that_is_not_let_go_of_keeps_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Installation(Settings(home=tmp_path))
    first, second = TenantId(uuid4()), TenantId(uuid4())
    own.__dict__["tenants"] = SimpleNamespace(erased=lambda: [first, second])

    def let_go(_: Installation, tenant_id: TenantId) -> None:
        if tenant_id == first:
            raise RuntimeError("held")

    monkeypatch.setattr(letting_go, "let_go", let_go)
    rounds: Counter[TenantId] = Counter()
    with pytest.raises(RuntimeError, match="held"):
        let_go_of_erased(own, rounds)
    assert rounds == {second: 1}


def test_whatever_was_built_lets_go_and_nothing_is_built_for_it(tmp_path: Path) -> None:
    own, gone = Installation(Settings(home=tmp_path)), TenantId(uuid4())
    told: list[str] = []

    def keeps(name: str) -> SimpleNamespace:
        return SimpleNamespace(let_go=lambda tenant_id: told.append(f"{name} {tenant_id}"))

    for name in ("lexical", "graph", "terms", "patients"):
        own.__dict__[name] = keeps(name)
    own.__dict__["medical"] = SimpleNamespace(made_by={gone: "1"})
    let_go(own, gone)
    assert told == [f"{name} {gone}" for name in ("lexical", "graph", "terms", "patients")]
    assert own.__dict__["medical"].made_by == {}
    assert "vector" not in own.__dict__
