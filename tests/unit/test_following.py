"""A lane outlives what one tenant brings about, quotes nobody, and waits for news alone."""

from __future__ import annotations

import logging
import threading
from contextlib import AbstractContextManager, nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from app import following
from indexing.errors import InvalidInput
from indexing.follow import READ_LIMIT


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


class Stop(threading.Event):
    """Counts the waits before rounds, and is set while one of them goes on."""

    def __init__(self, during: int = 99) -> None:
        super().__init__()
        self.during, self.waits = during, 0

    def wait(self, timeout: float | None = None) -> bool:
        self.waits += 1
        if self.waits == self.during:
            self.set()
        return self.is_set()


class Feed:
    """Tells of so many events, round by round; then that the lane is wanted."""

    def __init__(self, *sizes: int) -> None:
        self.sizes = [*sizes]

    def wanted(self, _name: str) -> bool:
        return not self.sizes

    def round(self, _feed: Any) -> int:
        return self.sizes.pop(0)


def follow(stop: Stop, feed: Feed) -> None:
    """Follow the series until the feed has no more to tell, or `stop`."""
    installation: Any = SimpleNamespace(new_feed=lambda: feed)
    maker: Any = None
    following._until(stop, installation, "series", maker, feed.round)


def test_a_lane_that_is_far_behind_waits_for_nobody() -> None:
    stop = Stop()
    follow(stop, Feed(READ_LIMIT, READ_LIMIT, READ_LIMIT, 7, 8))
    assert stop.waits == 2  # before the first round, and after the one that was not full


def test_no_round_begins_after_the_end() -> None:
    feed = Feed(7, 8, 9)
    follow(Stop(during=2), feed)
    assert feed.sizes == [8, 9]
