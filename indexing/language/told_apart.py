"""What words further off say of a stretch of a text, and of nothing else beside it: what somebody
was only near to, what was offered and declined, an operation or a journey to come."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from indexing.language.cues import Kind
from indexing.language.cured import cured
from indexing.language.exposure import exposures
from indexing.language.journeys import journeys_to_come
from indexing.language.refusals import put_off, refusals
from indexing.language.scope import Scope
from indexing.language.surgical import to_come


def told_apart(text: str, lined: str, folded: str) -> list[Scope]:
    """Return the stretches of a text, in order; `lined` is folded with its line feeds, `folded`
    without."""
    near = (Scope(Kind.HYPOTHETICAL, *e, forward=e.cue_start < e.start) for e in exposures(lined))
    declined = (
        Scope(Kind.HYPOTHETICAL if put_off(folded, each) else Kind.NEGATED, *each, forward=False)
        for each in refusals(text, folded)
    )
    ahead = (Scope(Kind.HYPOTHETICAL, *each, forward=True) for each in to_come(folded))
    away = (
        Scope(Kind.HYPOTHETICAL, *each, forward=each.cue_start < each.start)
        for each in journeys_to_come(folded)
    )
    over = (Scope(Kind.HISTORICAL, *each, forward=False) for each in cured(folded))
    return sorted([*near, *declined, *ahead, *away, *over], key=lambda each: each.start)


def within(stretches: Sequence[Scope], first: int, last: int) -> Iterator[Scope]:
    """Yield those that begin in the sentence `[first, last)`."""
    i = bisect_left(stretches, first, key=lambda each: each.start)
    for each in stretches[i:]:
        if each.start >= last:
            break
        yield each
