"""Tenants with so many passages that PostgreSQL keeps a graph of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from threading import Event
from threading import enumerate as enumerate_threads
from typing import Any

import numpy as np
import onnxruntime
import pytest
from onnxruntime.capi.onnxruntime_pybind11_state import RuntimeException

from app.cli.doctor import coarse_finding
from app.wiring import Installation
from indexing.access import Access
from indexing.backends.memory.vectors import MemoryVectorIndex
from indexing.backends.postgres import matrix
from indexing.backends.postgres.coarse import Coarse
from indexing.backends.postgres.matrix import WORTH_KEEPING, MatrixReader
from indexing.backends.postgres.vectors import PostgresVectorIndex
from indexing.errors import Forbidden
from indexing.filters import Filters
from indexing.model import Tenant
from indexing.ports import VectorEntry, Vectors
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


def wait_for_reading(name: str = "read-vectors") -> None:
    for thread in enumerate_threads():
        if thread.name == name:
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


@pytest.fixture
def crowded(
    installation: Installation, access: Access, monkeypatch: pytest.MonkeyPatch
) -> tuple[PostgresVectorIndex, MemoryVectorIndex]:
    """Few rows are many here: sixty notes are coarse, and more are once ten were written."""
    monkeypatch.setattr(matrix, "WORTH_COARSE", 20)
    monkeypatch.setattr(matrix, "MOST_FINE", 9)
    index, reference = PostgresVectorIndex(installation.database), MemoryVectorIndex()
    rng = np.random.default_rng(15)
    notes = [_note(access, number, rng) for number in range(60)]
    for each in (index, reference):
        each.upsert(access.tenant_id, notes)
    return index, reference


def _note(access: Access, number: int, rng: np.random.Generator, version: int = 1) -> VectorEntry:
    return entry(access.tenant_id, f"n{number:03}", unit(rng, 1), version)


def _read(index: PostgresVectorIndex, access: Access) -> None:
    for _ in range(WORTH_KEEPING):
        index.search(access, np.ones(D, np.float32), EVERYTHING, 3)
    wait_for_reading()


def test_rows_are_made_coarse_beside_the_questions_and_what_changes_meanwhile_counts(
    crowded: tuple[PostgresVectorIndex, MemoryVectorIndex], access: Access,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    index, reference = crowded
    _read(index, access)
    held = index._reader._tenants[access.tenant_id]
    assert held.coarse is not None
    making, at_last, real = Event(), Event(), Coarse.of

    def slow(rows: Vectors) -> Coarse:
        making.set()
        assert at_last.wait(20)
        return real(rows)

    monkeypatch.setattr(Coarse, "of", slow)
    rng = np.random.default_rng(16)
    asked = unit(rng, 5)

    def change(*numbers: int, version: int) -> None:
        changed = [_note(access, number, rng, version) for number in numbers]
        for each in (index, reference):
            each.upsert(access.tenant_id, changed)
        for q in asked:
            assert scored(index, access, q) == scored(reference, access, q)

    change(*range(50, 70), version=2)  # answered while it is made, or this waits for ever
    assert making.wait(20)
    change(*range(60, 72), version=3)  # rows that it is made of are dead now, others are new
    change(*range(300, 900), version=1)  # and the matrix has grown
    assert len(held.coarse) == 60
    (thread,) = (each for each in enumerate_threads() if each.name == "coarsen-vectors")
    at_last.set()
    thread.join(20)
    assert len(held.coarse) == 80
    for q in asked:
        assert scored(index, access, q) == scored(reference, access, q)
    change(3, version=4)
    wait_for_reading("coarsen-vectors")
    assert len(held.coarse) > 600


def test_rows_that_cannot_be_made_coarse_are_scanned_as_they_are_and_it_rests(
    installation: Installation, crowded: tuple[PostgresVectorIndex, MemoryVectorIndex],
    access: Access, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    index, reference = crowded
    tried: list[object] = []

    def refusing(*words: object, **_: object) -> None:
        tried.append(words)
        raise RuntimeException("a runtime's own words")

    monkeypatch.setattr(onnxruntime, "InferenceSession", refusing)
    _read(index, access)
    assert index._reader._tenants[access.tenant_id].coarse is None
    monkeypatch.setattr(PostgresVectorIndex, "_scanned", None)  # nobody asks the table
    rng = np.random.default_rng(17)

    def change(number: int) -> None:
        note = _note(access, number, rng)
        for each in (index, reference):
            each.upsert(access.tenant_id, [note])
        q = unit(rng, 1)[0]
        assert scored(index, access, q) == scored(reference, access, q)
        wait_for_reading("coarsen-vectors")

    for number in range(100, 104):
        change(number)
    assert len(tried) == 2  # as it was read, and once more
    assert {record.getMessage() for record in caplog.records} == {
        "60 vectors are scanned as floats, not coarse: RuntimeException",
        "61 vectors are scanned as floats, not coarse: RuntimeException",
    }
    found = coarse_finding(installation)
    assert (found.verdict, "RuntimeException" in found.found) == ("warning", True)
    monkeypatch.setattr(matrix, "REST_S", 0.0)
    index._reader._tenants[access.tenant_id].coarsen_at = 0.0  # it has rested
    change(104)
    change(105)
    assert len(tried) == 5  # doctor's own among them
