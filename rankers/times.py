"""Times in plain words ("last year", "since 2020", "in the past 6 months"): offered as a `date:`,
which narrows the notes by when they were written, and never searched so by themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
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
    rf"\b(?:(?:(?P<how>since|after|before|until|in|during|from|of)[ ]+)?"
    rf"(?:(?P<month>{'|'.join(_MONTHS)})[ ]+)?(?P<year>{_YEAR})|"
    r"(?:(?:in|during|within|over|from)[ ]+)?(?:the[ ]+)?(?:(?P<which>last|this)[ ]+"
    r"(?P<span>year|month)|(?:past|last)[ ]+(?:(?P<count>\d{1,3}|"
    rf"{'|'.join(_NUMBERS)})[ ]+(?P<unit>day|week|month|year)s?|(?P<one>year|month|week)))|"
    r"(?P<day>today|yesterday))\b(?!-)",
    re.IGNORECASE,
)
_BOUNDS: Final = {"since": ">=", "after": ">", "before": "<", "until": "<="}
_SAID: Final = {"": "of ", ">=": "since ", ">": "after ", "<": "before ", "<=": "up to "}
_DAYS: Final = {"day": 1, "week": 7}


def times_offered(query: str, clause: Clause, today: date) -> list[Offer]:
    """Return the query with the one time that it tells in plain words as a date, none where it
    tells several, or more than words in a row. `today` is on the tenant's calendar."""
    words = clause.clauses if isinstance(clause, Ranked) else ()
    if not 2 <= len(words) <= MOST_WORDS:
        return []
    if not all(isinstance(word, Word) and not word.pattern for word in words):
        return []
    first, last = words[0].start, words[-1].end
    found = [(match, value) for match in _TIME.finditer(query, first, last)
             for value in _values(match, today)]  # fmt: skip
    if len(found) != 1:
        return []
    [(match, value)] = found
    rest = " ".join((query[: match.start()] + query[match.end() :]).split())
    if match.end() - match.start() >= last - first:
        return []
    said = _SAID[value.rstrip("0123456789-")] + value.lstrip("<>=")
    return [Offer("", match[0], said, *match.span(), clause, f"{rest} date:{value}", "time")]


def _values(match: re.Match[str], today: date) -> Iterator[str]:
    """Yield how `date:` writes a time; nothing for one that no calendar has."""
    if year := match["year"]:
        how, month = match["how"], match["month"]
        if how or month:  # a bare "2023" may be any number
            at = f"-{_MONTHS.index(month.lower()) + 1:02}" if month else ""
            yield _BOUNDS.get((how or "").lower(), "") + year + at
        return
    if match["day"]:
        yield f"{today - timedelta(days=match['day'].lower() == 'yesterday')}"
        return
    if match["which"] and match["which"].lower() == "this":
        yield f"{today:%Y-%m}" if match["span"].lower() == "month" else f"{today:%Y}"
    elif match["which"]:
        before = _back(today.replace(day=1), 1)
        yield f"{before:%Y-%m}" if match["span"].lower() == "month" else f"{today.year - 1}"
    else:
        count = match["count"] or "1"
        number = int(count) if count.isdigit() else _NUMBERS[count.lower()]
        unit = (match["unit"] or match["one"]).lower()
        days = _DAYS.get(unit)
        if days is not None:
            yield f">={today - timedelta(days=days * number)}"
        elif number <= 12 * 100:
            yield f">={_back(today, number * (12 if unit == 'year' else 1))}"


def _back(day: date, months: int) -> date:
    """Return the same day so many months before; the month's last where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 - months, 12)
    for last in range(day.day, 27, -1):
        try:
            return date(year, month + 1, last)
        except ValueError:
            continue
    return date(year, month + 1, day.day)
