"""Teach the encoder what a site's texts call the same thing: contrastive, on the CPU.

What comes of it is a folder as the default encoder's: int8 weights and float16 words in one ONNX
file, its tokenizer, and `lineage.json`, which says what it was made of and what it is worth.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from eval.pairs import Pair, split
from eval.teaching import RATE, Course
from indexing.encoders import OnnxEncoder
from indexing.encoders.lineage import write_lineage
from indexing.encoders.shelf import FILES
from indexing.errors import InvalidInput

HELD_OUT = 0.05
FEWEST = 40  # pairs that teach
FLOOR_SHARE = 0.99  # of unrelated pairs that lie below the floor of cosines
MOST_JUDGING = 512  # held-out pairs: all of them against each other


@dataclass(frozen=True, slots=True)
class Adapted:
    """`before` and `after`: the loss of held-out pairs, among a batch at a time; `right` how often
    a held-out pair's own text is the nearest of its batch, before and after. `cpu_s`: processor
    time in all. `floor`: the cosine under which 99 % of unrelated held-out pairs lie, of the
    exported model."""

    before: float
    after: float
    right: tuple[float, float]
    floor: float
    pairs: int
    held_out: int
    steps: int
    cpu_s: float
    model: str


def adapt(
    source: Path,
    target: Path,
    found: Sequence[Pair],
    *,
    epochs: int = 1,
    rate: float = RATE,
    each: Callable[[int], None] = lambda _: None,
    told: Callable[[Adapted], Mapping[str, Any]] = asdict,
) -> Adapted:
    """Train from the published weights in `source` and export into `target`, which appears whole,
    with what is `told` of it as its lineage; `each` hears how many pairs were taught. The steps of
    a killed run lie beside it, and the next run with the same pairs goes on from them.

    Raises: ConfigurationError where the extra `models` is missing; InvalidInput.
    """
    teaching, judging = split(found, HELD_OUT)
    judging = judging[:MOST_JUDGING]
    if len(teaching) < FEWEST or len(judging) < 2:
        raise InvalidInput(
            f"{len(found)} pairs are too few to teach and to judge by",
            hint="Name more sets, or load a terminology.",
        )
    target = target.absolute()
    with appearing(target) as draft:
        course = Course(source, target.with_name(f".{target.name}.taught"), rate)
        before = course.judged(judging)
        steps = course.teach(teaching, epochs, each)
        after = course.judged(judging)
        _exported(course.model, source, draft)
        floor = _floor(OnnxEncoder(folder=draft), judging)
        write_lineage(draft, {"floor": floor})  # with a lineage it is named as adapted
        adapted = Adapted(
            before[0], after[0], (before[1], after[1]), floor, len(teaching), len(judging), steps,
            round(course.spent(), 1), OnnxEncoder(folder=draft).model,
        )  # fmt: skip
        write_lineage(draft, told(adapted))
    course.kept.unlink(missing_ok=True)
    return adapted


@contextmanager
def appearing(target: Path) -> Iterator[Path]:
    """Yield a folder that takes the place of `target` when the block ends well: a kill leaves the
    old one or the new one, never files of both, and between the two the old one beside, which
    comes back with the next.

    Raises: InvalidInput where something else than an encoder lies there.
    """
    target = target.absolute()
    if target.exists() and (strange := {each.name for each in target.iterdir()} - set(FILES)):
        raise InvalidInput(
            f"{target.name} holds {min(strange)}, which is no part of an encoder",
            hint="Name a folder of its own with --out: it is replaced whole.",
        )
    draft, old = (target.with_name(f".{target.name}.{part}") for part in ("draft", "old"))
    if old.exists() and not target.exists():
        old.rename(target)
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    try:
        yield draft
        shutil.rmtree(old, ignore_errors=True)
        if target.exists():
            target.rename(old)
        draft.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _exported(model: Any, source: Path, draft: Path) -> None:
    from indexing.encoders.export import export

    weights = draft / "weights"
    model[0].auto_model.save_pretrained(weights)
    for name in ("tokenizer.json", "config.json"):
        shutil.copyfile(source / name, weights / name)
    export(weights, draft)
    shutil.rmtree(weights)


def _floor(encoder: OnnxEncoder, judging: Sequence[Pair]) -> float:
    left = encoder.encode([pair.left for pair in judging])
    right = encoder.encode([pair.right for pair in judging])
    groups = np.array([pair.group for pair in judging])
    unrelated = (left @ right.T)[groups[:, None] != groups[None, :]]
    return round(float(np.quantile(unrelated, FLOOR_SHARE)), 3) if len(unrelated) else -1.0
