"""The built-in risk model on patients that another generator invented, reported as it is.

Two halves in turn, each measured by the model of the other, so that every patient with a known
outcome is asked about once by a model that has not seen them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.outlook import interval
from rankers.outcomes import (
    Calibration,
    KnownPatient,
    NearestRisk,
    brier_skill,
    calibration_error,
)


@dataclass(frozen=True, slots=True)
class CrossedFigures:
    """Of `known` outcomes among `patients`; `withheld` were told nothing. `skill` is Brier's over
    the base rate of the other half, with a 95 % bootstrap interval. `why` says why there is no
    figure, "" where there is one."""

    patients: int
    known: int
    events: int
    withheld: int
    error: float
    skill: float
    low: float
    high: float
    why: str = ""


def crossed(found: Sequence[KnownPatient], calibration: Calibration) -> CrossedFigures:
    """Measure the nearest-patients model on each half by the other."""
    known = [each for each in found if each.outcome is not None]
    outcome = np.array([bool(each.outcome) for each in known], np.float64)
    chances, withheld, base = np.zeros(len(known)), np.zeros(len(known), bool), outcome * 0
    for half in (0, 1):
        model = NearestRisk(known[1 - half :: 2], calibration)
        chances[half::2], withheld[half::2] = model.chances(known[half::2])
        base[half::2] = model.base_rate
    told = ~withheld
    rate = float(base[told].mean())
    low, high = interval(chances[told], outcome[told], rate)
    return CrossedFigures(
        len(found), len(known), int(outcome.sum()), int(withheld.sum()),
        calibration_error(chances[told], outcome[told]),
        brier_skill(chances[told], outcome[told], rate), low, high,
    )  # fmt: skip
