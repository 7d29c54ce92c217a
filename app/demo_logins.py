"""The invented hospital's code, and where the passwords of its logins lie."""

from __future__ import annotations

from pathlib import Path
from typing import Final

CODE: Final = "demo"


def logins_of(home: Path) -> Path:
    """Return the file of a home that holds them, for its owner alone; it may not be there."""
    return home / "demo-logins.json"
