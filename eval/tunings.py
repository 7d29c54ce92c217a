"""Tunings as they were found, a file of JSON each in the lab's folder, for its pages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from eval.lines import written
from indexing.errors import InvalidInput, NotFound

MOST_LISTED = 100
_NAME = re.compile(r"\d{8}-\d{6}")


class Tunings:
    """The folder of tunings."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "tunings"

    def keep(self, found: Mapping[str, Any]) -> str:
        """Store one and return its name."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{datetime.now(UTC):%Y%m%d-%H%M%S}"
        with written(self._folder / f"{name}.json") as file:
            file.write(orjson.dumps(found).decode())
        return name

    def names(self) -> list[str]:
        """List the newest, newest first."""
        found = (path.stem for path in self._folder.glob("*.json"))
        return sorted(filter(_NAME.fullmatch, found), reverse=True)[:MOST_LISTED]

    def open(self, name: str) -> dict[str, Any]:
        """Read one. Raises: NotFound, InvalidInput."""
        path = self._folder / f"{name}.json"
        if not _NAME.fullmatch(name) or not path.is_file():
            raise NotFound("no such tuning")
        try:
            found: dict[str, Any] = orjson.loads(path.read_bytes())
        except ValueError as exc:
            raise InvalidInput(f"{path.name} does not read") from exc
        return found
