"""How far judges agree: Cohen's kappa of each pair, Krippendorff's alpha of all, by libraries."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import combinations
from typing import Any

GRADES = (0, 1, 2, 3)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two judges over the `n` documents that both judged; `weighted` counts how far apart they
    are (squares). None: undetermined, as where both gave one grade throughout."""

    one: str
    other: str
    n: int
    same: float
    kappa: float | None
    weighted: float | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """`judges` maps each to how many documents he judged; `alpha` is ordinal, of `shared`
    documents with two grades or more. `missing` names the extra that would compute it."""

    judges: dict[str, int]
    pairs: tuple[Pair, ...]
    shared: int
    alpha: float | None
    missing: str = ""


def agreement(words: Iterable[tuple[str, str, str, int]]) -> Agreement:
    """Compare judges over (topic, document, judge, grade), one word of a judge per document."""
    said: dict[str, dict[tuple[str, str], int]] = {}
    for topic, doc_id, judge, grade in words:
        said.setdefault(judge, {})[topic, doc_id] = grade
    names = sorted(said)
    judges = {name: len(said[name]) for name in names}
    units = sorted({unit for each in said.values() for unit in each})
    shared = [unit for unit in units if sum(unit in each for each in said.values()) > 1]
    if len(names) < 2 or not shared:
        return Agreement(judges, (), len(shared), None)
    if not (find_spec("sklearn") and find_spec("krippendorff")):
        return Agreement(judges, (), len(shared), None, "anamnesis[lab]")
    pairs = tuple(
        made for a, b in combinations(names, 2) if (made := _pair(a, b, said[a], said[b]))
    )
    rows = [[said[name].get(unit) for unit in shared] for name in names]
    return Agreement(judges, pairs, len(shared), _alpha(rows))


def _pair(
    one: str, other: str, a: dict[tuple[str, str], int], b: dict[tuple[str, str], int]
) -> Pair | None:
    both = sorted(a.keys() & b.keys())
    if not both:
        return None
    first, second = [a[unit] for unit in both], [b[unit] for unit in both]
    same = sum(x == y for x, y in zip(first, second, strict=True)) / len(both)
    return Pair(
        one, other, len(both), same, _kappa(first, second, None),
        _kappa(first, second, "quadratic"),
    )  # fmt: skip


def _kappa(first: list[int], second: list[int], weights: str | None) -> float | None:
    """Source: Cohen 1960, 1968."""
    if len({*first, *second}) == 1:
        return None  # no room for chance: 0 / 0
    from sklearn.metrics import cohen_kappa_score

    return _known(cohen_kappa_score(first, second, labels=list(GRADES), weights=weights))


def _alpha(rows: list[list[int | None]]) -> float | None:
    """Source: Krippendorff 2011, the ordinal difference."""
    if len({grade for row in rows for grade in row if grade is not None}) < 2:
        return None
    import krippendorff

    data = [[math.nan if grade is None else float(grade) for grade in row] for row in rows]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return _known(
            krippendorff.alpha(
                reliability_data=data, level_of_measurement="ordinal", value_domain=list(GRADES)
            )
        )


def _known(value: Any) -> float | None:
    return None if math.isnan(float(value)) else round(float(value), 4)
