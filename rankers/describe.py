"""From a ranked note to what a page says of it: its facts, and the sentence that answers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from indexing.ports import Derived
from rankers.answer import Hit
from rankers.plan import Plan
from rankers.snippets import Wanted, snippet


def described(plan: Plan, hits: Iterable[Hit], notes: Mapping[str, Derived]) -> tuple[Hit, ...]:
    """Describe the hits whose note is there; the others are left out."""
    want = plan.wanted()
    return tuple(
        _described(plan, want, hit, notes[hit.doc_id]) for hit in hits if hit.doc_id in notes
    )


def _described(plan: Plan, want: Wanted, hit: Hit, derived: Derived) -> Hit:
    note = derived.document
    return replace(
        hit, patient_id=note.patient_id, title=note.title,
        date=note.date_start.date().isoformat() if note.date_start else None,
        type=note.type, specialty=note.specialty, author=note.author,
        snippet=snippet(derived, want, plan.assertion, hit.passage),
    )  # fmt: skip
