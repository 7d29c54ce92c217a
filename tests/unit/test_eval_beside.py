"""A second process is an offer: what it leaves undone is found undone, and nothing hangs."""

from __future__ import annotations

import os
import select
import signal
from pathlib import Path

import pytest

from app.cli import beside as module
from app.cli.beside import beside, possible

pytestmark = pytest.mark.skipif(not possible(), reason="forks on Linux with two cores alone")


def test_both_halves_are_done(tmp_path: Path) -> None:
    there = tmp_path / "there"
    with beside(lambda: there.write_text(str(os.getpid())) and None, lambda: 0):
        here = os.getpid()
    assert int(there.read_text()) != here


def test_a_helper_that_fails_ends_quietly(tmp_path: Path) -> None:
    def fail() -> None:
        os.close(2)  # its traceback is of no interest here
        raise ValueError

    with beside(fail, lambda: 0):
        pass


def test_a_silent_helper_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "SILENT_S", 0.0)
    held, hold = os.pipe()  # nobody ever writes to it
    with beside(lambda: os.read(held, 1) and None, lambda: 0):
        pass
    os.close(held)
    os.close(hold)


def test_a_helper_ends_with_the_work_beside_it() -> None:
    held, hold = os.pipe()
    with pytest.raises(KeyError), beside(lambda: os.read(held, 1) and None, lambda: 0):
        raise KeyError
    os.close(held)
    os.close(hold)


def test_a_helper_ends_with_a_process_that_is_killed() -> None:
    ended, alive = os.pipe()  # the writing end is open as long as the helper lives
    begun, begin = os.pipe()
    parent = os.fork()
    if parent == 0:
        with beside(lambda: (os.write(begin, b".") and signal.pause()) or None, lambda: 0):
            signal.pause()
    for each in (alive, begin):
        os.close(each)
    os.read(begun, 1)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    assert select.select([ended], [], [], 10)[0], "an orphan goes on"
    for each in (ended, begun):
        os.close(each)
