"""Fill an index of one tenant anew beside the live one, then switch; searches keep answering."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from indexing.derive import DerivedStore
from indexing.model import ChangeEvent, Position, TenantId
from indexing.reconcile import Store


def rebuild(
    source: DerivedStore, tenant_id: TenantId, stores: Sequence[Store], say: Callable[[str], None]
) -> dict[str, int]:
    """Rebuild every store in order; return how many documents each holds now.

    The caller holds the followers' locks, so nothing else writes meanwhile. A store with a
    `fresh` context is filled in a new namespace that replaces the old one when it is complete;
    the others (language, embedding) are derived again in place, idempotently; one that can be
    emptied is, and is whole again in a moment.
    """
    counts = {}
    for store in stores:
        live = (store.expected or source.live)(tenant_id)
        say(f"{store.name}: {len(live)} {'documents' if store.expected is None else 'records'}")
        events = [
            ChangeEvent(Position(0, 0), tenant_id, store.follower.kind, key, version)
            for key, version in live.items()
        ]
        if store.empty is not None:
            store.empty(tenant_id)
        with store.fresh(tenant_id):
            for at in range(0, len(events), store.follower.batch):
                store.follower.apply(tenant_id, events[at : at + store.follower.batch])
        counts[store.name] = len(store.entries(tenant_id))
    return counts
