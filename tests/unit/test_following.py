"""A lane outlives what one tenant brings about, quotes nobody, and waits for news alone."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from app import following
from indexing.errors import EngineUnavailable, InvalidInput
from indexing.follow import READ_LIMIT
from indexing.model import ChangeEvent, Kind


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
    following._until(stop, installation, "series", maker, feed.round, lambda: None)


def test_a_lane_that_is_far_behind_waits_for_nobody() -> None:
    stop = Stop()
    follow(stop, Feed(READ_LIMIT, READ_LIMIT, READ_LIMIT, 7, 8))
    assert stop.waits == 2  # before the first round, and after the one that was not full


def test_no_round_begins_after_the_end() -> None:
    feed = Feed(7, 8, 9)
    follow(Stop(during=2), feed)
    assert feed.sizes == [8, 9]


def test_a_lane_whose_engine_stays_away_begins_anew() -> None:
    """What is at fault may be an index that could not be filled as the lane began."""

    def down(_feed: object) -> int:
        raise EngineUnavailable("down")

    feed, stop = Feed(7), Stop()
    installation: Any = SimpleNamespace(new_feed=lambda: feed)
    maker: Any = None
    following._until(stop, installation, "series", maker, down, lambda: None)
    assert stop.waits > 5
    assert not stop.is_set()


@pytest.mark.parametrize("why", ["the end", "a rebuild"])
def test_who_fills_an_index_anew_is_told_to_let_go(
    monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    stop = threading.Event()
    if why == "the end":
        stop.set()
    wanted: Any = SimpleNamespace(wanted=lambda name: (name, why) == ("follow:text", "a rebuild"))
    installation: Any = SimpleNamespace(feed=wanted)
    monkeypatch.setattr(following, "refill", lambda _installation, _lane, go_on: go_on())
    monkeypatch.setattr(following, "followers", lambda *_: pytest.fail("it went on"))
    following._follow(installation, "text", stop, lambda: None)


class House:
    """Two tenants whose notes were all made by the version they have; notes who is looked at."""

    def __init__(self) -> None:
        self.versions = {"a": "1", "b": "1"}
        self.old: list[tuple[str, int]] = []
        self.asked: list[str] = []
        self.made: list[str] = []
        self.open: list[str] = []
        self.derived = self.tenants = self.vitals = self
        self.kind, self.batch = Kind.LANGUAGE, 10

    def refresh_terminology(self) -> None: ...

    def all(self) -> list[Any]:
        return [SimpleNamespace(tenant_id=each) for each in self.versions]

    def language_version_of(self, tenant: str) -> str:
        return self.versions[tenant]

    def outdated(self, tenant: str, _version: str, _limit: int) -> list[tuple[str, int]]:
        self.asked.append(tenant)
        return [self.old.pop()] if self.old else []

    def apply(self, _tenant: str, events: Sequence[ChangeEvent]) -> None:
        self.made += [each.key for each in events]

    def with_open_hours(self) -> list[str]:
        return self.open

    def settle(self, tenant: str) -> int:
        self.asked.append(tenant)
        return 1


def test_notes_that_a_version_made_are_looked_through_once() -> None:
    house: Any = House()
    again = following._again(house, "text", house)
    assert again is not None
    assert not again()
    assert not again()
    assert house.asked == ["a", "b"]
    house.versions["b"], house.old = "2", [("n2", 1), ("n1", 1)]  # its own terms have changed
    assert again()
    assert again()
    assert not again()
    assert (house.asked[2:], house.made) == (["b", "b", "b"], ["n1", "n2"])
    # Whoever takes the lane after somebody else looks for himself.
    anew = following._again(house, "text", house)
    assert anew is not None
    assert not anew()
    assert house.asked[5:] == ["a", "b"]


def test_who_waits_for_one_house_asks_no_other() -> None:
    house: Any = House()
    again = following._again(house, "text", house, ["b"])
    assert again is not None
    assert not again()
    assert following.settle(house, ["b"]) == 1
    assert house.asked == ["b", "b"]


def test_an_idle_lane_of_series_asks_only_those_whose_hours_are_open() -> None:
    house: Any = House()
    assert following.settle(house) == 0
    assert house.asked == []
    house.open = ["b"]
    assert following.settle(house) == 1
    assert house.asked == ["b"]


def test_what_is_past_its_time_goes_once_a_day_while_the_series_are_idle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house: Any = House()
    kept: list[tuple[str, int, int]] = []

    def retain(tenant: str, details: datetime, rollups: datetime) -> tuple[int, int]:
        now = datetime.now(UTC)
        kept.append((tenant, (now - details).days, (now - rollups).days))
        return 2, 1

    house.retain, house.open = retain, ["b"]
    clock = [50.0]
    monkeypatch.setattr(following.time, "monotonic", lambda: clock[0])
    tidy = following._tidying(house, "series")
    tidy()
    tidy()
    assert kept == [("a", 730, 3650), ("b", 730, 3650)]
    assert house.asked == ["b"] * 2  # rolled up each time
    clock[0] += 86_399
    tidy()
    assert len(kept) == 2
    clock[0] += 1
    tidy()
    assert len(kept) == 4
    assert following.retain(house, ["a"]) == (2, 1)
    following._tidying(house, "text")()
    assert len(kept) == 5


def test_vectors_that_nobody_asks_for_are_put_away_once_a_day(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house: Any = House()
    put: list[object] = []
    clock = [50.0]
    monkeypatch.setattr(following.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(following, "put_away_unasked", put.append)
    tidy = following._tidying(house, "vectors")
    tidy()
    tidy()
    assert put == [house]
    clock[0] += 86_400
    tidy()
    assert put == [house] * 2


def test_a_lane_that_was_lent_to_a_rebuild_does_not_begin_its_day_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stop, put = threading.Event(), list[object]()
    nobody = SimpleNamespace(all=list)
    installation: Any = SimpleNamespace(feed=Lock(), refresh_encoder=lambda: False, tenants=nobody)

    def until(*given: Any) -> None:
        given[-1]()
        if installation.feed.asked == 3:
            stop.set()

    monkeypatch.setattr(following, "followers", lambda *_: [None])
    monkeypatch.setattr(following, "_until", until)
    monkeypatch.setattr(following, "_IDLE_S", 0.0)
    monkeypatch.setattr(following, "put_away_unasked", put.append)
    following.run_lane(installation, "vectors", stop)
    assert (installation.feed.asked, put) == (3, [installation])
