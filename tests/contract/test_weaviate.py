"""What Weaviate alone does: tenants put away and brought back, notes seen as not whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import uuid4

import numpy as np
import pytest
from weaviate.classes.data import DataObject
from weaviate.classes.tenants import TenantActivityStatus

from indexing.access import Access
from indexing.backends.weaviate import held, schema
from indexing.backends.weaviate.connect import Connection, Kind, told
from indexing.backends.weaviate.held import UNSETTLED
from indexing.backends.weaviate.vectors import WeaviateVectorIndex
from indexing.errors import EngineUnavailable, EventRejected
from indexing.filters import Filters
from indexing.model import Document, Passage, TenantId, Tombstone
from indexing.ports import VectorEntry
from tests.index_kinds import check_one_kind_is_kept

pytestmark = pytest.mark.engines

TENANT = TenantId(uuid4())
ACCESS = Access(TENANT, "dr", frozenset())
ROW = np.ones((1, 4), np.float32) / 2


def entry(doc_id: str, version: int = 1) -> VectorEntry:
    return VectorEntry(Document(TENANT, doc_id, version, "x"), "m", (Passage(0, 0, 1),), ROW)


@pytest.fixture
def index(weaviate_connection: Connection) -> WeaviateVectorIndex:
    made = WeaviateVectorIndex(weaviate_connection, "m", 4)
    made.upsert(TENANT, [entry("a")])
    return made


def status(connection: Connection, index: WeaviateVectorIndex) -> TenantActivityStatus:
    with connection.calling("look") as client:
        tenants = client.collections.use(index._passages.name).tenants.get()
    [one] = tenants.values()
    return one.activity_status


def test_a_tenant_that_rests_comes_back_with_a_question(
    weaviate_connection: Connection, index: WeaviateVectorIndex
) -> None:
    index.rest(TENANT)
    assert status(weaviate_connection, index) is TenantActivityStatus.INACTIVE
    assert [hit.doc_id for hit in index.search(ACCESS, ROW[0], Filters(), 3).hits] == ["a"]
    assert index.entries(TENANT) == {"a": 1}
    index.rest(TENANT)
    index.upsert(TENANT, [entry("b")])
    assert index.entries(TENANT) == {"a": 1, "b": 1}


def test_a_note_whose_passages_were_cut_off_is_seen(
    index: WeaviateVectorIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut(*_: object) -> None:
        raise EngineUnavailable("gone")

    with monkeypatch.context() as broken:
        broken.setattr("indexing.backends.weaviate.vectors.insert", cut)
        with pytest.raises(EngineUnavailable):
            index.upsert(TENANT, [entry("a", 2)])
    assert index.entries(TENANT) == {"a": UNSETTLED}
    index.upsert(TENANT, [entry("a", 2)])
    assert index.entries(TENANT) == {"a": 2}
    index.delete(TENANT, [Tombstone("a", 2)])
    assert index.entries(TENANT) == {}


def test_the_name_of_a_shard_tells_nothing(
    weaviate_connection: Connection, index: WeaviateVectorIndex
) -> None:
    with weaviate_connection.calling("look") as client:
        names = list(client.collections.use(index._passages.name).tenants.get())
    assert names == [index._passages.tenant(TENANT)]
    assert TENANT.hex not in names[0]


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("store is read-only due to: disk usage too high", "make room"),
        ("401 Unauthorized: invalid api key", "ANAMNESIS_WEAVIATE_KEY"),
        ("anything else", "log"),
    ],
)
def test_what_a_refusal_means(message: str, hint: str) -> None:
    assert hint in told(message, "write").hint


def test_where_none_of_a_request_is_taken_each_is_judged_all_the_same(
    weaviate_connection: Connection, index: WeaviateVectorIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver raises where every object fails, and returns the errors where some do."""

    def room(status: str) -> None:
        with weaviate_connection.calling("make room") as client:
            client.collections.use(index._passages.name).config.update_shards(status)

    room("READONLY")
    pauses: list[float] = []
    monkeypatch.setattr(held.time, "sleep", lambda s: pauses.append(s) or room("READY"))
    index.upsert(TENANT, [entry("b"), entry("c")])
    assert index.entries(TENANT) == {"a": 1, "b": 1, "c": 1}
    assert pauses == [held.BACK_OFF_S[0]]
    wrong = DataObject(properties={}, uuid=uuid4(), vector={schema.VECTOR: [0.0] * 5})
    with pytest.raises(EventRejected, match="1 objects"):
        held.insert(weaviate_connection, index._passages, TENANT, [wrong])


def test_two_builders_find_the_same(
    vector_index: Callable[[str, str, int], WeaviateVectorIndex],
) -> None:
    one, other = vector_index("weaviate", "m", 4), vector_index("weaviate", "m", 4)
    one.upsert(TENANT, [entry("a")])
    assert other.entries(TENANT) == {"a": 1}


Kinds = Callable[[Kind], WeaviateVectorIndex]


@pytest.fixture
def of_kind(weaviate_connection: Connection) -> Iterator[Kinds]:
    """Indexes of the same server's, as the site's setting makes them."""
    made: list[Connection] = []

    def build(kind: Kind) -> WeaviateVectorIndex:
        made.append(Connection(replace(weaviate_connection.server, kind=kind)))
        return WeaviateVectorIndex(made[-1], "m", 4)

    yield build
    for each in made:
        each.close()


def test_a_flat_index_is_exact(of_kind: Kinds) -> None:
    flat = of_kind("flat")
    rows = np.random.default_rng(5).standard_normal((300, 4)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    made = [
        replace(entry(f"d{at:03}"), vectors=rows[at : at + 1]) for at in range(len(rows))
    ]  # fmt: skip
    flat.upsert(TENANT, made)
    assert flat.state(TENANT).extra == {"search": "flat"}
    for asked in rows[:20]:
        best = sorted(range(300), key=lambda at: (-float(rows[at] @ asked), at))[:10]
        hits = flat.search(ACCESS, asked, Filters(), 10).hits
        assert [hit.doc_id for hit in hits] == [f"d{at:03}" for at in best]
        assert [hit.score for hit in hits] == pytest.approx(rows[best] @ asked, abs=1e-5)


@pytest.mark.parametrize(("before", "now"), [("hnsw", "flat"), ("flat", "hnsw")])
def test_another_kind_of_index_leaves_nothing_of_the_one_before(
    of_kind: Kinds, before: Kind, now: Kind
) -> None:
    check_one_kind_is_kept(of_kind(before), of_kind(now), ACCESS, entry)
