"""Run the legs side by side under one deadline; a leg that is down or slow is named, not waited
for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from indexing.errors import EngineUnavailable

WORKERS = 24  # a hung engine holds its threads; the others must still find some

Lane = Mapping[str, Callable[[], Any]]
"""Tasks of one engine by name, one after the other: a thread for each would only wait in turn."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came back in time, by name; `failed` did not; `took_ms` of those that did."""

    results: Mapping[str, Any]
    failed: tuple[str, ...]
    took_ms: Mapping[str, float]


@dataclass(slots=True)
class _Done:
    """What a lane has finished so far; read while a hung lane may still write to it."""

    results: dict[str, Any] = field(default_factory=dict)
    took_ms: dict[str, float] = field(default_factory=dict)


class Legs:
    """A pool of threads shared by every question."""

    def __init__(self, workers: int = WORKERS) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="leg")
        self._busy = threading.BoundedSemaphore(workers)

    def run(self, lanes: Sequence[Lane], timeout_s: float) -> Ran:
        """Run every task. Errors other than `EngineUnavailable` are raised."""
        deadline = time.monotonic() + timeout_s
        done = [_Done() for _ in lanes]
        futures = [self._submit(lane, into) for lane, into in zip(lanes, done, strict=True)]
        started = [future for future in futures if future is not None]
        wait(started, timeout=max(0.0, deadline - time.monotonic()))
        for future in started:
            if future.done():
                future.result()
            else:
                future.cancel()
        results = {name: value for each in done for name, value in each.results.copy().items()}
        took = {name: ms for each in done for name, ms in each.took_ms.copy().items()}
        failed = tuple(name for lane in lanes for name in lane if name not in results)
        return Ran(results, failed, took)

    def _submit(self, lane: Lane, into: _Done) -> Future[None] | None:
        """Hand a lane to the pool; None when hung engines hold every thread of it."""
        if not lane or not self._busy.acquire(blocking=False):
            return None
        future = self._pool.submit(_run, lane, into)
        future.add_done_callback(lambda _: self._busy.release())
        return future

    def close(self) -> None:
        """Let the threads end; a hung one is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _run(lane: Lane, into: _Done) -> None:
    for name, task in lane.items():
        began = time.perf_counter()
        try:
            result = task()
        except EngineUnavailable:
            continue
        into.took_ms[name] = round(1000 * (time.perf_counter() - began), 3)
        into.results[name] = result
