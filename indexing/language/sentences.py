"""Where sentences end in clinical text: full stops, list items, labels, lines."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import Final

_STOP: Final = re.compile(r"[.!?][\"')\]]*(?=\s)")
_LINE: Final = re.compile(r"\n[ \t]*(?P<blank>(?:\r?\n[ \t]*)*)")
_ITEM: Final = re.compile(r"\d\)\s")  # "2) " within a line
_ITEM_START: Final = re.compile(r"\s\(?\d{1,2}$")
_LABEL: Final = re.compile(r"[A-Z]:\s")  # "LUNGS: " within a line
_LABEL_START: Final = re.compile(r"[.;,:] [A-Z][A-Z/& \-]{0,30}$")
_ABBREVIATION: Final = frozenset(
    "dr mr mrs ms st vs pt no approx dept jr sr prof rev inc fig al hx dx tx sx rx mt ft e.g i.e "
    "p.o b.i.d t.i.d q.d q.i.d p.r.n q.h.s h.s p.m a.m u.s dob m.d d.o r.n ph.d temp resp "
    "abd ext gen wt ht min max avg vol ca".split()
)
# In capitals these are no titles: "mild MR. Amiodarone continued", "breast CA. No recurrence".
_IN_CAPITALS: Final = frozenset({"MR", "MS", "CA", "PT"})
# "Spoke with MS. Jones".
_MEETS: Final = frozenset("with by to from saw told met called asked per see".split())
_TITLES: Final = frozenset({"MR", "MS"})
# "Severe MR. Amiodarone", "R/o MS. Optic neuritis": nobody is called so.
_TELLS: Final = frozenset(
    "no trace trivial mild moderate mod severe significant worsening known chronic recurrent "
    "metastatic r/o h/o s/p c/w hx denies negative positive possible probable".split()
)
# "Hepatitis C. Denies": the letter is no initial.
_LETTERED: Final = frozenset("hepatitis hep vitamin influenza type group grade class stage".split())
_RESULT: Final = frozenset({"neg", "pos"})
_LAST_WORD: Final = re.compile(r"[A-Za-z.]{1,8}$")
_NEW_ITEM: Final = re.compile(r"[-•*·>–☐☑☒\[#]|\(?\d{1,2}[.)]\s|[A-Za-z][\w /&'-]{0,40}:(?:\s|$)")
# Written small, but they begin what is told next: "on eliquis for afib. r/o UTI".
_BEGINS: Final = ("r/o", "s/p", "c/o", "h/o", "p/w", "d/c", "f/u")
_RUNS_ON: Final = frozenset(
    "and or of the no with without for to a an in on by at his her any denies from is was as "
    "but not than that has had have negative".split()
)
_ANSWER: Final = re.compile(r"\s*(?:yes|no|none|denies|negative|positive|unknown)\b", re.I)
_LONGEST: Final = 1_500
_WIDE: Final = 55  # a line this long without a stop was wrapped by its editor
_TAIL_WORD: Final = re.compile(r"[A-Za-z]+[ \t]*$")


def sentence_starts(text: str, start: int = 0, end: int | None = None) -> list[int]:
    """Return where each sentence of `text[start:end]` begins; the first is always `start`."""
    end = len(text) if end is None else end
    breaks = {start}
    breaks.update(_at_stops(text, start, end))
    breaks.update(_at_lines(text, start, end))
    for match in _ITEM.finditer(text, start, end):
        found = _ITEM_START.search(text, max(start, match.start() - 3), match.start() + 1)
        if found:
            breaks.add(found.start() + 1)
    for match in _LABEL.finditer(text, start, end):
        found = _LABEL_START.search(text, max(start, match.start() - 33), match.start() + 1)
        if found:
            breaks.add(found.start() + 2)
    breaks.discard(end)
    return list(_short_enough(text, sorted(breaks), end))


def _short_enough(text: str, starts: list[int], end: int) -> Iterator[int]:
    """Cut what has no stops (tables, junk), so that work on a sentence stays bounded."""
    for i, start in enumerate(starts):
        following = starts[i + 1] if i + 1 < len(starts) else end
        yield start
        while following - start > _LONGEST:
            space = text.rfind(" ", start + _LONGEST // 2, start + _LONGEST)
            start = space + 1 if space > 0 else start + _LONGEST
            yield start


def _at_stops(text: str, start: int, end: int) -> Iterator[int]:
    for match in _STOP.finditer(text, start, end):
        if _ends(text, match.start(), match.end(), end):
            yield match.end()


def _at_lines(text: str, start: int, end: int) -> Iterator[int]:
    line_start = start
    for match in _LINE.finditer(text, start, end):
        line_end = match.start()
        while line_end > line_start and text[line_end - 1] in " \t\r":
            line_end -= 1
        if match["blank"] or _new_line(text, line_start, line_end, match.end(), end):
            yield match.end()
        line_start = match.end()


def _ends(text: str, stop: int, after: int, end: int) -> bool:
    following = text[after : after + 6].lstrip()
    if text[stop] == "?" and _ANSWER.match(text, after):
        return False
    if text[stop] != ".":
        return not following[:1].islower()
    if following[:1].islower() and after < end and not following.startswith(_BEGINS):
        return False
    word = _LAST_WORD.search(text, max(0, stop - 8), stop)
    if word is None:
        return True
    last = word[0].lower().lstrip(".")
    if last in _RESULT:  # "COVID neg. Bronchitis"; but "Neg. Murphy sign"
        return text[max(0, stop - 5) : stop - 3].strip(" .\n\t") != ""
    if last in _ABBREVIATION and not _is_finding(text, stop, following):
        return last in (
            "p.o",
            "b.i.d",
            "t.i.d",
            "q.d",
            "q.i.d",
            "p.r.n",
            "q.h.s",
            "h.s",
            "al",
        ) and (following[:1].isupper())
    initial = len(last) == 1 and word[0].isupper() and last not in "i"
    return not (initial and text[max(0, stop - 2)].isspace() and _named(text, stop))


def _is_finding(text: str, stop: int, following: str) -> bool:
    """Whether what looks like a title before `stop` is a finding in capitals, told within a
    sentence that is not."""
    name = text[max(0, stop - 2) : stop]
    if name not in _IN_CAPITALS or not following[:2].isalpha():
        return False
    before = text[max(0, stop - 22) : stop - 2].rpartition("\n")[2].split()
    if not before:
        return False
    word = before[-1]
    if word[-1] in ",/":  # "AS, MR. Stable"; but "WITH HIS WIFE, MR. SMITH"
        return following[1].islower()
    if word[-1] == "+" or word.lower() in _TELLS:
        return True
    if not word.isalpha():
        return False
    return (word.islower() and word not in _MEETS) if name in _TITLES else not word.isupper()


def _named(text: str, stop: int) -> bool:
    """Whether the initial before `stop` belongs to a name ("John Q. Public", "Dr. R. Jones")."""
    before = text[max(0, stop - 12) : stop - 1].split()
    if not before or before[-1].lower() in _LETTERED:
        return False
    return before[-1][0].isupper() or before[-1].endswith(".")


def _new_line(text: str, line_start: int, line_end: int, after: int, end: int) -> bool:
    if after >= end or _NEW_ITEM.match(text, after, end):
        return True
    following = text[after]
    if following.islower():
        return False
    if line_end > line_start and text[line_end - 1] in ",-/&(":
        return False
    tail = _TAIL_WORD.search(text, max(line_start, line_end - 14), line_end)
    if tail and tail[0].strip().lower() in _RUNS_ON:
        return False
    return line_end - line_start < _WIDE or text[line_end - 1] in ".:;!?"


def sentence_bounds(starts: Sequence[int], position: int, end: int) -> tuple[int, int]:
    """Return the sentence around `position`; `end` is where the last one ends."""
    i = bisect_right(starts, position) - 1
    return starts[i], starts[i + 1] if i + 1 < len(starts) else end
