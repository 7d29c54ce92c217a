"""How sure a concept found by vector is, printed: `python -m eval.linking [--home HOME]`.

Of each synonym and lay name of the shipped seed whose words hold no other name, the vector is
withheld, and the nearest other name asked for its concept. The confidence is fitted on one half of
the concepts, with the gate at which nine offers in ten are right; the shipped figures are measured
on the other half. Beside it stands how often something is offered when the whole concept is
withheld, so that nothing would be right.
"""

from __future__ import annotations

import argparse
import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from indexing.encoders import CachedEncoder, OnnxEncoder
from indexing.language.linking import Confidence, Linker, Signs
from indexing.language.terminology import NameKind, Terminology, open_terminology
from indexing.language.terminology.compile import NAME_KINDS
from indexing.ports import Encoder

PRECISION = 0.93  # of what is offered: some more than the nine in ten that must hold elsewhere


@dataclass(frozen=True, slots=True)
class Trial:
    """One withheld name: what was found without it, and what without its whole concept."""

    fitted: bool  # belongs to the half that the confidence is fitted on
    right: bool
    signs: Signs
    unknown: Signs


def withheld(terminology: Terminology, linker: Linker) -> Iterator[tuple[int, str, str]]:
    """Yield (place in the linker's names, text, concept) of the names that are tried."""
    compiled = terminology.compiled
    owners = np.repeat(np.arange(len(compiled.ids)), np.diff(compiled.name_ptr))
    rows = linker.names[: linker.common]
    counts = np.bincount(owners[rows], minlength=len(compiled.ids))
    for place, row in enumerate(rows):
        kind = NAME_KINDS[compiled.name_kinds[row]]
        if kind not in (NameKind.SYNONYM, NameKind.LAY) or not compiled.name_trusted[row]:
            continue
        text, concept = compiled.name_texts[row], compiled.ids[owners[row]]
        if counts[owners[row]] > 1 and _would_be_linked(terminology, text, concept):
            yield place, text, concept


def _would_be_linked(terminology: Terminology, text: str, concept: str) -> bool:
    """Say whether, without this name, no name would be found in the text."""
    if terminology.find(text) != (concept,):
        return False
    key = terminology.keyer.key
    own = key(text)
    if any(n.text != text and key(n.text) == own for n in terminology.names(concept)):
        return False
    words = text.split()
    parts = (
        words[a:b] for a in range(len(words)) for b in range(a + 1, len(words) + 1)
        if b - a < len(words)
    )  # fmt: skip
    return not any(terminology.find(" ".join(part)) for part in parts)


def trials(terminology: Terminology, linker: Linker, encoder: Encoder) -> list[Trial]:
    """Withhold each name in turn."""
    tried = list(withheld(terminology, linker))
    vectors = encoder.encode([text for _, text, _ in tried])
    compiled = terminology.compiled
    owners = np.repeat(np.arange(len(compiled.ids)), np.diff(compiled.name_ptr))
    of = owners[linker.names[: linker.common]]
    found = []
    for (place, text, concept), vector in zip(tried, vectors, strict=True):
        alone = linker.judged(text, vector, [place])
        concept_places = np.flatnonzero(of == terminology.row(concept)).tolist()
        without = linker.judged(text, vector, concept_places)
        if alone and without:
            half = hashlib.sha256(concept.encode()).digest()[0] % 2 == 0
            found.append(Trial(half, alone[0].concept_id == concept, alone[1], without[1]))
    return found


def fitted(tried: Sequence[Trial]) -> Confidence:
    """Fit the weights, and choose the least gate that keeps the precision from there on up."""
    rows = [trial.signs for trial in tried] + [trial.unknown for trial in tried]
    right = np.array([trial.right for trial in tried] + [False] * len(tried), dtype=float)
    x = np.array([[1.0, *map(float, signs)] for signs in rows])
    weights = np.zeros(x.shape[1])
    for _ in range(50):  # Newton's steps, with a small ridge
        share = 1 / (1 + np.exp(-x @ weights))
        bend = (x * (share * (1 - share))[:, None]).T @ x + 0.01 * np.eye(len(weights))
        weights += np.linalg.solve(bend, x.T @ (right - share) - 0.01 * weights)
    model = Confidence(tuple(round(float(w), 3) for w in weights), 0.0)
    sure = np.array([model.of(trial.signs) for trial in tried])
    order = np.argsort(-sure)
    precision = np.cumsum(right[: len(tried)][order]) / np.arange(1, len(tried) + 1)
    deepest = np.flatnonzero(precision >= PRECISION)
    gate = float(sure[order[deepest[-1]]]) if len(deepest) else 2.0
    return Confidence(model.weights, round(gate + 0.0005, 3))


def report(model: Confidence, tried: Sequence[Trial]) -> str:
    """Say how precise and how frequent offers are on these trials."""
    sure: NDArray[np.bool_] = np.array([model.of(t.signs) >= model.gate for t in tried])
    right = np.array([t.right for t in tried])
    lost = np.array([model.of(t.unknown) >= model.gate for t in tried])
    precise = right[sure].mean() if sure.any() else 1.0
    return (
        f"n={len(tried)}  precision {precise:.3f}  offered {sure.mean():.3f}  "
        f"nearest right, no gate {right.mean():.3f}  offered for what has no concept "
        f"{lost.mean():.3f}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the fit and the shipped figures."""
    parser = argparse.ArgumentParser(prog="python -m eval.linking")
    parser.add_argument("--home", type=Path, help="a home with a loaded terminology")
    home = parser.parse_args(arguments).home
    terminology = open_terminology(home)
    folder = None if home is None else home / "cache"
    encoder: Encoder = OnnxEncoder()
    if folder is not None:
        encoder = CachedEncoder(encoder, folder / "vectors")
    linker = Linker(terminology, encoder, folder / "concepts" if folder else None)
    while linker.made < linker.common:
        linker.grow(1024)
    tried = trials(terminology, linker, encoder)
    found = fitted([trial for trial in tried if trial.fitted])
    others = [trial for trial in tried if not trial.fitted]
    print(f"fitted on one half:   {found}")
    print(f"  on the other half:  {report(found, others)}")
    if linker.confidence is not None:
        print(f"shipped:              {linker.confidence}")
        print(f"  on the other half:  {report(linker.confidence, others)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
