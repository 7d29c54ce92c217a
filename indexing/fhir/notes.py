"""Plain notes, JSONL or CSV, to FHIR DocumentReferences: one path for everything."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from indexing.fhir.faults import Rejected
from indexing.fhir.sources import Source

KEYS = ("text", "id", "patient", "date", "type", "specialty", "author", "title", "encounter")
NOTE_SYSTEM = "urn:anamnesis:note"


def parse_map(pairs: Iterable[str]) -> dict[str, str]:
    """Parse `KEY=COLUMN` arguments.

    Raises:
        ConfigurationError: unknown key, no `=`, or no `text`.
    """
    raise NotImplementedError


def read_notes(paths: Iterable[Path], columns: Mapping[str, str]) -> Iterator[Source | Rejected]:
    """Yield one DocumentReference's bytes per good row, and a `Rejected` per bad one.

    Feed each `Source.data` to `bundle.read_submission`; the same row gives the same bytes.
    """
    raise NotImplementedError
