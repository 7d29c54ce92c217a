"""The follower beside a server: a process of its own, so that indexing never slows an answer."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Mapping

_AGAIN_S = 2.0


class Companion:
    """Runs `anamnesis index follow` while the context lasts, and starts it again if it dies.

    The child holds the read end of a pipe: when this process ends, however it ends, the child
    reads end-of-file and leaves.
    """

    def __init__(self, environment: Mapping[str, str | None]) -> None:
        """`environment` is laid over this process's own; None takes a variable away."""
        merged = {**os.environ, **environment}
        self._environment = {name: value for name, value in merged.items() if value is not None}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="companion", daemon=True)

    def __enter__(self) -> Companion:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(timeout=30)

    def _supervise(self) -> None:
        command = [sys.executable, "-m", "app.cli.main", "index", "follow", "--with-parent"]
        while not self._stop.is_set():
            with subprocess.Popen(  # noqa: S603
                command, stdin=subprocess.PIPE, env=self._environment
            ) as child:
                while child.poll() is None and not self._stop.wait(0.2):
                    pass
                assert child.stdin is not None
                child.stdin.close()
                try:
                    child.wait(timeout=20)
                except subprocess.TimeoutExpired:
                    child.kill()
            self._stop.wait(_AGAIN_S)
