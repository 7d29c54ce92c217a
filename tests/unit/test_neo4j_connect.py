"""A Neo4j is asked for a sign of life beside whatever else goes on with it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import pytest

from indexing.backends.neo4j import connect
from indexing.errors import EngineUnavailable
from indexing.model import TenantId


class Driver:
    """A server that makes no index until it was asked for a sign of life."""

    signed = threading.Event()

    @contextmanager
    def session(self, **_: Any) -> Iterator[Driver]:
        yield self

    @contextmanager
    def begin_transaction(self) -> Iterator[Driver]:
        yield self

    def run(self, statement: str) -> Driver:
        if statement == "RETURN 1":
            self.signed.set()
        else:
            assert self.signed.wait(10)
        return self

    def consume(self) -> None:
        """There is nothing."""

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
def neo4j(monkeypatch: pytest.MonkeyPatch) -> connect.Neo4j:
    monkeypatch.setattr(Driver, "signed", threading.Event())
    monkeypatch.setattr(connect, "_driver_of", lambda *_, **__: Driver())
    return connect.Neo4j(connect.Address("bolt://127.0.0.1:7687"))


def test_a_server_that_makes_its_indexes_is_not_called_dead(neo4j: connect.Neo4j) -> None:
    assert neo4j.ask(TenantId(uuid4()), lambda _: "answer") == "answer"  # type: ignore[arg-type]
    neo4j.close()


def test_upkeep_is_not_hurried_by_signs_of_life(neo4j: connect.Neo4j) -> None:
    """Listing what a cold server holds took a second: it was called dead, and rebuilding failed."""
    Driver.signed.set()
    assert neo4j.read(TenantId(uuid4()), lambda _: "listed") == "listed"  # type: ignore[arg-type]
    assert neo4j._probing is None
    neo4j.close()


def test_a_sign_that_comes_to_be_asked_for_after_the_end_opens_nothing(
    neo4j: connect.Neo4j,
) -> None:
    neo4j.close()
    with pytest.raises(EngineUnavailable):
        neo4j._sign()
    assert neo4j._probing is None
