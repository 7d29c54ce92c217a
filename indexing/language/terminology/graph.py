"""Walks over the compiled graph: closures, and the spread of weight from a question's concepts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from indexing.language.terminology.compile import EDGE_KINDS
from indexing.language.terminology.compiled import Graph
from indexing.language.terminology.model import EdgeKind

# How much of a weight survives one step, by edge kind and direction (subject → object, and back).
# A narrower concept nearly is the concept asked for; a broader one says much less. What a disorder
# presents with, and what a drug treats, are weak hints from the far side.
KIND_FACTORS: Mapping[EdgeKind, tuple[float, float]] = {
    EdgeKind.IS_A: (0.4, 1.6),
    EdgeKind.TREATS: (0.7, 0.6),
    EdgeKind.PRESENTS: (0.4, 0.3),
    EdgeKind.CAUSES: (0.4, 0.3),
    EdgeKind.LOCATED_IN: (0.15, 0.1),
    EdgeKind.ASSOCIATES: (0.25, 0.25),
    EdgeKind.INTERACTS: (0.15, 0.15),
    EdgeKind.RESEMBLES: (1.6, 1.6),
    EdgeKind.PARTICIPATES: (0.05, 0.05),
    EdgeKind.REGULATES: (0.05, 0.05),
}
_FAN_OUT = 64  # a hub passes on to this many of its heaviest edges
_FRONTIER = 48  # concepts that spread in one hop, heaviest first
_FLOOR = 0.01  # lighter than this, a concept says nothing about the question


def factors(kinds: Mapping[EdgeKind, float] | None) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """Lay factors out by edge column (2·kind + inverse); `kinds` scales, and absent kinds stop."""
    table = np.zeros(2 * len(EDGE_KINDS), np.float32)
    for kind, (forward, backward) in KIND_FACTORS.items():
        scale = 1.0 if kinds is None else kinds.get(kind, 0.0)
        column = 2 * EDGE_KINDS.index(kind)
        table[column], table[column + 1] = scale * forward, scale * backward
    return table


def spread(
    graph: Graph, seeds: Mapping[int, float], hops: int, decay: float,
    table: np.ndarray[tuple[int], np.dtype[np.float32]], limit: int,
) -> dict[int, float]:  # fmt: skip
    """Return {concept row: best weight that reaches it}, heaviest first."""
    best = dict(seeds)
    frontier = dict(seeds)
    for _ in range(hops):
        reached: dict[int, float] = {}
        for concept, weight in sorted(frontier.items(), key=lambda i: (-i[1], i[0]))[:_FRONTIER]:
            for other, share in _step(graph, concept, table):
                value = min(weight * decay * share, weight * 0.95)
                if value > _FLOOR and value > best.get(other, 0.0):
                    best[other] = reached[other] = value
        frontier = reached
    return dict(sorted(best.items(), key=lambda i: (-i[1], i[0]))[:limit])


def _step(
    graph: Graph, concept: int, table: np.ndarray[tuple[int], np.dtype[np.float32]]
) -> list[tuple[int, float]]:
    rows = slice(int(graph.ptr[concept]), int(graph.ptr[concept + 1]))
    shares = graph.weight[rows] * table[graph.kind[rows]]
    others = graph.other[rows]
    if len(shares) > _FAN_OUT:
        top = np.argpartition(-shares, _FAN_OUT)[:_FAN_OUT]
        shares, others = shares[top], others[top]
    return list(zip(others.tolist(), shares.tolist(), strict=True))


def closure(graph: Graph, start: int, kind: EdgeKind, inverse: bool, limit: int) -> dict[int, int]:
    """Return {row: fewest steps} along one kind of edge, breadth first, `start` left out."""
    seen = {start: 0}
    level = [start]
    while level and len(seen) <= limit:
        following: list[int] = []
        for concept in level:
            for other in neighbours(graph, concept, kind, inverse):
                if other not in seen and len(seen) <= limit:
                    seen[other] = seen[concept] + 1
                    following.append(other)
        level = following
    del seen[start]
    return seen


def neighbours(graph: Graph, concept: int, kind: EdgeKind, inverse: bool) -> list[int]:
    """Return the far ends of a concept's edges of one kind and direction."""
    start, stop = int(graph.ptr[concept]), int(graph.ptr[concept + 1])
    column = 2 * EDGE_KINDS.index(kind) + inverse
    low, high = np.searchsorted(graph.kind[start:stop], [column, column + 1])
    found: list[int] = graph.other[start + low : start + high].tolist()
    return found
