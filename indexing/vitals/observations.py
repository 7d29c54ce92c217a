"""FHIR Observations as points, kept in step by the change feed.

A number with a time is a point of its patient's series; one of a month or a year is none, because
it would be drawn at a day that nobody told. The series is named by the vital sign that its LOINC
code means, else by the code itself. Values with a comparator (< 5) are bounds and no measurements.
A unit that is not UCUM is kept as it was sent, in a series of its own: the records refuse nothing,
and neither may what follows them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from indexing.model import ChangeEvent, Kind, TenantId
from indexing.vitals.intake import Intake
from indexing.vitals.kinds import BY_LOINC
from indexing.vitals.model import FLAGS, SeriesKey, batch_of, micros
from indexing.vitals.store import VitalsStore
from indexing.vitals.units import Change, change_of

LOINC = "http://loinc.org"


@dataclass(frozen=True, slots=True)
class Observed:
    """One number of an Observation; `unit` is its UCUM code, as sent."""

    observation_id: str
    patient_id: str
    labels: frozenset[str]
    at: datetime
    system: str
    code: str
    value: float
    unit: str
    interpretation: str
    device: str = ""
    component: int = 0


@dataclass(frozen=True, slots=True)
class Judged:
    """How far one number lies from the patient's own history; None where there was too little."""

    observation_id: str
    component: int
    score: float | None


class ObservedNumbers(Protocol):
    """The numbers of the stored Observations."""

    def observed(self, tenant_id: TenantId, ids: Sequence[str]) -> Sequence[Observed]:
        """Return every number of the live ones among these that is known to the day."""
        ...

    def judge(self, tenant_id: TenantId, found: Sequence[Judged]) -> None:
        """Keep the anomaly scores beside the numbers."""
        ...


class VitalsFollower:
    """Keeps the series in step with the Observations."""

    name = "vitals"
    kind = Kind.RESOURCE
    batch = 1000

    def __init__(self, source: ObservedNumbers, store: VitalsStore) -> None:
        self._source, self._store, self._intake = source, store, Intake(store)

    def apply(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        """Take back what was read from these Observations, and read them again, with those whose
        numbers stood at the same places."""
        names = [event.key for event in events if event.key.startswith("Observation/")]
        if not names:
            return
        live = [event.key.partition("/")[2] for event in events
                if not event.deleted and event.key.startswith("Observation/")]  # fmt: skip
        if found := self._taken_back(tenant_id, names, live):
            self._write(tenant_id, found)

    def _taken_back(
        self, tenant_id: TenantId, names: Sequence[str], live: Sequence[str]
    ) -> Sequence[Observed]:
        """Take these back; return the numbers of the live ones and of what stood beside them."""
        while True:
            beside = self._store.retract(tenant_id, names)
            ids = [*live, *(name.partition("/")[2] for name in beside)]
            found = self._source.observed(tenant_id, ids)
            gone = set(beside).difference(_origin(each) for each in found)
            if not gone:
                return found
            # Some went while others stood there: they are no longer waited for.
            names = [*names, *sorted(gone)]

    def _write(self, tenant_id: TenantId, found: Sequence[Observed]) -> None:
        series: dict[SeriesKey, int] = {}
        rows = [point(each) for each in found]
        which = [series.setdefault(key, len(series)) for key, _ in rows]
        batch = batch_of(
            list(series), which, [micros(each.at) for each in found], [value for _, value in rows],
            flag=[FLAGS.index(o.interpretation) if o.interpretation in FLAGS else 0 for o in found],
        )  # fmt: skip
        origins = [_origin(each) for each in found]
        judged = self._intake.judged(tenant_id, batch)
        self._store.write(tenant_id, judged, origins)
        self._source.judge(
            tenant_id,
            [
                Judged(each.observation_id, each.component, None if score != score else score)
                for each, score in zip(found, judged.score.tolist(), strict=True)
            ],
        )


def _origin(each: Observed) -> str:
    return f"Observation/{each.observation_id}"


def point(each: Observed) -> tuple[SeriesKey, float]:
    """Return the series of a number, and its value in the unit of that series."""
    kind = BY_LOINC.get(each.code) if each.system == LOINC else None
    change = change_of(each.unit, kind) if kind is not None else None
    if kind is not None and change is not None:
        name, unit = kind.name, kind.unit
    else:
        name, unit, change = each.code or "unnamed", each.unit or "1", Change()
    key = SeriesKey(
        "vital_signs", each.patient_id, name, unit, each.device, "", "fhir", each.labels
    )
    return key, change(each.value)
