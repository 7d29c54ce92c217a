"""Learn an order of hits from judgements: LambdaMART over the signals of the page's own search.

What a topic's own judgements say of it never is one of its features: precedents leave it out.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from indexing.errors import ConfigurationError, InvalidInput
from rankers.explain import Fused
from rankers.learned import DEPTH, FEATURES, Matrix, Precedents, features

K = 10
MOST_GRADE = 30  # gains are the grades themselves, as nDCG here takes them, listed up to it
FOLDS = 5
FEWEST = 20  # topics with a relevant hit: fewer teach nothing
# Small trees, because judgements are few; the seed makes two trainings of the same data equal.
PARAMETERS: Mapping[str, Any] = {
    "objective": "lambdarank", "metric": "None", "learning_rate": 0.05, "num_leaves": 15,
    "min_data_in_leaf": 50, "feature_fraction": 0.8, "bagging_fraction": 0.8, "bagging_freq": 1,
    "lambda_l2": 1.0, "lambdarank_truncation_level": 20, "seed": 7, "deterministic": True,
    "label_gain": list(range(MOST_GRADE + 1)), "num_threads": 1, "verbosity": -1,
}  # fmt: skip
ROUNDS = 200


@dataclass(frozen=True, slots=True)
class Example:
    """One topic's hits, best first: features, grades, and the ideal gain of its judgements."""

    topic_id: str
    rows: Matrix
    grades: Sequence[int]
    ideal: float


@dataclass(frozen=True, slots=True)
class Trained:
    """The trees, and nDCG@10 of folds that they were not trained on beside the order before."""

    trees: str
    before: float
    held_out: float
    topics: int


def example(
    topic_id: str,
    question: str,
    fused: Sequence[Fused],
    judged: Mapping[str, int],
    precedent: Mapping[str, float],
) -> Example:
    """Lay out what one topic teaches."""
    head = fused[:DEPTH]
    grades = [min(max(judged.get(hit.doc_id, 0), 0), MOST_GRADE) for hit in head]
    best = sorted((min(g, MOST_GRADE) for g in judged.values() if g > 0), reverse=True)
    return Example(topic_id, features(head, question, precedent), grades, _dcg(best))


def train(examples: Sequence[Example]) -> Trained:
    """Train on all topics, and judge by folds. Raises: InvalidInput, ConfigurationError."""
    teaching = [each for each in examples if any(each.grades)]
    if len(teaching) < FEWEST:
        raise InvalidInput(
            f"{len(teaching)} topics have a relevant document among their hits, fewer than {FEWEST}"
        )
    held = math.fsum(
        _ndcg(each, trees.predict(each.rows))
        for fold in range(FOLDS)
        for trees in [_fitted([each for each in teaching if _fold(each) != fold])]
        for each in teaching
        if _fold(each) == fold
    )
    before = math.fsum(_ndcg(each, -np.arange(len(each.grades))) for each in teaching)
    # Topics without a relevant hit count as nothing, before and after.
    n = len(examples)
    return Trained(_fitted(teaching).model_to_string(), round(before / n, 4), round(held / n, 4), n)


def lineage(trained: Trained, **made_of: object) -> dict[str, object]:
    """Say what a model was made of and what it is worth."""
    return {
        "features": [name for name, _ in FEATURES],
        "parameters": dict(PARAMETERS),
        "rounds": ROUNDS,
        "topics": trained.topics,
        "nDCG@10 before": trained.before,
        "nDCG@10 held out": trained.held_out,
        **made_of,
    }


def precedents(vectors: Any, judged: Sequence[Mapping[str, int]]) -> Precedents:
    """Keep what was judged relevant, question by question."""
    kept = [{d: g for d, g in each.items() if g > 0} for each in judged]
    return Precedents(np.asarray(vectors, dtype=np.float32), kept)


def _fitted(examples: Sequence[Example]) -> Any:
    try:
        import lightgbm
    except ImportError as exc:
        raise ConfigurationError("training needs LightGBM", hint="install the extra `lab`") from exc
    rows = np.concatenate([each.rows for each in examples])
    grades = np.concatenate([np.asarray(each.grades) for each in examples])
    names = [name.replace(" ", "_") for name, _ in FEATURES]
    data = lightgbm.Dataset(
        rows, grades, group=[len(each.grades) for each in examples], feature_name=names
    )
    return lightgbm.train(dict(PARAMETERS), data, num_boost_round=ROUNDS)


def _ndcg(each: Example, scores: Any) -> float:
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")[:K]
    return _dcg([each.grades[at] for at in order]) / each.ideal if each.ideal else 0.0


def _dcg(grades: Sequence[int]) -> float:
    return math.fsum(grade / math.log2(at + 2) for at, grade in enumerate(grades[:K]))


def _fold(each: Example) -> int:
    return hashlib.sha256(each.topic_id.encode("utf-8", "surrogatepass")).digest()[0] % FOLDS
