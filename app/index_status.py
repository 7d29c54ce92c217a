"""What each store of a tenant holds and what waits for each follower: `index status`, `/status`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from app.following import LANES, followers
from app.moves import movers
from app.stores import stores
from app.wiring import Installation
from indexing.access import Access
from indexing.errors import AnamnesisError
from indexing.medical_follow import compare_medical, left
from indexing.model import TenantId
from indexing.places import Stage
from indexing.reconcile import Difference, Store, compare

Shown = dict[str, Any]


def status_of(installation: Installation, access: Access) -> Shown:
    """Return it as JSON: `indexes` by store, `followers` with what waits for each, `places`."""
    fresh = installation.documents.freshness(access)
    waiting = _waiting(installation, access.tenant_id)
    return {
        "indexes": _indexes(installation, access.tenant_id, waiting),
        "followers": waiting,
        "places": _places(installation, access.tenant_id),
        "complete_to": fresh.complete_to,
        "lingering_s": fresh.lingering_s,
    }


def _waiting(installation: Installation, tenant_id: TenantId) -> Mapping[str, int]:
    """Return how many changes have not come to each follower of any lane."""
    every = [follower for lane in LANES for follower in followers(installation, lane)]
    counted = installation.feed.waiting(tenant_id, {each.name: each.kind for each in every})
    return {each.name: counted[each.name] for each in every}


def _indexes(
    installation: Installation, tenant_id: TenantId, waiting: Mapping[str, int]
) -> dict[str, Shown]:
    live = installation.derived.live(tenant_id)
    rows = {
        store.name: {
            "follower": store.follower.name,
            **_row(partial(_compared, store, tenant_id, live), waiting.get(store.follower.name)),
        }
        for store in stores(installation)
    }
    own = installation.medical
    version = own.version_of(tenant_id)
    rows["medical"] = _row(
        partial(compare_medical, tenant_id, own.facts, own.graph),
        waiting["medical"] + waiting["medical-notes"],
        partial(left, tenant_id, own.facts, own.graph, version),
    )
    return rows


def _compared(store: Store, tenant_id: TenantId, live: Mapping[str, int]) -> Difference:
    wanted = live if store.expected is None else store.expected(tenant_id)
    return compare(store.name, wanted, store.entries(tenant_id))


def _row(
    look: Callable[[], Difference], waits: int | None, left: Callable[[], int] = lambda: 0
) -> Shown:
    """Return what a store holds; what no feed tells of (None) waits as far as it differs."""
    try:
        held, more = look(), left()
    except AnamnesisError as exc:
        return {
            "count": None, "expected": None, "digest": None, "equal": False, "pending": waits,
            "error": type(exc).__name__,
        }  # fmt: skip
    differing = len(held.missing) + len(held.stale) + len(held.extra)
    return {
        "count": held.count, "expected": held.expected, "digest": held.digest, "equal": held.equal,
        "pending": (differing if waits is None else waits) + more,
    }  # fmt: skip


def _places(installation: Installation, tenant_id: TenantId) -> dict[str, list[Shown]]:
    """Return each leg's places; those that do not serve wait as far as they differ."""
    found: dict[str, list[Shown]] = {}
    for mover in movers(installation):
        rows = found[mover.leg] = []
        for place in mover.index.places(tenant_id):
            row: Shown = {"stage": place.stage, "engine": place.engine, "behind": place.behind}
            if place.stage is not Stage.SERVING:
                try:
                    row["pending"] = mover.lacking(tenant_id, place)
                except AnamnesisError:
                    row["pending"] = None
            rows.append(row)
    return found
