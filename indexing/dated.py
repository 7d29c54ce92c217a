"""A date as precisely as it was given, on the calendar of the hospital; and moved by days of it.

Dates of who is hidden are moved, and nothing of how they are told may say by how many days. So a
day is moved by the hospital's calendar, whose hours summer time changes: counted in hours, who
came at eight would come at seven from the true day of the change on. A month or a year becomes
another whole one: its first day moved would be a known one. And what stands for no day stays.
"""

from __future__ import annotations

from datetime import MAXYEAR, UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum

# What is outside stands for "unknown" or "no end": 0001, 1753, 1900-01-01, 2999, 9999-12-31.
_REAL = range(1901, 2200)  # years
_SLACK = timedelta(hours=2)  # a zone's rules may have changed since a date came in


class Width(StrEnum):
    """How precisely a date was given; an instant is told by its day."""

    YEAR = "year"
    MONTH = "month"
    DAY = "day"


_LENGTHS = {Width.YEAR: 4, Width.MONTH: 7, Width.DAY: 10}  # of a date as ISO 8601 writes it
_PARTS = {Width.YEAR: 1, Width.MONTH: 2, Width.DAY: 3}  # of a date that are told


def local(at: datetime, zone: tzinfo) -> datetime:
    """Return an instant by the hospital's clock. The calendar's last evening, by which some say "no
    end", stays as it is where the hospital's next year would have begun."""
    try:
        return at.astimezone(zone)
    except OverflowError:
        return at


def width(start: datetime | None, end: datetime | None, zone: tzinfo) -> Width:
    """Say what [start, end) is: a year, a month of the calendar, or some other time, which is told
    by its first day.

    `zone` is the tenant's: its midnights are what a date was turned into when it came in.
    """
    if start is None or end is None:
        return Width.DAY
    middle = local(start + (end - start) / 2, zone)
    for each in (Width.YEAR, Width.MONTH):
        first, after = _whole(middle.date(), each, zone)
        if after and abs(start - first) <= _SLACK and abs(end - after) <= _SLACK:
            return each
    return Width.DAY


def written(at: datetime, how: Width, zone: tzinfo) -> str:
    """Write a date as precisely as it was given: "2023", "2023-05" or "2023-05-06"."""
    return local(at, zone).isoformat()[: _LENGTHS[how]]


def year_of(at: datetime | None, zone: tzinfo) -> str:
    """Write the year of an instant, one without a zone being UTC's; "" for unknown."""
    if at is None:
        return ""
    return written(at if at.tzinfo else at.replace(tzinfo=UTC), Width.YEAR, zone)


def dated(start: datetime | None, end: datetime | None, zone: tzinfo) -> str | None:
    """Write the interval of a partial date as `written` does; None for none."""
    return None if start is None else written(start, width(start, end, zone), zone)


def spanned(
    start: datetime | None, until: datetime | None, end: datetime | None, zone: tzinfo,
    ended: datetime | None = None,
) -> str:  # fmt: skip
    """Write when something was: "2023", "2023-05-06", "2023-05-06–2023-05-08" or "–2023-05-08";
    "" for unknown.

    `until`: the start is a date as vague as [start, until); `ended`: so is the end, as
    [end, ended). None of both: it lasted for [start, end), which may be one vague date.
    """
    if end is None:
        return dated(start, until, zone) or ""
    if ended is not None:
        last = dated(end, ended, zone)
    else:  # who leaves on the 8th does so before the 9th begins
        latest = end - timedelta(microseconds=1)
        last = dated(latest if start is None else max(start, latest), None, zone)
    if start is None:
        return f"–{last}"
    if until is ended is None and (how := width(start, end, zone)) is not Width.DAY:
        return written(start, how, zone)
    first = dated(start, until, zone)
    return first or "" if first == last else f"{first}–{last}"


def of_a_day(at: datetime, how: Width) -> bool:
    """Say whether a date is known to the day, and stands for one: from what does not, days to the
    others would tell their dates."""
    return how is Width.DAY and at.year in _REAL


def moved_day(day: date, days: int) -> date:
    """Move a day of the calendar; one that stands for none stays."""
    return day + timedelta(days=days) if day.year in _REAL else day


def shifted(at: datetime, days: int, zone: tzinfo, how: Width = Width.DAY) -> datetime:
    """Move a date by days of the hospital's calendar. A day keeps its time; a month or a year comes
    to be the one that its middle falls in, whose first moment is returned."""
    there = local(at, zone)
    if how is Width.DAY:
        return datetime.combine(moved_day(there.date(), days), there.timetz()).astimezone(UTC)
    middle = date(there.year, 7, 2) if how is Width.YEAR else there.date().replace(day=15)
    return _whole(moved_day(middle, days), how, zone)[0]


def shifted_span(
    start: datetime, how: Width, end: datetime, how_end: Width, days: int, zone: tzinfo
) -> tuple[datetime, datetime]:
    """Move a beginning and an end as `shifted` does, so that they stay in order as they are told:
    by itself, a year could come to lie behind the day in it on which something ended. The vaguer
    of both is then the year or the month that holds the other."""
    first, last = shifted(start, days, zone, how), shifted(end, days, zone, how_end)
    if _ends_before((end, how_end), (start, how), zone) or not _ends_before(
        (last, how_end), (first, how), zone
    ):
        return first, last
    if _PARTS[how] <= _PARTS[how_end]:
        return _holding(last, how, zone), last
    return first, _holding(first, how_end, zone)


def _ends_before(end: tuple[datetime, Width], start: tuple[datetime, Width], zone: tzinfo) -> bool:
    """Say whether an end, as it is told, lies wholly before a beginning."""
    last, first = (_told(*each, zone) for each in (end, start))
    both = min(len(last), len(first))
    return last[:both] < first[:both]


def _told(at: datetime, how: Width, zone: tzinfo) -> tuple[int, ...]:
    there = local(at, zone)
    return (there.year, there.month, there.day)[: _PARTS[how]]


def _holding(at: datetime, how: Width, zone: tzinfo) -> datetime:
    """Return when the year or the month begins that holds a moment; the moment for a day."""
    return at if how is Width.DAY else _whole(local(at, zone).date(), how, zone)[0]


def moved(
    start: datetime | None, end: datetime | None, days: int, zone: tzinfo
) -> tuple[datetime | None, datetime | None]:
    """Move [start, end) by days; what is a month or a year of the calendar comes to be another."""
    how = width(start, end, zone)
    if start is None or end is None or how is Width.DAY:
        return start and shifted(start, days, zone), end and shifted(end, days, zone)
    first = shifted(start + (end - start) / 2, days, zone, how)
    return first, _whole(local(first, zone).date(), how, zone)[1]


def moved_span(
    start: datetime | None, until: datetime | None, end: datetime | None, ended: datetime | None,
    days: int, zone: tzinfo,
) -> tuple[datetime | None, datetime | None, datetime | None, datetime | None]:  # fmt: skip
    """Move [start, until) and [end, ended) as `moved` does, in order as `spanned` tells them; one
    of `until` and `ended` is there."""
    if start is None or end is None:
        return *moved(start, until, days, zone), *moved(end, ended, days, zone)
    how, how_end = width(start, until, zone), width(end, ended, zone)
    latest = max(start, end - timedelta(microseconds=1)) if ended is None else end
    first, last = shifted_span(
        _middle(start, until, how), how, _middle(latest, ended, how_end), how_end, days, zone
    )
    return (
        first, _after(first, until, how, days, zone),
        shifted(end, days, zone) if ended is None else last,
        _after(last, ended, how_end, days, zone),
    )  # fmt: skip


def _middle(start: datetime, end: datetime | None, how: Width) -> datetime:
    """Return a moment surely of the year or the month that is meant; the start of a day."""
    return start if end is None or how is Width.DAY else start + (end - start) / 2


def _after(
    first: datetime, end: datetime | None, how: Width, days: int, zone: tzinfo
) -> datetime | None:
    """Return when what was moved to `first`, and ended at `end`, ends there."""
    if how is Width.DAY:
        return end and shifted(end, days, zone)
    return _whole(local(first, zone).date(), how, zone)[1]


def _whole(day: date, how: Width, zone: tzinfo) -> tuple[datetime, datetime | None]:
    """Return when the month or the year of a day begins and ends; None for the calendar's last."""
    month = day.month if how is Width.MONTH else 12
    first = _begins(date(day.year, month if how is Width.MONTH else 1, 1), zone)
    years, before = divmod(month, 12)
    if day.year + years > MAXYEAR:
        return first, None
    return first, _begins(date(day.year + years, before + 1, 1), zone)


def _begins(day: date, zone: tzinfo) -> datetime:
    begin = datetime.combine(day, time(), zone)
    try:
        return begin.astimezone(UTC)
    except OverflowError:  # the calendar's first morning, east of Greenwich
        return begin.replace(tzinfo=UTC)
