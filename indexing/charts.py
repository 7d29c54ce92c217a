"""One patient's chart as the pages show it: read from the projections, never from the bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from indexing.dated import Width


@dataclass(frozen=True, slots=True)
class Person:
    """Who a patient is. A partial birth date is [birth_start, birth_end), one of death
    [deceased_start, deceased_end)."""

    patient_id: str
    name: str
    sex: str = ""
    birth_start: date | None = None
    birth_end: date | None = None
    deceased: bool = False
    deceased_start: datetime | None = None
    place: str = ""
    identifiers: tuple[str, ...] = ()
    deceased_end: datetime | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One line of a chart; `fresh` when it came since the reader's last visit. `until`: the start
    is as vague as [start, until), `ended`: the end as [end, ended); None of both: it lasted for
    [start, end). `is_open`: a problem lasts, or a medication is taken or is to be."""

    resource_type: str
    resource_id: str
    text: str
    status: str = ""
    detail: str = ""
    start: datetime | None = None
    end: datetime | None = None
    fresh: bool = False
    until: datetime | None = None
    ended: datetime | None = None
    is_open: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """A document of the chart, without its text."""

    doc_id: str
    title: str
    type: str
    specialty: str
    author: str
    start: datetime | None
    end: datetime | None
    encounter_id: str | None
    fresh: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """One numeric value of a series, of a time as precise as `width`."""

    at: datetime
    value: Decimal
    flag: str = ""  # Observation.interpretation, as sent
    width: Width = Width.DAY


@dataclass(frozen=True, slots=True)
class Series:
    """One kind of observation over time, oldest first; `last_text` where values are no numbers.
    `readings` are the newest, `course` is what a small line draws of all `times` that were read;
    `score` is the anomaly score of the last value (`indexing.vitals.anomaly`), None where it was
    not judged."""

    code: str
    name: str
    unit: str
    readings: tuple[Reading, ...]
    last_at: datetime
    last_text: str
    flag: str = ""
    low: Decimal | None = None
    high: Decimal | None = None
    fresh: bool = False
    course: tuple[Reading, ...] = ()
    times: int = 0
    score: float | None = None
    last_width: Width = Width.DAY


def thinned(readings: Sequence[Reading], places: int) -> tuple[Reading, ...]:
    """Keep the lowest and the highest of each of so many equal parts of the time, with the first
    and the last: no spike is lost. Few readings are all kept."""
    if len(readings) <= 2 * places:
        return tuple(readings)
    first, last = readings[0].at, readings[-1].at
    kept = {0, len(readings) - 1}
    parts: dict[int, list[int]] = {}
    for number, each in enumerate(readings):
        part = (each.at - first) * places // (last - first) if last > first else 0
        parts.setdefault(min(part, places - 1), []).append(number)
    for numbers in parts.values():
        kept.add(min(numbers, key=lambda n: readings[n].value))
        kept.add(max(numbers, key=lambda n: readings[n].value))
    return tuple(readings[number] for number in sorted(kept))


@dataclass(frozen=True, slots=True)
class Chart:
    """`totals` counts what stands in the chart where a list here was cut short; `since` is the
    reader's last visit, None for the first."""

    person: Person
    problems: Sequence[Item]
    medications: Sequence[Item]
    allergies: Sequence[Item]
    encounters: Sequence[Item]
    procedures: Sequence[Item]
    notes: Sequence[Note]
    series: Sequence[Series]
    since: datetime | None
    totals: Mapping[str, int] = field(default_factory=dict)
    merged: tuple[str, ...] = ()
