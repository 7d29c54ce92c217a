"""A graph or one by one: what OpenSearch answers either way, and that one kind alone is kept."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import uuid4

import numpy as np
import pytest
from numpy.typing import NDArray

from indexing.access import Access
from indexing.backends.opensearch.connect import Connection, Kind
from indexing.backends.opensearch.vectors import OpenSearchVectorIndex
from indexing.filters import Filters
from indexing.model import Document, Passage, TenantId
from indexing.ports import VectorEntry
from tests.index_kinds import check_one_kind_is_kept

pytestmark = pytest.mark.engines

TENANT = TenantId(uuid4())
ACCESS = Access(TENANT, "dr", frozenset({"MEDICAL"}))
ROWS = np.ones((1, 4), np.float32) / 2

Kinds = Callable[[Kind], OpenSearchVectorIndex]


def entry(
    doc_id: str, rows: NDArray[np.float32] = ROWS, patient_id: str | None = None
) -> VectorEntry:
    document = Document(TENANT, doc_id, 1, "x", patient_id=patient_id)
    passages = tuple(Passage(at, 0, 1) for at in range(len(rows)))
    return VectorEntry(document, "m", passages, rows)


@pytest.fixture
def of_kind(opensearch_connection: Connection) -> Iterator[Kinds]:
    """Indexes of the same server's, as the site's setting makes them."""
    made: list[Connection] = []

    def build(kind: Kind) -> OpenSearchVectorIndex:
        made.append(Connection(replace(opensearch_connection.cluster, kind=kind)))
        return OpenSearchVectorIndex(made[-1], "m", 4)

    yield build
    for each in made:
        each.close()


@pytest.mark.parametrize("kind", ["hnsw", "flat"])
def test_either_kind_finds_the_best_passages_of_whom_the_reader_sees(
    of_kind: Kinds, kind: Kind
) -> None:
    index = of_kind(kind)
    rows = np.random.default_rng(5).standard_normal((300, 3, 4)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=2, keepdims=True)
    index.upsert(TENANT, [entry(f"d{at:03}", rows[at], f"p{at % 2}") for at in range(300)])
    assert index.state(TENANT).extra == {"search": kind}
    odd = replace(ACCESS, patients=frozenset({"p1"}))
    for asked in rows[:20, 0]:
        near = rows @ asked
        for access, seen in ((ACCESS, range(300)), (odd, range(1, 300, 2))):
            best = sorted(seen, key=lambda at: (-near[at].max(), at))[:10]
            hits = index.search(access, asked, Filters(), 10).hits
            assert [hit.doc_id for hit in hits] == [f"d{at:03}" for at in best]
            assert [hit.passage for hit in hits] == [near[at].argmax() for at in best]
            assert [hit.score for hit in hits] == pytest.approx(near[best].max(axis=1), abs=1e-5)
    given = index.passages(ACCESS, ["d007"])
    assert given["d007"].tobytes() == rows[7].tobytes()


@pytest.mark.parametrize(("before", "now"), [("hnsw", "flat"), ("flat", "hnsw")])
def test_another_kind_of_index_leaves_nothing_of_the_one_before(
    of_kind: Kinds, before: Kind, now: Kind
) -> None:
    check_one_kind_is_kept(of_kind(before), of_kind(now), ACCESS, entry)


@pytest.mark.parametrize(("before", "now"), [("hnsw", "flat"), ("flat", "hnsw")])
def test_a_tenant_that_is_dropped_goes_in_either_kind(
    of_kind: Kinds, before: Kind, now: Kind
) -> None:
    first = of_kind(before)
    first.upsert(TENANT, [entry("a")])
    of_kind(now).drop(TENANT)  # that never wrote
    assert first.entries(TENANT) == {}
