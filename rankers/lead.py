"""What decides, from above, what a sentence says: the "Denies:" over "- hemoptysis"."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from indexing.language.cues import fold
from indexing.language.headings import lookup, normalise
from indexing.language.headings_say import headings_say
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
            return Lead(cue.text, cue.start) if _tells(cue.text) else None
    return None


def _tells(words: str) -> bool:
    """Whether words say more than the name of a part."""
    said = fold(words)
    return lookup(normalise(words)) is None or bool(headings_say(said, 0, len(said)))
