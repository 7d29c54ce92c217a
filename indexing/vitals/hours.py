"""From points to hours: what every engine's roll-ups are held to."""

from __future__ import annotations

import numpy as np

from indexing.vitals.anomaly import anomalous
from indexing.vitals.model import HOUR_US, Points, Rollups


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
