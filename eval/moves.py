"""What moved between two runs of a topic, and which leg moved it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from eval.archive import Answered, StoredHit
from rankers.explain import Signal

SHOWN = 10


@dataclass(frozen=True, slots=True)
class Moved:
    """A document in the first ten of either run. A rank of None is beyond what the run found.

    `why` names the legs whose share of the score changed, the largest change first: (leg, change
    of the share, rank in the leg before, after).
    """

    doc_id: str
    before: int | None
    after: int | None
    why: tuple[tuple[str, float, int | None, int | None], ...]

    @property
    def up(self) -> int:
        """How many places it gained; what was not found counts as just beyond the hundredth."""
        return (self.before or 101) - (self.after or 101)


def moved(base: Answered, other: Answered, k: int = SHOWN) -> tuple[Moved, ...]:
    """Compare the first `k` of two answers; what moved furthest stands first."""
    before = {hit.doc_id: (rank, hit) for rank, hit in enumerate(base.hits, 1)}
    after = {hit.doc_id: (rank, hit) for rank, hit in enumerate(other.hits, 1)}
    shown = dict.fromkeys(hit.doc_id for run in (base, other) for hit in run.hits[:k])
    found = []
    for doc_id in shown:
        old, new = before.get(doc_id), after.get(doc_id)
        ranks = (old[0] if old else None, new[0] if new else None)
        if ranks[0] != ranks[1]:
            found.append(Moved(doc_id, *ranks, _why(old and old[1], new and new[1])))
    return tuple(sorted(found, key=lambda each: (-abs(each.up), each.doc_id)))


def _why(
    old: StoredHit | None, new: StoredHit | None
) -> tuple[tuple[str, float, int | None, int | None], ...]:
    before: Mapping[str, Signal] = old.signals if old else {}
    after: Mapping[str, Signal] = new.signals if new else {}
    changes = []
    for leg in dict.fromkeys((*before, *after)):
        a, b = before.get(leg), after.get(leg)
        change = (b.contribution if b else 0.0) - (a.contribution if a else 0.0)
        if abs(change) >= 0.0005 or (a and a.rank) != (b and b.rank):
            changes.append((leg, change, a.rank if a else None, b.rank if b else None))
    return tuple(sorted(changes, key=lambda each: -abs(each[1])))
