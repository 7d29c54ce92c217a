"""Orders of a page of results other than its ranking: by patient, and the newest first."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class NoteHead:
    """Whose note it is and when it was written, as far as either is known."""

    patient_id: str | None = None
    date: datetime | None = None


def by_patient(doc_ids: Sequence[str], heads: Mapping[str, NoteHead]) -> list[int]:
    """Return the places of notes given best first, each patient's together, who stands where the
    best of theirs stands; a note without a patient stands alone."""
    best: dict[str, int] = {}
    owners = [heads.get(each, NoteHead()).patient_id or f"\x00{each}" for each in doc_ids]
    for at, owner in enumerate(owners):
        best.setdefault(owner, at)
    return sorted(range(len(owners)), key=lambda at: (best[owners[at]], at))


def score_among_newest(score: float, legs: Collection[str]) -> float:
    """Return the score by which a hit stands among the newest: none where meaning alone found it,
    since the newest that is only near is not the newest of it."""
    return score if {"lexical", "graph"}.intersection(legs) else 0.0


def newest_first(hits: Sequence[tuple[str, float]], heads: Mapping[str, NoteHead]) -> list[int]:
    """Return the places of (note, score), given best first, by the notes' dates: the newest first,
    those without one last. What scores less than a quarter of the best only touches on the
    question, and stands behind all others."""
    least = max((score for _, score in hits), default=0.0) / 4

    def place(at: int) -> tuple[bool, float, int]:
        doc_id, score = hits[at]
        date = heads.get(doc_id, NoteHead()).date
        return score < least, -date.timestamp() if date else math.inf, at

    return sorted(range(len(hits)), key=place)
