"""Several rankings into one: a weighted sum of each leg's score, normalised from its own floor.

Source: Bruch, Gai and Ingber 2023, "An Analysis of Fusion Functions for Hybrid Retrieval".
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Mapping

from indexing.analysis import terms, without_stop_words
from indexing.ports import Ranking, Scored
from rankers.explain import Fused, Signal

# Cosines crowd: the two-hundredth nearest note is as near as any note is by chance, and what a leg
# did not return gets what that one gets, nothing. A fixed rank, so that depth moves no score.
FLOOR_RANK = 200
LEAST_SPREAD = 0.15  # of cosines: among a few notes, small differences are not blown up

# The vector leg's share beside the lexical one, by how many words the question has. Tuned
# zero-shot on NFCorpus dev, SciFact train and the two MTSamples sets: the longer a question, the
# likelier it uses the note's own words. Whole notes lose with dense vectors (PMC-Patients).
KEYWORDS, SHARE_OF_KEYWORDS = 4, 0.4
QUESTION, SHARE_OF_QUESTION = 40, 0.35
SHARE_OF_NOTE = 0.25
SHARE_OF_ANY = 0.4  # when the question is not known
GRAPH_SHARE = 0.25  # of the whole, when the graph answers: a question that names concepts

RRF_K = 60  # Source: Cormack, Clarke and Büttcher 2009

_Parts = dict[str, list[tuple[str, Scored, float]]]  # doc_id to (leg, hit, contribution)


def weights(question: str | None, legs: frozenset[str]) -> dict[str, float]:
    """Return each answering leg's weight; they sum to 1."""
    share = SHARE_OF_ANY if question is None else _vector_share(question)
    rest = 1 - GRAPH_SHARE
    every = {"lexical": (1 - share) * rest, "vector": share * rest, "graph": GRAPH_SHARE}
    total = math.fsum(every[leg] for leg in legs)
    return {leg: every[leg] / total for leg in legs}


def _vector_share(question: str) -> float:
    n = len(without_stop_words(terms(question)))
    if n <= KEYWORDS:
        return SHARE_OF_KEYWORDS
    return SHARE_OF_QUESTION if n <= QUESTION else SHARE_OF_NOTE


def fuse(rankings: Mapping[str, Ranking], k: int, question: str | None = None) -> tuple[Fused, ...]:
    """Return the best `k`; contributions sum to the score, ties stand by doc_id."""
    answered = {leg: ranking for leg, ranking in rankings.items() if ranking.hits}
    share = weights(question, frozenset(answered))
    parts: _Parts = {}
    for leg, ranking in answered.items():
        floor, top = _floor(leg, ranking), ranking.hits[0].score
        scale = share[leg] / (top - floor) if top > floor else 0.0
        for hit in ranking.hits:
            part = (leg, hit, max(0.0, (hit.score - floor) * scale))
            parts.setdefault(hit.doc_id, []).append(part)
    return _best(parts, k)


def fuse_by_rank(
    rankings: Mapping[str, Ranking], k: int, _question: str | None = None
) -> tuple[Fused, ...]:
    """Fuse by reciprocal ranks: for legs whose scores mean nothing beside each other."""
    parts: _Parts = {}
    for leg, ranking in rankings.items():
        for hit in ranking.hits:
            parts.setdefault(hit.doc_id, []).append((leg, hit, 1 / (RRF_K + hit.rank)))
    return _best(parts, k)


def _floor(leg: str, ranking: Ranking) -> float:
    """Return the score that counts as nothing: 0 where no word and no concept is shared."""
    if leg != "vector":
        return 0.0
    hits = ranking.hits
    reference = hits[min(FLOOR_RANK, len(hits)) - 1].score
    return min(reference, hits[0].score - LEAST_SPREAD)


def _best(parts: _Parts, k: int) -> tuple[Fused, ...]:
    scored = [(-sum(part for _, _, part in found), d) for d, found in parts.items()]
    best = heapq.nsmallest(max(k, 0), scored)
    return tuple(
        Fused(d, rank, -score, {leg: Signal(h.rank, h.score, part) for leg, h, part in parts[d]})
        for rank, (score, d) in enumerate(best, 1)
    )
