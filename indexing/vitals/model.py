"""Points in columns, and what is read back: a stream is too quick for an object per point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from indexing.access import Access

Floats = NDArray[np.float64]
Times = NDArray[np.int64]  # microseconds since 1970-01-01T00:00:00Z
Flags = NDArray[np.int16]  # places in FLAGS

HOUR_US = 3_600_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

PATIENTS: frozenset[str] = frozenset(
    {"vital_signs", "glucose_monitoring", "environmental_health", "prediction"}
)
MEASUREMENTS: tuple[str, ...] = (
    "vital_signs", "glucose_monitoring", "environmental_health", "model_performance", "trial_data",
    "prediction",
)  # fmt: skip

# Observation.interpretation as it is kept with a point; the place is what is stored.
# Source: hl7.org/fhir/R4/valueset-observation-interpretation.html
FLAGS: tuple[str, ...] = ("", "N", "A", "AA", "H", "HH", "HU", "L", "LL", "LU", "U", "D", "B", "W")

Source = Literal["fhir", "stream", "model"]


def micros(at: datetime) -> int:
    """Return microseconds since the epoch."""
    return (at - EPOCH) // timedelta(microseconds=1)


def moment_of(at: int) -> datetime:
    """Return the instant of microseconds since the epoch."""
    return EPOCH + timedelta(microseconds=int(at))


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """What a series is of. `subject` is a patient's id, a model's name or a trial's, by
    `measurement`; `device` is what made the values (a model's version, for a model) and `place`
    where (a trial's site). `labels` restrict it as they restrict a resource."""

    measurement: str
    subject: str
    kind: str
    unit: str = "1"
    device: str = ""
    place: str = ""
    source: Source = "stream"
    labels: frozenset[str] = frozenset()

    @property
    def of_patient(self) -> bool:
        """Say whether its subject is a patient, so that `Access` decides who reads it."""
        return self.measurement in PATIENTS

    def opened_by(self, access: Access) -> bool:
        """Say whether a reader may see it."""
        if self.of_patient and not access.opens(self.subject, self.labels):
            return False
        return self.labels <= access.labels


@dataclass(frozen=True, slots=True)
class Batch:
    """n points of some series: `which[i]` is the place of point i's series in `series`.

    `quality` (0 to 1), `battery` (percent) and `score` are NaN where nobody said; `score` is the
    anomaly score (`indexing.vitals.anomaly`), `flag` the place of an interpretation in FLAGS.
    """

    series: tuple[SeriesKey, ...]
    which: NDArray[np.int32]
    at: Times
    value: Floats
    quality: Floats
    battery: Floats
    score: Floats
    flag: Flags

    def __len__(self) -> int:
        return len(self.at)


@dataclass(frozen=True, slots=True)
class Points:
    """One series' points, oldest first, one for each instant."""

    key: SeriesKey
    at: Times
    value: Floats
    score: Floats
    flag: Flags
    quality: Floats
    battery: Floats


@dataclass(frozen=True, slots=True)
class Rollups:
    """One series by the hour: `at` is where the hour begins; the deviation is the population's."""

    key: SeriesKey
    at: Times
    count: NDArray[np.int64]
    mean: Floats
    low: Floats
    high: Floats
    deviation: Floats
    anomalies: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Window:
    """One series within a window of time."""

    key: SeriesKey
    count: int
    mean: float
    low: float
    high: float
    anomalies: int


@dataclass(frozen=True, slots=True)
class Baseline:
    """A series' own history: median, and median absolute deviation scaled to a normal's deviation;
    `count` points speak in it."""

    center: float
    spread: float
    count: int


@dataclass(frozen=True, slots=True)
class Extent:
    """A series with how many points of it are kept and from when to when."""

    key: SeriesKey
    count: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Span:
    """What to read: [start, end), None for no limit; None of `kinds` means all of them."""

    start: datetime | None = None
    end: datetime | None = None
    kinds: Sequence[str] | None = None
    measurements: frozenset[str] = field(default_factory=lambda: frozenset(MEASUREMENTS))


def batch_of(
    series: Sequence[SeriesKey], which: Sequence[int], at: Sequence[int], value: Sequence[float],
    quality: Sequence[float] | None = None, battery: Sequence[float] | None = None,
    flag: Sequence[int] | None = None,
) -> Batch:  # fmt: skip
    """Return a batch of plain lists, nothing judged yet."""

    def said(column: Sequence[float] | None) -> Floats:
        return np.full(len(at), np.nan) if column is None else np.asarray(column, np.float64)

    return Batch(
        tuple(series), np.asarray(which, np.int32), np.asarray(at, np.int64),
        np.asarray(value, np.float64), said(quality), said(battery), said(None),
        np.zeros(len(at), np.int16) if flag is None else np.asarray(flag, np.int16),
    )  # fmt: skip


def last_of_each(batch: Batch) -> Batch:
    """Keep the last of those points of a series that claim the same instant, in order of time. A
    series that stands there twice, as when its values came in two units, is one."""
    places: dict[SeriesKey, int] = {}
    one = np.array([places.setdefault(key, n) for n, key in enumerate(batch.series)], np.int32)
    if len(places) < len(one):
        batch = replace(batch, which=one[batch.which])
    order = np.lexsort((np.arange(len(batch)), batch.at, batch.which))
    which, at = batch.which[order], batch.at[order]
    kept = np.ones(len(order), dtype=bool)
    kept[:-1] = (which[1:] != which[:-1]) | (at[1:] != at[:-1])
    return taken(batch, order[kept])


def taken(batch: Batch, rows: NDArray[np.int64]) -> Batch:
    """Return some rows of a batch, over the same series."""
    return Batch(
        batch.series, batch.which[rows], batch.at[rows], batch.value[rows], batch.quality[rows],
        batch.battery[rows], batch.score[rows], batch.flag[rows],
    )  # fmt: skip
