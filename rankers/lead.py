"""What decides, from above, what a sentence says: the "Denies:" over "- hemoptysis"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from indexing.language.headings import lookup, normalise
from indexing.model import Mention
from rankers.answer import Lead


def lead(mentions: Iterable[Mention], places: Sequence[tuple[int, int]], start: int) -> Lead | None:
    """Return the cue before `start`, where a sentence begins, that decides what its `places` say;
    None where none does, or where it is the heading of a part, which stands beside it anyway."""
    for mention in mentions:
        cue = mention.cue
        if cue is None or cue.end > start:
            continue
        if any(mention.start < last and first < mention.end for first, last in places):
            return None if lookup(normalise(cue.text)) else Lead(cue.text, cue.start)
    return None
