"""`anamnesis bench outage`: what a question costs while a site's server is hung or dead."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import cycle
from statistics import median
from threading import Event
from typing import Any
from urllib.parse import urlsplit

from app.cli.bench_engines import Beside
from app.cli.bench_hospital import settled, tenant_of
from app.cli.bench_servers import ADDRESSES, reach
from app.cli.output import operator, print_json
from app.settings import Settings, load
from app.stores import stores
from app.wiring import Installation
from eval.bench.questions import questions
from eval.bench.relay import Relay, free_ports
from indexing.access import Access
from indexing.reconcile import reconcile
from rankers.answer import Answer, SearchRequest

TURNS = 10
BEFORE = 20  # questions to a server that lives, in each turn
WHILE = 10  # questions to one that does not
_BACK_S = 30.0
ENGINES: Mapping[str, Mapping[str, str]] = {
    "opensearch": {"lexical": "opensearch", "vector": "opensearch"},
    "weaviate": {"vector": "weaviate"},
    "neo4j": {"graph": "neo4j"},
}


@dataclass(slots=True)
class Took:
    """Milliseconds of questions; `first` met the outage, `later` came after it."""

    lives: list[float] = field(default_factory=list)
    first: list[float] = field(default_factory=list)
    later: list[float] = field(default_factory=list)
    back: list[float] = field(default_factory=list)
    given_up: int = 0  # questions without a leg whose server lived: it was silent for too long

    def to_json(self) -> dict[str, float]:
        """Return the figures; what is added is told beside the usual question."""
        usual = median(self.lives)
        found = {
            "usual_ms": usual,
            "first_added_ms": median(self.first) - usual,
            "first_added_worst_ms": max(self.first) - usual,
            "later_added_ms": median(self.later) - usual,
            "back_ms": median(self.back),
        }
        rounded = {name: round(value, 1) for name, value in found.items()}
        return rounded | {"questions": len(self.lives), "given_up": self.given_up}


def outage_command(notes: int, names: Sequence[str], as_json: bool) -> int:
    """Hang and kill each server's connections in turn; return the exit code."""
    outer = load()
    reach(outer, names, tuple(ENGINES))
    result: dict[str, Any] = {}
    with settled(outer, notes) as whole:
        tenant = tenant_of(whole)
        for name in names:
            with _relayed(outer, whole, name) as (installation, relay):
                _filled(installation, tenant.tenant_id, ENGINES[name])
                asked = _questions(installation, operator(tenant), set(ENGINES[name]))
                for how, cut, mend in (
                    ("hung", relay.hang, relay.go_on), ("dead", relay.die, relay.start),
                ):  # fmt: skip
                    took = _outages(asked, cut, mend)
                    result[f"{name}, {how}"] = took.to_json()
    if as_json:
        print_json(result)
        return 0
    for name, rates in result.items():
        print(f"{name:<18} " + "  ".join(f"{key} {value}" for key, value in rates.items()))
    return 0


@contextmanager
def _relayed(
    outer: Settings, whole: Installation, name: str
) -> Iterator[tuple[Installation, Relay]]:
    """Lend an installation whose server is behind a relay."""
    fields = ADDRESSES[name]
    ports = free_ports(len(fields))
    targets: dict[int, str] = {}
    changed: dict[str, Any] = {"home": whole.home, "database_url": None, **ENGINES[name]}
    for own, port in zip(fields, ports, strict=True):
        given = str(getattr(outer, own))
        target = urlsplit(given).netloc or given
        targets[port] = target
        changed[own] = given.replace(target, f"127.0.0.1:{port}")
    relay = Relay(targets)
    installation = Beside(outer.model_copy(update=changed), whole)
    try:
        yield installation, relay
    finally:
        installation.search.close()
        tenant_id = tenant_of(whole).tenant_id
        for leg in ENGINES[name]:
            getattr(installation, leg).drop(tenant_id)
        installation.close()
        relay.die()


def _filled(installation: Installation, tenant_id: Any, legs: Mapping[str, str]) -> None:
    chosen = [each for each in stores(installation) if each.name in legs]
    for leg in legs:
        getattr(installation, leg).drop(tenant_id)
    pairs = reconcile(tenant_id, installation.derived.live, chosen)
    assert all(after.equal for _, after in pairs), "the server does not hold what it was given"


Ask = Callable[[str], tuple[float, Answer]]


@dataclass(frozen=True, slots=True)
class _Asked:
    """Questions that go to the server, and the legs of it that each asks."""

    ask: Ask
    legs: Mapping[str, frozenset[str]]


def _questions(installation: Installation, access: Access, legs: set[str]) -> _Asked:
    """Choose questions that the server's legs found something for: the graph is not asked by one
    that names no concept. The exact ones need the full text."""

    def ask(question: str) -> tuple[float, Answer]:
        began = time.perf_counter()
        answer = installation.search.answer(access, SearchRequest(q=question, k=10))
        return 1000 * (time.perf_counter() - began), answer

    chosen: dict[str, frozenset[str]] = {}
    for question in questions(200):
        if '"' not in question:
            found = ask(question)[1].hits
            asked = legs.intersection(leg for hit in found for leg in hit.signals)
            if asked:
                chosen[question] = frozenset(asked)
    return _Asked(ask, chosen)


def _outages(asked: _Asked, cut: Callable[[], None], mend: Callable[[], None]) -> Took:
    took, tick = Took(), Event()
    at = cycle(asked.legs)
    for _ in range(TURNS):
        for question in (next(at) for _ in range(BEFORE)):
            ms, answer = asked.ask(question)
            took.lives.append(ms)
            took.given_up += bool(answer.missing)
        cut()
        try:
            for number, question in enumerate(next(at) for _ in range(1 + WHILE)):
                ms, answer = asked.ask(question)
                assert asked.legs[question] <= set(answer.missing), "a leg is missing, unnamed"
                (took.later if number else took.first).append(ms)
        finally:
            mend()
        began = time.monotonic()
        while asked.ask(question)[1].missing:
            assert time.monotonic() - began < _BACK_S, "the server is not taken up again"
            tick.wait(0.05)
        took.back.append(1000 * (time.monotonic() - began))
    return took
