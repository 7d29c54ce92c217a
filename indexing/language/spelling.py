"""Whether a word as written can be an abbreviation there."""

from __future__ import annotations

from indexing.language.terminology.forms import common, english
from indexing.language.terminology.words import fold

_WINDOW = 40  # characters either side that tell a text in capitals
_SHOUTED = 0.8  # share of capitals above which capitals say nothing


def caps_around(text: str, start: int, end: int) -> bool:
    """Say whether the words around are in capitals too, so that capitals mark no abbreviation."""
    around = text[max(0, start - _WINDOW) : start] + text[end : end + _WINDOW]
    letters = sum(map(str.isalpha, around))
    return letters >= 8 and sum(map(str.isupper, around)) > _SHOUTED * letters


def spelled_short(written: str, *, capitals: bool, lenient: bool) -> bool:
    """Say whether `written` may be an abbreviation. `capitals`: everything around is in capitals;
    `lenient`: the text is a query in lower case."""
    word = fold(written)
    if lenient:
        little = len(word) == 2 and word not in _LITTLE
        return word not in common() or little or word in _MEDICINE
    body = written[:-1] if written.endswith("s") and len(written) > 2 else written
    if body.isupper():
        return not (capitals and word in english())
    if any(c.isdigit() for c in word):
        return True
    capital_inside = any(c.isupper() for c in written[1:])
    plain = word in english() or word.removesuffix("s") in english()  # "pros and cons"
    return capital_inside or (len(word) > 2 and not plain)


# Two-letter words of ordinary English: in a query they are words, not abbreviations.
_LITTLE = frozenset(
    """am an as at be by do go he if in is it me my no of oh ok on or so to up us we hi la de
    el en et le un id ie eg""".split()
)
# Common as words because of medicine.
_MEDICINE = frozenset("hiv cbc alt nhl aaa nash".split())
