"""What each store of a tenant holds and what waits for each follower: `index status`, `/status`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any

from app.following import LANES, followers
from app.moves import movers
from app.refill import FILLED, is_outdated
from app.stores import stores
from app.wiring import Installation
from indexing.access import Access
from indexing.errors import AnamnesisError
from indexing.medical_follow import compare_medical, left
from indexing.model import TenantId
from indexing.places import Stage
from indexing.reconcile import Difference, Store, compare

Shown = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Held:
    """What one store held: None where it did not answer, with the `error`. `followers` fill it;
    `left` is what its followers leave to a clock; `outdated`: no question can use what it holds."""

    followers: tuple[str, ...]
    difference: Difference | None = None
    left: int = 0
    error: str = ""
    outdated: bool = False

    @property
    def equal(self) -> bool:
        """Say whether it held what it should, as questions need it."""
        return self.difference is not None and self.difference.equal and not self.outdated


@dataclass(frozen=True, slots=True)
class Compared:
    """The stores of a tenant held against its records, entry by entry, `at` a moment; None: they
    have not been yet."""

    stores: Mapping[str, Held]
    places: Mapping[str, list[Shown]]
    at: datetime | None = None

    @property
    def equal(self) -> bool:
        """Say whether every store held what it should."""
        return all(held.equal for held in self.stores.values())


def status_of(installation: Installation, access: Access) -> Shown:
    """Compare, and return it as JSON: `indexes` by store, `followers` with what waits for each,
    `places`. Takes a second for some 20,000 notes."""
    return told_of(installation, access, compared(installation, access.tenant_id))


def told_of(installation: Installation, access: Access, found: Compared) -> Shown:
    """Return as JSON what was compared, with what waits now."""
    fresh = installation.documents.freshness(access)
    waiting = _waiting(installation, access.tenant_id)
    return {
        "indexes": {name: _row(held, waiting, found.at) for name, held in found.stores.items()},
        "followers": waiting,
        "places": found.places,
        "compared_at": found.at,
        "complete_to": fresh.complete_to,
        "lingering_s": fresh.lingering_s,
    }


def compared(installation: Installation, tenant_id: TenantId) -> Compared:
    """Hold every store against the records."""
    at = datetime.now(UTC)
    live = installation.derived.live(tenant_id)
    found = {
        store.name: _held((store.follower.name,), partial(_compared, store, tenant_id, live))
        for store in stores(installation)
    }
    for name in FILLED.values():
        with suppress(AnamnesisError):  # what does not answer is told as that
            old = is_outdated(installation, tenant_id, name)
            found[name] = replace(found[name], outdated=old)
    own = installation.medical
    version = own.version_of(tenant_id)
    found["medical"] = _held(
        _MEDICAL,
        partial(compare_medical, tenant_id, own.facts, own.graph),
        partial(left, tenant_id, own.facts, own.graph, version),
    )
    return Compared(found, _places(installation, tenant_id, lacking=True), at)


def uncompared(installation: Installation, tenant_id: TenantId) -> Compared:
    """Return what can be said before anything was compared."""
    found = {store.name: Held((store.follower.name,)) for store in stores(installation)}
    found["medical"] = Held(_MEDICAL)
    return Compared(found, _places(installation, tenant_id, lacking=False))


_MEDICAL = ("medical", "medical-notes")


def _waiting(installation: Installation, tenant_id: TenantId) -> Mapping[str, int]:
    """Return how many changes have not come to each follower of any lane."""
    every = [follower for lane in LANES for follower in followers(installation, lane)]
    counted = installation.feed.waiting(tenant_id, {each.name: each.kind for each in every})
    return {each.name: counted[each.name] for each in every}


def _compared(store: Store, tenant_id: TenantId, live: Mapping[str, int]) -> Difference:
    wanted = live if store.expected is None else store.expected(tenant_id)
    return compare(store.name, wanted, store.entries(tenant_id))


def _held(
    followed: tuple[str, ...], look: Callable[[], Difference], left: Callable[[], int] = lambda: 0
) -> Held:
    try:
        return Held(followed, look(), left())
    except AnamnesisError as exc:
        return Held(followed, error=type(exc).__name__)


def _row(held: Held, waiting: Mapping[str, int], at: datetime | None) -> Shown:
    """Return what a store held; what no feed tells of waits as far as it differed."""
    fed = [waiting[each] for each in held.followers if each in waiting]
    waits = sum(fed) if fed else None
    row: Shown = {} if held.followers == _MEDICAL else {"follower": held.followers[0]}
    if held.outdated:
        row["outdated"] = True
    found = held.difference
    if found is None:
        row |= {"count": None, "expected": None, "digest": None, "equal": False, "pending": waits}
        return row | {"error": held.error} if at is not None else row
    differing = len(found.missing) + len(found.stale) + len(found.extra)
    return row | {
        "count": found.count, "expected": found.expected, "digest": found.digest,
        "equal": held.equal, "pending": (differing if waits is None else waits) + held.left,
    }  # fmt: skip


def _places(
    installation: Installation, tenant_id: TenantId, *, lacking: bool
) -> dict[str, list[Shown]]:
    """Return each leg's places; those that do not serve wait as far as they differ."""
    found: dict[str, list[Shown]] = {}
    for mover in movers(installation):
        rows = found[mover.leg] = []
        for place in mover.index.places(tenant_id):
            row: Shown = {"stage": place.stage, "engine": place.engine, "behind": place.behind}
            if place.stage is not Stage.SERVING:
                try:
                    row["pending"] = mover.lacking(tenant_id, place) if lacking else None
                except AnamnesisError:
                    row["pending"] = None
            rows.append(row)
    return found
