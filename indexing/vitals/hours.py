"""From points to hours: what every engine's roll-ups are held to."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from indexing.vitals.anomaly import anomalous
from indexing.vitals.model import HOUR_US, Points, Rollups, Span, micros, moment_of

COLUMNS = ("at", "count", "mean", "low", "high", "deviation", "anomalies")


def rolled(points: Points) -> Rollups:
    """Count one series' points, oldest first, by the hour."""
    hours = points.at // HOUR_US
    starts = np.flatnonzero(np.diff(hours, prepend=hours[0] - 1)) if len(hours) else hours
    count = np.diff(starts, append=len(hours))
    if not len(hours):
        none, empty = np.array([], np.int64), np.array([], np.float64)
        return Rollups(points.key, none, none, empty, empty, empty, empty, none)
    mean = np.add.reduceat(points.value, starts) / count
    apart = (points.value - np.repeat(mean, count)) ** 2
    return Rollups(
        points.key, hours[starts] * HOUR_US, count, mean,
        np.minimum.reduceat(points.value, starts), np.maximum.reduceat(points.value, starts),
        np.sqrt(np.add.reduceat(apart, starts) / count),
        np.add.reduceat(anomalous(points.score).astype(np.int64), starts),
    )  # fmt: skip


def whole_hours(span: Span) -> Span:
    """Return the span of the hours that begin in it."""

    def up(at: datetime | None) -> datetime | None:
        return None if at is None else moment_of(-(-micros(at) // HOUR_US) * HOUR_US)

    return Span(up(span.start), up(span.end), span.kinds, span.measurements)


def kept(own: Rollups, which: NDArray[np.bool_]) -> Rollups:
    """Return some hours of a series."""
    return Rollups(own.key, *(getattr(own, name)[which] for name in COLUMNS))


def joined(past: Rollups, own: Rollups) -> Rollups:
    """Return all hours, those that still have their details counted from them."""
    past = kept(past, ~np.isin(past.at, own.at))
    both = [np.concatenate([getattr(past, name), getattr(own, name)]) for name in COLUMNS]
    order = np.argsort(both[0], kind="stable")
    return Rollups(own.key, *(column[order] for column in both))
