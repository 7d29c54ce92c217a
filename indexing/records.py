"""The port to the source of truth: resources as received, versioned, owned by one tenant."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from indexing.access import Access
from indexing.fhir.conditions import Criterion
from indexing.fhir.documents import DocumentText
from indexing.fhir.issues import Issue
from indexing.fhir.projections import Row
from indexing.fhir.search.values import SearchLine


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
    search: tuple[SearchLine, ...] = ()
    texts: tuple[DocumentText, ...] = ()
    merged_into: str | None = None  # a Patient replaced by another (Patient.link)
    replaced_patients: tuple[str, ...] = ()  # those that this Patient says it replaces
    if_match: int | None = None  # the version that the sender has seen
    labels: frozenset[str] = frozenset()  # a deletion's: those of what it deletes


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of an `Incoming`; `changed` is False for bytes that were there already,
    `created` True where nothing was, or what was there had been deleted."""

    resource_type: str
    resource_id: str
    version: int
    changed: bool
    last_updated: datetime
    created: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """A live resource that a search found."""

    resource_id: str
    version: int
    last_updated: datetime


Found = Mapping[Criterion, Sequence[Match]]
# Called in the writing transaction with what its search found, and again when somebody else came
# first; returns what to write.
Decide = Callable[[Found], Sequence[Incoming]]


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
            Stale: `if_match` names another version than the stored one.
            Closed: `access` may not write one of them.
        """
        ...

    def settle(
        self,
        access: Access,
        wanted: Sequence[Criterion],
        guarded: Sequence[Criterion],
        decide: Decide,
        *,
        reason: str,
    ) -> list[Stored]:
        """Search for `wanted` and store what `decide` makes of it, in one transaction.

        Found are live resources that `access` opens, at most two for each criterion. Two callers
        that guard the same criterion run one after the other. Raises as `store`.
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
