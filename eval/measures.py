"""The measures of a run, as trec_eval defines them.

Our own, because the package that binds trec_eval brings 115 MB of SciPy into every hospital; the
tests hold these to its figures.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from eval.benchmark import Qrels

Ranked = Mapping[str, Sequence[str]]  # topic id -> document ids, best first


def ndcg(judged: Mapping[str, int], ranked: Sequence[str], k: int) -> float:
    """Return the discounted gain over the ideal one, gain = grade.

    Source: Järvelin and Kekäläinen 2002, with trec_eval's discount log2(rank + 1).
    """
    ideal = _dcg(sorted((g for g in judged.values() if g > 0), reverse=True)[:k])
    return _dcg([max(judged.get(d, 0), 0) for d in ranked[:k]]) / ideal if ideal else 0.0


def recall(judged: Mapping[str, int], ranked: Sequence[str], k: int) -> float:
    """Return the share of the relevant documents that stand in the first k."""
    relevant = {d for d, grade in judged.items() if grade > 0}
    return len(relevant.intersection(ranked[:k])) / len(relevant) if relevant else 0.0


def reciprocal_rank(judged: Mapping[str, int], ranked: Sequence[str], k: int) -> float:
    """Return 1 / the rank of the first relevant document, 0 when it is beyond k."""
    found = (1 / rank for rank, d in enumerate(ranked[:k], 1) if judged.get(d, 0) > 0)
    return next(found, 0.0)


def _dcg(gains: Sequence[int]) -> float:
    return sum(gain / math.log2(rank + 1) for rank, gain in enumerate(gains, 1))


_Measure = Callable[[Mapping[str, int], Sequence[str], int], float]
MEASURES: Mapping[str, tuple[_Measure, int]] = {
    "nDCG@10": (ndcg, 10),
    "R@100": (recall, 100),
    "RR@10": (reciprocal_rank, 10),
}


def by_topic(qrels: Qrels, run: Ranked) -> dict[str, dict[str, float]]:
    """Return topic id -> measure -> value; a topic without an answer has 0."""
    return {
        topic: {
            name: measure(judged, run.get(topic, ()), k) for name, (measure, k) in MEASURES.items()
        }
        for topic, judged in qrels.items()
    }


def aggregate(qrels: Qrels, run: Ranked) -> dict[str, float]:
    """Return each measure's mean over all judged topics."""
    found = by_topic(qrels, run)
    return {
        name: round(sum(values[name] for values in found.values()) / len(found), 4)
        for name in MEASURES
    }
