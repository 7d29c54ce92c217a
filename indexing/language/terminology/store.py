"""Where an installation keeps its terminology: versions side by side, one of them current."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from indexing.language.terminology.reader import Terminology


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a load did. `rejects` are "file:line: reason"; `counts` by file: rows read, by format."""

    version: str
    concepts: int
    names: int
    edges: int
    files: Mapping[str, Mapping[str, int | str]] = field(default_factory=dict)
    rejects: Sequence[str] = ()


def open_terminology(home: Path | None = None) -> Terminology:
    """Open the current terminology of the installation at `home`; the shipped seed where none was
    loaded (or `home` is None). The same object is returned while the version stays the same."""
    raise NotImplementedError


def load(home: Path, paths: Sequence[Path], format_name: str | None = None) -> LoadReport:
    """Add `paths` to what is loaded, compile a new version and make it current.

    Raises: ConfigurationError for a file whose format is not recognised (nothing is loaded).
    """
    raise NotImplementedError
