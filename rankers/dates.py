"""Dates as people write them in a query: years, months, days, ranges and bounds."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, tzinfo

from indexing.errors import InvalidQuery

_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")
_BOUND = re.compile(r"(>=|<=|>|<)(.*)")
FIRST_YEAR, LAST_YEAR = 1000, 9998

Interval = tuple[datetime | None, datetime | None]


def date_range(value: str, position: int, zone: tzinfo) -> Interval:
    """Return [from, to) of "2023", "2023-05", "2023-05-01", "2022..2023", "2022..", ">=2022".

    Both ends of a range are included. An "A/B" of two ISO instants is read as it stands.
    Raises: InvalidQuery at `position`.
    """
    if "/" in value:
        return _instants(value, position)
    if ".." in value:
        first, _, last = value.partition("..")
        if not (first or last):
            raise InvalidQuery("A date range needs at least one end.", position)
        start = _day(first, position, zone)[0] if first else None
        end = _day(last, position, zone)[1] if last else None
        if start is not None and end is not None and start >= end:
            raise InvalidQuery("This date range ends before it starts.", position)
        return start, end
    bound = _BOUND.fullmatch(value)
    if bound is None:
        return _day(value, position, zone)
    start, end = _day(bound.group(2), position, zone)
    ranges = {">=": (start, None), ">": (end, None), "<": (None, start), "<=": (None, end)}
    return ranges[bound.group(1)]


def _day(text: str, position: int, zone: tzinfo) -> tuple[datetime, datetime]:
    match = _DATE.fullmatch(text.strip())
    if match is None:
        raise InvalidQuery(
            "`date:` takes 2023, 2023-05, 2023-05-01, 2022..2023 or >=2022.", position
        )
    year, month, day = (int(part) if part else None for part in match.groups())
    assert year is not None  # the pattern requires it
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise InvalidQuery(f"A year lies between {FIRST_YEAR} and {LAST_YEAR}.", position)
    try:
        start = datetime(year, month or 1, day or 1, tzinfo=zone)
    except ValueError as exc:
        raise InvalidQuery("There is no such day in the calendar.", position) from exc
    if day is not None:
        # Midnight to midnight on the wall clock, even where that is 23 or 25 hours.
        end = (start.replace(tzinfo=None) + timedelta(days=1)).replace(tzinfo=zone)
    elif month is not None:
        end = start.replace(year=year + month // 12, month=month % 12 + 1)
    else:
        end = start.replace(year=year + 1)
    return start, end


def _instants(value: str, position: int) -> Interval:
    first, _, last = value.partition("/")
    try:
        found = [None if part == ".." else datetime.fromisoformat(part) for part in (first, last)]
    except ValueError as exc:
        raise InvalidQuery("`date:` takes two ISO instants around `/`.", position) from exc
    if any(instant is not None and instant.tzinfo is None for instant in found):
        raise InvalidQuery("An instant needs its offset from UTC.", position)
    return found[0], found[1]
