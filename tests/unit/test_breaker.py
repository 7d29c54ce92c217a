"""A dead server costs one question its time, not every question."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import uuid4

import pytest

from indexing.breaker import Breaker, Unreachable
from indexing.errors import EngineUnavailable
from indexing.model import TenantId
from indexing.strays import STRAYS, own


def fail(breaker: Breaker, error: EngineUnavailable) -> None:
    with pytest.raises(EngineUnavailable), breaker.guard():
        raise error


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
    while breaker.open:
        pass
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
        assert self.going.wait(10)

    def question(self) -> str:
        assert self.going.wait(10)
        return "answer"


@pytest.fixture
def server() -> Iterator[Server]:
    one = Server()
    one.going.set()
    yield one
    one.going.set()


def test_a_hung_server_is_given_up_while_its_call_still_hangs(server: Server) -> None:
    breaker = Breaker("Engine", server.sign)
    assert breaker.ask(server.question) == "answer"
    while server.signs < 1:  # it learns how long a sign of life takes
        pass
    server.going.clear()
    with pytest.raises(EngineUnavailable, match="no sign of life"):
        breaker.ask(server.question)
    with pytest.raises(EngineUnavailable, match="does not answer"):
        breaker.ask(server.question)
    server.going.set()
    while breaker.open:
        pass
    assert breaker.ask(server.question) == "answer"
    breaker.close()


def test_outages_leave_the_next_one_no_more_patience(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Late signs alone would double it each time: the tenth outage cost each leg a second."""
    monkeypatch.setattr("indexing.breaker.LEARN_EVERY_S", 0.0)
    one = Breaker("Engine", server.sign)
    before = None
    for _ in range(3):
        for _ in range(6):
            assert one.ask(server.question) == "answer"
            while (sent := one._pulse._sent) is not None and not sent.done():
                pass
        before = before or one._pulse._patience()
        server.going.clear()
        with pytest.raises(EngineUnavailable, match="no sign of life"):
            one.ask(server.question)
        server.going.set()
        while one.open:
            pass
    assert one._pulse._patience() == pytest.approx(before, abs=0.05)
    one.close()


def test_a_slow_answer_of_a_server_that_lives_is_waited_for(server: Server) -> None:
    signed = threading.Event()

    def slow() -> str:
        assert signed.wait(10)
        return "answer"

    breaker = Breaker("Engine", lambda: None, sign=signed.set)
    assert breaker.ask(slow) == "answer"
    assert not breaker.open
    breaker.close()


def test_a_refused_sign_is_one_too(server: Server) -> None:
    refused = threading.Event()

    def sign() -> None:
        refused.set()
        raise EngineUnavailable("the login is refused")

    breaker = Breaker("Engine", lambda: None, sign=sign)
    assert breaker.ask(lambda: refused.wait(10))
    assert not breaker.open
    breaker.close()


def test_what_a_question_raises_is_raised(server: Server) -> None:
    breaker = Breaker("Engine", server.sign)

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
        assert closing.wait(10)
        raise EngineUnavailable("still away")

    one = Breaker("Closing", probe)
    fail(one, Unreachable("refused"))
    assert begun.wait(10)
    threading.Timer(0.05, closing.set).start()
    one.close()
    assert "probe-closing" not in {thread.name for thread in threading.enumerate()}


def test_nothing_is_sent_to_a_server_whose_client_was_closed(server: Server) -> None:
    breaker = Breaker("Engine", server.sign)
    assert breaker.ask(lambda: "answer") == "answer"
    breaker.close()
    known = server.signs
    breaker._pulse.heard()
    assert breaker._pulse.beats(0.0)
    assert server.signs == known
