"""Lanes side by side: the first of each is waited for, the rest goes on; one deadline for all."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import wait

import pytest

from indexing.errors import EngineUnavailable
from rankers.legs import Legs


class Panic(BaseException):
    """What a panic in an engine's own code arrives as."""


@pytest.fixture
def legs() -> Iterator[Legs]:
    made = Legs(workers=4)
    yield made
    made.close()


def down() -> object:
    raise EngineUnavailable("away")


def panics() -> object:
    raise Panic


def test_what_stands_beside_the_ranking_is_not_waited_for(legs: Legs) -> None:
    told = threading.Event()
    beside = {"lexical": lambda: 1, "facets": lambda: told.wait(10)}
    running = legs.start([beside, {"vector": lambda: 2}], timeout_s=10)
    first = running.first()
    assert first.results == {"lexical": 1, "vector": 2}
    assert not first.failed
    told.set()  # the facets had no end before
    assert running.every().results == {"lexical": 1, "vector": 2, "facets": True}


def test_whoever_waits_for_the_first_waits_no_longer_than_for_all(legs: Legs) -> None:
    hung = threading.Event()
    running = legs.start([{"vector": lambda: hung.wait(10)}], timeout_s=0.1)
    assert running.first().failed == ("vector",)
    hung.set()


def test_a_hung_leg_takes_nothing_from_the_others(legs: Legs) -> None:
    hung = threading.Event()
    lanes = [{"vector": lambda: hung.wait(10), "offers": list}, {"lexical": list, "facets": list}]
    running = legs.start(lanes, timeout_s=0.5)
    assert running.first().failed == ("vector",)
    assert set(running.every().results) == {"lexical", "facets"}
    assert running.every().failed == ("vector", "offers")
    hung.set()


def test_a_leg_that_is_down_is_named_and_its_lane_goes_on(legs: Legs) -> None:
    ran = legs.run([{"lexical": down, "facets": lambda: 3}, {}], timeout_s=10)
    assert (ran.results, ran.failed) == ({"facets": 3}, ("lexical",))


@pytest.mark.parametrize("lane", [{"lexical": panics}, {"lexical": list, "facets": panics}])
def test_an_error_is_raised_where_it_is_waited_for(legs: Legs, lane: dict[str, object]) -> None:
    with pytest.raises(Panic):
        legs.run([lane], timeout_s=10)  # type: ignore[list-item]


def test_a_lane_whose_threads_all_hang_fails_at_once_and_no_other_does() -> None:
    """Whoever asks next waits for nothing: the deadline here would outlast the test."""
    legs, hung = Legs(workers=2), threading.Event()
    given_up = []
    for _ in range(2):
        first = legs.start([{"vector": lambda: hung.wait(60)}, {"lexical": list}], timeout_s=0.0)
        assert "vector" in first.first().failed
        given_up.append(first)
    for _ in range(3):
        ran = legs.start([{"vector": lambda: 1, "offers": list}, {"lexical": list}], timeout_s=900)
        assert set(ran.first().results) == {"lexical"}
        assert ran.every().failed == ("vector", "offers")
    hung.set()
    for each in given_up:
        wait([future for _, future, _ in each._given])
    assert legs.run([{"vector": lambda: 1}], timeout_s=900).results == {"vector": 1}
    legs.close()


def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    legs, hung, beside = Legs(workers=1), threading.Event(), []
    first = legs.start(
        [{"lexical": lambda: hung.wait(60), "facets": lambda: beside.append(1)}], timeout_s=0.0
    )
    late = legs.start([{"lexical": lambda: beside.append(2)}], timeout_s=0.0)
    for each in (first, late):
        assert "lexical" in each.every().failed
    hung.set()
    wait([future for _, future, _ in first._given])
    assert legs.run([{"lexical": list}], timeout_s=900).results == {"lexical": []}
    assert not beside
    legs.close()


def test_who_asks_while_every_thread_is_busy_waits_for_one() -> None:
    legs, busy = Legs(workers=1), threading.Event()
    first = legs.start([{"vector": lambda: busy.wait(10)}], timeout_s=10)
    second = legs.start([{"vector": lambda: 1}], timeout_s=10)
    busy.set()
    assert second.every().results == {"vector": 1}
    assert first.every().results == {"vector": True}
    legs.close()
