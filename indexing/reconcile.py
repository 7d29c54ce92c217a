"""Counts and rolling hashes across stores: what each index should hold, what it holds, repair."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

from indexing.follow import Follower, refused
from indexing.model import ChangeEvent, Kind, Position, TenantId


def in_place(_tenant_id: TenantId) -> AbstractContextManager[None]:
    """Rebuild without a namespace of its own: every write is idempotent."""
    return nullcontext()


@dataclass(frozen=True, slots=True)
class Store:
    """One store to compare: how to list {doc_id: version}, and the follower that repairs it.

    Inside `fresh(tenant_id)` the follower's writes go to a new namespace, which becomes the live
    one when the context ends well; the default writes in place. `expected` lists what it should
    hold where that is not every live document. `empty` forgets all that it holds, deletions too:
    what was taken out at a version does not come back at the same one, as a study must that other
    rules of labels open again. It is given where filling anew takes a moment.
    """

    name: str
    follower: Follower
    entries: Callable[[TenantId], Mapping[str, int]]
    fresh: Callable[[TenantId], AbstractContextManager[None]] = in_place
    expected: Callable[[TenantId], Mapping[str, int]] | None = None
    empty: Callable[[TenantId], None] | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One store against the source: documents it lacks, holds too old, or should not hold."""

    name: str
    count: int
    expected: int
    digest: str
    missing: tuple[str, ...]
    stale: tuple[str, ...]
    extra: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Say whether the store holds exactly what the source does."""
        return not self.keys

    @property
    def keys(self) -> tuple[str, ...]:
        """The ids of everything that differs."""
        return self.missing + self.stale + self.extra


def digest(entries: Mapping[str, int]) -> str:
    """Fold (key, version) pairs into 16 hex digits, whatever their order.

    The sum of the pairs' 64-bit hashes modulo 2^64: an entry can be added or taken out without
    the others.
    """
    total = 0
    for key, version in entries.items():
        pair = f"{version}:{key}".encode()
        total += int.from_bytes(hashlib.blake2b(pair, digest_size=8).digest(), "big")
    return f"{total % 2**64:016x}"


def compare(name: str, expected: Mapping[str, int], held: Mapping[str, int]) -> Difference:
    """Say how a store differs from what it should hold."""
    return Difference(
        name,
        count=len(held),
        expected=len(expected),
        digest=digest(held),
        missing=tuple(sorted(expected.keys() - held.keys())),
        stale=tuple(sorted(k for k in expected.keys() & held.keys() if expected[k] != held[k])),
        extra=tuple(sorted(held.keys() - expected.keys())),
    )


def reconcile(
    tenant_id: TenantId, expected: Callable[[TenantId], Mapping[str, int]], stores: Sequence[Store]
) -> list[tuple[Difference, Difference]]:
    """Compare each store in order and repair it; return (before, after) per store.

    The stores stand in the order in which they feed each other, so that a repaired one repairs
    the next. An entry that a store cannot hold still differs after; the others are repaired. The
    caller holds the followers' locks.
    """
    results = []
    for store in stores:
        wanted = store.expected or expected
        before = compare(store.name, wanted(tenant_id), store.entries(tenant_id))
        if not before.equal:
            _repair(tenant_id, store, before, wanted(tenant_id), store.entries(tenant_id))
        after = compare(store.name, wanted(tenant_id), store.entries(tenant_id))
        if not after.equal and store.empty is not None:
            store.empty(tenant_id)
            nothing = compare(store.name, wanted(tenant_id), {})
            _repair(tenant_id, store, nothing, wanted(tenant_id), {})
            after = compare(store.name, wanted(tenant_id), store.entries(tenant_id))
        results.append((before, after))
    return results


def _repair(
    tenant_id: TenantId,
    store: Store,
    found: Difference,
    expected: Mapping[str, int],
    held: Mapping[str, int],
) -> None:
    kind = store.follower.kind
    events = [_event(tenant_id, kind, key, expected[key]) for key in found.missing + found.stale]
    # A tombstone must not be older than what it removes.
    events += [_event(tenant_id, kind, key, held[key], deleted=True) for key in found.extra]
    for at in range(0, len(events), store.follower.batch):
        # What the store cannot hold shows in the comparison that follows.
        refused(store.follower, tenant_id, events[at : at + store.follower.batch])


def _event(
    tenant_id: TenantId, kind: Kind, key: str, version: int, *, deleted: bool = False
) -> ChangeEvent:
    return ChangeEvent(Position(0, 0), tenant_id, kind, key, version, deleted)
