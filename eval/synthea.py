"""The built-in risk model on patients that another generator invented, reported as it is.

In five folds, each measured by the model of the four others, so that every patient with a known
outcome is asked about once by a model that has not seen them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from eval.outlook import SEED, interval
from rankers.outcomes import (
    FOLDS,
    Calibration,
    KnownPatient,
    NearestRisk,
    brier_skill,
    calibration_error,
)


@dataclass(frozen=True, slots=True)
class CrossedFigures:
    """Of `known` outcomes among `patients`; `withheld` were told nothing. `skill` is Brier's over
    the base rate, with a 95 % bootstrap interval."""

    patients: int
    known: int
    events: int
    withheld: int
    error: float
    skill: float
    low: float
    high: float


def crossed(found: Sequence[KnownPatient], calibration: Calibration) -> CrossedFigures:
    """Measure the nearest-patients model on each fold by the others.

    Raises:
        InvalidInput: too few outcomes are known for a model.
    """
    known = [each for each in found if each.outcome is not None]
    outcome = np.array([bool(each.outcome) for each in known], np.float64)
    chances, withheld, base = np.zeros(len(known)), np.zeros(len(known), bool), outcome * 0
    fold = np.random.default_rng(SEED).permutation(len(known)) % FOLDS
    for own in range(FOLDS):
        inside = np.flatnonzero(fold == own)
        model = NearestRisk([known[n] for n in np.flatnonzero(fold != own)], calibration)
        chances[inside], withheld[inside] = model.chances([known[n] for n in inside])
        base[inside] = model.base_rate
    told = ~withheld
    rate = float(base[told].mean())
    low, high = interval(chances[told], outcome[told], rate)
    return CrossedFigures(
        len(found), len(known), int(outcome.sum()), int(withheld.sum()),
        calibration_error(chances[told], outcome[told]),
        brier_skill(chances[told], outcome[told], rate), low, high,
    )  # fmt: skip
