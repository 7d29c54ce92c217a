"""Fuse again what the legs answered: what a topic would have scored under other settings.

A topic is asked once for each `Asking`, which settles what the legs are told; everything after the
legs (shares, scores or ranks, the weight of like hits) is computed here from the answers, as
`rankers.fusion` and `rankers.alike` do, a hundred times as fast.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
from numpy.typing import NDArray

from indexing.ports import Ranking, Scored, Vectors
from rankers.alike import DEPTH, WEIGHTS, around, centres, feedback_of, sharpness_of, towards
from rankers.answer import LEGS
from rankers.fusion import EXPANSIONS, By, Share, parts, split, standing
from rankers.held import gain
from rankers.kinds import query_class

K = 10

Figures = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Asked:
    """What one topic was answered: leg -> (document, score), best first, whether one note holds
    every word of it, and what documents hold of a statement."""

    legs: Mapping[str, Sequence[tuple[str, float]]]
    told: bool = False
    held: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, order=True)
class Asking:
    """What the legs are told: the title's weight, and the kinds of other wordings."""

    title: float
    expansions: tuple[str, ...] = EXPANSIONS


@dataclass(frozen=True, slots=True)
class Setting:
    """One point of the search: what every part of the ranking is set to."""

    share: Share
    title: float

    @property
    def asking(self) -> Asking:
        """Say which answers of the legs it starts from."""
        kinds = self.share.expansions
        return Asking(self.title, EXPANSIONS if kinds is None else kinds)


@dataclass(frozen=True, slots=True)
class Rows:
    """The places of documents in a set's matrix of mean vectors, (n, d) of norm 1."""

    place: Mapping[str, int]
    matrix: Vectors

    @classmethod
    def of(cls, passages: Mapping[str, Vectors]) -> Rows:
        """Take each document's passages together."""
        held = {doc_id: rows for doc_id, rows in passages.items() if len(rows)}
        empty = np.zeros((0, 1), dtype=np.float32)
        return cls(
            {doc_id: i for i, doc_id in enumerate(held)},
            centres(list(held.values())) if held else empty,
        )


@dataclass(frozen=True, slots=True)
class _Answers:
    """What one asking found: documents in order of id, and what each leg gives them."""

    rows: Mapping[By, Figures]  # (legs, documents)
    out: Mapping[By, Mapping[str, float]]  # what multiplies each leg's share
    legs: frozenset[str]
    gains: Figures
    at: NDArray[np.int64]  # each document's row of vectors, -1 without one
    alike: bool  # hits gain by their like: the vector leg was asked, and no note says it all
    held: Figures  # what each document gains by what it holds of a statement


class Topic:
    """One topic with its answers to every asking; `alone` is each leg's own figure (the default
    asking's), `covered` the share of the question's words that name concepts."""

    def __init__(
        self,
        topic_id: str,
        question: str,
        judged: Mapping[str, int],
        asked: Mapping[Asking, Asked],
        vectors: Rows,
        default: Asking,
        covered: float,
    ) -> None:
        self.topic_id, self.kind, self._covered = topic_id, query_class(question), covered
        self._judged, self._vectors = judged, vectors
        best = sorted((g for g in judged.values() if g > 0), reverse=True)[:K]
        self._ideal = _dcg(np.array(best, dtype=float))
        self._asked = {asking: self._read(found) for asking, found in asked.items()}
        self.alone = {
            leg: self._figure([doc_id for doc_id, _ in hits])
            for leg, hits in asked[default].legs.items()
            if hits
        }

    def figures(self, setting: Setting, alikes: Sequence[float | None]) -> list[float]:
        """Return nDCG@10 under a setting, for each weight of like hits; None: the default's."""
        found = self._asked[setting.asking]
        if not found.legs or not self._ideal:
            return [0.0] * len(alikes)
        by = setting.share.by
        weight = split(setting.share, found.legs, self._covered, found.out[by])
        scores = np.array([weight.get(leg, 0.0) for leg in LEGS]) @ found.rows[by]
        order = np.lexsort((np.arange(len(scores)), -scores))[:DEPTH]
        known = np.flatnonzero(found.at[order] >= 0) if found.alike else np.zeros(0, dtype=int)
        given = [WEIGHTS[self.kind] if each is None else each for each in alikes]
        total = scores[order] + found.held[order]
        means = np.zeros(len(order))
        if len(known) > 1:
            near = self._vectors.matrix[found.at[order[known]]]
            if feedback := feedback_of(self.kind, self._covered):
                total[known] += feedback * towards(near, total[known])
            if any(given):  # `rankers.alike.gains` for every weight at once
                means[known] = around(near, total[known], sharpness_of(self.kind))
        return [self._gained(found.gains[order], order, total + w * means) for w in given]

    def _gained(self, gains: Figures, order: NDArray[np.intp], scores: Figures) -> float:
        best = np.lexsort((order, -scores))[:K]
        return _dcg(gains[best]) / self._ideal

    def _figure(self, ranked: Sequence[str]) -> float:
        gains = np.array([max(self._judged.get(d, 0), 0) for d in ranked[:K]], dtype=float)
        return _dcg(gains) / self._ideal if self._ideal else 0.0

    def _read(self, stored: Asked) -> _Answers:
        answered = {leg: _ranking(hits) for leg, hits in stored.legs.items() if hits}
        docs = sorted({hit.doc_id for ranking in answered.values() for hit in ranking.hits})
        place = {doc_id: i for i, doc_id in enumerate(docs)}
        rows: dict[By, Figures] = {by: np.zeros((len(LEGS), len(docs))) for by in get_args(By)}
        given: dict[By, dict[str, list[float]]] = {by: {} for by in rows}
        for leg, ranking in answered.items():
            at = [place[hit.doc_id] for hit in ranking.hits]
            for by, row in rows.items():
                row[LEGS.index(leg), at] = given[by][leg] = parts(leg, ranking, by)
        gains = np.array([max(self._judged.get(d, 0), 0) for d in docs], dtype=float)
        vectors = np.array([self._vectors.place.get(d, -1) for d in docs], dtype=np.int64)
        out = {by: standing(each, by, told=stored.told) for by, each in given.items()}
        alike = "vector" in stored.legs and not stored.told
        held = gain(np.array([stored.held.get(d, 0.0) for d in docs], dtype=float))
        return _Answers(rows, out, frozenset(answered), gains, vectors, alike, held)


def _ranking(hits: Sequence[tuple[str, float]]) -> Ranking:
    return Ranking(tuple(Scored(d, score, rank) for rank, (d, score) in enumerate(hits, 1)))


def _dcg(gains: Figures) -> float:
    return float((gains / np.log2(np.arange(len(gains)) + 2)).sum())
