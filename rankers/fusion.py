"""Several rankings into one: a weighted sum of each leg's score, normalised from its own floor.

A leg weighs by what its kind of question gives it and by how far its best hits stand out.

Source: Bruch, Gai and Ingber 2023, "An Analysis of Fusion Functions for Hybrid Retrieval".
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal

import orjson

from indexing.errors import ConfigurationError
from indexing.ports import Ranking
from rankers.explain import Fused, Signal
from rankers.kinds import query_class

# Cosines crowd: the two-hundredth nearest note is as near as any note is by chance, and what a leg
# did not return gets what that one gets, nothing. A fixed rank, so that depth moves no score.
FLOOR_RANK = 200
LEAST_SPREAD = 0.25  # of cosines: where all are about as near, small differences count little

By = Literal["scores", "ranks"]


@dataclass(frozen=True, slots=True)
class Share:
    """What a kind of question weighs. `vector`: its share beside the lexical leg. `graph`: its
    share of the whole, when it answers: a question that names concepts. `by`: what of a leg is
    weighed, its scores above their floor, or its ranks alone (reciprocal). `alike`: what the mean
    of the hits most like a hit is worth beside its own score; None: `rankers.alike`'s own.
    `expansions`: which kinds of other wordings are searched; None: every kind."""

    vector: float
    graph: float
    by: By = "scores"
    alike: float | None = None
    expansions: tuple[str, ...] | None = None


# By kind of question (`rankers.kinds`). Tuned zero-shot on NFCorpus dev, SciFact train and the two
# MTSamples sets, where keywords and questions want the same; statements (SciFact, known items) tell
# more than concepts; whole notes lose with dense vectors (PMC-Patients).
SHARES: Mapping[str, Share] = {
    "keywords": Share(0.45, 0.25),
    "question": Share(0.45, 0.25),
    "statement": Share(0.48, 0.12),
    "note": Share(0.3, 0.25),
    "any": Share(0.45, 0.25),
}

EXPANSIONS = ("synonym", "lay", "abbreviation", "narrower")  # kinds of other wordings
MOST_ALIKE = MOST_TITLE = 2.0

# Of a question's words: from here on it is about the concepts that it names, and their leg counts
# in full; below, in proportion.
LEAST_WHOLE = 0.7

# A leg counts by how far its best hits stand out: one minus the mean of what these ranks have of
# its best. A leg that finds twenty notes about as good tells less than one that finds three.
# Zero-shot SciFact .743 to .746, NFCorpus +.002, lay wording .760 to .777, a fifth of known
# items .946 to .950. Never nothing: words that many notes hold alike must still be there.
AFTER_BEST = slice(4, 20)
LEAST_OUT = 0.2

# A note that holds every word of a question is likelier the one that is looked for than what is
# about the same: words count so many times as much, and hits gain nothing by their like.
# Questions of known items .957 to .965 (words alone .962); replayed, SciFact +.001, NFCorpus +-0.
TOLD = 2.0

RRF_K = 60  # Source: Cormack, Clarke and Büttcher 2009

_EVEN: Mapping[str, float] = MappingProxyType({})


def read_shares(path: Path) -> dict[str, Share]:
    """Read what `eval tune --out` wrote, for `fuse`. Raises: ConfigurationError."""
    try:
        found = {
            kind: Share(**{**each, "expansions": _tuple(each.get("expansions"))})
            for kind, each in _written(path).items() if kind != "fields"
        }  # fmt: skip
    except (TypeError, AttributeError) as exc:
        raise _senseless(path) from exc
    for kind, share in found.items():
        numbers = all(_lies(x, 1) for x in (share.vector, share.graph))
        numbers = numbers and (share.alike is None or _lies(share.alike, MOST_ALIKE))
        kinds = set(share.expansions or ()) <= set(EXPANSIONS)
        if kind not in SHARES or not numbers or not kinds or share.by not in ("scores", "ranks"):
            raise ConfigurationError(
                f"{path.name}: the shares of {kind!r} make no sense",
                hint=f"Kinds are {', '.join(SHARES)}; shares lie between 0 and 1, expansions are "
                f"of {', '.join(EXPANSIONS)}.",
            )
    return {**SHARES, **found}


def read_title_weight(path: Path) -> float | None:
    """Return what a match in the title adds, as the same file says; None where it does not.

    Raises: ConfigurationError.
    """
    fields = _written(path).get("fields", {})
    weight = fields.get("title") if isinstance(fields, dict) else fields
    if weight is not None and not _lies(weight, MOST_TITLE):
        raise ConfigurationError(
            f"{path.name}: the title's weight makes no sense",
            hint=f'It is written {{"fields": {{"title": 0.3}}}}, between 0 and {MOST_TITLE:g}.',
        )
    return weight


def _written(path: Path) -> dict[str, Any]:
    try:
        found = orjson.loads(path.read_bytes())
    except (OSError, ValueError) as exc:
        raise _senseless(path) from exc
    if not isinstance(found, dict):
        raise _senseless(path)
    return found


def _senseless(path: Path) -> ConfigurationError:
    return ConfigurationError(
        f"{path.name} holds no shares of the legs", hint="`anamnesis eval tune --out` writes it"
    )


def _tuple(names: Any) -> tuple[str, ...] | None:
    return None if names is None else tuple(map(str, names))


def _lies(value: object, most: float) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and 0 <= value <= most  # type: ignore[operator]


def weights(
    question: str | None, legs: frozenset[str], shares: Mapping[str, Share] = SHARES
) -> dict[str, float]:
    """Return each answering leg's weight; they sum to 1."""
    return split(shares[query_class(question)], legs)


def split(
    share: Share, legs: frozenset[str], covered: float = 1.0, out: Mapping[str, float] = _EVEN
) -> dict[str, float]:
    """Share the score out to the legs that answered; the weights sum to 1. `covered` is how much
    of the question names concepts, `out` how far each leg's best stand out (1 where not given)."""
    graph = share.graph * min(1.0, covered / LEAST_WHOLE)
    rest = 1 - graph
    every = {"lexical": (1 - share.vector) * rest, "vector": share.vector * rest, "graph": graph}
    each = {leg: every[leg] * out.get(leg, 1.0) for leg in legs}
    total = math.fsum(each.values())
    if not total:  # only a leg that counts nothing answered: it is better than an empty page
        return dict.fromkeys(legs, 1 / max(len(legs), 1))
    return {leg: weight / total for leg, weight in each.items()}


def standing(
    given: Mapping[str, Sequence[float]], by: By = "scores", *, told: bool
) -> dict[str, float]:
    """Return what each leg's share is multiplied by: how far its best stand out, of which ranks
    alone say nothing; of words more where one note says all. `given` as `parts` returns it."""
    found = {leg: 1.0 if by == "ranks" else standing_out(each) for leg, each in given.items()}
    if told and "lexical" in found:
        found["lexical"] *= TOLD
    return found


def standing_out(parts: Sequence[float]) -> float:
    """Return how far a leg's best stand out from what comes after them, 1 to `LEAST_OUT`. Ranks
    that are not there count as nothing: who finds five notes is sure of them."""
    after = parts[AFTER_BEST]
    return max(LEAST_OUT, 1 - math.fsum(after) / (AFTER_BEST.stop - AFTER_BEST.start))


def parts(leg: str, ranking: Ranking, by: By = "scores") -> list[float]:
    """Return what each hit has of its leg's best, 1 to 0: above the leg's floor, or by rank."""
    if by == "ranks":
        return [(RRF_K + 1) / (RRF_K + hit.rank) for hit in ranking.hits]
    floor, top = _floor(leg, ranking), ranking.hits[0].score
    scale = 1 / (top - floor) if top > floor else 0.0
    found = [(hit.score - floor) * scale for hit in ranking.hits]
    return [part if part > 0.0 else 0.0 for part in found]


def fuse(
    rankings: Mapping[str, Ranking],
    k: int,
    question: str | None = None,
    shares: Mapping[str, Share] = SHARES,
    *,
    covered: float = 1.0,
    told: bool = False,
) -> tuple[Fused, ...]:
    """Return the best `k`; contributions sum to the score, ties stand by doc_id. `covered` is the
    share of the question's words that name concepts, `told` whether one note holds them all."""
    answered = {leg: ranking for leg, ranking in rankings.items() if ranking.hits}
    share = shares[query_class(question)]
    given = {leg: parts(leg, ranking, share.by) for leg, ranking in answered.items()}
    out = standing(given, share.by, told=told)
    weight = split(share, frozenset(answered), covered, out)
    every = [
        (leg, hit, weight[leg] * part)
        for leg, ranking in answered.items()
        for hit, part in zip(ranking.hits, given[leg], strict=True)
    ]
    scores: dict[str, float] = {}
    for _, hit, part in every:
        scores[hit.doc_id] = scores.get(hit.doc_id, 0.0) + part
    best = sorted((-score, doc_id) for doc_id, score in scores.items())[: max(k, 0)]
    signals: dict[str, dict[str, Signal]] = {doc_id: {} for _, doc_id in best}
    for leg, hit, part in every:
        own = signals.get(hit.doc_id)
        if own is not None:  # only what is among the best is told apart by leg
            own[leg] = Signal(hit.rank, hit.score, part)
    return tuple(
        Fused(doc_id, rank, -score, signals[doc_id]) for rank, (score, doc_id) in enumerate(best, 1)
    )


def _floor(leg: str, ranking: Ranking) -> float:
    """Return the score that counts as nothing: 0 where no word and no concept is shared."""
    if leg != "vector":
        return 0.0
    hits = ranking.hits
    reference = hits[min(FLOOR_RANK, len(hits)) - 1].score
    return min(reference, hits[0].score - LEAST_SPREAD)
