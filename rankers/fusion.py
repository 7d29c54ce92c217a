"""Several rankings into one: a weighted sum of each leg's score, normalised from its own floor."""

from __future__ import annotations

from collections.abc import Mapping

from indexing.ports import Ranking
from rankers.explain import Fused, Signal

# The least a leg's score can be: where its normalised score is 0.
FLOORS: Mapping[str, float] = {"lexical": 0.0, "vector": -1.0, "graph": 0.0}
WEIGHTS: Mapping[str, float] = {"lexical": 0.3, "vector": 0.6, "graph": 0.1}


def fuse(rankings: Mapping[str, Ranking], k: int) -> tuple[Fused, ...]:
    """Return the best `k`; contributions sum to the score, ties stand by doc_id."""
    total = sum(WEIGHTS[leg] for leg, ranking in rankings.items() if ranking.hits) or 1.0
    signals: dict[str, dict[str, Signal]] = {}
    for leg, ranking in rankings.items():
        if not ranking.hits:
            continue
        floor, share = FLOORS[leg], WEIGHTS[leg] / total
        top = ranking.hits[0].score - floor
        for hit in ranking.hits:
            part = share * (hit.score - floor) / top if top > 0 else 0.0
            signals.setdefault(hit.doc_id, {})[leg] = Signal(hit.rank, hit.score, part)
    scored = [(sum(s.contribution for s in found.values()), d) for d, found in signals.items()]
    best = sorted(scored, key=lambda pair: (-pair[0], pair[1]))[:k]
    return tuple(Fused(d, rank, score, signals[d]) for rank, (score, d) in enumerate(best, 1))
