"""Lanes side by side: the first of each is waited for, the rest goes on; one deadline for all."""

from __future__ import annotations

import threading
from collections.abc import Iterator

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


def test_hung_engines_that_hold_every_thread_fail_what_comes_after() -> None:
    legs, hung = Legs(workers=1), threading.Event()
    first = legs.start([{"vector": lambda: hung.wait(10)}], timeout_s=0.0)
    assert legs.run([{"lexical": list}], timeout_s=0.05).failed == ("lexical",)
    assert first.every().failed == ("vector",)
    hung.set()
    legs.close()


def test_who_asks_while_every_thread_is_busy_waits_for_one() -> None:
    legs, busy = Legs(workers=1), threading.Event()
    first = legs.start([{"vector": lambda: busy.wait(10)}], timeout_s=10)
    threading.Timer(0.05, busy.set).start()
    assert legs.run([{"lexical": lambda: 1}, {"graph": lambda: 2}], timeout_s=10).results == {
        "lexical": 1, "graph": 2,
    }  # fmt: skip
    assert first.every().results == {"vector": True}
    legs.close()
