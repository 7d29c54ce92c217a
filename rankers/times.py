"""Times in plain words ("last year", "since 2020", "in the past 6 months"): offered as a `date:`,
which narrows the notes by when they were written, and never searched so by themselves. What may
be meant otherwise ("from 1990 to 2010", "the day before yesterday") is offered nothing."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import lru_cache
from typing import Final

from indexing.clauses import Clause, Ranked, Word
from rankers.offers import Offer

MOST_WORDS: Final = 12  # of a question; a pasted text tells times of its own
_NUMBERS: Final = {word: n for n, word in enumerate(
    "one two three four five six seven eight nine ten eleven twelve".split(), 1
)}  # fmt: skip
_MONTHS: Final = (
    "january february march april may june july august september october november december".split()
)
_YEAR: Final = r"(?:19|20)\d\d"
_TIME: Final = re.compile(
    rf"\b(?:(?P<how>since|after|before|until|in|during)[ ]+(?:(?P<month>{'|'.join(_MONTHS)})[ ]+)?"
    rf"(?P<year>{_YEAR})|(?P<named>{'|'.join(_MONTHS)})[ ]+(?P<of>{_YEAR})|"
    rf"(?P<rolling>(?:(?:in|during|within|over|for)[ ]+)?(?:the[ ]+)?(?:past|last)[ ]+"
    rf"(?:(?P<count>[1-9]\d{{0,2}}|{'|'.join(_NUMBERS)})[ ]+)?(?P<unit>day|week|month|year)s?)|"
    r"this[ ]+(?P<this>month|year)|(?P<day>today|yesterday))\b(?![-'’])",
    re.IGNORECASE | re.ASCII,
)
# Of these no date is known: they are only set aside.
_OCCASION: Final = re.compile(
    r"\b(?:(?:since|until)[ ]+(?:(?:the|her|his|their)[ ]+)?(?:(?:last|previous|prior)[ ]+)?"
    r"(?:visit|appointment|admission|discharge|check-?up)|"
    r"(?:(?:since|on|over|until)[ ]+)?(?:(?:last|this|the)[ ]+)?"
    r"(?:(?:mon|tues|wednes|thurs|fri|satur|sun)day|weekend)|"
    r"(?:since[ ]+)?(?:last|this)[ ]+(?:night|morning|afternoon|evening|week|winter|spring|summer))"
    r"\b(?![-'’])",
    re.IGNORECASE | re.ASCII,
)
# How long something lasts, or is past: "for two weeks", "several months ago".
_LASTING: Final = re.compile(
    r"\b(?:(?:for|over)[ ]+)?(?:the[ ]+)?"
    rf"(?:(?:{'|'.join(_NUMBERS)}|several|a few|a couple of)[ ]+(?:hour|day|week|month|year)s?"
    r"(?:[ ]+ago)?|\d{1,3}[ ]+(?:hour|day|week|month|year)s?[ ]+ago)\b(?![-'’])",
    re.IGNORECASE | re.ASCII,
)
# What makes of it another time: "before last year", "from 1990 to 2010", "day before yesterday".
_BOUND: Final = (
    r"since|after|before|until|till|from|to|through|and|or|not|than|of|between|by|born|the|day|early|"
    r"late|mid|end|beginning|around|about|every|each"
)
_BOUND_BEFORE: Final = re.compile(rf"(?:\b(?:{_BOUND})|[-/])[ ]*$", re.IGNORECASE)
# "12 March 2020"; the 8 of "below 8 last year" is no day.
_DAY_BEFORE: Final = re.compile(r"\d[ ]*$")
_BOUND_BEHIND: Final = re.compile(r"[ ]*(?:(?:to|through|until|till|not|and|or|of|old)\b|[-/\d])",
                                  re.IGNORECASE)  # fmt: skip
_NEAR: Final = 40  # code points before a time in which such a word stands
_AGAIN: Final = re.compile(rf"\b{_YEAR}\b")
_BOUNDS: Final = {"since": ">=", "after": ">", "before": "<", "until": "<="}
_SAID: Final = {"": "of ", ">=": "since ", ">": "after ", "<": "before ", "<=": "up to "}
_DAYS: Final = {"day": 1, "week": 7}


@lru_cache(maxsize=64)  # a question is read several times
def times_told(text: str) -> tuple[tuple[int, int], ...]:
    """Return where a text tells times in plain words, with what bends them ("since yesterday"): no
    note has to hold these words."""
    found = []
    for match in _TIME.finditer(text):
        bent = _BOUND_BEFORE.search(text, max(0, match.start() - _NEAR), match.start())
        found.append((bent.start() if bent else match.start(), match.end()))
    aside = (match.span() for how in (_OCCASION, _LASTING) for match in how.finditer(text))
    return (*found, *aside)


def times_offered(query: str, clause: Clause, today: date) -> list[Offer]:
    """Return the query with the one time that it tells in plain words as a date, none where it
    tells several, or more than words in a row. `today` is on the tenant's calendar."""
    words = clause.clauses if isinstance(clause, Ranked) else ()
    if not 2 <= len(words) <= MOST_WORDS:
        return []
    if not all(isinstance(word, Word) and not word.pattern for word in words):
        return []
    first, last = words[0].start, words[-1].end
    found = list(_TIME.finditer(query, first, last))
    if len(found) != 1 or found[0].span() == (first, last):
        return []
    [match] = found
    start, end = match.span()
    before = query[first:start]
    if _BOUND_BEFORE.search(before) or _BOUND_BEHIND.match(query, end, last):
        return []
    if match["named"] and _DAY_BEFORE.search(before):
        return []
    if _AGAIN.search(before) or _AGAIN.search(query[end:last]):
        return []
    value = _value(match, today)
    rest = " ".join((query[:start] + query[end:]).split())
    said = _SAID[value.rstrip("0123456789-")] + value.lstrip("<>=")
    return [Offer("", match[0], said, start, end, clause, f"{rest} date:{value}", "time")]


def _value(match: re.Match[str], today: date) -> str:
    """Return how `date:` writes a time. "Last year" is the one before; "in the last year", with
    whatever stands before it, and "the past year" end today."""
    if year := match["year"] or match["of"]:
        month = match["month"] or match["named"]
        at = f"-{_MONTHS.index(month.lower()) + 1:02}" if month else ""
        return _BOUNDS.get((match["how"] or "").lower(), "") + year + at
    if match["day"]:
        return f"{today - timedelta(days=match['day'].lower() == 'yesterday')}"
    if match["this"]:
        return f"{today:%Y-%m}" if match["this"].lower() == "month" else f"{today:%Y}"
    unit, count = match["unit"].lower(), match["count"] or "1"
    if match["rolling"].lower().split() == ["last", unit] and unit in ("month", "year"):
        before = _back(today.replace(day=1), 1)
        return f"{before:%Y-%m}" if unit == "month" else f"{today.year - 1}"
    number = int(count) if count.isdigit() else _NUMBERS[count.lower()]
    if unit in _DAYS:
        return f">={today - timedelta(days=_DAYS[unit] * number)}"
    return f">={_back(today, number * (12 if unit == 'year' else 1))}"


def _back(day: date, months: int) -> date:
    """Return the same day so many months before; the month's last where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    for last in range(day.day, 27, -1):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    return date(year, month + 1, day.day)
