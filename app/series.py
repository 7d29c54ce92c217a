"""Series as the API and the commands answer them, and as a researcher may see them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import numpy as np

from indexing.vitals.anomaly import METHOD, METHOD_OF_OTHERS, THRESHOLD
from indexing.vitals.drawing import Course
from indexing.vitals.model import FLAGS, Floats, Points, Rollups, SeriesKey, moment_of


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


def shifted(found: Sequence[Points], subject: str, days: int) -> list[Points]:
    """Return series as a researcher may see them: times moved, whose device and where left out."""
    move = int(timedelta(days=days) / timedelta(microseconds=1))
    return [replace(each, at=each.at + move, key=_unnamed(each.key, subject)) for each in found]


def shifted_hours(found: Sequence[Rollups], subject: str, days: int) -> list[Rollups]:
    """As `shifted`, for hours."""
    move = int(timedelta(days=days) / timedelta(microseconds=1))
    return [replace(each, at=each.at + move, key=_unnamed(each.key, subject)) for each in found]


def moved(found: Sequence[Course], subject: str, days: int) -> list[Course]:
    """As `shifted`, for what a chart draws."""
    move = int(timedelta(days=days) / timedelta(microseconds=1))
    return [replace(each, at=each.at + move, key=_unnamed(each.key, subject)) for each in found]


def _unnamed(key: SeriesKey, subject: str) -> SeriesKey:
    return replace(key, subject=subject, device="", place="", labels=frozenset())
