"""What a hit holds of all that a statement says: the note that says it holds most of it.

Words that stand in a note often say what it is about; a statement looks for the one that says so,
and there every word counts once, as rare as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from indexing.access import Access
from indexing.analysis import stems, terms
from indexing.clauses import Clause, Held, Ranked, Word
from indexing.filters import Filters
from indexing.ports import LexicalIndex
from rankers.explain import Fused, Signal, ranked
from rankers.kinds import query_class
from rankers.parser import is_constraint
from rankers.plan import Plan
from rankers.query import conjuncts

NAME = "held"
DEPTH = 100  # best hits that are held against it; what lies below gains nothing
# What a hit gains that holds all of it, by a power of what it holds: notes about the same hold a
# quarter, the one that says it more than half. Tuned, with statements' likeness and shares, on
# SciFact train (.746 to .756, both halves of the claims) and known items (.949 to .957); anything
# from .2 to .3 by the second or third power is about as good.
WORTH, POWER = 0.25, 2

Part = TypeVar("Part", float, NDArray[np.float64])


def holding(
    index: LexicalIndex, access: Access, plan: Plan, fused: Sequence[Fused]
) -> Sequence[Fused]:
    """Add to the best hits what they gain by what they hold of a statement, and order them anew.

    Raises: EngineUnavailable.
    """
    held = held_of(index, access, plan, [hit.doc_id for hit in fused[:DEPTH]])
    return gained(fused, held) if held else fused


def gained(fused: Sequence[Fused], held: Mapping[str, float]) -> Sequence[Fused]:
    """Add what the best hits gain by what they hold, and order them anew."""
    head = fused[:DEPTH]
    places = {d: n for n, d in enumerate(sorted(held, key=lambda d: (-held[d], d)), 1)}
    every = [_with(hit, places.get(hit.doc_id), held.get(hit.doc_id, 0.0)) for hit in head]
    every.sort(key=lambda hit: (-hit.score, hit.doc_id))
    return (*ranked(every), *fused[DEPTH:])


def held_of(
    index: LexicalIndex, access: Access, plan: Plan, doc_ids: Sequence[str]
) -> Mapping[str, float]:
    """Return what documents hold of a statement's rarity, up to 1; nothing for other kinds of
    questions, nor for a query that says by its syntax what must be held.

    Words that stand in no note open to who asks are left out of the whole: what a note lacks of
    it would count the closed notes that hold them.

    Raises: EngineUnavailable.
    """
    parts = _told(plan.clause) if query_class(plan.parsed.text) == "statement" else ()
    if not parts or not doc_ids:
        return {}
    counts = index.counts(access, parts, Filters())
    known = tuple(part for part, count in zip(parts, counts, strict=True) if count)
    return index.scores(access, Held(known), plan.filters, plan.assertion, doc_ids)


def _told(clause: Clause) -> tuple[Clause, ...]:
    """Return what is told beside fields and years, which only let through, each once: of a word of
    several, such as "IL-10", each, since who holds one of them does not hold the others."""
    ranking = [part for part in conjuncts(clause) if not is_constraint(part)]
    if len(ranking) != 1 or not isinstance(ranking[0], Ranked):
        return ()
    found: dict[Clause | str, Clause] = {}
    for part in ranking[0].clauses:
        if isinstance(part, Word) and not part.pattern:
            found |= {stem: Word(word) for word in terms(part.text) for stem in stems(word)}
        else:
            found[part] = part
    return tuple(found.values())


def gain(held: Part) -> Part:
    """Return what a hit gains that holds so much of a statement, 0 to 1."""
    return WORTH * held**POWER


def _with(hit: Fused, place: int | None, held: float) -> Fused:
    if place is None:
        return hit
    signals = {**hit.signals, NAME: Signal(place, held, gain(held))}
    return Fused(hit.doc_id, hit.rank, sum(s.contribution for s in signals.values()), signals)
