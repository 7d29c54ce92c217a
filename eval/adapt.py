"""Teach the encoder what a site's texts call the same thing: contrastive, on the CPU.

What comes of it is a folder as the default encoder's: its ONNX file with one matrix more, its
tokenizer, and `lineage.json`, which says what it was made of and what it is worth.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from eval.pairs import Pair, split
from eval.turning import Lesson, Matrix, Turned, lessons, loss_and_slope, turned
from eval.worth import Worth, Yardstick, worth
from indexing.encoders import OnnxEncoder
from indexing.encoders.lineage import write_lineage
from indexing.encoders.minilm import FOLDER
from indexing.encoders.shelf import FILES
from indexing.encoders.turned import export_turned
from indexing.errors import InvalidInput
from indexing.ports import Encoder

HELD_OUT = 0.2
FEWEST = 40  # pairs that teach
FLOOR_SHARE = 0.99  # of unrelated pairs that lie below the floor of cosines
MOST_JUDGING = 512  # held-out pairs: all of them against each other
MOST_STEPS = 120
LOOK_EVERY = 10  # steps
UNSEEN_STEPS = 40  # where too few topics are held out to choose by
MIX = 0.6  # of what was taught, the rest as published: as good here, and nearer to what was known


@dataclass(frozen=True, slots=True)
class Adapted:
    """`before` and `after`: the loss of held-out pairs, all against each other. `steps`: after how
    many the held-out topics gained most; `worth`: how much, none where they are too few. `cpu_s`:
    processor time in all. `floor`: the cosine under which 99 % of unrelated held-out pairs lie, of
    the exported model."""

    before: float
    after: float
    worth: Worth | None
    floor: float
    pairs: int
    held_out: int
    steps: int
    cpu_s: float
    model: str


def adapt(
    target: Path,
    found: Sequence[Pair],
    yard: Yardstick,
    encoder: Encoder,
    *,
    each: Callable[[int], None] = lambda _: None,
    told: Callable[[Adapted], Mapping[str, Any]] = asdict,
) -> Adapted:
    """Turn the default's space, whose vectors `encoder` gives, and export into `target`, which
    appears whole, with what is `told` of it as its lineage; `each` hears of a step.

    Raises: ConfigurationError without the package `onnx`; InvalidInput.
    """
    teaching, judging = split(found, HELD_OUT)
    judging = judging[:MOST_JUDGING]
    if len(teaching) < FEWEST or len(judging) < 2:
        raise InvalidInput(
            f"{len(found)} pairs are too few to teach and to judge by",
            hint="Name more sets, or load a terminology.",
        )
    with appearing(target) as draft:
        steps, turn, gained = _best(lessons(teaching, encoder), yard, encoder, each)
        export_turned(FOLDER, draft, turn)
        own, held_out = Turned(encoder, turn), lessons(judging, encoder)
        floor = _floor(own, judging)
        write_lineage(draft, {"floor": floor})  # with a lineage it is named as adapted
        adapted = Adapted(
            _loss(held_out, np.eye(len(turn), dtype=np.float32)), _loss(held_out, turn), gained,
            floor, len(teaching), len(judging), steps, round(time.process_time(), 1),
            OnnxEncoder(folder=draft).model,
        )  # fmt: skip
        write_lineage(draft, told(adapted))
    return adapted


def _best(
    taught: Sequence[Lesson], yard: Yardstick, encoder: Encoder, each: Callable[[int], None]
) -> tuple[int, Matrix, Worth | None]:
    """Return after how many steps which matrix serves the held-out topics best, and its worth.
    Source of the mixing: Wortsman et al. 2022, "Robust fine-tuning of zero-shot models"."""
    steps = MOST_STEPS if yard.tells else UNSEEN_STEPS
    published, *rest = islice(turned(taught, steps, each), 0, None, LOOK_EVERY)
    looks = [published + np.float32(MIX) * (turn - published) for turn in rest]
    if not yard.tells:
        return steps, looks[-1], None
    figures = np.array([yard.figures(Turned(encoder, turn)) for turn in looks])
    at = int(figures.mean(axis=1).argmax())
    return (at + 1) * LOOK_EVERY, looks[at], worth(yard, yard.figures(encoder), figures)


def _loss(held_out: Sequence[Lesson], turn: Matrix) -> float:
    losses = [loss_and_slope(turn, each, range(len(each.left)))[0] for each in held_out]
    weights = [len(each.left) for each in held_out]
    return round(float(np.average(losses, weights=weights)), 4)


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


def _floor(encoder: Encoder, judging: Sequence[Pair]) -> float:
    left = encoder.encode([pair.left for pair in judging])
    right = encoder.encode([pair.right for pair in judging])
    groups = np.array([pair.group for pair in judging])
    unrelated = (left @ right.T)[groups[:, None] != groups[None, :]]
    return round(float(np.quantile(unrelated, FLOOR_SHARE)), 3) if len(unrelated) else -1.0
