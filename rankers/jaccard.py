"""Likeness of sets to many known ones: what two have in common over what either has, each thing by
its information.

Kept as who has each thing: a hundred thousand patients have a dozen findings each of thousands, and
as a table of zeros they took two gigabytes and most of the time.
Source: Ioffe (2010), ICDM, on weighted Jaccard; information is -log of the share that has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Jaccard:
    """Known sets of names, in their order; one at least."""

    def __init__(self, known: Sequence[frozenset[str]]) -> None:
        who: dict[str, list[int]] = {}
        for number, own in enumerate(known):
            for name in own:
                who.setdefault(name, []).append(number)
        self.names = sorted(who)
        self._who = {name: np.array(who[name], np.int32) for name in self.names}
        most = len(known)
        self._weight = {name: float(-np.log(len(rows) / most)) for name, rows in self._who.items()}
        self._total = np.zeros(most)
        for name, rows in self._who.items():
            self._total[rows] += self._weight[name]

    def likeness(self, asked: Iterable[frozenset[str]]) -> Floats:
        """Return (n, known sets) float64 in [0, 1]: 1 for the same, 0 for nothing in common; what
        no known one has counts for nothing. `asked` holds one at least."""
        return np.stack([self._to(own) for own in asked])

    def _to(self, asked: frozenset[str]) -> Floats:
        held = [name for name in sorted(asked) if name in self._who]
        common = np.zeros(len(self._total))
        for name in held:
            common[self._who[name]] += self._weight[name]
        either = self._total + sum(self._weight[name] for name in held)
        either -= common
        np.maximum(either, 1e-9, out=either)
        found: Floats = np.divide(common, either, out=common)
        return found

    def shared(self, asked: frozenset[str], among: NDArray[np.intp], most: int) -> list[str]:
        """Return at most `most` names of a set that weigh anything among the known ones at the
        places `among`: by how many of them have it, and its information."""
        chosen = np.zeros(len(self._total), np.bool_)
        chosen[among] = True
        held = {
            name: int(chosen[self._who[name]].sum()) * self._weight[name]
            for name in sorted(asked) if name in self._who
        }  # fmt: skip
        best = sorted(held, key=lambda name: -held[name])[:most]
        return [name for name in best if held[name] > 0]
