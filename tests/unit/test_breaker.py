"""A dead server costs one question its time, not every question."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import pytest

from indexing.breaker import (
    LATE_S,
    LEARN_EVERY_S,
    MOST_PATIENCE_S,
    PATIENCE_S,
    SLOWER,
    Breaker,
    Unreachable,
)
from indexing.errors import EngineUnavailable
from indexing.model import TenantId
from indexing.strays import STRAYS, own
from tests.engines import PATIENT_S

GIVEN_UP_S = 0.1  # within which a question goes on without a server that hangs


def fail(breaker: Breaker, error: EngineUnavailable) -> None:
    with pytest.raises(EngineUnavailable), breaker.guard():
        raise error


def ended(name: str) -> None:
    """Return when the threads of this name are done."""
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(PATIENT_S)
            assert not thread.is_alive()


def test_an_open_breaker_asks_nothing_and_closes_by_itself() -> None:
    back, probed = threading.Event(), threading.Event()

    def probe() -> None:
        probed.set()
        if not back.is_set():
            raise Unreachable("gone")

    breaker = Breaker("Engine", probe, every_s=0.001)
    fail(breaker, Unreachable("gone"))
    asked = []
    with pytest.raises(EngineUnavailable, match="does not answer"), breaker.guard():
        asked.append(1)
    assert not asked
    assert probed.wait(10)
    assert breaker.open
    back.set()
    ended("probe-engine")
    assert not breaker.open
    with breaker.guard():
        asked.append(1)
    assert asked


def test_a_refusal_is_an_answer() -> None:
    breaker = Breaker("Engine", lambda: None)
    fail(breaker, EngineUnavailable("read-only"))
    assert not breaker.open


def test_a_stray_is_dropped_counted_and_alarmed(caplog: pytest.LogCaptureFixture) -> None:
    mine, theirs = TenantId(uuid4()), TenantId(uuid4())
    before = STRAYS.labels("engine", "words")._value.get()
    hits = [("a", mine.hex), ("b", theirs.hex), ("c", None)]
    with caplog.at_level(logging.CRITICAL, "anamnesis.alarm"):
        kept = own("engine", "words", mine, hits, lambda hit: hit[1])
    assert kept == hits[:1]
    assert STRAYS.labels("engine", "words")._value.get() == before + 2
    assert "2 hits of another tenant" in caplog.text
    assert own("engine", "words", mine, kept, lambda hit: hit[1]) == kept


@dataclass
class Server:
    """What a breaker asks; hung, it keeps silent until it is let go."""

    going: threading.Event = field(default_factory=threading.Event)
    signs: int = 0

    def sign(self) -> None:
        self.signs += 1
        assert self.going.wait(PATIENT_S)

    def question(self) -> str:
        assert self.going.wait(PATIENT_S)
        return "answer"


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    one.going.set()
    yield one
    one.going.set()


class Clock:
    """Time that passes only in waiting for a server that hangs, and then at once: what is expected
    of a breaker does not hang on how busy this machine is."""

    def __init__(self, server: Server) -> None:
        self.now = 0.0
        self.late_s = 0.0  # by which whoever waits wakes up too late
        self.waited_s = 0.0  # for a server that hangs, by whoever asks
        self._server, self._asker = server, threading.get_ident()

    def monotonic(self) -> float:
        return self.now

    def wait(self, futures: Collection[Future[Any]], timeout: float) -> Any:
        if self._server.going.is_set():
            return wait(futures, PATIENT_S)
        self.now += timeout + self.late_s + 1e-6
        if threading.get_ident() == self._asker:
            self.waited_s += timeout
        return wait(futures, 0)


@pytest.fixture
def clock(server: Server, monkeypatch: pytest.MonkeyPatch) -> Clock:
    one = Clock(server)
    monkeypatch.setattr("indexing.breaker.time", one)
    monkeypatch.setattr("indexing.breaker.wait", one.wait)
    return one


def answered(breaker: Breaker, server: Server, clock: Clock, times: int = 1) -> None:
    """Ask a server that answers, now and then, so that each time a sign is learned from."""
    for _ in range(times):
        clock.now += LEARN_EVERY_S
        assert breaker.ask(server.question) == "answer"
        ended("pulse-engine")


def given_up(breaker: Breaker, server: Server, clock: Clock) -> float:
    """Hang while a question is asked, and go on; return the seconds until it was given up."""
    clock.waited_s = 0.0
    server.going.clear()
    with pytest.raises(EngineUnavailable, match="no sign of life"):
        breaker.ask(server.question)
    with pytest.raises(EngineUnavailable, match="does not answer"):
        breaker.ask(server.question)
    clock.now += 10.0
    server.going.set()
    for name in ("pulse-engine", "probe-engine"):
        ended(name)
    assert not breaker.open
    return clock.waited_s


def test_a_hung_server_is_given_up_while_its_call_still_hangs(server: Server, clock: Clock) -> None:
    breaker = Breaker("Engine", server.sign)
    answered(breaker, server, clock)
    assert given_up(breaker, server, clock) < GIVEN_UP_S
    answered(breaker, server, clock)
    breaker.close()


def test_who_asks_a_server_that_is_back_waits_for_no_call_that_still_hangs(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Calls keep their threads to their own deadlines, which may be of connections long dead."""
    monkeypatch.setattr("indexing.breaker.CALLS", 2)
    lost, begun = threading.Event(), []
    back = threading.Event()

    def probe() -> None:
        if not back.is_set():
            raise Unreachable("gone")

    def hang() -> None:
        begun.append(1)
        lost.wait(PATIENT_S)

    breaker = Breaker("Engine", probe, every_s=0.001, patience_s=0.01)
    with ThreadPoolExecutor(5) as askers:
        asked = [askers.submit(breaker.ask, hang) for _ in range(5)]
        for each in asked:
            with pytest.raises(EngineUnavailable, match=r"no sign of life|does not answer"):
                each.result()
    assert breaker.open
    back.set()
    ended("probe-engine")
    assert breaker.ask(lambda: "answer") == "answer"
    assert len(begun) == 2  # who stood in line behind them was not sent
    lost.set()
    breaker.close()


def test_outages_leave_the_next_one_no_more_patience(server: Server, clock: Clock) -> None:
    """Late signs alone would double it each time: the tenth outage cost each leg a second."""
    breaker = Breaker("Engine", server.sign)
    for _ in range(5):
        answered(breaker, server, clock, 8)
        assert given_up(breaker, server, clock) < GIVEN_UP_S
    breaker.close()


def test_a_server_that_hung_is_not_taken_for_a_slow_one(server: Server, clock: Clock) -> None:
    breaker = Breaker("Engine", server.sign)
    answered(breaker, server, clock)
    given_up(breaker, server, clock)
    assert given_up(breaker, server, clock) < MOST_PATIENCE_S
    breaker.close()


def test_a_sign_that_never_comes_is_waited_for_in_one_outage_alone(
    server: Server, clock: Clock
) -> None:
    swallowed, probed, signs = threading.Event(), threading.Event(), []

    def sign() -> None:
        signs.append(1)
        assert swallowed.wait(PATIENT_S)

    def probe() -> None:
        probed.set()
        assert server.going.wait(PATIENT_S)

    breaker = Breaker("Engine", probe, sign=sign)
    for _ in range(2):
        server.going.clear()
        probed.clear()
        with pytest.raises(EngineUnavailable, match="no sign of life"):
            breaker.ask(server.question)
        assert probed.wait(PATIENT_S)
        server.going.set()
        ended("probe-engine")
    swallowed.set()
    ended("pulse-engine")
    assert len(signs) == 2
    breaker.close()


def test_a_server_that_is_usually_slow_has_more_patience(server: Server, clock: Clock) -> None:
    def sign() -> None:
        clock.now += PATIENCE_S
        server.sign()

    breaker = Breaker("Engine", server.sign, sign=sign)
    answered(breaker, server, clock, 4)
    expected = LATE_S + SLOWER * PATIENCE_S
    assert given_up(breaker, server, clock) == pytest.approx(expected, abs=1e-4)
    breaker.close()


def test_a_process_that_was_kept_waiting_itself_is_patient(server: Server, clock: Clock) -> None:
    breaker = Breaker("Engine", server.sign)
    answered(breaker, server, clock)
    clock.late_s = 0.5
    expected = LATE_S + PATIENCE_S + SLOWER * clock.late_s
    assert given_up(breaker, server, clock) == pytest.approx(expected, abs=1e-4)
    breaker.close()


def test_a_slow_answer_of_a_server_that_lives_is_waited_for(server: Server) -> None:
    signed = threading.Event()

    def slow() -> str:
        assert signed.wait(PATIENT_S)
        return "answer"

    breaker = Breaker("Engine", lambda: None, sign=signed.set, patience_s=PATIENT_S)
    assert breaker.ask(slow) == "answer"
    assert not breaker.open
    breaker.close()


def test_a_refused_sign_is_one_too(server: Server) -> None:
    refused = threading.Event()

    def sign() -> None:
        refused.set()
        raise EngineUnavailable("the login is refused")

    breaker = Breaker("Engine", lambda: None, sign=sign, patience_s=PATIENT_S)
    assert breaker.ask(lambda: refused.wait(PATIENT_S))
    assert not breaker.open
    breaker.close()


def test_what_a_question_raises_is_raised(server: Server) -> None:
    breaker = Breaker("Engine", server.sign, patience_s=PATIENT_S)

    def wrong() -> None:
        raise EngineUnavailable("red")

    with pytest.raises(EngineUnavailable, match="red"):
        breaker.ask(wrong)
    assert not breaker.open
    breaker.close()


def test_closing_waits_for_a_probe_under_way() -> None:
    """It uses the client that is closed next: one fell over the connection taken from under it."""
    begun, closing = threading.Event(), threading.Event()

    def probe() -> None:
        begun.set()
        assert closing.wait(PATIENT_S)
        raise EngineUnavailable("still away")

    one = Breaker("Closing", probe)
    fail(one, Unreachable("refused"))
    assert begun.wait(PATIENT_S)
    closer = threading.Thread(target=one.close)
    closer.start()
    closer.join(0.05)
    assert closer.is_alive()
    closing.set()
    closer.join(PATIENT_S)
    assert not closer.is_alive()
    assert "probe-closing" not in {thread.name for thread in threading.enumerate()}


def test_closing_waits_no_longer_for_a_sign_and_a_probe_than_for_one(
    server: Server, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexing.breaker.CLOSING_S", 2 * PATIENT_S)
    breaker = Breaker("Engine", server.sign)
    answered(breaker, server, clock)
    server.going.clear()
    with pytest.raises(EngineUnavailable, match="no sign of life"):
        breaker.ask(server.question)
    closer = threading.Thread(target=breaker.close)  # the sign's time is gone at once
    closer.start()
    closer.join(PATIENT_S / 2)
    assert not closer.is_alive()


def test_nothing_is_sent_to_a_server_whose_client_was_closed(server: Server, clock: Clock) -> None:
    breaker = Breaker("Engine", server.sign)
    answered(breaker, server, clock)
    known, asked, closed = server.signs, threading.Event(), threading.Event()

    def question() -> None:
        asked.set()
        assert closed.wait(PATIENT_S)

    asking = threading.Thread(target=breaker.ask, args=(question,))
    asking.start()
    assert asked.wait(PATIENT_S)
    breaker.close()
    clock.now += LEARN_EVERY_S
    closed.set()
    asking.join(PATIENT_S)
    ended("pulse-engine")
    assert server.signs == known
