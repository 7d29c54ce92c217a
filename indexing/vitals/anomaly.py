"""Anomaly scores: robust z against the patient's own history.

score = (value - median) / (1.4826 * MAD) over the series' latest points before the batch; the
deviation is never taken below a hundredth of the median's size, so that a flat line does not make
an anomaly of its first tremor. Source: Iglewicz & Hoaglin, How to Detect and Handle Outliers
(1993), modified z-scores, whose threshold of 3.5 this keeps.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from indexing.vitals.model import Baseline, Batch, Floats, SeriesKey

METHOD = "robust z against the patient's own history"
METHOD_OF_OTHERS = "robust z against the series' own history"  # a model's, a trial's
THRESHOLD = 3.5
LEAST = 20  # points of history before anything is judged
MOST = 500  # latest points that make the history
MOST_SCORE = 1e6  # what lies farther out says no more
_NORMAL = 1.4826  # MAD of a normal distribution to its standard deviation


def baseline(history: Floats) -> Baseline | None:
    """Return what a series' history says, None for one that is too short to judge by."""
    if len(history) < LEAST:
        return None
    center = float(np.median(history))
    return Baseline(center, _NORMAL * float(np.median(np.abs(history - center))), len(history))


def baselines(which: NDArray[np.int64], values: Floats, series: int) -> list[Baseline | None]:
    """As `baseline` for many series at once: `which` is the place of each value's series."""
    counts = np.bincount(which, minlength=series)
    center = _medians(which, values, counts)
    spread = _NORMAL * _medians(which, np.abs(values - center[which]), counts)
    columns = zip(center.tolist(), spread.tolist(), counts.tolist(), strict=True)
    return [Baseline(*row) if row[2] >= LEAST else None for row in columns]


def _medians(which: NDArray[np.int64], values: Floats, counts: NDArray[np.int64]) -> Floats:
    """Return the median of each group, NaN of an empty one."""
    ordered = values[np.lexsort((values, which))]
    first = np.cumsum(counts) - counts
    found = np.full(len(counts), np.nan)
    held = np.flatnonzero(counts)
    low, high = first[held] + (counts[held] - 1) // 2, first[held] + counts[held] // 2
    found[held] = (ordered[low] + ordered[high]) / 2
    return found


def scored(batch: Batch, baselines: Mapping[SeriesKey, Baseline]) -> Batch:
    """Return the batch with each point judged whose series has a history, there or in the batch."""
    known = [baselines.get(key) for key in batch.series]
    center = np.array([each.center if each else np.nan for each in known])
    spread = np.array([_spread(each) if each else np.nan for each in known])
    if not len(batch):
        return batch
    score = (batch.value - center[batch.which]) / spread[batch.which]
    counts = np.bincount(batch.which, minlength=len(known))
    for place in np.flatnonzero(counts > LEAST):
        if known[place] is None:
            rows = np.flatnonzero(batch.which == place)
            rows = rows[np.argsort(batch.at[rows], kind="stable")]
            score[rows] = scores(batch.value[rows])
    return replace(batch, score=np.clip(score, -MOST_SCORE, MOST_SCORE))


def _spread(own: Baseline) -> float:
    return max(own.spread, abs(own.center) * 0.01, 1e-9)


def scores(value: Floats) -> Floats:
    """Judge each point of one series, oldest first, by the points before it, in blocks: what was
    loaded at once has no history yet when it comes in. NaN where there were too few."""
    found = np.full(len(value), np.nan)
    step = max(LEAST, MOST // 10)
    for start in range(LEAST, len(value), step):
        own = baseline(value[max(0, start - MOST) : start])
        if own is not None:
            found[start : start + step] = (value[start : start + step] - own.center) / _spread(own)
    return found


def anomalous(score: Floats) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Say which scores pass the threshold; what was not judged does not."""
    with np.errstate(invalid="ignore"):
        return np.abs(score) >= THRESHOLD
