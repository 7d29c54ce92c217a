"""A dead server costs one question its time, not every question."""

from __future__ import annotations

import logging
import threading
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
