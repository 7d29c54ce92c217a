"""The port to the source of truth: resources as received, versioned, owned by one tenant."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from indexing.access import Access
from indexing.fhir.documents import DocumentText
from indexing.fhir.issues import Issue
from indexing.fhir.projections import Row


@dataclass(frozen=True, slots=True)
class Incoming:
    """One checked resource on its way in; `received` are its exact bytes, b"" for a deletion."""

    resource_type: str
    resource_id: str
    received: bytes
    deleted: bool = False
    patient_id: str | None = None
    links: Mapping[str, str] | None = None
    issues: tuple[Issue, ...] = ()
    rows: tuple[Row, ...] = ()
    texts: tuple[DocumentText, ...] = ()
    merged_into: str | None = None  # a Patient replaced by another (Patient.link)
    replaced_patients: tuple[str, ...] = ()  # those that this Patient says it replaces
    if_match: int | None = None  # the version that the sender has seen


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of an `Incoming`; `changed` is False for bytes that were there already."""

    resource_type: str
    resource_id: str
    version: int
    changed: bool
    last_updated: datetime


@dataclass(frozen=True, slots=True)
class Held:
    """One version of a resource as stored."""

    resource_type: str
    resource_id: str
    version: int
    last_updated: datetime
    received: bytes
    links: Mapping[str, str]
    deleted: bool
    patient_id: str | None
    author: str
    reason: str


class Records(Protocol):
    """Resources. Every write is one transaction with its audit row and its change events."""

    def store(self, access: Access, batch: Sequence[Incoming], *, reason: str) -> list[Stored]:
        """Write the whole batch or nothing; ids in a batch are distinct.

        Raises:
            Conflict: `if_match` names another version than the stored one.
        """
        ...

    def read(
        self, access: Access, resource_type: str, resource_id: str, version: int | None = None
    ) -> Held:
        """Return one version, the newest for None, and write the audit row.

        Raises:
            NotFound: there is none that `access` opens.
            Gone: it was deleted.
        """
        ...

    def resolve(self, access: Access, conditional: Sequence[str]) -> Mapping[str, str]:
        """Return {"Type?identifier=s|v": "Type/id"} for those that match exactly one resource."""
        ...
