"""Cut a note into passages of one vector's size, on sentence boundaries, within its sections."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

from indexing.language.sentences import sentence_starts
from indexing.model import Passage, Section

# About 200 word pieces of clinical English; the default encoder reads 256.
LIMIT: Final = 1_000
# Parts below this are joined with the next: "ALLERGIES: None." alone makes a poor vector.
SMALL: Final = 160


def passages(text: str, sections: Sequence[Section]) -> tuple[Passage, ...]:
    """Return passages that cover `text` in order without gaps or overlaps, each at most `LIMIT`
    characters. A passage crosses a section's edge only where small sections are joined; it is
    named after the section it begins in."""
    if not text:
        return ()
    if len(text) <= LIMIT:
        name = next((part.name for part in sections if part.name), "")
        only = sections[0].name if len(sections) == 1 else name if len(sections) == 2 else ""
        return (Passage(0, 0, len(text), only),)
    cuts = list(_cuts(text, sections))
    names = [part.start for part in sections]
    found: list[Passage] = []
    for number, (start, end) in enumerate(cuts):
        i = bisect_right(names, start) - 1
        found.append(Passage(number, start, end, sections[i].name if i >= 0 else ""))
    return tuple(found)


def _cuts(text: str, sections: Sequence[Section]) -> Iterator[tuple[int, int]]:
    start = 0
    for end in _groups(text, sections):
        if end - start <= LIMIT:
            yield start, end
        else:
            yield from _split(text, start, end)
        start = end


def _groups(text: str, sections: Sequence[Section]) -> Iterator[int]:
    """Yield where each section ends, or each run of small sections joined."""
    start = 0
    for i, part in enumerate(sections):
        following = sections[i + 1] if i + 1 < len(sections) else None
        small = following is not None and (
            part.end - start < SMALL or following.end - following.start < SMALL // 2
        )
        if following is not None and small and following.end - start <= LIMIT:
            continue
        yield part.end
        start = part.end
    if start < len(text):
        yield len(text)


def _split(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Fill passages evenly with whole sentences; cut inside one only if it alone is too long."""
    pieces = -(-(end - start) // LIMIT)
    target = min(LIMIT, -(-(end - start) // pieces) + LIMIT // 10)
    bounds = [*sentence_starts(text, start, end)[1:], end]
    begin = start
    last = start
    for bound in bounds:
        if bound - begin > target and last > begin:
            yield begin, last
            begin = last
        while bound - begin > LIMIT:
            cut = _word_cut(text, begin, begin + LIMIT)
            yield begin, cut
            begin = cut
        last = bound
    if begin < end:
        yield begin, end


def _word_cut(text: str, start: int, limit: int) -> int:
    cut = text.rfind(" ", start + LIMIT // 2, limit)
    return cut + 1 if cut > 0 else limit
