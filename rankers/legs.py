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

WORKERS = 16  # threads of each lane: a hung engine holds those of its own and no others

Lane = Mapping[str, Callable[[], Any]]
"""Tasks of one engine by name, one after the other: a thread for each would only wait in turn. The
first is the one that is waited for. Lanes at one place of their lists are of one engine."""


@dataclass(frozen=True, slots=True)
class Ran:
    """What came back in time, by name; `failed` did not; `took_ms` of those that did."""

    results: Mapping[str, Any]
    failed: tuple[str, ...]
    took_ms: Mapping[str, float]


@dataclass(slots=True)
class _Done:
    """What a lane has finished so far; read while a hung lane may still write to it. Once it is
    `given_up`, nobody reads it any more."""

    results: dict[str, Any] = field(default_factory=dict)
    took_ms: dict[str, float] = field(default_factory=dict)
    error: BaseException | None = None
    given_up: bool = False


class _Gate:
    """Open once the first task of every lane has ended."""

    def __init__(self, lanes: int) -> None:
        self._left, self._lock = lanes, threading.Lock()
        self.opened = threading.Event()
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

    def __init__(self, lanes: Sequence[tuple[Lane, _Threads]], timeout_s: float) -> None:
        self._deadline = time.monotonic() + timeout_s
        self._lanes = [lane for lane, _ in lanes]
        self._done = [_Done() for _ in lanes]
        self._gate = _Gate(len(lanes))
        self._given: list[tuple[_Threads, Future[None], _Done]] = []
        for (lane, threads), into in zip(lanes, self._done, strict=True):
            future = threads.submit(partial(_run, lane, into, self._gate))
            if future is None:
                self._gate.pass_by()
            else:
                self._given.append((threads, future, into))

    def first(self) -> Ran:
        """Wait for the first task of every lane; the others go on."""
        if not self._gate.opened.wait(self._left()):
            self._give_up()
        return self._ran([next(iter(lane)) for lane in self._lanes])

    def every(self) -> Ran:
        """Wait for every task."""
        wait([future for _, future, _ in self._given], timeout=self._left())
        self._give_up()
        return self._ran([name for lane in self._lanes for name in lane])

    def _give_up(self) -> None:
        """Wait no more for what has not ended."""
        for threads, future, into in self._given:
            if not (future.done() or into.given_up):
                into.given_up = True
                threads.give_up(future)

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


class _Threads:
    """The threads of one lane. While each is held by a question that was given up, a new one is
    not made to wait for any."""

    def __init__(self, workers: int, name: str) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._free, self._lock = workers, threading.Lock()

    def submit(self, work: Callable[[], None]) -> Future[None] | None:
        """Hand over a lane, which begins when a thread is free; None where all of them hang."""
        if self._free <= 0:
            return None
        return self._pool.submit(work)

    def give_up(self, future: Future[None]) -> None:
        """Count on its thread no more until it comes back; what has not begun never will."""
        if future.cancel():
            return
        with self._lock:
            self._free -= 1
        future.add_done_callback(self._back)

    def _back(self, _: Future[None]) -> None:
        with self._lock:
            self._free += 1

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)


class Legs:
    """Threads for every question, those of each lane apart."""

    def __init__(self, workers: int = WORKERS) -> None:
        self._workers, self._threads, self._lock = workers, list[_Threads](), threading.Lock()

    def run(self, lanes: Sequence[Lane], timeout_s: float) -> Ran:
        """Run every task. Errors other than `EngineUnavailable` are raised."""
        return self.start(lanes, timeout_s).every()

    def start(self, lanes: Sequence[Lane], timeout_s: float) -> Running:
        """Start every lane."""
        with self._lock:
            for number in range(len(self._threads), len(lanes)):
                self._threads.append(_Threads(self._workers, f"leg-{number}"))
        given = zip(lanes, self._threads, strict=False)
        return Running([(lane, threads) for lane, threads in given if lane], timeout_s)

    def close(self) -> None:
        """Let the threads end; a hung one is not waited for."""
        for each in self._threads:
            each.close()


def _run(lane: Lane, into: _Done, gate: _Gate) -> None:
    tasks = iter(lane.items())
    _do(*next(tasks), into)
    gate.pass_by()
    for name, task in tasks:
        if into.given_up:
            return
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
