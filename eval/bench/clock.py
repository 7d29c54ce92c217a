"""Timing: systems take turns at each question, so that a busy moment hits all of them alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np

Ask = Callable[[str], object]


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one system's answers; `qps` is of one asker who waits for each answer."""

    p50_ms: float
    p95_ms: float
    p99_ms: float
    qps: float

    def to_json(self) -> dict[str, float]:
        """Return the public shape."""
        return asdict(self)


def figures(took_ms: Sequence[float]) -> Figures:
    """Summarise durations, of which there is at least one."""
    p50, p95, p99 = np.percentile(np.asarray(took_ms), (50, 95, 99))
    whole_s = sum(took_ms) / 1000
    qps = len(took_ms) / whole_s if whole_s else 0.0
    return Figures(*(round(float(v), 3) for v in (p50, p95, p99, qps)))


def interleaved(
    systems: Mapping[str, Ask],
    questions: Sequence[str],
    *,
    warm_up: int = 50,
    each: Callable[[], None] = lambda: None,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, Figures]:
    """Ask every system every question, the first ones twice: once to warm up, unmeasured.

    The order of the systems turns from question to question, so that none always finds the
    processor's caches as the same other one left them.
    """
    for question in questions[:warm_up]:
        for ask in systems.values():
            ask(question)
    names = list(systems)
    took: dict[str, list[float]] = {name: [] for name in names}
    for turn, question in enumerate(questions):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            began = clock()
            systems[name](question)
            took[name].append(1000 * (clock() - began))
        each()
    return {name: figures(times) for name, times in took.items()}
