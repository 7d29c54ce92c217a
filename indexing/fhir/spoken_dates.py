"""Dates as people and spreadsheets write them, to FHIR's way."""

from __future__ import annotations

import re
from datetime import datetime
from zoneinfo import ZoneInfo

from indexing.fhir.dates import days, interval

_MONTHS = {
    name: number
    for number, names in enumerate(
        "jan january|feb february|mar march|apr april|may|jun june|jul july|aug august|"
        "sep sept september|oct october|nov november|dec december".split("|"),
        start=1,
    )
    for name in names.split()
}
_CLOCK = (
    r"(?:[ T]+(?P<hour>\d{1,2}):(?P<minute>\d\d)"
    r"(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r" *(?P<half>[AaPp])?\.?(?:[Mm]\.?)? *(?P<zone>Z|UTC|GMT|[+-]\d\d:?\d\d)?)?"
)
_FORMS = tuple(
    re.compile(form + _CLOCK, re.ASCII)
    for form in (
        r"(?P<year>\d{4})(?:[-/.](?P<month>\d{1,2})(?:[-/.](?P<day>\d{1,2}))?)?",
        r"(?P<first>\d{1,2})[-/.](?P<second_number>\d{1,2})[-/.](?P<year>\d{4})",
        r"(?P<month_number>\d{1,2})[-/](?P<year>\d{4})",
        r"(?P<day>\d{1,2})(?:st|nd|rd|th)?[ -](?P<name>[A-Za-z]{3,9})\.?,?[ -](?P<year>\d{4})",
        r"(?P<name>[A-Za-z]{3,9})\.? (?P<day>\d{1,2})(?:st|nd|rd|th)?,? (?P<year>\d{4})",
        r"(?P<name>[A-Za-z]{3,9})\.?,? (?P<year>\d{4})",
    )
)
# HL7 v2 and DICOM: 20190304, 201903041022, 20190304102233.
_PACKED = re.compile(
    r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"
    r"(?:(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)?(?:\.(?P<fraction>\d{1,9}))?"
    r"(?P<zone>[+-]\d{4})?)?(?P<half>x)?",
    re.ASCII,
)


def spoken_date(text: str, zone: ZoneInfo) -> str:
    """Return a date or time in FHIR's form; a time without an offset gets the site's.

    03/04/2019 is the fourth of March; 13/04/2019, which has no such reading, of April.

    Raises:
        ValueError: not a date that is known, or a day that does not exist; quotes no value.
    """
    trimmed = " ".join(text.split())
    try:
        interval(trimmed, zone)
    except ValueError:
        pass
    else:
        if "T" not in trimmed or trimmed.endswith("Z") or re.search(r"[+-]\d\d:\d\d$", trimmed):
            return trimmed
    for form in (_PACKED, *_FORMS):
        if found := form.fullmatch(trimmed):
            return _written(found, zone)
    raise ValueError("not a date")


def _written(found: re.Match[str], zone: ZoneInfo) -> str:
    parts = found.groupdict()
    day = "-".join([parts["year"], *(f"{number:02d}" for number in _month_and_day(parts))])
    days(day)
    if parts["hour"] is None:
        return day
    moment = f"{day}T{_hour(parts):02d}:{parts['minute']}:{parts['second'] or '00'}"
    if parts["fraction"]:
        moment += f".{parts['fraction']}"
    moment += _offset(parts["zone"], day, moment, zone)
    interval(moment, zone)
    return moment


def _month_and_day(parts: dict[str, str | None]) -> list[int]:
    if first := parts.get("first"):
        one, two = int(first), int(parts["second_number"] or 0)
        return [two, one] if one > 12 >= two else [one, two]
    if name := parts.get("name"):
        number = _MONTHS.get(name.lower())
        if number is None:
            raise ValueError("not a month")
        month_and_day = [number]
    else:
        month = parts.get("month") or parts.get("month_number")
        month_and_day = [int(month)] if month else []
    if day_text := parts.get("day"):
        month_and_day.append(int(day_text))
    return month_and_day


def _hour(parts: dict[str, str | None]) -> int:
    hour, half = int(parts["hour"] or 0), (parts["half"] or "").lower()
    if half and not 1 <= hour <= 12:
        raise ValueError("not a time")
    if half == "p":
        return hour % 12 + 12
    return hour % 12 if half == "a" else hour


def _offset(sent: str | None, day: str, moment: str, zone: ZoneInfo) -> str:
    if sent in ("Z", "UTC", "GMT"):
        return "Z"
    if sent:
        return sent if ":" in sent else f"{sent[:3]}:{sent[3:]}"
    if len(day) != 10:
        raise ValueError("a time without a day")
    clock = moment.partition(".")[0]
    offset = datetime.fromisoformat(clock).replace(tzinfo=zone).strftime("%z")
    return f"{offset[:3]}:{offset[3:5]}"
