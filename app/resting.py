"""Vectors that nobody asks for are put away by engines that can do it (Weaviate): off the server's
memory, on its disk. The next question, or the next note, brings them back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.wiring import Installation
from indexing.backends.postgres.trail import PostgresTrail
from indexing.errors import EngineUnavailable
from indexing.model import TenantId

UNASKED: Final = timedelta(days=7)


def put_away_unasked(
    installation: Installation, tenants: Sequence[TenantId] | None = None,
    now: datetime | None = None,
) -> int:  # fmt: skip
    """Put away the vectors of those of these tenants, all by default, in whose name nothing was
    read or written for a week; return how many were. An engine that is down keeps its own."""
    since = (now or datetime.now(UTC)) - UNASKED
    trail = PostgresTrail(installation.database)
    every = [each.tenant_id for each in installation.tenants.all()] if tenants is None else tenants
    count = 0
    for tenant_id in every:
        try:
            count += trail.silent(tenant_id, since) and put_away(installation, tenant_id)
        except EngineUnavailable:
            continue
    return count


def put_away(installation: Installation, tenant_id: TenantId) -> bool:
    """Put a tenant's vectors away; False where its engines keep all at hand.

    Raises: EngineUnavailable.
    """
    resting = [
        (index, space) for index, space in _indexes(installation, tenant_id)
        if hasattr(index, "rest")
    ]  # fmt: skip
    for index, space in resting:
        index.rest(space)
    return bool(resting)


def _indexes(installation: Installation, tenant_id: TenantId) -> Iterator[tuple[Any, TenantId]]:
    """Yield each index of vectors that holds a tenant's own, and the id by which it knows it."""
    for place in installation.vector.places(tenant_id):
        yield installation.vector.at(place)
    yield installation.research.index, tenant_id
    if (records := installation.patients.vectors) is not None:
        yield records.index, tenant_id
