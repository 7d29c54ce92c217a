"""Weeks of gestation as they are told: "34 weeks pregnant", "34w2d", "IUP at 34 2/7 weeks"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_DAYS: Final = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_EARLIEST, _LATEST = 4, 44  # weeks
_WEEKS: Final = re.compile(
    r"(?<![\w.,/])(?P<weeks>\d{1,2})"
    r"(?:(?:[ -]|[ ]and[ ])(?P<of_7>[0-6])/7|[ ]?\+[ ]?(?P<plus>[0-6]))?"
    r"[ -]?(?:weeks?|wks?|(?P<born>weekers?)|w)(?![a-z])['’]?"
    rf"(?:[ ,]*(?:and[ ])?(?P<days>[0-6]|{'|'.join(_DAYS)})[ -]?(?:/7|days?|d)(?![a-z]))?",
    re.IGNORECASE,
)
_BEHIND: Final = re.compile(
    r"[ -]*(?:by[ ](?:dates|lmp)|(?:(?:of|estimated|single|viable|live|twin|the|a|intrauterine|"
    r"size)[ ])*"
    r"(?:gestation\w*|pregnan\w*|iup|ega|ga\b|fetus|preemie|prem\w+|infant|neonate|newborn|"
    r"estimated fetal))",
    re.IGNORECASE,
)
_BEFORE: Final = re.compile(
    r"\b(?:gestation\w*|pregnan\w*|iup|ega|ga|g\d+[ ,]*p\d+\w*|gravida|para|primigravida|"
    r"multigravida|fetus|fetal|deliver(?:y|ed)|born|prem\w+|preterm|ex|former|preeclampsia|"
    r"eclampsia|labor|contractions?|placenta\w*|previa|p?prom|by dates|crown[- ]rump|sac|"
    r"consistent with)\b[^.;\n]{0,60}$",
    re.IGNORECASE,
)
_ELSEWHERE: Final = re.compile(
    r"[ ]*(?:ago|postpartum|post[- ]?(?:partum|op\w*)|later|prior|old|from now|after|follow)\b",
    re.I,
)
_LASTING: Final = re.compile(
    r"\b(?:for|in|every|past|last|next|within|x|after|about|over the)[ ]$", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Gestation:
    """`text[start:end]` tells that it lasts from `first` to `last` days: "34 weeks" is any day of
    the thirty-fifth week."""

    start: int
    end: int
    first: int
    last: int


def gestations(text: str, first: int = 0, last: int | None = None) -> list[Gestation]:
    """Return what `text[first:last]` tells of how long a pregnancy lasts, or lasted."""
    last = len(text) if last is None else last
    return [told for match in _WEEKS.finditer(text, first, last) if (told := _told(text, match))]


def _told(text: str, match: re.Match[str]) -> Gestation | None:
    weeks = int(match["weeks"])
    if not _EARLIEST <= weeks <= _LATEST or not _is_of_pregnancy(text, match):
        return None
    days = match["of_7"] or match["plus"] or match["days"]
    if days is None:
        return Gestation(*match.span(), weeks * 7, weeks * 7 + 6)
    day = weeks * 7 + (_DAYS.get(days.lower()) or int(days))
    return Gestation(*match.span(), day, day)


def _is_of_pregnancy(text: str, match: re.Match[str]) -> bool:
    start, end = match.span()
    if _BEHIND.match(text, end, end + 60):
        return True
    if _ELSEWHERE.match(text, end, end + 20) or _LASTING.search(text, max(0, start - 10), start):
        return False
    if match["days"] is not None or match["of_7"] or match["plus"] or match["born"]:
        return True  # nothing else is counted so
    return _BEFORE.search(text, max(0, start - 80), start) is not None
