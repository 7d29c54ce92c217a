"""A ranker learned from judgements: gradient-boosted trees over what the legs said of each hit, and
over what was judged of questions like this one.

Off by default, and of the extra `lab`. It orders the hits that were found and held against what is
asked, and finds none. Each signal's contribution is the trees' own (SHAP values), so that a score
still is the sum of its parts; one may be below zero.
Source: Burges 2010, "From RankNet to LambdaRank to LambdaMART"; Lundberg et al. 2018, "Consistent
Individualized Feature Attribution for Tree Ensembles".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from msgspec import structs
from numpy.typing import NDArray

from indexing.errors import ConfigurationError
from indexing.ports import Encoder, Vectors
from rankers.explain import Fused, Signal, ranked
from rankers.kinds import query_class

PRECEDENT, BASE = "precedent", "learned"
SIGNALS = ("lexical", "vector", "graph", "alike")
DEPTH = 200  # best hits that are ordered anew; those below keep their order and stay below
NEAREST = 20  # judged questions that say something of this one
SHARPNESS = 4  # the power of a cosine that weighs one
_KINDS = ("keywords", "question", "note")
_LIKE = {"statement": "question"}  # to trees, which see what a hit holds in its fused score
# The features, and the signal that each one's contribution is counted to.
FEATURES: tuple[tuple[str, str], ...] = (
    *((f"{name}.{what}", name) for name in SIGNALS for what in ("score", "share", "place")),
    (PRECEDENT, PRECEDENT),
    ("fused", BASE),
    *((f"is {kind}", BASE) for kind in _KINDS),
)
_MODEL, _LINEAGE, _PRECEDENTS = "trees.txt", "lineage.json", "precedents.npz"

Matrix = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Precedents:
    """What was judged before: question i has the vector `vectors[i]` and the grades `judged[i]`."""

    vectors: Vectors
    judged: Sequence[Mapping[str, int]]

    def of(self, vector: Vectors, without: int = -1) -> dict[str, float]:
        """Return what the nearest questions' judgements say of documents; one question, whose own
        judgements are to be learned, may be left out."""
        cosines = self.vectors @ vector
        if without >= 0:
            cosines[without] = -np.inf
        found: dict[str, float] = {}
        for at in np.argsort(-cosines, kind="stable")[:NEAREST].tolist():
            for doc_id, grade in self.judged[at].items() if cosines[at] > 0 else ():
                found[doc_id] = found.get(doc_id, 0.0) + grade * float(cosines[at]) ** SHARPNESS
        return found


def features(fused: Sequence[Fused], question: str, precedent: Mapping[str, float]) -> Matrix:
    """Return a row for each hit, (n, len(FEATURES)); NaN where a leg says nothing of it."""
    kind = _LIKE.get(query_class(question), query_class(question))
    rows = np.full((len(fused), len(FEATURES)), np.nan)
    for row, hit in zip(rows, fused, strict=True):
        for at, name in enumerate(SIGNALS):
            if (signal := hit.signals.get(name)) is not None:
                row[3 * at : 3 * at + 3] = signal.score, signal.contribution, 1 / signal.rank
        rest = [precedent.get(hit.doc_id, 0.0), hit.score, *(kind == each for each in _KINDS)]
        row[3 * len(SIGNALS) :] = rest
    return rows


class Learned:
    """One trained model; safe to share between threads."""

    def __init__(self, folder: Path, encoder: Encoder) -> None:
        """Read what `save` wrote. Raises: ConfigurationError."""
        self._encoder = encoder
        try:
            from lightgbm import Booster
        except ImportError as exc:
            raise ConfigurationError(
                "a learned ranker needs LightGBM", hint="install the extra `lab`"
            ) from exc
        try:
            self.lineage: Mapping[str, Any] = orjson.loads((folder / _LINEAGE).read_bytes())
            self._trees: Any = Booster(model_str=(folder / _MODEL).read_text(encoding="ascii"))
            kept = np.load(folder / _PRECEDENTS, allow_pickle=False)
            judged = orjson.loads(kept["judged"].tobytes())
            self._precedents = Precedents(kept["vectors"], judged)
        except Exception as exc:  # LightGBM raises nothing narrower
            raise ConfigurationError(
                f"{folder.name} holds no learned ranker",
                hint="`anamnesis eval train --out` writes one",
            ) from exc
        if self.lineage.get("model") != encoder.model or self.lineage.get("features") != [
            name for name, _ in FEATURES
        ]:
            raise ConfigurationError(
                f"{folder.name} was trained with another model or release", hint="Train it again."
            )

    @property
    def trained_on(self) -> tuple[str, ...]:
        """Name the sets whose judgements it learned from."""
        return tuple(each["set"] for each in self.lineage["trained_on"])

    def reordered(self, question: str, fused: Sequence[Fused]) -> Sequence[Fused]:
        """Order the best hits anew; contributions sum to the score.

        Scores are shifted, all by the same, so that the head stands above what was left below.
        """
        head, tail = fused[:DEPTH], fused[DEPTH:]
        if not head or not question.strip():
            return fused
        precedent = self._precedents.of(self._encoder.encode([question])[0])
        rows = features(head, question, precedent)
        shares = np.asarray(self._trees.predict(rows, pred_contrib=True, num_threads=1))
        shift = (tail[0].score if tail else 0.0) - float(shares.sum(axis=1).min())
        ordered = sorted(
            (_with(hit, row, own, shift) for hit, row, own in zip(head, rows, shares, strict=True)),
            key=lambda hit: (-hit.score, hit.doc_id),
        )
        return ranked((*ordered, *tail))


def _with(hit: Fused, row: Matrix, shares: Matrix, shift: float) -> Fused:
    given = {BASE: shift + float(shares[-1])}  # the last is what the trees give to every hit
    for (_, name), share in zip(FEATURES, shares[:-1].tolist(), strict=True):
        # What is said by a leg's silence counts to no leg that the hit could show.
        counted = name if name in hit.signals or name == PRECEDENT else BASE
        given[counted] = given.get(counted, 0.0) + share
    was = {**hit.signals, PRECEDENT: Signal(hit.rank, float(row[3 * len(SIGNALS)]), 0.0)}
    signals = {
        name: structs.replace(was.get(name, Signal(hit.rank, hit.score, 0.0)), contribution=value)
        for name, value in given.items()
    }
    score = sum(s.contribution for s in signals.values())
    return structs.replace(hit, score=score, signals=signals)


def save(folder: Path, trees: str, lineage: Mapping[str, Any], precedents: Precedents) -> None:
    """Write a trained model with what it was made of."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / _MODEL).write_text(trees, encoding="ascii")
    (folder / _LINEAGE).write_bytes(orjson.dumps(lineage, option=orjson.OPT_INDENT_2))
    judged = np.frombuffer(orjson.dumps([dict(each) for each in precedents.judged]), dtype=np.uint8)
    np.savez_compressed(folder / _PRECEDENTS, vectors=precedents.vectors, judged=judged)
