"""Partial FHIR dates to intervals [start, end) of aware moments."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

_DATE_TIME = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:T(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d{1,9}))?)?"
    r"(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Interval:
    """[start, end), both aware and in UTC; None is unbounded on that side."""

    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, slots=True)
class Days:
    """[start, end) in calendar days, for what has no time of day; None is unbounded."""

    start: date | None
    end: date | None


UNKNOWN = Interval(None, None)
NO_DAYS = Days(None, None)


@lru_cache(maxsize=16384)
def interval(value: str, zone: ZoneInfo) -> Interval:
    """Return the moments that a date, dateTime or instant may mean.

    "2019-03" is March of 2019 in `zone`; a second is the second that begins there. A time without
    an offset, which FHIR forbids, is taken as the site's.

    Raises:
        ValueError: not a FHIR date, or a day that does not exist; quotes no value.
    """
    found = _DATE_TIME.fullmatch(value)
    if not found:
        raise ValueError("not a FHIR date or time")
    if found["hour"] is None:
        spell = days(value)
        return Interval(_midnight(spell.start, zone), _midnight(spell.end, zone))
    seconds, width = _clock(found)
    start = _moment(found, zone, seconds)
    try:
        return Interval(start, start + width)
    except OverflowError:
        return Interval(start, None)


@lru_cache(maxsize=16384)
def days(value: str) -> Days:
    """Return the days that a date may mean; a time of day is left aside.

    Raises:
        ValueError: as `interval`.
    """
    found = _DATE_TIME.fullmatch(value)
    if not found:
        raise ValueError("not a FHIR date")
    year, month, day = int(found["year"]), found["month"], found["day"]
    try:
        if day is not None:
            first = date(year, int(month), int(day))
            return Days(first, _or_none(lambda: first + timedelta(days=1)))
        if month is not None:
            first = date(year, int(month), 1)
            after = (year, int(month) + 1) if int(month) < 12 else (year + 1, 1)
            return Days(first, _or_none(lambda: date(*after, 1)))
        return Days(date(year, 1, 1), _or_none(lambda: date(year + 1, 1, 1)))
    except ValueError:
        raise ValueError("a day that does not exist") from None


def period(value: Any, zone: ZoneInfo) -> Interval:
    """Return the moments of a FHIR Period: its start's first to its end's last.

    Raises:
        ValueError: as `interval`.
    """
    if type(value) is not dict:
        return UNKNOWN
    start, end = value.get("start"), value.get("end")
    return Interval(
        interval(start, zone).start if isinstance(start, str) else None,
        interval(end, zone).end if isinstance(end, str) else None,
    )


def _or_none(make: Any) -> date | None:
    """Return None past the calendar's last day: the interval is then unbounded."""
    try:
        made: date = make()
    except (OverflowError, ValueError):
        return None
    return made


def _midnight(day: date | None, zone: ZoneInfo) -> datetime | None:
    if day is None:
        return None
    return _utc(datetime(day.year, day.month, day.day, tzinfo=zone))


def _utc(moment: datetime) -> datetime:
    """Convert to UTC; the calendar's edge itself stays as near as it can be said."""
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return moment.replace(tzinfo=UTC)


def _clock(found: re.Match[str]) -> tuple[float, timedelta]:
    """Return seconds within the minute and how long the named moment lasts."""
    if found["second"] is None:
        return 0.0, timedelta(minutes=1)
    second = int(found["second"])
    if second > 60:
        raise ValueError("a time that does not exist")
    second = min(second, 59)  # a leap second counts as the one before it
    fraction = found["fraction"]
    if fraction is None:
        return second, timedelta(seconds=1)
    width = timedelta(microseconds=max(10 ** (6 - len(fraction)), 1) if len(fraction) <= 6 else 1)
    return second + int(fraction[:6].ljust(6, "0")) / 1_000_000, width


def _moment(found: re.Match[str], zone: ZoneInfo, seconds: float) -> datetime:
    whole = int(seconds)
    micro = round((seconds - whole) * 1_000_000)
    try:
        return _utc(
            datetime(
                int(found["year"]),
                int(found["month"]),
                int(found["day"]),
                int(found["hour"]),
                int(found["minute"]),
                whole,
                micro,
                tzinfo=_zone(found["zone"], zone),
            )
        )
    except ValueError:
        raise ValueError("a time that does not exist") from None


def _zone(text: str | None, zone: ZoneInfo) -> tzinfo:
    if text is None:
        return zone
    if text == "Z":
        return UTC
    minutes = int(text[1:3]) * 60 + int(text[4:6])
    if minutes > 14 * 60 or int(text[4:6]) > 59:
        raise ValueError
    return timezone(timedelta(minutes=minutes if text[0] == "+" else -minutes))
