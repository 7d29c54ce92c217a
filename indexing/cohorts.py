"""What cohorts are made from: dated events of patients, and the ports that read and keep them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Literal, Protocol

from indexing.access import Access
from indexing.dated import Width
from indexing.model import Assertion

Records = Literal["condition", "medication", "procedure", "observation"]
Verdict = Literal["accept", "reject"]


@dataclass(frozen=True, slots=True)
class Coded:
    """One way in which a tenant's records name something."""

    system: str
    code: str
    display: str


@dataclass(frozen=True, slots=True)
class Event:
    """Something of one patient that meets a criterion. `at` None: undated, else as precise as
    `width`. `ref` is where it stands ("Condition/x", "Document/y"), `words` what it says; of a
    note, its `edition`."""

    patient_id: str
    at: datetime | None
    ref: str
    words: str = ""
    edition: int = 0
    width: Width = Width.DAY


@dataclass(frozen=True, slots=True)
class Limit:
    """What values in one unit are held against, as it is recorded; None: in whichever unit."""

    unit: str | None
    number: Decimal


@dataclass(frozen=True, slots=True)
class Quote:
    """The words of a note that carry an event."""

    text: str
    section: str = ""
    assertion: Assertion | None = None


class CohortRecords(Protocol):
    """Reads of a tenant's records by access; whoever shows what comes of them audits it."""

    def codes(self, access: Access, records: Records) -> Sequence[Coded]: ...
    def seen(self, access: Access, records: Records, coded: Sequence[Coded]) -> bool:
        """Say whether any open record of an open patient stands under these codes."""
        ...

    def events(
        self, access: Access, records: Records, coded: Sequence[Coded],
        date_from: datetime | None, date_to: datetime | None,
    ) -> Sequence[Event]: ...  # fmt: skip
    def units(self, access: Access, coded: Sequence[Coded]) -> Sequence[str]:
        """Return the units that open values under these codes are recorded in, "" for none."""
        ...

    def values(
        self, access: Access, coded: Sequence[Coded], operator: str, limits: Sequence[Limit],
        date_from: datetime | None, date_to: datetime | None,
    ) -> Sequence[Event]: ...  # fmt: skip
    def notes(self, access: Access, doc_ids: Sequence[str]) -> Sequence[Event]:
        """Return the patient and the date of the visible ones, in the order given."""
        ...

    def everyone(self, access: Access) -> frozenset[str]: ...
    def people(
        self, access: Access, sex: str, ages: tuple[int | None, int | None]
    ) -> frozenset[str]: ...
    def quotes(
        self, access: Access, doc_ids: Collection[str], concepts: frozenset[str],
        words: Sequence[str],
    ) -> Mapping[str, Quote]:  # fmt: skip
        """Return the sentence of each visible note that names a concept or a word."""
        ...


@dataclass(frozen=True, slots=True)
class CohortHead:
    """A saved cohort at its newest version. `made_by` is the name of who made the first one, an id
    where no account has it."""

    cohort_id: str
    name: str
    version: int
    definition: str
    changed_by: str
    changed_at: datetime
    runs: int = 0
    made_by: str = ""


@dataclass(frozen=True, slots=True)
class CohortRunRow:
    """One run that was kept: who was in, and with what it was made."""

    run_id: str
    cohort_id: str
    version: int
    at: datetime
    ran_by: str
    terminology: str
    model: str
    members: tuple[str, ...]
    counts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bound:
    """What a verdict is about, by marks that a page carries: how the criterion was worded, and the
    evidence that was shown. `version` is the cohort's."""

    wording: str
    evidence: str
    version: int


@dataclass(frozen=True, slots=True)
class Review:
    """One reviewer's word on one cell; "" as marks where it is older than they are."""

    patient_id: str
    criterion: str
    reviewer: str
    verdict: Verdict
    bound: Bound


class CohortStore(Protocol):
    """Keeps cohorts, their versions, runs and reviews."""

    def save(self, access: Access, name: str, definition: str) -> CohortHead: ...
    def heads(self, access: Access) -> Sequence[CohortHead]: ...
    def head(self, access: Access, key: str) -> CohortHead:
        """Return a cohort by id or name. Raises: NotFound."""
        ...

    def keep(self, access: Access, run: CohortRunRow) -> None: ...
    def runs(self, access: Access, cohort_id: str) -> Sequence[CohortRunRow]: ...
    def last_runs(self, access: Access) -> Mapping[str, CohortRunRow]:
        """Return the newest of those runs of each cohort of this view, by the cohort's id."""
        ...

    def changed_since(
        self, access: Access, patient_ids: Collection[str], since: datetime
    ) -> frozenset[str]:
        """Return those of whom any record or note was written after that."""
        ...

    def review(self, access: Access, cohort_id: str, patient_id: str, criterion: str,
               verdict: Verdict | None, bound: Bound) -> None: ...  # fmt: skip
    def reviews(self, access: Access, cohort_id: str) -> Sequence[Review]:
        """Return every reviewer's words, those on earlier wordings too."""
        ...

    def shown(
        self, access: Access, subtype: str, patient_ids: Iterable[str], cohort_id: str,
        detail: Mapping[str, int | str],
    ) -> None:  # fmt: skip
        """Write the audit row of what is about to be shown or exported."""
        ...
