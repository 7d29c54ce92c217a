"""Run the legs side by side under one deadline; a leg that is down or slow is named, not waited
for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from indexing.errors import EngineUnavailable

WORKERS = 24  # a hung engine holds its threads; the others must still find some

Lane = Mapping[str, Callable[[], Any]]
"""Tasks of one engine by name, one after the other: a thread for each would only wait in turn. The
first is the one that is waited for."""


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
    error: BaseException | None = None


class _Gate:
    """Open once the first task of every lane has ended."""

    def __init__(self, lanes: int) -> None:
        self._left, self._lock, self.opened = lanes, threading.Lock(), threading.Event()
        if not lanes:
            self.opened.set()

    def pass_by(self) -> None:
        with self._lock:
            self._left -= 1
            last = self._left == 0
        if last:
            self.opened.set()


class Running:
    """Lanes under way, until one deadline. Errors other than `EngineUnavailable` are raised."""

    def __init__(self, lanes: Sequence[Lane], timeout_s: float) -> None:
        self._deadline = time.monotonic() + timeout_s
        self._lanes = [lane for lane in lanes if lane]
        self._done = [_Done() for _ in self._lanes]
        self._gate = _Gate(len(self._lanes))
        self._futures: list[Future[None]] = []

    def start(self, submit: Callable[[Callable[[], None], float], Future[None] | None]) -> None:
        """Hand the lanes to threads, as far as there are any before the deadline."""
        for lane, into in zip(self._lanes, self._done, strict=True):
            future = submit(partial(_run, lane, into, self._gate), self._left())
            if future is None:
                self._gate.pass_by()
            else:
                self._futures.append(future)

    def first(self) -> Ran:
        """Wait for the first task of every lane; the others go on."""
        self._gate.opened.wait(self._left())
        return self._ran([next(iter(lane)) for lane in self._lanes])

    def every(self) -> Ran:
        """Wait for every task."""
        wait(self._futures, timeout=self._left())
        for future in self._futures:
            future.cancel()
        return self._ran([name for lane in self._lanes for name in lane])

    def _left(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    def _ran(self, names: Sequence[str]) -> Ran:
        results: dict[str, Any] = {}
        took: dict[str, float] = {}
        for each in self._done:
            if each.error is not None:
                raise each.error
            results |= each.results.copy()
            took |= each.took_ms.copy()
        kept = {name: results[name] for name in names if name in results}
        return Ran(
            kept,
            tuple(name for name in names if name not in kept),
            {name: took[name] for name in kept},
        )


class Legs:
    """A pool of threads shared by every question."""

    def __init__(self, workers: int = WORKERS) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="leg")
        self._busy = threading.BoundedSemaphore(workers)

    def run(self, lanes: Sequence[Lane], timeout_s: float) -> Ran:
        """Run every task. Errors other than `EngineUnavailable` are raised."""
        return self.start(lanes, timeout_s).every()

    def start(self, lanes: Sequence[Lane], timeout_s: float) -> Running:
        """Start every lane."""
        running = Running(lanes, timeout_s)
        running.start(self._submit)
        return running

    def _submit(self, work: Callable[[], None], patience_s: float) -> Future[None] | None:
        """Hand a lane to the pool; None when hung engines hold every thread of it so long: who
        asks beside many others waits for their turn."""
        if not self._busy.acquire(timeout=patience_s):
            return None
        future = self._pool.submit(work)
        future.add_done_callback(lambda _: self._busy.release())
        return future

    def close(self) -> None:
        """Let the threads end; a hung one is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def _run(lane: Lane, into: _Done, gate: _Gate) -> None:
    tasks = iter(lane.items())
    _do(*next(tasks), into)
    gate.pass_by()
    for name, task in tasks:
        _do(name, task, into)


def _do(name: str, task: Callable[[], Any], into: _Done) -> None:
    began = time.perf_counter()
    try:
        result = task()
    except EngineUnavailable:
        return
    except BaseException as exc:  # noqa: BLE001  # raised to who waits; a panic is no Exception
        into.error = exc
        return
    into.took_ms[name] = round(1000 * (time.perf_counter() - began), 3)
    into.results[name] = result
