"""The composite of a patient and a condition, and how near it each patient with the condition lies.

A patient is a vector over findings, each weighted by its information. The condition's vector is the
mean of those whom a treatment is recorded to have helped; the composite is the sum of the two at
unit length. Likeness is the cosine to it, so that an option is weighed by patients who are like
this one *and* like those who did well.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

import numpy as np

from indexing.features import FeatureTable
from rankers.patients import Floats


class Composite:
    """Vectors over one feature table. `without` are features that count for nothing: what was
    given must not make those alike who were given it."""

    def __init__(
        self, table: FeatureTable, information: Callable[[str], float], without: Collection[str]
    ) -> None:
        self._table = table
        self._weight = np.array(
            [0.0 if each in without else information(each) for each in table.features]
        )
        rows = table.observed
        squares = self._weight**2
        total = np.bincount(rows.patient, squares[rows.feature], len(table.patient_ids))
        self._length = np.sqrt(total.astype(np.float64))

    def patient(self, number: int | None) -> Floats:
        """Return one patient at unit length, zeros for one of whom nothing is known."""
        vector = np.zeros(len(self._weight))
        if number is None:
            return vector
        own = self._table.observed.of(number)
        vector[own] = self._weight[own]
        return _unit(vector)

    def condition(self, numbers: Sequence[int]) -> Floats:
        """Return the mean of those who did well, at unit length."""
        total = np.zeros(len(self._weight))
        for number in numbers:
            total += self.patient(number)
        return _unit(total)

    def likeness(self, number: int | None, well: Sequence[int]) -> Floats:
        """Return (patients,) float, 0 to 1: the cosine of each to the composite."""
        asked = _unit(self.patient(number) + self.condition([n for n in well if n != number]))
        rows = self._table.observed
        dot = np.bincount(
            rows.patient, (asked * self._weight)[rows.feature], len(self._table.patient_ids)
        )
        found = np.divide(dot, self._length, out=np.zeros_like(self._length),
                          where=self._length > 0)  # fmt: skip
        return np.clip(found, 0.0, 1.0)


def _unit(vector: Floats) -> Floats:
    length = float(np.sqrt((vector**2).sum()))
    return vector / length if length > 0 else vector
