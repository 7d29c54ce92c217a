"""Runs against a baseline, topic by topic: who won, by how much, and whether it could be chance."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.measures import Figures
from indexing.errors import InvalidInput

DRAWS = 10_000
SEED = 20_260_101
EXACT_BELOW = 13  # topics: 2^12 sign patterns are fewer than the draws, so all are looked at
TIE = 1e-9
Z_95 = 1.959964

Values = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Difference:
    """A run against the baseline by one measure, over the topics of both.

    `low`, `high`: 95 % bootstrap interval of the mean difference. `p`: two-sided paired
    randomisation test; `p_holm`: corrected for every comparison of the table.
    """

    metric: str
    base: float
    other: float
    wins: int
    ties: int
    losses: int
    delta: float
    low: float
    high: float
    p: float
    p_holm: float = 1.0


@dataclass(frozen=True, slots=True)
class TopicDelta:
    """One topic by one measure."""

    topic_id: str
    base: float
    other: float

    @property
    def delta(self) -> float:
        """What the other run gained."""
        return self.other - self.base


def deltas(
    base: Mapping[str, Figures], other: Mapping[str, Figures], metric: str
) -> tuple[TopicDelta, ...]:
    """Pair two runs' topics, in the baseline's order.

    Raises: InvalidInput where they are not of the same topics, or lack the measure.
    """
    if set(base) != set(other) or not base:
        raise InvalidInput("the runs are not of the same topics: their means are not comparable")
    missing = [t for t in base if metric not in base[t] or metric not in other[t]]
    if missing:
        raise InvalidInput(f"a run has no {metric} for {len(missing)} of its topics")
    return tuple(TopicDelta(t, base[t][metric], other[t][metric]) for t in base)


def difference(
    base: Mapping[str, Figures], other: Mapping[str, Figures], metric: str
) -> Difference:
    """Compare two runs by one measure. Raises: InvalidInput."""
    pairs = deltas(base, other, metric)
    gained = np.array([each.delta for each in pairs])
    low, high = interval(gained)
    n = len(pairs)
    return Difference(
        metric=metric,
        base=math.fsum(each.base for each in pairs) / n,
        other=math.fsum(each.other for each in pairs) / n,
        wins=int((gained > TIE).sum()),
        ties=int((np.abs(gained) <= TIE).sum()),
        losses=int((gained < -TIE).sum()),
        delta=float(gained.mean()),
        low=low,
        high=high,
        p=randomisation(gained),
    )


def randomisation(gained: Values) -> float:
    """Return the chance of a mean at least as far from 0 if signs were drawn by a fair coin.

    Source: Smucker, Allan and Carterette 2007. Exact for few topics, else by draws of a fixed
    seed; the observed signs count as one of the draws, so that it is never 0.
    """
    moved = gained[np.abs(gained) > TIE]
    if not len(moved):
        return 1.0
    observed = abs(moved.sum()) - 1e-12
    if len(moved) < EXACT_BELOW:
        bits = (np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved))) & 1
        return float((np.abs((1 - 2 * bits) @ moved) >= observed).mean())
    chance = np.random.default_rng(SEED)
    further, total, wide = 0, moved.sum(), -(-len(moved) // 8)
    for _ in range(0, DRAWS, 1000):
        kept = np.unpackbits(chance.integers(0, 256, size=(1000, wide), dtype=np.uint8), axis=1)
        sums = 2 * (kept[:, : len(moved)].astype(np.float64) @ moved) - total
        further += int((np.abs(sums) >= observed).sum())
    return (further + 1) / (DRAWS + 1)


def interval(gained: Values) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a mean. Source: Efron 1979, percentiles."""
    chance = np.random.default_rng(SEED)
    means = np.concatenate(
        [gained[_drawn(chance, len(gained))].mean(axis=1) for _ in range(0, DRAWS, 1000)]
    )
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def mean_interval(values: Values) -> tuple[float, float]:
    """Return the 95 % interval of a run's own mean, by the normal law: good enough for a label, and
    a page shows many."""
    half = Z_95 * float(values.std(ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return float(values.mean()) - half, float(values.mean()) + half


def _drawn(chance: np.random.Generator, n: int) -> NDArray[np.uint16 | np.uint32]:
    """Draw topics with replacement; narrow numbers are drawn four times as fast."""
    kind = np.uint16 if n < 2**16 else np.uint32
    return chance.integers(0, n, size=(1000, n), dtype=kind)


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct for several tests. Source: Holm 1979."""
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    corrected, least = [1.0] * len(p_values), 0.0
    for rank, i in enumerate(order):
        least = max(least, min(1.0, (len(p_values) - rank) * p_values[i]))
        corrected[i] = least
    return corrected
