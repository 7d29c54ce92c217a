"""Which paragraphs of a patient's notes were copied from an earlier one, and from whose.

Kept with each document stand the prints of its paragraphs and, for each copied one, its origin: the
earliest note that holds it. A change to one note touches later ones: those are found by their
prints, so that notes may come in any order, be corrected, and go.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np

from indexing.language.copyforward import Prints, alike, prints
from indexing.model import Copied, Document

MOST_NOTES = 400  # of one patient that a new note is held against: the latest before it


@dataclass(frozen=True, slots=True)
class Printed:
    """A note's paragraphs: `places[i]` has the print `marks[i]`, (n, PERMUTATIONS) uint8."""

    doc_id: str
    version: int
    patient_id: str | None
    date: datetime | None
    places: tuple[tuple[int, int], ...]
    marks: Prints

    @property
    def order(self) -> tuple[bool, float, str]:
        """When it was written; undated notes come last, for nobody was copied from them."""
        return self.date is None, self.date.timestamp() if self.date else 0.0, self.doc_id


@dataclass(frozen=True, slots=True)
class Kept:
    """What a store holds of some patients: the notes that live, what stands there of notes that are
    about to change or go, and where the copied paragraphs come from."""

    notes: Mapping[str, Printed]
    former: Sequence[Printed] = ()
    copied: Mapping[str, tuple[Copied, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is copied in each note that came, and in others where that changed by it; `touched`
    maps those to the version that was looked at."""

    printed: Mapping[str, Printed]
    copied: Mapping[str, tuple[Copied, ...]]
    touched: Mapping[str, int]


def printed(document: Document) -> Printed:
    """Return a document's prints; a note of no patient has none to be copied from."""
    places, marks = prints(document.text if document.patient_id else "")
    return Printed(
        document.doc_id, document.version, document.patient_id, document.date_start, places, marks
    )


def settle(documents: Iterable[Document], gone: Collection[str], kept: Kept) -> Outcome:
    """Say what is copied now that `documents` have come, or come anew, and `gone` have left."""
    new = {document.doc_id: printed(document) for document in documents}
    before = kept.copied
    others = {key: note for key, note in kept.notes.items() if key not in new and key not in gone}
    touched = _touched(others, new, kept.former, {*new, *gone}, before)
    copied = {key: found for key, found in before.items() if key in others and key not in touched}
    by_patient: dict[str, list[Printed]] = {}
    for note in (*others.values(), *new.values()):
        if note.patient_id is not None and note.places:
            by_patient.setdefault(note.patient_id, []).append(note)
    for notes in by_patient.values():
        notes.sort(key=lambda note: note.order)
        for at, note in enumerate(notes):
            if note.doc_id in new or note.doc_id in touched:
                copied[note.doc_id] = _origins(note, notes[max(0, at - MOST_NOTES) : at], copied)
    changed = {
        key: others[key].version
        for key in sorted(touched)
        if copied.get(key, ()) != tuple(before.get(key, ()))
    }
    result = {key: copied.get(key, ()) for key in (*new, *changed)}
    return Outcome(new, result, changed)


def _touched(
    others: Mapping[str, Printed],
    new: Mapping[str, Printed],
    former: Sequence[Printed],
    changing: Collection[str],
    before: Mapping[str, tuple[Copied, ...]],
) -> frozenset[str]:
    """Return the notes whose origins may be others now: later ones that are like what changed, and
    those that pointed there."""
    pointing = {key for key, found in before.items() if any(c.first_id in changing for c in found)}
    moved: dict[str | None, list[Printed]] = {}
    for note in (*new.values(), *former):
        if note.places:
            moved.setdefault(note.patient_id, []).append(note)
    earliest = {patient: min(note.order for note in each) for patient, each in moved.items()}
    for key, note in others.items():
        if (
            key in pointing
            or note.patient_id not in moved
            or note.order < earliest[note.patient_id]
        ):
            continue
        earlier = [other.marks for other in moved[note.patient_id] if other.order < note.order]
        if earlier and alike(note.marks, np.concatenate(earlier)).any():
            pointing.add(key)
    return frozenset(pointing & others.keys())


def _origins(
    note: Printed, earlier: Sequence[Printed], copied: Mapping[str, tuple[Copied, ...]]
) -> tuple[Copied, ...]:
    """Return where the note's copied paragraphs stood first; `earlier` in the order of time."""
    if not earlier or not note.places:
        return ()
    marks = np.concatenate([other.marks for other in earlier])
    where = [(other, place) for other in earlier for place in other.places]
    found = []
    for (start, end), row in zip(note.places, alike(note.marks, marks), strict=True):
        if not row.any():
            continue
        other, place = where[int(row.argmax())]  # the first, for they stand in the order of time
        known = next((c for c in copied.get(other.doc_id, ()) if c.start == place[0]), None)
        if known is not None:
            found.append(Copied(start, end, known.first_id, known.first_start, known.first_end))
        else:
            found.append(Copied(start, end, other.doc_id, *place))
    return tuple(found)
