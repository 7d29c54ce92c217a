"""A server that does not answer is left alone until it does: questions fail at once meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from indexing.errors import EngineUnavailable

PROBE_EVERY_S = 0.5


class Unreachable(EngineUnavailable):
    """No answer at all: refused, hung up or too late. Opens the breaker; other refusals do not."""


class Breaker:
    """Closed while a server answers. `probe` returns when it does and raises otherwise.

    The probe runs in a thread of its own, so that no question waits to find out.
    """

    def __init__(
        self, name: str, probe: Callable[[], object], *, every_s: float = PROBE_EVERY_S
    ) -> None:
        self._name, self._probe, self._every_s = name, probe, every_s
        self._open = False
        self._lock = threading.Lock()
        self._closing = threading.Event()

    @property
    def open(self) -> bool:
        """Say whether the server is left alone."""
        return self._open

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Run a call to the server. Raises: EngineUnavailable: at once while it is open."""
        if self._open:
            raise EngineUnavailable(
                f"{self._name} does not answer",
                hint=f"Look at the {self._name} server; it is asked again twice a second.",
            )
        try:
            yield
        except Unreachable:
            self._trip()
            raise

    def close(self) -> None:
        """End the thread that probes."""
        self._closing.set()

    def _trip(self) -> None:
        with self._lock:
            if self._open or self._closing.is_set():
                return
            self._open = True
        name = f"probe-{self._name.lower()}"
        threading.Thread(target=self._until_back, name=name, daemon=True).start()

    def _until_back(self) -> None:
        while not self._closing.wait(self._every_s):
            try:
                self._probe()
            except EngineUnavailable:
                continue
            break
        self._open = False
