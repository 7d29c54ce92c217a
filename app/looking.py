"""A thread that looks at something again and again while a process does its work."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from typing import Self

_WAIT_S = 30.0  # for a look that is under way when the block ends


class Looking(ABC):
    """Calls `look` every so many seconds, the first time after that many, while a block runs."""

    def __init__(self, name: str, every_s: float) -> None:
        self._every_s, self._stop = every_s, threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_WAIT_S)

    @abstractmethod
    def look(self) -> None:
        """Look once; what it raises ends the looking for good."""

    def _run(self) -> None:
        while not self._stop.wait(self._every_s):
            self.look()
