"""What every vector index must do, the reference, PostgreSQL and every server alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from threading import Event
from threading import enumerate as enumerate_threads
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.settings import VectorBackend
from app.wiring import Installation
from indexing.access import LABELS, Access, Role
from indexing.backends.memory.vectors import MemoryVectorIndex
from indexing.backends.postgres.matrix import WORTH_KEEPING, MatrixReader
from indexing.backends.postgres.vectors import PostgresVectorIndex
from indexing.errors import EventRejected
from indexing.filters import Filters
from indexing.model import Document, Passage, Tenant, TenantId, Tombstone
from indexing.ports import PassageVectors, VectorEntry, VectorIndex, Vectors
from tests import engines

D = 16
EVERYTHING = Filters()


def unit(rng: np.random.Generator, n: int) -> Vectors:
    rows = rng.standard_normal((n, D)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def entry(
    tenant_id: TenantId, doc_id: str, vectors: Vectors, version: int = 1, **fields: object
) -> VectorEntry:
    document = replace(Document(tenant_id, doc_id, version, "text"), **fields)  # type: ignore[arg-type]
    passages = tuple(Passage(i, 0, 4) for i in range(len(vectors)))
    return VectorEntry(document, "m", passages, vectors)


def coded(made: VectorEntry, i: int) -> VectorEntry:
    """Return an entry with codes, of which every third has no drug and every fourth nothing."""
    drugs = ("RX:Å", "RX:2")[: i % 3]
    sick = tuple(f"HP:{n}" for n in range(i % 4))
    return replace(made, metadata={"conditions": sick, "medications": drugs} if i % 5 else {})


@pytest.fixture(params=engines.every(VectorBackend))
def index(
    request: pytest.FixtureRequest, vector_index: Callable[[str, str, int], VectorIndex]
) -> VectorIndex:
    return vector_index(request.param, "m", D)


@pytest.fixture
def notes(tenant: Tenant) -> list[VectorEntry]:
    """Forty notes of one to four passages, with patients, types, labels and dates."""
    rng = np.random.default_rng(7)
    made = [
        entry(
            tenant.tenant_id,
            f"note-{i:02}",
            unit(rng, 1 + i % 4),
            patient_id=None if i % 9 == 0 else f"P{i % 5}",
            type=("Progress note", "Discharge summary", "")[i % 3],
            author=("Dr Ångström", "dr. lee")[i % 2],
            labels=frozenset({"PSY"}) if i % 7 == 0 else frozenset(),
            date_start=None if i % 6 == 0 else datetime(2020, 1 + i % 12, 1, tzinfo=UTC),
            date_end=None if i % 6 == 0 else datetime(2020, 1 + i % 12, 2, tzinfo=UTC),
            resource_type=("DocumentReference", "DiagnosticReport")[i % 2],
        )
        for i in range(40)
    ]
    return [coded(each, i) for i, each in enumerate(made)]


def ids(
    index: VectorIndex, access: Access, vector: Vectors, filters: Filters = EVERYTHING, k: int = 100
) -> list[str]:
    return [hit.doc_id for hit in index.search(access, vector, filters, k).hits]


def test_ranks_documents_by_their_best_passage(
    index: VectorIndex, access: Access, notes: list[VectorEntry]
) -> None:
    index.upsert(access.tenant_id, notes)
    q = unit(np.random.default_rng(1), 1)[0]
    hits = index.search(access, q, EVERYTHING, 10).hits
    visible = [n for n in notes if not n.document.labels]
    expected = sorted(visible, key=lambda n: -float((n.vectors @ q).max()))[:10]
    assert [h.doc_id for h in hits] == [n.document.doc_id for n in expected]
    assert [h.rank for h in hits] == list(range(1, 11))
    for hit, note in zip(hits, expected, strict=True):
        assert hit.score == pytest.approx(float((note.vectors @ q).max()), abs=1e-5)
        assert hit.passage == int((note.vectors @ q).argmax())


def test_k_counts_documents_however_many_passages_each_has(
    index: VectorIndex, access: Access
) -> None:
    q = unit(np.random.default_rng(2), 1)
    crowd = entry(access.tenant_id, "crowd", np.repeat(q, 60, axis=0))
    others = [entry(access.tenant_id, f"o{i}", unit(np.random.default_rng(i), 1)) for i in range(5)]
    index.upsert(access.tenant_id, [crowd, *others])
    found = ids(index, access, q[0], k=3)
    assert found[0] == "crowd"
    assert len(found) == 3
    assert ids(index, access, q[0], k=0) == []


def test_equal_scores_stand_by_id(index: VectorIndex, access: Access) -> None:
    q = unit(np.random.default_rng(3), 1)
    index.upsert(access.tenant_id, [entry(access.tenant_id, key, q) for key in "cab"])
    assert ids(index, access, q[0]) == ["a", "b", "c"]


def test_labels_and_patients_are_closed_unless_opened(
    index: VectorIndex, access: Access, notes: list[VectorEntry]
) -> None:
    index.upsert(access.tenant_id, notes)
    q = unit(np.random.default_rng(4), 1)[0]
    views = [
        access,
        replace(access, labels=frozenset({"PSY"})),
        replace(access, labels=LABELS),
        replace(access, patients=frozenset({"P1", "P2"})),
        replace(access, patients=frozenset({"p1"})),
        replace(access, patients=frozenset()),
    ]
    for view in views:
        opened = {
            n.document.doc_id for n in notes if view.opens(n.document.patient_id, n.document.labels)
        }
        assert set(ids(index, view, q)) == opened


@pytest.mark.parametrize(
    "filters",
    [
        Filters(only={"type": ("progress NOTE",)}),
        Filters(only={"type": ("",)}),
        Filters(only={"author": ("DR ÅNGSTRÖM",)}, without={"type": ("discharge summary",)}),
        Filters(only={"patient": ("p1", "P3")}),
        Filters(only={"patient": ("P1", "")}, without={"patient": ("p1",)}),
        Filters(without={"patient": ("",)}),
        Filters(date_from=datetime(2020, 6, 1, tzinfo=UTC)),
        Filters(date_to=datetime(2020, 6, 1, tzinfo=UTC)),
        Filters(
            date_from=datetime(2020, 3, 1, 12, tzinfo=UTC), date_to=datetime(2020, 4, 1, tzinfo=UTC)
        ),
        Filters(only={"type": ("no such type",)}),
        Filters(only={"entity_type": ("diagnosticREPORT",)}),
        Filters(without={"entity_type": ("diagnosticreport",)}),
        Filters(only={"conditions": ("hp:1", "HP:2")}, without={"medications": ("rx:å",)}),
        Filters(only={"medications": ("",)}, without={"conditions": ("hp:0",)}),
        Filters(without={"conditions": ("", "HP:2")}),
        Filters(only={"methodology": ("a study's",)}),
        Filters(without={"methodology": ("a study's",)}),
        Filters(at_least={"risk": 0.0}),
    ],
)
def test_filters_agree_with_the_reference(
    index: VectorIndex, access: Access, notes: list[VectorEntry], filters: Filters
) -> None:
    reference = MemoryVectorIndex()
    for each in (index, reference):
        each.upsert(access.tenant_id, notes)
    q = unit(np.random.default_rng(5), 1)[0]
    for k in (3, 100):
        assert ids(index, access, q, filters, k) == ids(reference, access, q, filters, k)


def test_an_older_version_never_overwrites(index: VectorIndex, access: Access) -> None:
    t, rows = access.tenant_id, unit(np.random.default_rng(6), 3)
    index.upsert(t, [entry(t, "a", rows[:1], version=2)])
    index.upsert(t, [entry(t, "a", rows[1:2], version=1)])
    assert index.entries(t) == {"a": 2}
    assert index.search(access, rows[0], EVERYTHING, 1).hits[0].score == pytest.approx(1, abs=1e-5)
    index.upsert(t, [entry(t, "a", rows[2:], version=3), entry(t, "a", rows[1:2], version=2)])
    assert index.entries(t) == {"a": 3}
    assert index.search(access, rows[2], EVERYTHING, 1).hits[0].score == pytest.approx(1, abs=1e-5)


def test_a_tombstone_outlives_a_late_upsert(index: VectorIndex, access: Access) -> None:
    t, row = access.tenant_id, unit(np.random.default_rng(7), 1)
    index.upsert(t, [entry(t, "a", row, version=2)])
    index.delete(t, [Tombstone("a", 1)])
    assert index.entries(t) == {"a": 2}
    index.delete(t, [Tombstone("a", 3), Tombstone("never-seen", 5)])
    assert ids(index, access, row[0]) == []
    index.upsert(t, [entry(t, "a", row, version=3), entry(t, "never-seen", row, version=4)])
    assert index.entries(t) == {}
    index.upsert(t, [entry(t, "a", row, version=4)])
    assert index.entries(t) == {"a": 4}


def test_delivery_twice_changes_nothing(
    index: VectorIndex, access: Access, notes: list[VectorEntry]
) -> None:
    index.upsert(access.tenant_id, notes)
    before = index.state(access.tenant_id)
    index.upsert(access.tenant_id, notes)
    assert index.state(access.tenant_id) == before
    assert before.count == len(notes)


def test_a_document_without_passages_is_held_and_never_found(
    index: VectorIndex, access: Access
) -> None:
    t, q = access.tenant_id, unit(np.random.default_rng(8), 1)
    index.upsert(t, [entry(t, "empty", np.empty((0, D), np.float32))])
    assert index.entries(t) == {"empty": 1}
    assert ids(index, access, q[0]) == []
    index.upsert(t, [])
    index.delete(t, [])


def test_passages_and_vectors_must_match(index: VectorIndex, access: Access) -> None:
    rows = unit(np.random.default_rng(9), 2)
    good = entry(access.tenant_id, "a", rows)
    with pytest.raises(EventRejected):
        index.upsert(access.tenant_id, [replace(good, vectors=rows[:1])])


def test_tenants_see_only_their_own(
    index: VectorIndex, access: Access, new_tenant: Callable[[], Tenant]
) -> None:
    other = new_tenant().tenant_id
    q = unit(np.random.default_rng(10), 1)
    index.upsert(access.tenant_id, [entry(access.tenant_id, "mine", q)])
    index.upsert(other, [entry(other, "theirs", q)])
    stranger = Access(TenantId(uuid4()), "x", frozenset({Role.CLINICIAN}))
    assert ids(index, access, q[0]) == ["mine"]
    assert ids(index, replace(access, tenant_id=other), q[0]) == ["theirs"]
    assert ids(index, stranger, q[0]) == []
    index.drop(access.tenant_id)
    assert index.entries(access.tenant_id) == {}
    assert index.entries(other) == {"theirs": 1}


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    steps=st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 5), st.booleans()), max_size=12)
)
def test_any_order_of_news_ends_as_in_the_reference(
    index: VectorIndex, access: Access, steps: Sequence[tuple[str, int, bool]]
) -> None:
    t, q = access.tenant_id, unit(np.random.default_rng(11), 6)
    reference = MemoryVectorIndex()
    index.drop(t)
    cleared = replace(access, labels=frozenset({"PSY"}))
    for key, version, gone in steps:
        for each in (index, reference):
            if gone:
                each.delete(t, [Tombstone(key, version)])
            else:
                labels = frozenset({"PSY"}) if version == 2 else frozenset[str]()
                vectors = q[version : version + version % 3]
                each.upsert(t, [entry(t, key, vectors, version=version, labels=labels)])
        for reader in (access, cleared):  # one that looked in between sees what is there now
            assert scored(index, reader, q[0]) == scored(reference, reader, q[0])
    assert index.entries(t) == reference.entries(t)


def scored(index: VectorIndex, access: Access, vector: Vectors) -> list[tuple[str, float, object]]:
    hits = index.search(access, vector, EVERYTHING, 10).hits
    # The reference may give equal vectors scores that differ in the last digit.
    return sorted((hit.doc_id, round(hit.score, 4), hit.passage) for hit in hits)


def test_what_gives_vectors_back_gives_those_that_are_open(
    index: VectorIndex, access: Access, notes: list[VectorEntry]
) -> None:
    """Whether kept in the process (asked often) or read anew: the rows as written, in order."""
    assert isinstance(index, PassageVectors)
    index.upsert(access.tenant_id, notes)
    wanted = [*(note.document.doc_id for note in notes), "unknown"]
    closed = replace(access, labels=frozenset())
    for _ in range(5):
        found = index.passages(access, wanted)
        opened = {
            n.document.doc_id: n.vectors
            for n in notes
            if access.opens(n.document.patient_id, n.document.labels)
        }
        assert found.keys() == opened.keys()
        for doc_id, rows in opened.items():
            np.testing.assert_allclose(found[doc_id], rows, atol=1e-6)
        fewer = index.passages(closed, wanted)
        assert fewer.keys() == {
            n.document.doc_id
            for n in notes
            if closed.opens(n.document.patient_id, n.document.labels)
        }
        one = replace(access, patients=frozenset({"P1"}))
        assert index.passages(one, wanted).keys() == {
            n.document.doc_id for n in notes if one.opens(n.document.patient_id, n.document.labels)
        }
        index.search(access, notes[0].vectors[0], EVERYTHING, 3)
    index.delete(access.tenant_id, [Tombstone("note-01", 2)])
    index.search(access, notes[0].vectors[0], EVERYTHING, 3)
    assert "note-01" not in index.passages(access, wanted)


def test_a_tenants_vectors_are_read_beside_its_questions(
    installation: Installation, access: Access, notes: list[VectorEntry],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """Reading them all takes longer than a question may: the table answers until they are there."""
    index, reading, at_last = PostgresVectorIndex(installation.database), Event(), Event()
    whole = MatrixReader._whole

    def slow(reader: MatrixReader, tenant_id: TenantId, dimension: int) -> object:
        found = whole(reader, tenant_id, dimension)
        reading.set()
        assert at_last.wait(20)
        return found

    monkeypatch.setattr(MatrixReader, "_whole", slow)
    index.upsert(access.tenant_id, notes)

    def asked() -> list[tuple[str, int]]:
        ranking = index.search(access, notes[0].vectors[0], EVERYTHING, 30)
        return [(hit.doc_id, round(hit.score * 1e5)) for hit in ranking.hits]

    first = asked()
    assert [asked() for _ in range(WORTH_KEEPING + 2)] == [first] * (WORTH_KEEPING + 2)
    assert reading.wait(20)
    (thread,) = (each for each in enumerate_threads() if each.name == "read-vectors")
    index.delete(access.tenant_id, [Tombstone(first[0][0], 9)])  # after what was read
    at_last.set()
    thread.join(20)
    assert first[0][0] not in index.passages(access, [first[0][0]])
    monkeypatch.setattr(PostgresVectorIndex, "_scanned", None)  # the table is asked no more
    assert first[0] not in asked()
