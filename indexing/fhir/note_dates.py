"""When the text of a resource was written, or the time of the care that it tells of.

A note is searched by all of a Period and told by its beginning, as vague as that was sent:
"2023-05" is a month, not its first day. Where there is no end the beginning is all that there is.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from indexing.dated import Width, width
from indexing.fhir.dates import UNKNOWN, Interval
from indexing.fhir.elements import obj, objects
from indexing.fhir.projections.rows import choice, spell, when
from indexing.fhir.reading import JsonObject

# Kinds that a Period may date, whatever else may.
BY_PERIOD = frozenset({"ClinicalImpression", "DiagnosticReport", "DocumentReference"})


@dataclass(frozen=True, slots=True)
class NoteDate:
    """[start, end), None for unknown. `until`: it begins in [start, until), which is a month or a
    year, and ends at another time; None: [start, end) is one date, or begins on a day."""

    start: datetime | None = None
    end: datetime | None = None
    until: datetime | None = None


def note_date(resource: JsonObject, zone: ZoneInfo) -> NoteDate:
    """Return it for a resource of any kind that has a text."""
    match resource["resourceType"]:
        case "DocumentReference":
            return _written(resource, zone)
        case "DiagnosticReport":
            return _effective(resource, "issued", zone)
        case "ClinicalImpression":
            return _effective(resource, "date", zone)
        case "Communication":
            return _one(when(resource.get("sent"), zone))
        case _:
            return _one(when(resource.get("date"), zone))


def _one(date: Interval) -> NoteDate:
    return NoteDate(date.start, date.end)


def _written(resource: JsonObject, zone: ZoneInfo) -> NoteDate:
    """Return when it was written, else the time of the care that it describes."""
    contents = (obj(item.get("attachment")) for item in objects(resource.get("content")))
    moments = [resource.get("date"), *(attachment.get("creation") for attachment in contents)]
    known = (_one(moment) for value in moments if (moment := when(value, zone)) is not UNKNOWN)
    care = obj(resource.get("context")).get("period")
    return next(known, _begun(spell(care, zone), care, zone))


def _effective(resource: JsonObject, otherwise: str, zone: ZoneInfo) -> NoteDate:
    made = choice(resource, "effective", zone)
    if made == UNKNOWN:
        return _one(when(resource.get(otherwise), zone))
    return _begun(made, resource.get("effectivePeriod"), zone)


def _begun(made: Interval, period: object, zone: ZoneInfo) -> NoteDate:
    """Return a date with how vague its beginning is, where it is a Period's."""
    begin = when(obj(period).get("start"), zone)
    if begin is UNKNOWN or made.end in (None, begin.end):
        return NoteDate(made.start, made.end or begin.end)
    vague = width(begin.start, begin.end, zone) is not Width.DAY
    return NoteDate(made.start, made.end, begin.end if vague else None)
