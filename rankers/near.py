"""How near is near enough: below it a note found by meaning alone is a note found by chance."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet

from indexing.ports import Ranking, Scored

# Cosines under which nothing says that a passage is about the question, by the name's beginning of
# the model. Measured on 1,225 passages of the generated hospital and 500 of MTSamples: the best
# passage of 80 questions without sense or from elsewhere reached .39, and of all pairs of a
# clinical question and a passage 99 % and 99.3 % lie below .40. A model that is not named here has
# not been measured: all its hits are kept.
LEAST_COSINE: Mapping[str, float] = {
    "minilm-l6": 0.40,
    "sentence-transformers/all-MiniLM-L6-v2": 0.40,
}


def least_cosine(model: str) -> float:
    """Return the floor of a model's cosines; -1 where none was measured."""
    return next((v for name, v in LEAST_COSINE.items() if model.startswith(name)), -1.0)


def near_enough(rankings: Mapping[str, Ranking], least: float) -> dict[str, Ranking]:
    """Leave out what only the vector leg found and that is not near; ranks are given anew."""
    if "vector" not in rankings or all(hit.score >= least for hit in rankings["vector"].hits[-1:]):
        return dict(rankings)  # scores fall: the last is the farthest
    said = {hit.doc_id for leg, r in rankings.items() if leg != "vector" for hit in r.hits}
    near = {hit.doc_id for hit in rankings["vector"].hits if hit.score >= least}
    return {**rankings, "vector": kept(rankings["vector"], near | said)}


def kept(ranking: Ranking, allowed: AbstractSet[str]) -> Ranking:
    """Return a ranking whose hits are the allowed documents alone."""
    hits = [hit for hit in ranking.hits if hit.doc_id in allowed]
    left = len(ranking.hits) - len(hits)
    if not left:
        return ranking
    total = None if ranking.total is None else ranking.total - left
    # Spelt out: `replace` takes ten times as long, and a page ranks hundreds of hits.
    ranked = tuple(
        Scored(hit.doc_id, hit.score, rank, hit.passage, hit.concepts, hit.terms)
        for rank, hit in enumerate(hits, 1)
    )
    return Ranking(ranked, total, ranking.beyond)
