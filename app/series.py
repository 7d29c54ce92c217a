"""Series as the API and the commands answer them, and as a researcher may see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any, Final

import numpy as np

from indexing.dated import shifted
from indexing.vitals.anomaly import METHOD, METHOD_OF_OTHERS, THRESHOLD
from indexing.vitals.drawing import Course
from indexing.vitals.model import (
    FLAGS,
    Floats,
    Points,
    Rollups,
    SeriesKey,
    Times,
    micros,
    moment_of,
)

# Clocks are changed at full and half hours of Greenwich.
_HALF_HOUR: Final = 1_800_000_000  # microseconds


def points_json(own: Points) -> dict[str, Any]:
    """Write a series; each point names its anomaly score where it was judged."""
    rows = zip(
        own.at.tolist(), own.value.tolist(), _none(own.score), own.flag.tolist(),
        _none(own.quality), _none(own.battery), strict=True,
    )  # fmt: skip
    points = [
        {
            "time": moment_of(at).isoformat(), "value": value,
            "anomaly": None if score is None else round(score, 3),
            "interpretation": FLAGS[flag], "quality": quality, "battery": battery,
        }
        for at, value, score, flag, quality, battery in rows
    ]  # fmt: skip
    method = METHOD if own.key.of_patient else METHOD_OF_OTHERS
    return key_json(own.key) | {"points": points, "anomaly_method": method, "threshold": THRESHOLD}


def hours_json(own: Rollups) -> dict[str, Any]:
    """Write the hours of a series."""
    names = ("count", "mean", "low", "high", "deviation", "anomalies")
    columns = [getattr(own, name).tolist() for name in names]
    hours = [
        {"time": moment_of(at).isoformat()} | dict(zip(names, row, strict=True))
        for at, row in zip(own.at.tolist(), zip(*columns, strict=True), strict=True)
    ]
    return key_json(own.key) | {"hours": hours}


def key_json(key: SeriesKey) -> dict[str, Any]:
    """Write what a series is of."""
    return {
        "measurement": key.measurement, "subject": key.subject, "kind": key.kind,
        "unit": key.unit, "device": key.device, "place": key.place, "source": key.source,
    }  # fmt: skip


def _none(values: Floats) -> list[float | None]:
    return [None if np.isnan(value) else float(value) for value in values]


@dataclass(frozen=True, slots=True)
class Mask:
    """A patient's series as a researcher may see them: under the pseudonym, times moved by days of
    the hospital's `zone`, whose device and where left out."""

    subject: str
    days: int
    zone: tzinfo

    def points(self, found: Sequence[Points]) -> list[Points]:
        """Return series so."""
        return [replace(e, at=self._moved(e.at), key=self._unnamed(e.key)) for e in found]

    def hours(self, found: Sequence[Rollups]) -> list[Rollups]:
        """Return hours so."""
        return [replace(e, at=self._moved(e.at), key=self._unnamed(e.key)) for e in found]

    def courses(self, found: Sequence[Course]) -> list[Course]:
        """Return so what a chart draws."""
        return [replace(e, at=self._moved(e.at), key=self._unnamed(e.key)) for e in found]

    def _unnamed(self, key: SeriesKey) -> SeriesKey:
        return replace(key, subject=self.subject, device="", place="", labels=frozenset())

    def _moved(self, at: Times) -> Times:
        """Move times half an hour at once; they stay in order where summer time ends or begins."""
        halves, which = np.unique(at // _HALF_HOUR, return_inverse=True)
        to = [micros(shifted(moment_of(e * _HALF_HOUR), self.days, self.zone))
              for e in halves.tolist()]  # fmt: skip
        moved: Times = np.array(to, np.int64)[which] + at % _HALF_HOUR
        return np.maximum.accumulate(moved)
