"""Followers: each takes the feed's events of one kind and keeps one store in step.

A dead engine delays its own follower, which waits. Only an event that is itself at fault is
parked, with every later event of its key, until somebody replays them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from indexing.codes import Codes
from indexing.derive import DerivedStore
from indexing.errors import EventRejected, TenantErased
from indexing.feed import ChangeFeed
from indexing.model import ChangeEvent, Kind, TenantId, Tombstone
from indexing.ports import (
    Encoder,
    GraphEntry,
    GraphIndex,
    LexicalEntry,
    LexicalIndex,
    VectorIndex,
)

READ_LIMIT = 2_000
TRIES = 3


class Follower(Protocol):
    """`apply` is idempotent: an event says that something changed, the store says to what."""

    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def batch(self) -> int:
        """How many documents one `apply` takes at most."""
        ...

    def apply(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None: ...


class LexicalFollower:
    """Keeps the full-text index in step."""

    name = "lexical"
    kind = Kind.LANGUAGE
    batch = 500

    def __init__(self, store: DerivedStore, index: LexicalIndex) -> None:
        self._store, self._index = store, index

    def apply(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        """Upsert what lives, delete what is gone."""
        derived = self._store.derived(tenant_id, [e.key for e in events if not e.deleted])
        if derived:
            entries = [LexicalEntry(d.document, d.sections, d.mentions) for d in derived]
            self._index.upsert(tenant_id, entries)
        if gone := tombstones(events):
            self._index.delete(tenant_id, gone)


class GraphFollower:
    """Keeps the concept graph in step."""

    name = "graph"
    kind = Kind.LANGUAGE
    batch = 500

    def __init__(self, store: DerivedStore, index: GraphIndex) -> None:
        self._store, self._index = store, index

    def apply(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        """Upsert what lives, delete what is gone."""
        derived = self._store.derived(tenant_id, [e.key for e in events if not e.deleted])
        if derived:
            self._index.upsert(tenant_id, [GraphEntry(d.document, d.mentions) for d in derived])
        if gone := tombstones(events):
            self._index.delete(tenant_id, gone)


class VectorFollower:
    """Keeps the vector index in step."""

    name = "vector"
    kind = Kind.VECTORS
    batch = 200

    def __init__(
        self, store: DerivedStore, index: VectorIndex, encoder: Encoder,
        codes: Callable[[TenantId], Codes],
    ) -> None:  # fmt: skip
        """`codes(tenant)` says what its notes are filtered by of their mentions."""
        self._store, self._index, self._codes = store, index, codes
        self._model, self._dimension = encoder.model, encoder.dimension

    def apply(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        """Upsert what lives, delete what is gone."""
        keys = [e.key for e in events if not e.deleted]
        codes = self._codes(tenant_id)
        entries = self._store.vectors(tenant_id, keys, self._model, self._dimension, codes)
        if entries:
            self._index.upsert(tenant_id, entries)
        if gone := tombstones(events):
            self._index.delete(tenant_id, gone)


def tombstones(events: Sequence[ChangeEvent]) -> list[Tombstone]:
    """Return the deletions among `events`."""
    return [Tombstone(e.key, e.version) for e in events if e.deleted]


def step(feed: ChangeFeed, follower: Follower) -> int:
    """Take one batch through one follower; return how many events were read, 0 when current.

    Raises:
        EngineUnavailable: the engine is at fault; the cursor stays, call again later.
    """
    batch = feed.read(follower.name, follower.kind, READ_LIMIT)
    for tenant_id, events in _by_tenant(batch.events).items():
        with suppress(TenantErased):  # its events go with it, and hold nobody else's back
            _take(feed, follower, tenant_id, events)
    feed.commit(follower.name, batch)
    return batch.size


def _take(
    feed: ChangeFeed, follower: Follower, tenant_id: TenantId, events: Sequence[ChangeEvent]
) -> None:
    held_back = feed.parked(follower.name, tenant_id)
    for event in events:
        if event.key in held_back:
            feed.park(follower.name, event, "Behind")
    ready = [event for event in events if event.key not in held_back]
    for at in range(0, len(ready), follower.batch):
        _apply(feed, follower, tenant_id, ready[at : at + follower.batch])


def _by_tenant(events: Sequence[ChangeEvent]) -> dict[TenantId, list[ChangeEvent]]:
    """Keep each key's newest event, grouped by tenant, in the order of the feed."""
    newest: dict[tuple[TenantId, str], ChangeEvent] = {}
    for event in events:
        known = newest.get((event.tenant_id, event.key))
        if known is None or event.version >= known.version:
            newest[event.tenant_id, event.key] = event
    grouped: dict[TenantId, list[ChangeEvent]] = {}
    for event in newest.values():
        grouped.setdefault(event.tenant_id, []).append(event)
    return grouped


def refused(
    follower: Follower, tenant_id: TenantId, events: Sequence[ChangeEvent]
) -> list[tuple[ChangeEvent, str]]:
    """Apply together; where that is refused, one by one. Return what is refused each time, with
    the kind of error."""
    with suppress(EventRejected):
        follower.apply(tenant_id, events)
        return []
    found = []
    for event in events:
        for attempt in range(1, TRIES + 1):
            try:
                follower.apply(tenant_id, [event])
                break
            except EventRejected as exc:
                if attempt == TRIES:
                    found.append((event, type(exc).__name__))
    return found


def _apply(
    feed: ChangeFeed, follower: Follower, tenant_id: TenantId, events: Sequence[ChangeEvent]
) -> bool:
    """Apply, and park what is refused; say whether all were applied."""
    left = refused(follower, tenant_id, events)
    for event, reason in left:
        feed.park(follower.name, event, reason)
    return not left


def until_current(feed: ChangeFeed, followers: Sequence[Follower]) -> None:
    """Step through `followers` in order until a whole round finds nothing."""
    while sum(step(feed, follower) for follower in followers):
        pass


def replay(feed: ChangeFeed, follower: Follower, tenant_id: TenantId) -> int:
    """Apply what was parked again and return how many events that were. Each stays parked until it
    is applied: whoever is killed here, or finds the engine gone, loses none.

    Raises:
        EngineUnavailable: as `step`.
    """
    events = feed.parked_events(follower.name, tenant_id)
    for event in events:
        if _apply(feed, follower, tenant_id, [event]):
            feed.unpark(follower.name, event)
    return len(events)
