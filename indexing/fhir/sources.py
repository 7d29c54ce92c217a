"""Paths to texts: single files, NDJSON, folders, archives and compressed forms of them.

Streams in constant memory; bombs, links, devices and `..` end as `Rejected`, never as a crash.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from indexing.fhir.faults import Rejected


@dataclass(frozen=True, slots=True)
class Source:
    """One text to read: a whole JSON file, or one line of NDJSON.

    `file` names archive members as "archive.tar.zst!folder/member.json"; `line` is None for whole
    files.
    """

    file: str
    line: int | None
    data: bytes


def read_sources(paths: Iterable[Path]) -> Iterator[Source | Rejected]:
    """Yield every text under `paths`, folders sorted, and what could not be read."""
    raise NotImplementedError
