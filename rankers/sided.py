"""The side of the body that a question names beside a thing."""

from __future__ import annotations

import re
from typing import Final

from indexing.language.matcher import Span
from indexing.language.values import Side, sides

BESIDE = 12  # code points between a name and its side
_OF: Final = re.compile(r"\b(?:of|in|on|to|at|from|over) (?:the |his |her |a )?$", re.IGNORECASE)
# Between a side and a name they tell that it is another's: "pneumothorax left with chest tube".
_APART: Final = re.compile(
    r"\b(?:with|without|and|or|but|due|after|before|from|for|by|no)\b", re.IGNORECASE
)


def side_of(text: str, span: Span) -> Side | None:
    """Return the side named beside a span, or told in passing within it ("fracture of the left
    wrist"); one within its name is part of it."""
    for found in sides(text):
        if span.start < found.start and found.end <= span.end:
            passing = _OF.search(text, span.start, found.start)
            if passing and text[found.start : found.end].lower() not in span.name.lower():
                return found.side
        first, last = sorted(((found.start, found.end), (span.start, span.end)))
        near = 0 <= last[0] - first[1] <= BESIDE
        if near and not _APART.search(text, first[1], last[0]):
            return found.side
    return None
