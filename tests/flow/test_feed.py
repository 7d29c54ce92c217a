"""The change feed under concurrency, and followers that meet faults."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
import pytest

from app.wiring import Installation
from indexing.backends.postgres.derived import announce
from indexing.errors import EngineUnavailable, EventRejected
from indexing.follow import replay, step
from indexing.model import ChangeEvent, Kind, Tenant, TenantId


class Recorder:
    """A follower that notes what it is given, and fails as told."""

    kind = Kind.VECTORS
    batch = 10

    def __init__(self, name: str, *, rejects: frozenset[str] = frozenset()) -> None:
        self.name, self.rejects, self.down = name, rejects, False
        self.seen: list[tuple[str, int, bool]] = []

    def apply(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        if self.down:
            raise EngineUnavailable("down")
        if any(event.key in self.rejects for event in events):
            raise EventRejected("bad")
        self.seen += [(event.key, event.version, event.deleted) for event in events]


@pytest.fixture
def follower(installation: Installation, tenant: Tenant) -> Recorder:
    recorder = Recorder(f"recorder-{tenant.code}")
    while step(installation.feed, recorder):  # past what other tests announced
        pass
    recorder.seen.clear()
    return recorder


def say(installation: Installation, tenant: Tenant, *events: tuple[str, int, bool]) -> None:
    with installation.database.tenant(tenant.tenant_id) as conn:
        announce(conn, tenant.tenant_id, Kind.VECTORS, events)


def drain(installation: Installation, follower: Recorder) -> None:
    while step(installation.feed, follower):
        pass


def test_a_row_that_commits_late_is_not_lost(
    installation: Installation, tenant: Tenant, follower: Recorder
) -> None:
    """The classic outbox bug: `id > cursor` skips a row whose transaction commits out of order."""
    with psycopg.connect(installation.conninfos.app) as slow:
        slow.execute("SELECT set_config('app.tenant', %s, true)", (str(tenant.tenant_id),))
        slow.execute(
            "INSERT INTO outbox (tenant_id, kind, key, version) VALUES (%s, 'vectors', 'a', 1)",
            (tenant.tenant_id,),
        )
        say(installation, tenant, ("b", 1, False))
        drain(installation, follower)
        assert follower.seen == []  # held back, not skipped
        slow.commit()
    drain(installation, follower)
    assert follower.seen == [("a", 1, False), ("b", 1, False)]


def test_only_the_newest_event_of_a_key_is_applied(
    installation: Installation, tenant: Tenant, follower: Recorder
) -> None:
    say(installation, tenant, ("a", 1, False), ("b", 1, False), ("a", 2, False), ("b", 2, True))
    drain(installation, follower)
    assert sorted(follower.seen) == [("a", 2, False), ("b", 2, True)]


def test_a_dead_engine_holds_its_cursor_and_parks_nothing(
    installation: Installation, tenant: Tenant, follower: Recorder
) -> None:
    say(installation, tenant, ("a", 1, False))
    follower.down = True
    with pytest.raises(EngineUnavailable):
        step(installation.feed, follower)
    assert installation.feed.parked(follower.name, tenant.tenant_id) == frozenset()
    follower.down = False
    drain(installation, follower)
    assert follower.seen == [("a", 1, False)]


def test_a_bad_event_is_parked_alone_and_later_ones_of_its_key_behind_it(
    installation: Installation, tenant: Tenant, follower: Recorder
) -> None:
    follower.rejects = frozenset({"bad"})
    say(installation, tenant, ("a", 1, False), ("bad", 1, False), ("b", 1, False))
    drain(installation, follower)
    assert sorted(follower.seen) == [("a", 1, False), ("b", 1, False)]
    follower.rejects = frozenset()
    say(installation, tenant, ("bad", 2, False), ("c", 1, False))
    drain(installation, follower)
    assert ("bad", 2, False) not in follower.seen
    assert installation.feed.parked(follower.name, tenant.tenant_id) == {"bad"}
    follower.down = True
    with pytest.raises(EngineUnavailable):
        replay(installation.feed, follower, tenant.tenant_id)
    assert installation.feed.parked(follower.name, tenant.tenant_id) == {"bad"}  # nothing is lost
    follower.down = False
    assert replay(installation.feed, follower, tenant.tenant_id) == 1
    assert follower.seen[-1] == ("bad", 2, False)
    assert installation.feed.parked(follower.name, tenant.tenant_id) == frozenset()


def test_what_is_refused_again_stays_parked_and_so_does_what_came_later(
    installation: Installation, tenant: Tenant, follower: Recorder
) -> None:
    follower.rejects = frozenset({"bad"})
    say(installation, tenant, ("bad", 1, False))
    drain(installation, follower)
    assert replay(installation.feed, follower, tenant.tenant_id) == 1
    assert installation.feed.parked(follower.name, tenant.tenant_id) == {"bad"}
    [event] = installation.feed.parked_events(follower.name, tenant.tenant_id)
    say(installation, tenant, ("bad", 2, True))
    drain(installation, follower)
    installation.feed.unpark(follower.name, event)
    [later] = installation.feed.parked_events(follower.name, tenant.tenant_id)
    assert (later.version, later.deleted) == (2, True)


def test_one_follower_holds_a_lane_at_a_time(installation: Installation) -> None:
    with installation.feed.lock("lane") as first, installation.feed.lock("lane") as second:
        assert (first, second) == (True, False)
    for _ in range(200):  # at once: whoever comes next must not find it held
        with installation.feed.lock("lane") as next_one:
            assert next_one


def test_a_batch_says_up_to_when_it_is_complete(
    installation: Installation, tenant: Tenant, follower: Recorder
) -> None:
    say(installation, tenant, ("a", 1, False))
    batch = installation.feed.read(follower.name, Kind.VECTORS, 100)
    assert batch.complete_to is not None
    with psycopg.connect(installation.conninfos.app) as slow:
        slow.execute("SELECT pg_current_xact_id()")
        say(installation, tenant, ("b", 1, False))
        held = installation.feed.read(follower.name, Kind.VECTORS, 100)
        later = installation.feed.read(follower.name, Kind.VECTORS, 100)
    assert [event.key for event in held.events] == ["a"]
    assert held.complete_to == later.complete_to  # stands still at the row that is held back
