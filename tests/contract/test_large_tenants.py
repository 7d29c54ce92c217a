"""Tenants with so many passages that PostgreSQL keeps a graph of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from threading import enumerate as enumerate_threads
from typing import Any

import numpy as np
import pytest

from app.wiring import Installation
from indexing.access import Access
from indexing.backends.memory.vectors import MemoryVectorIndex
from indexing.backends.postgres import matrix
from indexing.backends.postgres.matrix import WORTH_KEEPING, MatrixReader
from indexing.backends.postgres.vectors import PostgresVectorIndex
from indexing.errors import Forbidden
from indexing.filters import Filters
from indexing.model import Tenant
from tests.contract.test_vector_index import EVERYTHING, D, entry, ids, scored, unit


def test_a_large_tenant_is_searched_through_its_graph(
    installation: Installation, access: Access
) -> None:
    index = PostgresVectorIndex(installation.database, large=400, most_bytes=0)
    reference = MemoryVectorIndex()
    rng = np.random.default_rng(12)
    notes = [
        entry(access.tenant_id, f"n{i:03}", unit(rng, 3), type="rare" if i % 50 == 0 else "usual",
              patient_id=f"p{i % 40}")
        for i in range(200)
    ]  # fmt: skip
    for each in (index, reference):
        each.upsert(access.tenant_id, notes)
    assert index.state(access.tenant_id).extra["search"] == "hnsw"
    narrow = replace(access, patients=frozenset({"p3"}))
    right = total = 0
    for q in unit(rng, 20):
        for view, filters in [
            (access, EVERYTHING),
            (access, Filters(only={"type": ("rare",)})),
            (narrow, EVERYTHING),
        ]:
            expected = ids(reference, view, q, filters, 10)
            found = ids(index, view, q, filters, 10)
            assert len(found) == len(expected)
            right += len(set(found) & set(expected))
            total += len(expected)
    assert right / total >= 0.98


def wait_for_reading() -> None:
    for thread in enumerate_threads():
        if thread.name == "read-vectors":
            thread.join(20)


def test_what_fits_the_process_is_scanned_there_and_what_does_not_stays_out(
    installation: Installation, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Read in several lots, of which one ends within a note."""
    monkeypatch.setattr(matrix, "_AT_ONCE", 100)
    rng = np.random.default_rng(13)
    notes = [entry(access.tenant_id, f"n{i:03}", unit(rng, 3)) for i in range(150)]
    kept = PostgresVectorIndex(installation.database, large=400)
    small = PostgresVectorIndex(installation.database, large=400, most_bytes=1000)
    reference = MemoryVectorIndex()
    for each in (kept, reference):
        each.upsert(access.tenant_id, notes)
    assert kept.state(access.tenant_id).extra["search"] == "hnsw"

    def read() -> None:
        for _ in range(WORTH_KEEPING):
            small.search(access, notes[0].vectors[0], EVERYTHING, 3)
            kept.search(access, notes[0].vectors[0], EVERYTHING, 3)
        wait_for_reading()

    reads: list[MatrixReader] = []
    whole = MatrixReader._whole

    def noted(self: MatrixReader, *args: Any) -> Any:
        reads.append(self)
        return whole(self, *args)

    monkeypatch.setattr(MatrixReader, "_whole", noted)
    read()
    read()
    assert sorted(reads, key=id) == sorted([small._reader, kept._reader], key=id)  # once each
    asked: list[object] = []
    scanned = PostgresVectorIndex._scanned

    def counted(self: PostgresVectorIndex, *args: Any) -> Any:
        asked.append(self)
        return scanned(self, *args)

    monkeypatch.setattr(PostgresVectorIndex, "_scanned", counted)
    for q in unit(rng, 10):
        assert scored(kept, access, q) == scored(reference, access, q)
    assert asked == []
    small.search(access, notes[0].vectors[0], EVERYTHING, 3)
    assert asked == [small]
    kept.drop(access.tenant_id)  # as another process would, and built anew smaller
    kept.upsert(access.tenant_id, notes[:1])
    monkeypatch.setattr(small._reader, "_most_bytes", 1_000_000)
    read()
    asked.clear()
    small.search(access, notes[0].vectors[0], EVERYTHING, 3)
    assert asked == []


def test_a_tenant_that_grows_takes_as_much_room_as_if_it_were_read(
    installation: Installation, access: Access
) -> None:
    rng = np.random.default_rng(14)
    notes = [entry(access.tenant_id, f"n{i:03}", unit(rng, 50)) for i in range(80)]
    most = 4 * D * matrix._room(80 * 50) + 1000
    index = PostgresVectorIndex(installation.database, most_bytes=most)
    index.upsert(access.tenant_id, notes[:40])
    ask = partial(index.search, access, notes[0].vectors[0], EVERYTHING, 3)
    for _ in range(WORTH_KEEPING):
        ask()
    wait_for_reading()
    assert ask().hits
    index.upsert(access.tenant_id, notes[40:])
    assert ask().hits
    assert len(index._reader._tenants) == 1
    index.upsert(access.tenant_id, [entry(access.tenant_id, "more", unit(rng, 3000))])
    assert ask().hits
    assert not index._reader._tenants


def test_nobody_builds_an_index_for_another_tenant(
    installation: Installation, tenant: Tenant, new_tenant: Callable[[], Tenant]
) -> None:
    with (
        pytest.raises(Forbidden),
        installation.database.tenant(tenant.tenant_id) as conn,
    ):
        conn.execute("SELECT vector_index_large(%s, 0)", (new_tenant().tenant_id,))
