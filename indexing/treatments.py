"""What patients with a condition were given and what was recorded of it; what one patient must not
be given: as the records and notes say it, not yet looked up in any terminology."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from indexing.access import Access
from indexing.model import Annotation


@dataclass(frozen=True, slots=True)
class Coded:
    """A coded thing in a record; `resource` is "Type/id", `status` and `detail` the record's."""

    resource: str
    system: str
    code: str
    name: str
    status: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """A drug or procedure that a patient was given. `outcome` is what was recorded of it, in the
    record's words, "" for nothing; `said_by` the resource that says so; `note` the first note
    written after it was given."""

    patient_id: str
    what: Coded
    at: datetime | None
    outcome: str = ""
    outcome_code: str = ""
    said_by: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """One note of the patient asked about, as annotated."""

    doc_id: str
    at: datetime | None
    text: str
    annotation: Annotation


@dataclass(frozen=True, slots=True)
class TreatmentFacts:
    """`onsets` are the dated conditions of each patient with the condition asked for; what follows
    them is about the patient asked about alone."""

    given: Sequence[Given] = ()
    onsets: Mapping[str, Sequence[tuple[Coded, datetime]]] = field(default_factory=dict)
    allergies: Sequence[Coded] = ()
    taken: Sequence[Coded] = ()
    problems: Sequence[Coded] = ()
    notes: Sequence[Note] = ()


class TreatmentRecords(Protocol):
    """Reads by access."""

    def facts(self, access: Access, patient_id: str, others: Sequence[str]) -> TreatmentFacts:
        """Return the facts with their audit row, which names the patient and the others."""
        ...

    def worded(self, access: Access, patient_id: str, condition: str) -> Coded | None:
        """Return how a condition stands in the records that `access` opens: as the patient's own
        words it, or by its code in anybody's. None for one that stands in none of them."""
        ...
