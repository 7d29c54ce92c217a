"""From series to what a chart can show: the lowest and the highest kept, and their trend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from indexing.vitals.anomaly import anomalous
from indexing.vitals.model import Floats, Points, Rollups, SeriesKey, Times

_DAY_US = 86_400_000_000
_MOST_PAIRED = 300  # places in time between which slopes are taken


@dataclass(frozen=True, slots=True)
class Course:
    """A series in places of time: each with the lowest, the highest and the mean of what was
    measured there, how many points, and how many anomalies."""

    key: SeriesKey
    at: Times
    low: Floats
    high: Floats
    mean: Floats
    count: Floats
    anomalies: Floats


@dataclass(frozen=True, slots=True)
class Trend:
    """`per_day` in the series' unit; `sign` is 0 where the change over the whole course is no
    larger than what the values scatter anyway. Theil-Sen: the median of all slopes between two
    places. Source: Sen (1968), J. Am. Stat. Assoc. 63:1379."""

    per_day: float
    sign: int


def of_points(points: Points) -> Course:
    """Return each point as a place of its own."""
    one = np.ones(len(points.at))
    return Course(
        points.key, points.at, points.value, points.value, points.value, one,
        anomalous(points.score).astype(float),
    )  # fmt: skip


def of_hours(hours: Rollups) -> Course:
    """Return each hour as a place."""
    return Course(
        hours.key, hours.at, hours.low, hours.high, hours.mean, hours.count.astype(float),
        hours.anomalies.astype(float),
    )  # fmt: skip


def joined(courses: Sequence[Course], subject: str) -> list[Course]:
    """Return one course for each series of a subject whose parts came under several names."""
    parts: dict[SeriesKey, list[Course]] = {}
    for course in courses:
        parts.setdefault(replace(course.key, subject=subject), []).append(course)
    return [own[0] if len(own) == 1 else _after_another(key, own) for key, own in parts.items()]


def _after_another(key: SeriesKey, parts: Sequence[Course]) -> Course:
    at = np.concatenate([each.at for each in parts])
    order = np.argsort(at, kind="stable")
    columns = (
        np.concatenate([getattr(each, name) for each in parts])[order]
        for name in ("low", "high", "mean", "count", "anomalies")
    )
    return Course(key, at[order], *columns)


def downsampled(course: Course, start: int, end: int, places: int) -> Course:
    """Merge what falls into the same of `places` equal parts of [start, end]: the lowest stays the
    lowest and the highest the highest, so that no spike is lost; empty parts stay empty."""
    if len(course.at) <= places:
        return course
    part = np.minimum((course.at - start) * places // max(end - start, 1), places - 1)
    first = np.flatnonzero(np.diff(part, prepend=part[0] - 1))
    count = np.add.reduceat(course.count, first)
    return Course(
        course.key, course.at[first], np.minimum.reduceat(course.low, first),
        np.maximum.reduceat(course.high, first),
        np.add.reduceat(course.mean * course.count, first) / count, count,
        np.add.reduceat(course.anomalies, first),
    )  # fmt: skip


def trend(course: Course) -> Trend | None:
    """Return the course's trend, None for fewer than eight places."""
    if len(course.at) < 8:
        return None
    chosen = np.linspace(0, len(course.at) - 1, min(len(course.at), _MOST_PAIRED)).astype(int)
    days, value = (course.at[chosen] - course.at[0]) / _DAY_US, course.mean[chosen]
    early, late = np.triu_indices(len(chosen), 1)
    apart = days[late] - days[early]
    slope = float(np.median((value[late] - value[early])[apart > 0] / apart[apart > 0]))
    rest = value - slope * days
    scatter = float(np.median(np.abs(rest - np.median(rest)))) * 1.4826
    whole = slope * float(days[-1] - days[0])
    return Trend(slope, 0 if abs(whole) <= max(scatter, 1e-9) else int(np.sign(slope)))
