"""A leg moves to another engine while questions are answered, and back; nothing is lost on the way.

`memory` is the other engine here: what is moved, compared and switched is the same for all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import pytest

from app.wiring import Installation
from indexing.access import Access
from indexing.backends.memory.graph import MemoryGraphIndex
from indexing.backends.postgres.graph import PostgresGraphIndex
from indexing.errors import (
    Conflict,
    EngineUnavailable,
    EventRejected,
    IntegrityFault,
    InvalidInput,
)
from indexing.filters import Filters
from indexing.follow import GraphFollower
from indexing.model import Assertion, Document, Mention, Tenant, TenantId, Tombstone
from indexing.moving import Mover
from indexing.places import Stage
from indexing.ports import Derived, GraphEntry, GraphIndex
from indexing.routed import RoutedGraphIndex

WEIGHTS = {"chf": 1.0}
P, N = Assertion.PRESENT, Assertion.NEGATED


def note(tenant: Tenant, doc_id: str, version: int = 1, status: Assertion = P) -> Derived:
    document = Document(tenant.tenant_id, doc_id, version, "text")
    return Derived(document, "1", (), (), (Mention(0, 4, "chf", "chf", status, status),))


class Notes:
    """What followers read, as a dict."""

    def __init__(self) -> None:
        self.held: dict[str, Derived] = {}

    def derived(self, tenant_id: TenantId, doc_ids: list[str]) -> list[Derived]:
        return [self.held[doc_id] for doc_id in doc_ids if doc_id in self.held]

    def expected(self, tenant_id: TenantId) -> Mapping[str, int]:
        return {doc_id: each.document.version for doc_id, each in self.held.items()}


class Frail(MemoryGraphIndex):
    """A server that may be down, may break off, and may lose what it was given."""

    down = False
    upserts_left = 1_000
    loses = False
    refuses = ""

    def upsert(self, tenant_id: TenantId, entries: list[GraphEntry]) -> None:
        if any(entry.document.doc_id == self.refuses for entry in entries):
            raise EventRejected("no such letter")
        if self.down or self.upserts_left == 0:
            raise EngineUnavailable("down")
        self.upserts_left -= 1
        super().upsert(tenant_id, entries[1:] if self.loses else entries)

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        if self.down:
            raise EngineUnavailable("down")
        return super().entries(tenant_id)


class Site:
    """A leg on PostgreSQL, another engine beside it, and a search in every pause."""

    def __init__(self, installation: Installation, tenant: Tenant, access: Access) -> None:
        self.tenant, self.access, self.notes, self.other = tenant, access, Notes(), Frail()
        self.postgres = PostgresGraphIndex(installation.database)
        self.places = installation.places
        self.index = self.routed()
        self.follower = GraphFollower(self.notes, self.index)  # type: ignore[arg-type]
        self.follower.batch = 10
        self.during: Callable[[], None] = lambda: None
        self.mover = Mover(
            "graph", self.index, self.follower, self.places, self.notes.expected, self.pausing
        )

    def routed(self) -> RoutedGraphIndex:
        """Another process's view of the same record."""
        engines: dict[str, GraphIndex] = {"postgres": self.postgres, "neo4j": self.other}
        return RoutedGraphIndex("graph", "postgres", self.places, engines.__getitem__)

    @contextmanager
    def pausing(self) -> Iterator[None]:
        self.during()
        yield

    def write(self, *notes: Derived) -> None:
        """What a follower does with news."""
        for each in notes:
            self.notes.held[each.document.doc_id] = each
        self.index.upsert(
            self.tenant.tenant_id, [GraphEntry(n.document, n.mentions) for n in notes]
        )

    def delete(self, doc_id: str, version: int) -> None:
        del self.notes.held[doc_id]
        self.index.delete(self.tenant.tenant_id, [Tombstone(doc_id, version)])

    def found(self) -> list[str]:
        """Ask as a process that looks the record up now."""
        ranking = self.routed().search(self.access, WEIGHTS, Filters(), 99, "present")
        return [hit.doc_id for hit in ranking.hits]

    def served(self) -> list[str]:
        return [p.engine for p in self.index.places(self.tenant.tenant_id)]


@pytest.fixture
def site(installation: Installation, tenant: Tenant, access: Access) -> Site:
    made = Site(installation, tenant, access)
    made.write(*(note(tenant, f"n{i:02}") for i in range(35)))
    return made


def silent(_done: int, _all: int) -> None: ...


def test_a_note_that_the_other_engine_cannot_hold_stops_the_switch_alone(site: Site) -> None:
    own = site.tenant.tenant_id
    site.other.refuses = "n03"
    with pytest.raises(IntegrityFault, match="nothing was switched"):
        site.mover.move(own, "neo4j", silent)
    assert site.served()[0] == "postgres"
    assert site.mover.reconcile(own) == {"graph, building: neo4j": False}
    [place] = site.index.places(own)[1:]
    assert site.mover.lacking(own, place) == 1
    site.other.refuses = ""
    assert site.mover.reconcile(own) == {"graph, building: neo4j": True}


def test_a_leg_moves_and_comes_back_and_both_are_written_to_meanwhile(site: Site) -> None:
    own = site.tenant.tenant_id
    told: list[tuple[int, int]] = []
    before = site.found()
    moved = site.mover.move(own, "neo4j", lambda done, every: told.append((done, every)))
    assert (moved.before, moved.engine, moved.documents) == ("postgres", "neo4j", 35)
    assert moved.digest == site.postgres.state(own).digest
    assert told[:5] == [(0, 35), (10, 35), (20, 35), (30, 35), (35, 35)]
    assert site.served() == ["neo4j", "postgres"]
    assert site.found() == before
    space = site.index.places(own)[0].space
    assert space != own  # an id that nobody can guess
    assert site.other.state(own).count == 0
    site.write(note(site.tenant, "late"))
    site.delete("n00", 2)
    assert site.found() == sorted([*before[1:], "late"])
    site.mover.back(own, silent)
    assert site.served() == ["postgres", "neo4j"]
    assert site.found() == sorted([*before[1:], "late"])
    site.mover.empty(own, site.index.places(own)[1])
    assert site.served() == ["postgres"]
    assert site.other.state(space).count == 0
    with pytest.raises(Conflict):
        site.mover.back(own, silent)


def test_questions_are_answered_by_the_old_place_until_the_new_one_is_whole(site: Site) -> None:
    seen: list[int] = []

    def tell(_done: int, _all: int) -> None:
        seen.append(len(site.found()))
        if len(seen) == 2:  # news while it is being filled
            site.index._only.clear()  # the follower is another process
            site.write(note(site.tenant, "news"))
            site.index._only[site.tenant.tenant_id] = site.index.places(site.tenant.tenant_id)[1]

    site.mover.move(site.tenant.tenant_id, "neo4j", tell)
    assert set(seen) == {35, 36}
    assert "news" in site.found()


def test_a_move_that_breaks_off_goes_on_where_it_stopped(site: Site) -> None:
    own = site.tenant.tenant_id
    site.other.upserts_left = 2
    with pytest.raises(EngineUnavailable):
        site.mover.move(own, "neo4j", silent)
    assert site.served() == ["postgres", "neo4j"]
    assert len(site.found()) == 35
    [building] = site.index.places(own)[1:]
    assert building.stage is Stage.BUILDING
    assert site.other.state(building.space).count == 20
    site.other.upserts_left = 2  # enough for the rest alone
    moved = site.mover.move(own, "neo4j", silent)
    assert moved.documents == 35
    assert site.served() == ["neo4j", "postgres"]


def test_what_was_missed_is_written_again_before_a_place_may_serve(site: Site) -> None:
    own, tenant = site.tenant.tenant_id, site.tenant
    site.mover.move(own, "neo4j", silent)
    site.mover.back(own, silent)
    site.other.down = True
    site.write(note(tenant, "n01", status=N))  # annotated anew: the same version
    assert site.index.places(own)[1].behind
    site.other.down = False
    assert site.mover.reconcile(own) == {"graph, previous: neo4j": True}
    assert not site.index.places(own)[1].behind
    site.mover.back(own, silent)
    assert "n01" not in site.found()


def test_nothing_is_switched_to_an_engine_that_loses_what_it_was_given(site: Site) -> None:
    site.other.loses = True
    with pytest.raises(IntegrityFault):
        site.mover.move(site.tenant.tenant_id, "neo4j", silent)
    assert site.served()[0] == "postgres"
    assert len(site.found()) == 35


def test_an_engine_that_serves_already_is_not_moved_to(site: Site) -> None:
    with pytest.raises(InvalidInput):
        site.mover.move(site.tenant.tenant_id, "postgres", silent)


def test_a_tenant_follows_its_own_record(
    site: Site, new_tenant: Callable[[], Tenant], access: Access
) -> None:
    other = new_tenant()
    site.mover.move(site.tenant.tenant_id, "neo4j", silent)
    assert [p.engine for p in site.index.places(other.tenant_id)] == ["postgres"]
    theirs = replace(access, tenant_id=other.tenant_id)
    assert site.routed().search(theirs, WEIGHTS, Filters(), 9, "present").hits == ()
