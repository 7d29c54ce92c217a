"""Timing: systems take turns at blocks of questions, so that a busy moment hits all alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

Ask = Callable[[str], object]

# So many questions are asked of a system before the next one's turn: who asks one question after
# another finds the processor's caches as its own last answer left them, not another system's scan.
BLOCK = 25


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one system's answers; `qps` is of one asker who waits for each answer, `blocks` holds the
    milliseconds of each block."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    qps: float
    blocks: tuple[float, ...] = field(default=(), repr=False)

    def to_json(self) -> dict[str, float]:
        """Return the public shape."""
        return {
            "p50_ms": self.p50_ms,
            "p95_ms": self.p95_ms,
            "p99_ms": self.p99_ms,
            "qps": self.qps,
        }


@dataclass(frozen=True, slots=True)
class Ratio:
    """How long one system took for each of another's milliseconds, block by block."""

    median: float
    least: float
    most: float


def figures(took_ms: Sequence[float], block: int = BLOCK) -> Figures:
    """Summarise durations, of which there is at least one."""
    p50, p95, p99 = np.percentile(np.asarray(took_ms), (50, 95, 99))
    whole_s = sum(took_ms) / 1000
    qps = len(took_ms) / whole_s if whole_s else 0.0
    blocks = tuple(sum(took_ms[at : at + block]) for at in range(0, len(took_ms), block))
    p50_ms, p95_ms, p99_ms, rate = (round(float(v), 3) for v in (p50, p95, p99, qps))
    return Figures(p50_ms, p95_ms, p99_ms, rate, blocks)


def ratio(of: Figures, to: Figures) -> Ratio:
    """Compare two systems of one run."""
    each = [a / b for a, b in zip(of.blocks, to.blocks, strict=True)]
    return Ratio(*(round(float(v), 3) for v in (np.median(each), min(each), max(each))))


def interleaved(
    systems: Mapping[str, Ask],
    questions: Sequence[str],
    *,
    warm_up: int = 50,
    block: int = BLOCK,
    apart: Collection[str] = (),
    each: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Figures]:
    """Ask every system every question, the last ones twice: once to warm up, unmeasured.

    They take turns at blocks, forwards and backwards (A B B A), so that none always follows the
    same other one. Those `apart` share a memory with another one, and ask the second half first: a
    question that has just been answered beside them would find kept what a new one has to wait for.
    """
    for question in questions[-warm_up:] if warm_up else ():
        for ask in systems.values():
            ask(question)
    names, half = list(systems), len(questions) // 2
    order = {
        name: [*questions[half:], *questions[:half]] if name in apart else questions
        for name in names
    }
    took: dict[str, list[float]] = {name: [] for name in names}
    for turn, at in enumerate(range(0, len(questions), block)):
        for name in names[:: -1 if turn % 2 else 1]:
            for question in order[name][at : at + block]:
                began = clock()
                systems[name](question)
                took[name].append(1000 * (clock() - began))
        for _ in questions[at : at + block]:
            each()
    return {name: figures(times, block) for name, times in took.items()}
