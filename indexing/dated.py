"""A date as precisely as it was given, on the calendar of the hospital."""

from __future__ import annotations

from datetime import datetime, time, timedelta, tzinfo


def local(at: datetime, zone: tzinfo) -> datetime:
    """Return an instant by the hospital's clock. The calendar's last evening, by which some say "no
    end", stays as it is where the hospital's next year would have begun."""
    try:
        return at.astimezone(zone)
    except OverflowError:
        return at


def dated(start: datetime | None, end: datetime | None, zone: tzinfo) -> str | None:
    """Write the interval of a partial date: "2023", "2023-05" or "2023-05-06"; None for none. What
    lasted for other than a month or a year is told by its first day.

    `zone` is the tenant's: its midnights are what a date was turned into when it came in.
    """
    if start is None:
        return None
    first = local(start, zone)
    # Not where it stands in the calendar: the dates of who is hidden are moved by some days.
    days = (local(end, zone).date() - first.date()).days if end is not None else 0
    if days in (365, 366):
        return first.strftime("%Y")
    return first.strftime("%Y-%m" if 28 <= days <= 31 else "%Y-%m-%d")


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
    if until is ended is None and (whole := _whole(local(start, zone), local(end, zone))):
        return whole
    first = dated(start, until, zone)
    return first or "" if first == last else f"{first}–{last}"


def _whole(start: datetime, end: datetime) -> str:
    """Return the year or month that begins and ends so, by its own calendar, or ""."""
    if (start.day, start.time(), end.day, end.time()) != (1, time(), 1, time()):
        return ""
    months = 12 * (end.year - start.year) + end.month - start.month
    if months == 12 and start.month == 1:
        return start.strftime("%Y")
    return start.strftime("%Y-%m") if months == 1 else ""
