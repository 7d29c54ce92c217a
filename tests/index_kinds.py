"""What changing the kind of a server's vector index must do, on every engine that has kinds."""

from __future__ import annotations

from collections.abc import Callable

from indexing.access import Access
from indexing.filters import Filters
from indexing.ports import VectorEntry, VectorIndex


def check_one_kind_is_kept(
    first: VectorIndex, second: VectorIndex, access: Access, entry: Callable[[str], VectorEntry]
) -> None:
    """Write by one kind and then by another: nothing of the one before is left."""
    tenant_id, row = access.tenant_id, entry("a").vectors[0]
    first.upsert(tenant_id, [entry("a")])
    assert first.entries(tenant_id) == {"a": 1}
    assert second.entries(tenant_id) == {}  # reconcile fills it
    second.upsert(tenant_id, [entry("b")])
    assert second.entries(tenant_id) == {"b": 1}
    assert first.entries(tenant_id) == {}
    assert first.search(access, row, Filters(), 3).hits == ()
    second.drop(tenant_id)
    assert second.entries(tenant_id) == {}
