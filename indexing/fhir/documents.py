"""Resources to clinical texts: what a search can find."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from indexing.fhir.faults import Issue
from indexing.fhir.reading import JsonObject


@dataclass(frozen=True, slots=True)
class DocumentText:
    """A `Document` without tenant and version.

    `replaces` are doc_ids that this one supersedes: they leave every index. `gone`: this document
    itself must not be found (entered-in-error, superseded); its text is "".
    """

    doc_id: str
    resource_type: str
    resource_id: str
    text: str
    title: str = ""
    patient_id: str | None = None
    encounter_id: str | None = None
    date_start: datetime | None = None
    date_end: datetime | None = None
    type: str = ""
    specialty: str = ""
    author: str = ""
    labels: frozenset[str] = frozenset()
    replaces: tuple[str, ...] = ()
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Extract:
    """A resource's texts (at most one today) and what could not be read of it."""

    texts: tuple[DocumentText, ...] = ()
    issues: tuple[Issue, ...] = ()


def documents_of(resource: JsonObject, zone: ZoneInfo) -> Extract:
    """Return the clinical texts of a resource (references already resolved, id present)."""
    raise NotImplementedError
