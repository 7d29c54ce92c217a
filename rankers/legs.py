"""Run the legs side by side under one deadline; a leg that is down or slow is named, not waited
for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from indexing.errors import EngineUnavailable

WORKERS = 24  # a hung engine holds its threads; the others must still find some


@dataclass(frozen=True, slots=True)
class Ran:
    """What came back in time, by name; `failed` did not; `took_ms` of those that did."""

    results: Mapping[str, Any]
    failed: tuple[str, ...]
    took_ms: Mapping[str, float]


class Legs:
    """A pool of threads shared by every question."""

    def __init__(self, workers: int = WORKERS) -> None:
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="leg")
        self._busy = threading.BoundedSemaphore(workers)

    def run(self, tasks: Mapping[str, Callable[[], Any]], timeout_s: float) -> Ran:
        """Run every task. Errors other than `EngineUnavailable` are raised."""
        deadline = time.monotonic() + timeout_s
        took: dict[str, float] = {}
        futures = {name: self._submit(name, task, took) for name, task in tasks.items()}
        started = {name: future for name, future in futures.items() if future is not None}
        wait(started.values(), timeout=max(0.0, deadline - time.monotonic()))
        results: dict[str, Any] = {}
        failed = [name for name, future in futures.items() if future is None]
        for name, future in started.items():
            if not future.done():
                future.cancel()
                failed.append(name)
                continue
            try:
                results[name] = future.result()
            except EngineUnavailable:
                failed.append(name)
        return Ran(results, tuple(name for name in tasks if name in failed), dict(took))

    def _submit(
        self, name: str, task: Callable[[], Any], took: dict[str, float]
    ) -> Future[Any] | None:
        """Hand a task to the pool; None when hung engines hold every thread of it."""
        if not self._busy.acquire(blocking=False):
            return None

        def timed() -> Any:
            began = time.perf_counter()
            try:
                return task()
            finally:
                took[name] = round(1000 * (time.perf_counter() - began), 3)

        future = self._pool.submit(timed)
        future.add_done_callback(lambda _: self._busy.release())
        return future

    def close(self) -> None:
        """Let the threads end; a hung one is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
