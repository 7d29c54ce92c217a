"""Look for the fusion's weights: a grid over what the legs answered, by kind of question.

The legs are asked once and fused many times: every pair of shares on a grid of twentieths is
measured on every topic, so that a search is a mean of columns. What is chosen is chosen on other
topics than it is judged by (k folds, by a hash of the topic's id), every set of a hundred topics
counts the same, and a setting that falls under a set's best leg is passed over.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from eval.report import MOST_UNDER_A_LEG
from indexing.ports import Ranking
from rankers.answer import LEGS
from rankers.fusion import SHARES, Share, parts, query_class, split

STEP = 0.05
GRAPH_SHARES = (0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)
FEWEST = 20  # topics of a class in a set: fewer say too little to hold a setting against
FULL = 100  # topics of a class in a set, from which on it counts as much as any other
K = 10

Figures = NDArray[np.float64]

VECTOR_SHARES = tuple(round(i * STEP, 2) for i in range(round(1 / STEP) + 1))
GRID: tuple[Share, ...] = (
    *(Share(v, g) for v, g in product(VECTOR_SHARES, GRAPH_SHARES)),
    *(Share(v, g, "ranks") for v, g in product(VECTOR_SHARES[::2], GRAPH_SHARES[::2])),
)


@dataclass(frozen=True, slots=True)
class Measured:
    """One topic: nDCG@10 of every setting of the grid, of the default, and of each leg alone."""

    topic_id: str
    kind: str
    grid: Figures
    default: float
    legs: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class SetFigures:
    """One set: `held_out` is the tuned setting on topics it was not chosen by; `under_best_leg`
    by how much that lies under the best leg, below 0 is over it."""

    n: int
    default: float
    tuned: float
    held_out: float
    best_leg: float
    under_best_leg: float


@dataclass(frozen=True, slots=True)
class Tuned:
    """What was chosen by kind of question. `kept` says that held-out topics gain over the default,
    and that no set falls under its best leg or its default: only then it is worth taking over."""

    shares: Mapping[str, Share]
    topics: Mapping[str, int]
    sets: Mapping[str, SetFigures]
    kept: bool


def measure(
    topic_id: str, question: str, rankings: Mapping[str, Ranking], judged: Mapping[str, int]
) -> Measured:
    """Fuse what the legs answered with every setting of the grid."""
    answered = {leg: ranking for leg, ranking in rankings.items() if ranking.hits}
    docs = {h.doc_id: None for r in answered.values() for h in r.hits}
    place = {doc_id: i for i, doc_id in enumerate(sorted(docs))}
    rows = {by: np.zeros((len(LEGS), len(place))) for by in ("scores", "ranks")}
    for leg, ranking in answered.items():
        at = [place[hit.doc_id] for hit in ranking.hits]
        rows["scores"][LEGS.index(leg), at] = parts(leg, ranking)
        rows["ranks"][LEGS.index(leg), at] = parts(leg, ranking, "ranks")
    gains = np.zeros(len(place))
    for doc_id, grade in judged.items():
        if doc_id in place:
            gains[place[doc_id]] = max(grade, 0)
    ideal = _dcg(np.array(sorted((g for g in judged.values() if g > 0), reverse=True)[:K], float))
    legs = frozenset(answered)

    def figure(share: Share) -> float:
        weight = split(share, legs)
        scores = np.array([weight.get(leg, 0.0) for leg in LEGS]) @ rows[share.by]
        best = np.lexsort((np.arange(len(scores)), -scores))[:K]
        return _dcg(gains[best]) / ideal if ideal else 0.0

    alone = {
        leg: _dcg(gains[[place[h.doc_id] for h in ranking.hits[:K]]]) / ideal if ideal else 0.0
        for leg, ranking in answered.items()
    }
    kind = query_class(question)
    grid = np.array([figure(share) for share in GRID]) if legs else np.zeros(len(GRID))
    return Measured(topic_id, kind, grid, figure(SHARES[kind]) if legs else 0.0, alone)


def _dcg(gains: Figures) -> float:
    return float((gains / np.log2(np.arange(len(gains)) + 2)).sum())


def tune(sets: Mapping[str, Sequence[Measured]], folds: int = 5) -> Tuned:
    """Choose a setting for each kind of question, and say what it is worth on other topics."""
    kinds = sorted({each.kind for topics in sets.values() for each in topics})
    shares, counts = dict(SHARES), {}
    held: dict[str, float] = {}
    chosen_by: dict[str, int] = {}
    for kind in kinds:
        own = {n: [t for t in topics if t.kind == kind] for n, topics in sets.items()}
        own = {name: topics for name, topics in own.items() if topics}
        chosen_by[kind] = _choose(own)
        shares[kind] = GRID[chosen_by[kind]]
        counts[kind] = sum(map(len, own.values()))
        for name, topic, value in _held_out(own, folds):
            held[f"{name}\x00{topic}"] = value
    figures = {name: _figures(name, topics, chosen_by, held) for name, topics in sets.items()}
    better = math.fsum(f.held_out - f.default for f in figures.values()) > 0
    safe = all(
        f.under_best_leg <= MOST_UNDER_A_LEG and f.default - f.held_out <= MOST_UNDER_A_LEG
        for f in figures.values()
    )
    return Tuned(shares, counts, figures, better and safe)


def _held_out(
    own: Mapping[str, Sequence[Measured]], folds: int
) -> Iterator[tuple[str, str, float]]:
    for fold in range(folds):
        train = {n: [t for t in topics if _fold(t, folds) != fold] for n, topics in own.items()}
        train = {name: topics for name, topics in train.items() if topics}
        best = _choose(train) if train else 0
        for name, topics in own.items():
            for each in topics:
                if _fold(each, folds) == fold:
                    yield name, each.topic_id, float(each.grid[best])


def _choose(own: Mapping[str, Sequence[Measured]]) -> int:
    """Return the setting with the best mean over sets, among those that harm the fewest.

    Of equals the one in the middle: it has the most room on either side.
    """
    means, harm = np.zeros(len(GRID)), np.zeros(len(GRID))
    for topics in own.values():
        column = np.mean([each.grid for each in topics], axis=0)
        means += column * min(1.0, len(topics) / FULL)
        if len(topics) >= FEWEST:
            harm += np.maximum(0, _best_leg(topics) - MOST_UNDER_A_LEG - column)
    allowed = np.flatnonzero(harm <= harm.min() + 1e-12)
    top = allowed[means[allowed] >= means[allowed].max() - 1e-12]
    return int(top[len(top) // 2])


def _best_leg(topics: Sequence[Measured]) -> float:
    return max(math.fsum(each.legs.get(leg, 0.0) for each in topics) / len(topics) for leg in LEGS)


def _figures(
    name: str,
    topics: Sequence[Measured],
    chosen_by: Mapping[str, int],
    held: Mapping[str, float],
) -> SetFigures:
    n, best = len(topics), _best_leg(topics)
    held_out = math.fsum(held[f"{name}\x00{each.topic_id}"] for each in topics) / n
    return SetFigures(
        n=n,
        default=round(math.fsum(each.default for each in topics) / n, 4),
        tuned=round(math.fsum(float(t.grid[chosen_by[t.kind]]) for t in topics) / n, 4),
        held_out=round(held_out, 4),
        best_leg=round(best, 4),
        under_best_leg=round(best - held_out, 4),
    )


def _fold(topic: Measured, folds: int) -> int:
    return hashlib.sha256(topic.topic_id.encode("utf-8", "surrogatepass")).digest()[0] % folds
