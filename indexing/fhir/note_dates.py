"""When the text of a resource was written, or the time of the care that it tells of.

A note has one date. Of a Period that ends that is all of it; where it has a beginning alone, it is
that, as vague as it was sent: "2023-05" is a month, not its first day.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo

from indexing.fhir.dates import UNKNOWN, Interval
from indexing.fhir.elements import obj, objects
from indexing.fhir.projections.rows import choice, spell, when
from indexing.fhir.reading import JsonObject

# Kinds that a Period may date, whatever else may.
BY_PERIOD = frozenset({"ClinicalImpression", "DiagnosticReport", "DocumentReference"})


def note_date(resource: JsonObject, zone: ZoneInfo) -> Interval:
    """Return it for a resource of any kind that has a text; UNKNOWN where none is sent."""
    match resource["resourceType"]:
        case "DocumentReference":
            return _written(resource, zone)
        case "DiagnosticReport":
            return _effective(resource, "issued", zone)
        case "ClinicalImpression":
            return _effective(resource, "date", zone)
        case "Communication":
            return when(resource.get("sent"), zone)
        case _:
            return when(resource.get("date"), zone)


def _written(resource: JsonObject, zone: ZoneInfo) -> Interval:
    """Return when it was written, else the time of the care that it describes."""
    contents = (obj(item.get("attachment")) for item in objects(resource.get("content")))
    moments = [resource.get("date"), *(attachment.get("creation") for attachment in contents)]
    known = (moment for value in moments if (moment := when(value, zone)) is not UNKNOWN)
    care = obj(resource.get("context")).get("period")
    return next(known, _begun(spell(care, zone), care, zone))


def _effective(resource: JsonObject, otherwise: str, zone: ZoneInfo) -> Interval:
    made = _begun(choice(resource, "effective", zone), resource.get("effectivePeriod"), zone)
    return made if made != UNKNOWN else when(resource.get(otherwise), zone)


def _begun(made: Interval, period: object, zone: ZoneInfo) -> Interval:
    """Return the beginning alone of what has no end."""
    if made.start is None or made.end is not None:
        return made
    return Interval(made.start, when(obj(period).get("start"), zone).end)
