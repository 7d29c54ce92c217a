"""A second process beside this one: it shares what is in memory, and its work must be stored.

Python runs one thread at a time, so asking hundreds of questions uses one core of two. A forked
process sees the same indexes without copying them. It is only an offer: where it fails or falls
silent, whoever asked for it finds its work undone and does it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

SILENT_S = 120.0  # without progress for so long, a helper is given up
_LOOK_EVERY_S = 0.2
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def possible() -> bool:
    """Say whether a second process can help here; forking is safe on Linux alone."""
    return sys.platform == "linux" and (os.cpu_count() or 1) > 1


@contextmanager
def beside(work: Callable[[], None], progress: Callable[[], int]) -> Iterator[None]:
    """Do `work` in a forked process while the block runs here, and wait for it after.

    `progress` counts what is stored; a helper that adds nothing for two minutes is ended.
    """
    sys.stdout.flush()
    own = os.getpid()
    pid = os.fork()
    if pid == 0:
        _end_with(own)
        _do(work)
    try:
        yield
        _wait(pid, progress)
    finally:
        _end(pid)


def _end_with(parent: int) -> None:
    """Let the kernel end this process when its parent is killed: whoever goes on where that one
    stood would work beside an orphan."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we asked
        os._exit(1)


def _do(work: Callable[[], None]) -> None:
    code = 1
    try:
        work()
        code = 0
    finally:  # nothing of the parent's is cleaned up from here, not even by an exception
        os._exit(code)


def _wait(pid: int, progress: Callable[[], int]) -> None:
    seen, since = progress(), time.monotonic()
    while os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        time.sleep(_LOOK_EVERY_S)
        if (now := progress()) != seen:
            seen, since = now, time.monotonic()
        elif time.monotonic() - since > SILENT_S:
            return


def _end(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)  # one that ended already is only waited for
    os.waitpid(pid, 0)
