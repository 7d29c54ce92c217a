"""A home that a newer version has set up: the older one says so and changes nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.wiring import Installation
from indexing.backends.postgres import installation as set_up
from indexing.errors import ConfigurationError


def test_a_database_of_a_newer_version_is_named(
    installation: Installation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    older = tmp_path / "migrations"
    shutil.copytree(set_up._MIGRATIONS, older)
    newest = max((older / "versions").glob("[0-9]*.py"))
    newest.unlink()
    monkeypatch.setattr(set_up, "_MIGRATIONS", older)
    with pytest.raises(ConfigurationError, match="a newer version") as caught:
        set_up.prepare(installation.home, None)
    assert "Install that version" in caught.value.hint
