"""What an encoder is worth by meaning alone: held-out topics over a sample of the documents."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, chain

import numpy as np
from numpy.typing import NDArray

from eval.benchmark import Benchmark
from eval.compare import Values, interval, randomisation
from eval.pairs import held, passages_of
from indexing.ports import Encoder

MOST_TEXTS = 5_000  # two minutes of two cores
FEWEST_TOPICS = 40
CHANCE = 0.05  # of as much gained by luck, under which it counts as gained
FIRST = 10  # nDCG@10


@dataclass(frozen=True, slots=True)
class Yardstick:
    """`passages`: of the documents in turn, whose first ones stand at `starts`. `gains[i, j]`: the
    grade of document j for `questions[i]`, 0 where nobody judged it."""

    questions: tuple[str, ...]
    passages: tuple[str, ...]
    starts: tuple[int, ...]
    gains: NDArray[np.float64]

    @property
    def tells(self) -> bool:
        """Whether the topics are enough to choose by and to tell by."""
        return len(self.questions) >= FEWEST_TOPICS

    def figures(self, encoder: Encoder) -> Values:
        """Return each topic's nDCG@10, a document as near as its nearest passage. Source: as
        `eval.measures.ndcg`, for a matrix."""
        cosines = encoder.encode(self.questions) @ encoder.encode(self.passages).T
        cosines = np.maximum.reduceat(cosines, self.starts, axis=1)
        best = np.argsort(-cosines, axis=1, kind="stable")[:, :FIRST]
        return _dcg(np.take_along_axis(self.gains, best, 1)) / _dcg(-np.sort(-self.gains, axis=1))


@dataclass(frozen=True, slots=True)
class Worth:
    """nDCG@10 by meaning alone of held-out topics, as published and taught; the 95 % interval of
    what is gained, the chance of as much by luck, and whether it counts as a gain."""

    topics: int
    texts: int
    published: float
    taught: float
    low: float
    high: float
    p: float
    gains: bool


def yardstick(sets: Sequence[tuple[str, Benchmark]], share: float) -> Yardstick:
    """Take a share of the topics, and of the documents those that were judged for them first."""
    topics = [
        (read.topics[topic], {f"{name}/{doc_id}": grade for doc_id, grade in judged.items()})
        for name, read in sets
        for topic, judged in read.qrels.items()
        if held(f"{name}?{topic}", share)
    ]
    right = {doc_id for _, judged in topics for doc_id, grade in judged.items() if grade > 0}
    texts = {f"{name}/{text.doc_id}": text for name, read in sets for text in read.corpus}
    first = sorted(texts, key=lambda each: (each not in right, _draw(each)))[:MOST_TEXTS]
    drawn = {each: parts for each in first if (parts := passages_of(texts[each]))}
    rows = [
        (question, row)
        for question, judged in topics
        if any(row := [max(judged.get(each, 0), 0) for each in drawn])
    ]
    starts = list(accumulate(map(len, drawn.values()), initial=0))[:-1]
    return Yardstick(
        tuple(question for question, _ in rows),
        tuple(chain.from_iterable(drawn.values())),
        tuple(starts),
        np.array([row for _, row in rows], np.float64).reshape(len(rows), len(drawn)),
    )


def worth(yard: Yardstick, published: Values, taught: NDArray[np.float64]) -> Worth:
    """Compare the topics' figures (n) with those of several taught encoders (m, n), of which the
    best is to be taken: each half of the topics is told of the one that the other half chooses, so
    that no topic speaks for what was chosen by it."""
    after = np.empty_like(published)
    for half in (0, 1):
        chosen = taught[:, 1 - half :: 2].mean(axis=1).argmax()
        after[half::2] = taught[chosen, half::2]
    gained = after - published
    (low, high), p = interval(gained), randomisation(gained)
    return Worth(
        len(gained), len(yard.starts),
        round(float(published.mean()), 4), round(float(after.mean()), 4),
        round(low, 4), round(high, 4), round(p, 5), bool(gained.mean() > 0 and p < CHANCE),
    )  # fmt: skip


def _dcg(gains: NDArray[np.float64]) -> Values:
    first = gains[:, :FIRST]
    found: Values = first @ (1 / np.log2(np.arange(2, first.shape[1] + 2)))
    return found


def _draw(name: str) -> bytes:
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).digest()
