"""The invented hospital's codes, and where the passwords of its logins lie."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Final

CODE: Final = "demo"
_ENDING: Final = "-logins.json"


def codes() -> Iterator[str]:
    """Yield the codes in the order in which they are tried: one that was erased is not given
    again."""
    yield CODE
    yield from (f"{CODE}-{number}" for number in count(2))


def logins_of(home: Path, code: str) -> Path:
    """Return the file of a home that holds a demo's, for its owner alone; it may not be there."""
    return home / f"{code}{_ENDING}"


def every_logins(home: Path) -> Iterator[Path]:
    """Yield the files of all demos of a home."""
    yield from home.glob(f"*{_ENDING}")
