"""What was told of patients, held against what their records say since, kept in step by the feed.

An outcome is read from stays and deaths. A stay that comes in settles what was told of its patient;
whatever comes in moves the day up to which the hospital has heard, by which others' time is up.
What was settled is settled again when a record is corrected, withdrawn, restricted or merged.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from indexing.access import Access, Role
from indexing.model import ChangeEvent, Kind, TenantId
from indexing.vitals.model import Batch, SeriesKey, batch_of, micros
from indexing.vitals.store import VitalsStore

FOLLOWER = "follower:outcomes"  # who did it, in the audit
_TOLD_BY = ("Encounter/", "Patient/")
_AT_ONCE = 500  # a transaction that writes holds back what is younger: a late day settles many


class Told(NamedTuple):
    """A prediction as its series knows it; `actual` None while it is not known."""

    prediction_id: str
    patient_id: str
    model: str
    version: str
    type: str
    made_at: datetime
    chance: float
    low: float
    high: float
    actual: bool | None

    def chances(self) -> Batch:
        """Return the points of its chance and of the interval."""
        values = {"": self.chance, ".low": self.low, ".high": self.high}
        keys = [
            prediction_key(self.patient_id, f"{self.type}{part}", self.model, self.version)
            for part in values
        ]
        at = [micros(self.made_at)] * len(keys)
        return batch_of(keys, range(len(keys)), at, list(values.values()))


class Fates(Protocol):
    """The predictions with their outcomes."""

    def touched(self, tenant_id: TenantId, keys: Sequence[str]) -> Sequence[str]:
        """Return the predictions whose outcome these news may change."""
        ...

    def settle(self, access: Access, ids: Sequence[str]) -> int:
        """Note what is known of each now; return of how many something is."""
        ...

    def standing(self, tenant_id: TenantId, ids: Sequence[str] | None) -> Sequence[Told]:
        """Return those of these predictions, all for None, that told something, as they stand."""
        ...


class OutcomesFollower:
    """Settles predictions as the records tell."""

    name = "outcomes"
    kind = Kind.RESOURCE
    batch = 1000

    def __init__(self, fates: Fates, series: VitalsStore) -> None:
        self._fates, self._series = fates, series

    def apply(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        """Settle what these events may have a say in."""
        keys = [event.key for event in events if event.key.startswith(_TOLD_BY)]
        ids = self._fates.touched(tenant_id, keys) if keys else ()
        access = Access(tenant_id, FOLLOWER, frozenset({Role.CLINICIAN}), "HOPERAT")
        for start in range(0, len(ids), _AT_ONCE):
            settle(self._fates, self._series, access, ids[start : start + _AT_ONCE])


def settle(fates: Fates, series: VitalsStore, access: Access, ids: Sequence[str]) -> int:
    """Note what is known of each now, beside it and in its series; return of how many something is.

    A kill in between leaves the series behind until it is asked for again."""
    known = fates.settle(access, ids)
    _draw_fates(series, access.tenant_id, fates.standing(access.tenant_id, ids))
    return known


def draw(fates: Fates, series: VitalsStore, tenant_id: TenantId) -> int:
    """Write the series of all that was told anew, as into another engine; return of how many."""
    told = fates.standing(tenant_id, None)
    for each in told:
        series.write(tenant_id, each.chances())
    _draw_fates(series, tenant_id, told)
    return len(told)


def _draw_fates(series: VitalsStore, tenant_id: TenantId, told: Sequence[Told]) -> None:
    if not told:
        return
    series.retract(tenant_id, [f"RiskAssessment/{each.prediction_id}" for each in told])
    over = [each for each in told if each.actual is not None]
    keys = [prediction_key(e.patient_id, f"{e.type}.actual", e.model, e.version) for e in over]
    batch = batch_of(
        keys, range(len(over)), [micros(each.made_at) for each in over],
        [float(bool(each.actual)) for each in over],
    )  # fmt: skip
    origins = [f"RiskAssessment/{each.prediction_id}" for each in over]
    series.write(tenant_id, batch, origins)


def prediction_key(patient_id: str, kind: str, model: str, version: str) -> SeriesKey:
    """Return the series of what a model told of a patient: the outcome's type is its chance, with
    `.low` and `.high` its interval, with `.actual` what happened."""
    return SeriesKey("prediction", patient_id, kind, "1", f"{model}/{version}", "", "model")
