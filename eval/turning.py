"""Turn a space by pairs: one matrix for every vector, taught by all wrong answers at once.

The model below stays as it is. Taught itself, a batch at a time, its ten million weights moved by
chance: a step of 32 pairs sees 31 wrong answers and takes seconds; here it sees every text, and
takes tenths of one.
Source: Henderson et al. 2017, "Efficient Natural Language Response Suggestion for Smart Reply"
(the loss); Kingma and Ba 2015, "Adam".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from eval.pairs import Pair
from indexing.ports import Encoder, Vectors

BATCH = 512  # pairs whose questions make a step; each is told from all texts of its kind
SCALE = 20.0  # of cosines before they are chances. Source: as the model was trained
RATE = 1e-3
DECAY = (0.9, 0.999)
SEED = 7

Matrix = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Lesson:
    """The texts of one kind of pairs, each once: (n, d) and (m, d). `own[i, j]`: the share of
    `right[j]` in what `left[i]` is to find, rows of sum 1. `wrong[i, j]`: 1 where it says something
    else, as far as anybody judged. `rows`: each pair's in `left`."""

    left: Vectors
    right: Vectors
    own: Matrix
    wrong: Matrix
    rows: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Turned:
    """The vectors of an encoder, turned."""

    inner: Encoder
    turn: Matrix

    @property
    def model(self) -> str:
        """Name a space that nothing is kept under."""
        return f"{self.inner.model}-turned"

    @property
    def dimension(self) -> int:
        """Return the inner encoder's."""
        return self.inner.dimension

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Encode and turn."""
        return _unit(self.inner.encode(texts) @ self.turn)[0]


def lessons(found: Sequence[Pair], encoder: Encoder) -> list[Lesson]:
    """Encode the pairs of each kind, and lay out which texts belong together."""
    kinds = sorted({pair.kind for pair in found})
    return [_lesson([pair for pair in found if pair.kind == kind], encoder) for kind in kinds]


def _lesson(found: Sequence[Pair], encoder: Encoder) -> Lesson:
    left = {text: at for at, text in enumerate(dict.fromkeys(pair.left for pair in found))}
    right = {text: at for at, text in enumerate(dict.fromkeys(pair.right for pair in found))}
    own = np.zeros((len(left), len(right)), np.float32)
    wrong = np.ones_like(own)
    named: dict[str, set[int]] = {}
    for pair in found:
        for name in {pair.group, pair.own} - {""}:
            named.setdefault(name, set()).add(right[pair.right])
    for pair in found:
        row = left[pair.left]
        own[row, right[pair.right]] = 1
        for name in {pair.group, *pair.also} & named.keys():
            wrong[row, list(named[name])] = 0
    wrong[own > 0] = 0
    own /= own.sum(axis=1, keepdims=True)
    rows = tuple(left[pair.left] for pair in found)
    return Lesson(encoder.encode(list(left)), encoder.encode(list(right)), own, wrong, rows)


def turned(taught: Sequence[Lesson], steps: int, each: Callable[[int], None]) -> Iterator[Matrix]:
    """Yield the matrix (d, d) after each step, from none on: a vector of the new space is a row of
    the old times it, of norm 1; `each` hears of a step."""
    size = taught[0].left.shape[1]
    turn = np.eye(size, dtype=np.float32)
    mean, spread = np.zeros_like(turn), np.zeros_like(turn)
    chance = np.random.default_rng(SEED)
    rows = [(at, row) for at, lesson in enumerate(taught) for row in lesson.rows]
    yield turn
    for step in range(1, steps + 1):
        drawn = [rows[n] for n in chance.permutation(len(rows))[:BATCH]]
        slope = np.zeros_like(turn)
        for at, lesson in enumerate(taught):
            if mine := [row for of, row in drawn if of == at]:
                slope += loss_and_slope(turn, lesson, mine)[1] * np.float32(len(mine) / len(drawn))
        mean = DECAY[0] * mean + (1 - DECAY[0]) * slope
        spread = DECAY[1] * spread + (1 - DECAY[1]) * slope**2
        first, second = (
            kept / (1 - share**step) for kept, share in zip((mean, spread), DECAY, strict=True)
        )
        turn = (turn - RATE * first / (np.sqrt(second) + 1e-8)).astype(np.float32)
        each(1)
        yield turn


def loss_and_slope(turn: Matrix, lesson: Lesson, rows: Sequence[int]) -> tuple[float, Matrix]:
    """Return the mean loss of some questions, and how it changes with each entry of the matrix."""
    (left, left_norms), (right, right_norms) = (
        _unit(side @ turn) for side in (lesson.left[rows], lesson.right)
    )
    scores = SCALE * left @ right.T
    scores -= scores.max(axis=1, keepdims=True)
    powers = np.exp(scores)
    wrong = lesson.wrong[rows] * powers
    own = lesson.own[rows] / np.float32(len(rows))
    total = wrong.sum(axis=1, keepdims=True) + powers  # for each right answer by itself
    loss = float((own * (np.log(total) - scores)).sum())
    share = own / total
    pull = SCALE * (share * powers - own + wrong * share.sum(axis=1, keepdims=True))
    return loss, lesson.left[rows].T @ _unscaled(pull @ right, left, left_norms) + (
        lesson.right.T @ _unscaled(pull.T @ left, right, right_norms)
    )


def _unit(rows: Vectors) -> tuple[Vectors, Vectors]:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / norms, norms


def _unscaled(slope: Vectors, unit: Vectors, norms: Vectors) -> Vectors:
    """Return the slope by a row from the slope by that row at norm 1."""
    along: Vectors = (slope - unit * (slope * unit).sum(axis=1, keepdims=True)) / norms
    return along
