"""What every projection is made of: rows, and plain values taken out of FHIR shapes."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from indexing.fhir.dates import NO_DAYS, UNKNOWN, Days, Interval, days, interval, period
from indexing.fhir.elements import concept_text, objects, string, target_id
from indexing.fhir.reading import JsonObject
from indexing.fhir.reference import parse_reference

# A B-tree entry holds at most 2,704 bytes, and several of these may stand in one index.
KEY_LENGTH = 200
# Bounds of a number that PostgreSQL's numeric and a reader can do something with.
_MAX_EXPONENT = 300
_MAX_DIGITS = 200
UNKNOWN_TIME = datetime(1, 1, 1, tzinfo=UTC)  # observation.observed_at where none was said


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `values` stand in the order of `COLUMNS[table]`."""

    table: str
    values: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Subject:
    """What every projection of one resource starts from."""

    kind: str
    resource_id: str
    patient_id: str | None
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Code:
    """The main coding of a concept, ready for columns."""

    system: str | None = None
    code: str | None = None
    display: str | None = None


_NO_CODE = Code()


def key(value: object) -> str | None:
    """Return a string short enough for an index, None when it is no string."""
    return value[:KEY_LENGTH] if type(value) is str and value else None


def flag(value: object) -> bool | None:
    """Return a boolean as it is, anything else as None."""
    return value if type(value) is bool else None


def whole(value: object) -> int | None:
    """Return an integer that PostgreSQL's integer holds, else None."""
    return value if type(value) is int and -(2**31) <= value < 2**31 else None


def number(value: object) -> Decimal | None:
    """Return a number with every digit that was sent, None when it is none or beyond reason."""
    if type(value) is int:
        value = Decimal(value)
    if type(value) is not Decimal or not value.is_finite():
        return None
    if abs(value.adjusted()) > _MAX_EXPONENT or len(value.as_tuple().digits) > _MAX_DIGITS:
        return None
    exponent = value.as_tuple().exponent
    return value if isinstance(exponent, int) and abs(exponent) <= _MAX_EXPONENT else None


def code_of(value: object) -> Code:
    """Return the first coding with a code and the concept's display; a list's first concept."""
    concepts = objects(value)
    if not concepts:
        return _NO_CODE
    concept = concepts[0]
    codings = objects(concept.get("coding")) if "coding" in concept else [concept]
    first = next((coding for coding in codings if string(coding.get("code"))), None)
    display = concept_text(concept) or None
    if first is None:
        return Code(None, None, display)
    return Code(key(first.get("system")), key(first.get("code")), display)


def shown(value: object) -> str | None:
    """Return the text of a concept, or of the first of a list, None when it says nothing."""
    concepts = objects(value)
    return (concept_text(concepts[0]) or None) if concepts else None


def when(value: object, zone: ZoneInfo) -> Interval:
    """Return the interval of a date as sent; UNKNOWN when it is none."""
    if type(value) is not str:
        return UNKNOWN
    try:
        return interval(value, zone)
    except ValueError:
        return UNKNOWN


def spell(value: object, zone: ZoneInfo) -> Interval:
    """Return the interval of a Period as sent; UNKNOWN when it is none."""
    try:
        return period(value, zone)
    except ValueError:
        return UNKNOWN


def vague(value: object, zone: ZoneInfo) -> tuple[datetime | None, datetime | None]:
    """Return until when a Period may begin, and from when on it may end: both as vague as sent.
    None for what is not said, and for what is no Period."""
    if type(value) is not dict:
        return None, None
    return when(value.get("start"), zone).end, when(value.get("end"), zone).start


def calendar(value: object) -> Days:
    """Return the days of a date as sent; NO_DAYS when it is none."""
    if type(value) is not str:
        return NO_DAYS
    try:
        return days(value)
    except ValueError:
        return NO_DAYS


def choice(resource: JsonObject, name: str, zone: ZoneInfo) -> Interval:
    """Return the interval of `name[x]`: DateTime, Instant, Date or Period, whichever was sent."""
    for ending in ("DateTime", "Instant", "Date"):
        if f"{name}{ending}" in resource:
            return when(resource[f"{name}{ending}"], zone)
    return spell(resource.get(f"{name}Period"), zone)


def first_target(value: object, kind: str) -> str | None:
    """Return the first id of a `kind` among a Reference or a list of them."""
    for item in objects(value):
        if found := target_id(item, kind):
            return found
    return None


def encounter_of(resource: JsonObject) -> str | None:
    """Return the encounter that the resource belongs to."""
    return target_id(resource.get("encounter"), "Encounter")


def code_rows(
    subject: Subject, *roles: tuple[str, object], skip: tuple[str, Code] | None = None
) -> list[Row]:
    """Return a resource_code row for each distinct coding of the concepts in `roles`.

    A role's value is a CodeableConcept, a Coding, or a list of either. `skip` is a role and the
    coding of it that stands elsewhere.
    """
    rows: dict[tuple[str, str, str], Row] = {}
    for role, value in roles:
        for concept in objects(value):
            codings = objects(concept.get("coding")) if "coding" in concept else [concept]
            for coding in codings:
                code = key(coding.get("code"))
                if code is None:
                    continue
                system = key(coding.get("system"))
                if skip and role == skip[0] and (code, system) == (skip[1].code, skip[1].system):
                    continue
                display = string(coding.get("display")) or string(concept.get("text")) or ""
                place = (role, system or "", code)
                values = (subject.kind, subject.resource_id, *place, display, subject.patient_id)
                rows.setdefault(place, Row("resource_code", values))
    return list(rows.values())


def identifiers_of(value: object) -> list[tuple[str, str]]:
    """Return each distinct (system, value) of identifiers, as they are projected."""
    found = {
        (key(identifier.get("system")) or "", text)
        for identifier in objects(value)
        if (text := key(identifier.get("value")))
    }
    return sorted(found)


def identifier_rows(subject: Subject, value: object) -> list[Row]:
    """Return a resource_identifier row for each distinct identifier."""
    head = (subject.kind, subject.resource_id)
    return [Row("resource_identifier", (*head, *pair)) for pair in identifiers_of(value)]


def link_rows(subject: Subject, *roles: tuple[str, object]) -> list[Row]:
    """Return a resource_link row for each distinct reference to a resource of this server."""
    found: set[tuple[str, str, str]] = set()
    for role, value in roles:
        for item in objects(value):
            text = item.get("reference")
            target = parse_reference(text) if type(text) is str else None
            if target is not None and target.form == "relative":
                found.add((role, target.type, target.id))
    head = (subject.kind, subject.resource_id)
    return [Row("resource_link", (*head, *place)) for place in sorted(found)]


_WORD = re.compile(r"\w+")


def plain(text: str) -> str:
    """Return `text` in lower case without accents, as names are searched."""
    if text.isascii():
        return text.lower()
    spread = unicodedata.normalize("NFKD", text.casefold())
    return "".join(mark for mark in spread if not unicodedata.combining(mark))


def tokens(text: str) -> list[str]:
    """Return the words of a name as they are searched: "Núñez-Soto" is nunez, soto."""
    return [word[:KEY_LENGTH] for word in _WORD.findall(plain(text))]
