"""A lane outlives what one tenant brings about, and quotes nobody."""

from __future__ import annotations

import logging
import threading
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from app import following
from indexing.errors import InvalidInput


class Lock:
    """A feed that counts who asks for the lane."""

    def __init__(self) -> None:
        self.asked = 0

    def lock(self, _name: str) -> AbstractContextManager[bool]:
        self.asked += 1
        return nullcontext(True)


def lane(monkeypatch: pytest.MonkeyPatch, faults: list[BaseException]) -> Lock:
    """Run one lane whose followers fail, one fault a time, until none is left."""
    feed, stop = Lock(), threading.Event()
    installation: Any = SimpleNamespace(feed=feed, refresh_encoder=lambda: False)

    def follow(*_: object) -> None:
        if not faults:
            stop.set()
            return
        raise faults.pop(0)

    monkeypatch.setattr(following, "_follow", follow)
    monkeypatch.setattr(following, "_SETBACK_S", 0.0)
    monkeypatch.setattr(following, "_IDLE_S", 0.0)
    following.run_lane(installation, "text", stop)
    return feed


def test_a_lane_goes_on_and_tells_the_kind_of_fault_alone(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    faults = [InvalidInput("Ada Quill"), OSError(39, "Ada Quill"), KeyError("Ada Quill")]
    with caplog.at_level(logging.DEBUG):
        feed = lane(monkeypatch, [*faults])
    assert feed.asked == 4
    for fault in faults:
        assert type(fault).__name__ in caplog.text
    assert "Ada" not in caplog.text


def test_what_ends_the_process_ends_the_lane(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(KeyboardInterrupt):
        lane(monkeypatch, [KeyboardInterrupt()])
