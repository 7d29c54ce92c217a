"""What the notes most like a hit scored, and how like the very best hits it is: a hit among hits is
likelier right than one that stands alone.

It only moves hits that a leg found and that were held against what is asked; it finds none. Its
share is one more contribution, so that a score still is the sum of its parts.
Source: Diaz 2005, "Regularizing ad hoc retrieval scores"; Rocchio 1971, "Relevance feedback in
information retrieval", for the second.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from indexing.access import Access
from indexing.ports import PassageVectors, Vectors
from rankers.explain import Fused, Signal
from rankers.fusion import LEAST_WHOLE, Share
from rankers.kinds import query_class

Figures = NDArray[np.float64]

NAME = "alike"
DEPTH = 100  # best hits that are held against each other; those below keep their score
NEAREST = 8  # how many count, by a power of their cosine
SHARPNESS, STATEMENT_SHARPNESS = 4, 16  # of a statement, notes that say almost the same
# What the mean of the nearest is worth beside a hit's own score. Tuned zero-shot on the legs' own
# answers to NFCorpus dev (.342 to .349), SciFact train and both MTSamples sets (lay wording .439 to
# .440), which lose nothing by it; with five neighbours and plain cosines lay wording lost .005.
WEIGHTS: Mapping[str, float] = {
    "keywords": 0.4, "question": 0.4, "statement": 0.4, "note": 0.2, "any": 0.4,
}  # fmt: skip
# Feedback: the mean of the best few, each by a power of its score, so that a hit far above the
# rest speaks almost alone; what lies nearest to it gains this. Tuned in the same way: NFCorpus dev
# .345 to .354, SciFact train and known items lose nothing. A question whose every word is a concept
# gets none: its concepts tell better what is meant (lay wording lost .025).
FEEDBACK: Mapping[str, float] = {
    "keywords": 0.45, "question": 0.45, "statement": 0.45, "note": 0.0, "any": 0.0,
}  # fmt: skip
BEST, POWER = 3, 3
SPREAD = 0.15  # of cosines at least: among hits all alike, small differences are not blown up


def weights_of(shares: Mapping[str, Share]) -> Mapping[str, float]:
    """Return each kind's weight: what its share says, else our own."""
    said = {kind: share.alike for kind, share in shares.items()}
    return {kind: w if (w := said.get(kind)) is not None else own for kind, own in WEIGHTS.items()}


class Alike:
    """Reads passages' vectors from one index; safe to share between threads."""

    def __init__(self, vectors: PassageVectors, weights: Mapping[str, float] = WEIGHTS) -> None:
        self._vectors, self._weights = vectors, weights

    def joined(
        self,
        access: Access,
        question: str,
        fused: Sequence[Fused],
        covered: float = 1.0,
        *,
        told: bool = False,
    ) -> Sequence[Fused]:
        """Add to the best hits what they gain by their like, and order them anew. `covered` is the
        share of the question's words that name concepts; where one note holds them all (`told`),
        likeness would only lead away from it.

        A hit without a vector keeps its score. Raises: EngineUnavailable.
        """
        kind = query_class(question)
        weight, feedback = self._weights[kind], feedback_of(kind, covered)
        head, tail = fused[:DEPTH], fused[DEPTH:]
        if told or not (weight or feedback) or len(head) < 2:
            return fused
        rows = self._vectors.passages(access, [hit.doc_id for hit in head])
        known = [hit for hit in head if len(rows.get(hit.doc_id, ()))]
        if len(known) < 2:
            return fused
        middles = centres([rows[hit.doc_id] for hit in known])
        own = [hit.score for hit in known]
        gained = gains(middles, own, weight, feedback, sharpness_of(kind))
        places = np.argsort(np.argsort(-gained, kind="stable")) + 1
        given = {
            hit.doc_id: Signal(int(place), gain, gain)
            for hit, place, gain in zip(known, places, gained.tolist(), strict=True)
        }
        gained_by = [_with(hit, given.get(hit.doc_id)) for hit in head]
        ordered = sorted(gained_by, key=lambda each: (-each[0], each[1]))
        best = (Fused(d, rank, score, s) for rank, (score, d, s) in enumerate(ordered, 1))
        return (*best, *tail)


def feedback_of(kind: str, covered: float) -> float:
    """Return what feedback is worth to a kind of question, so much of which names concepts."""
    return FEEDBACK[kind] if covered < LEAST_WHOLE else 0.0


def sharpness_of(kind: str) -> int:
    """Return the power of the cosine that a neighbour counts by."""
    return STATEMENT_SHARPNESS if kind == "statement" else SHARPNESS


def gains(
    vectors: Vectors,
    scores: Sequence[float],
    weight: float,
    feedback: float,
    sharpness: int = SHARPNESS,
) -> Figures:
    """Return what each row gains by the rows like it; `scores` are their own."""
    own = np.asarray(scores, dtype=np.float64)
    pulled = np.zeros_like(own)
    if feedback:
        pulled += feedback * towards(vectors, own)
    return pulled + weight * around(vectors, own + pulled, sharpness) if weight else pulled


def towards(vectors: Vectors, scores: Figures) -> Figures:
    """Return how near each row is to the best few, 1 for the nearest to 0 for the farthest."""
    best = np.argsort(-scores, kind="stable")[:BEST]
    middle = scores[best] ** POWER @ vectors[best]
    cosines = vectors @ middle / max(float(np.linalg.norm(middle)), 1e-12)
    top = float(cosines.max())
    floor = min(float(cosines.min()), top - SPREAD)
    found: Figures = (cosines - floor) / (top - floor)
    return found


def centres(rows: Sequence[Vectors]) -> Vectors:
    """Return the mean direction of each note's passages, (n, d) float32 of norm 1."""
    # Note by note: most have few passages, of which `reduceat` makes twice the work.
    summed = np.array([own[0] if len(own) == 1 else own.sum(axis=0) for own in rows])
    found: Vectors = summed / np.maximum(np.linalg.norm(summed, axis=1, keepdims=True), 1e-12)
    return found


def around(vectors: Vectors, scores: Figures, sharpness: int = SHARPNESS) -> Figures:
    """Return the mean score of each row's nearest others, the nearer the more."""
    n = min(NEAREST, len(vectors) - 1)
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    nearest = np.argpartition(-cosines, n - 1, axis=1)[:, :n]
    near = np.maximum(np.take_along_axis(cosines, nearest, axis=1), 0.0).astype(np.float64)
    near **= sharpness
    found: Figures = (near * scores[nearest]).sum(axis=1) / np.maximum(near.sum(axis=1), 1e-12)
    return found


def _with(hit: Fused, signal: Signal | None) -> tuple[float, str, Mapping[str, Signal]]:
    if signal is None:
        return hit.score, hit.doc_id, hit.signals
    return hit.score + signal.contribution, hit.doc_id, {**hit.signals, NAME: signal}
