"""Lists that begin beside their heading and go on over the lines below it:

Denies: CP
SOB
N/V
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from indexing.language.cues import Kind, fold
from indexing.language.headings import lookup, normalise
from indexing.language.headings_say import headings_say

_COLON: Final = re.compile(r":[ \t]+(?P<item>[A-Za-z][^\n:]{0,60})$", re.MULTILINE)
_HEAD: Final = re.compile(
    r"[ \t]*(?:[-•*·>–][ \t]+)?(?:[A-Za-z][A-Za-z ]{1,20}:[ \t]+)?"
    r"(?P<head>[A-Za-z][A-Za-z ]{1,40}:)"
)
_LINE: Final = re.compile(r"[ \t]*(?P<item>[^\n]*)(?:\n|$)")
_ITEM: Final = re.compile(
    r"[A-Za-z][\w/'’(&-]*\)?(?:,?[ ][\w/'’(&-]+\)?){0,3}[ \t\r]*[,;]?[ \t\r]*"
)
# A line that tells something new, and no further item: "Headache since Monday", "Reports rash".
_TELLS: Final = re.compile(
    r"\d|\b(?:reports?|endorses|admits|complains|states|has|had|have|is|was|are|were|does|did|"
    r"lives|works|smok(?:es|ed)|drinks|takes|taking|uses|used|feels|continues?|continued|start(?:ed)?|"
    r"will|plan|see|also|but|positive|present|persist\w*|ongoing|wors\w+|improv\w+|stable|"
    r"unchanged|since|today|yesterday|now|currently|for|status|patient|pt|he|she|we|you|"
    r"resolved|noted|seen|found|yes|no|none|per|presents?|came|last|follow|return|call|"
    r"well|alert|married|single|retired|family|mother|father)\b",
    re.IGNORECASE,
)
# What is denied of habits ends there: illnesses below "Denies: smoking" are the patient's.
_HABIT: Final = re.compile(
    r"(?:tobacco|smok|alcohol|etoh|drinking|(?:illicit|recreational|iv|street)[ ]|illicits|drug|"
    r"vaping|cigarettes|marijuana|cannabis|cocaine)",
    re.IGNORECASE,
)
_MOST: Final = 20  # lines
_WIDEST: Final = 60  # code points of a heading and what marks its line


class Carried(NamedTuple):
    """The heading at `[start, head)` speaks for the lines `[body, end)` too."""

    start: int
    head: int
    body: int
    end: int


def carried(text: str) -> list[Carried]:
    """Return such lists of a text, in order."""
    return [*_carried(text)]


def _carried(text: str) -> Iterator[Carried]:
    for match in _COLON.finditer(text):
        if _ITEM.fullmatch(match["item"]) is None or _TELLS.search(match["item"]):
            continue
        if _HABIT.match(match["item"]):
            continue
        begin = text.rfind("\n", max(0, match.start() - _WIDEST), match.start()) + 1
        head = _HEAD.match(text, begin)
        if head is None or head.end() != match.start() + 1 or match.end() == len(text):
            continue
        folded = fold(head["head"])
        if not any(rule.kind is Kind.NEGATED for rule in headings_say(folded, 0, len(folded))):
            continue
        body = match.end() + 1
        end = _below(text, body, _style(match["item"]))
        if end > body:
            yield Carried(head.start("head"), head.end("head"), body, end)


def _below(text: str, body: int, style: str) -> int:
    """Return where the items below end. They are written as the first one is: below "Denies: chest
    pain" a "Productive cough" may as well be what the patient has, and is not hidden."""
    end = body
    for line, _ in zip(_LINE.finditer(text, body), range(_MOST), strict=False):
        item = line["item"]
        if _ITEM.fullmatch(item) is None or _TELLS.search(item) or lookup(normalise(item)):
            break
        if _style(item) != style:
            break
        end = line.end()
    return end


def _style(item: str) -> str:
    """Say how an item is written: in capitals, with one, with none."""
    if item.isupper():
        return "capitals"
    return "capital" if item[0].isupper() else "small"
