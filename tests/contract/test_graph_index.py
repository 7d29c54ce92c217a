"""What every graph index must do, the reference and every engine alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from threading import enumerate as enumerate_threads
from typing import Any, get_args
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.settings import GraphBackend
from app.wiring import Installation
from indexing.access import Access
from indexing.backends.memory.graph import MemoryGraphIndex
from indexing.backends.neo4j.connect import Neo4j
from indexing.backends.neo4j.graph import Neo4jGraphIndex
from indexing.backends.postgres import postings
from indexing.backends.postgres.graph import PostgresGraphIndex
from indexing.filters import Filters
from indexing.model import Assertion, Document, Mention, Tenant, TenantId, Tombstone
from indexing.ports import AssertionMode, GraphEntry, GraphIndex, Ranking
from tests.engines import every, neo4j_address

ALL = Filters()
P, N, F = Assertion.PRESENT, Assertion.NEGATED, Assertion.FAMILY


@pytest.fixture(params=every(GraphBackend))
def index(request: pytest.FixtureRequest) -> Iterator[GraphIndex]:
    if request.param == "memory":
        yield MemoryGraphIndex()
    elif request.param == "postgres":
        installation: Installation = request.getfixturevalue("installation")
        yield PostgresGraphIndex(installation.database)
    else:
        own = request.getfixturevalue("neo4j").settings
        server = Neo4j(neo4j_address(own))
        yield Neo4jGraphIndex(server)
        server.close()


def entry(
    tenant: Tenant,
    doc_id: str,
    concepts: Mapping[str, Assertion | tuple[Assertion, ...]],
    version: int = 1,
    **fields: object,
) -> GraphEntry:
    document = Document(tenant.tenant_id, doc_id, version, "text")
    mentions = []
    for concept, said in concepts.items():
        for status in said if isinstance(said, tuple) else (said,):
            mentions.append(Mention(0, 4, concept, concept, status, status))
    return GraphEntry(replace(document, **fields), tuple(mentions))  # type: ignore[arg-type]


def ids(found: Ranking) -> list[str]:
    assert [hit.rank for hit in found.hits] == list(range(1, len(found.hits) + 1))
    pairs = [(-hit.score, hit.doc_id) for hit in found.hits]
    assert pairs == sorted(pairs)
    for hit in found.hits:
        assert sum(hit.concepts.values()) == pytest.approx(hit.score, abs=1e-8)
    return [hit.doc_id for hit in found.hits]


@pytest.fixture
def filled(index: GraphIndex, tenant: Tenant) -> GraphIndex:
    day = datetime(2023, 5, 1, tzinfo=UTC)
    index.upsert(
        tenant.tenant_id,
        [
            entry(tenant, "once", {"chf": P, "everywhere": P}, patient_id="P1", type="Clinic"),
            entry(tenant, "often", {"chf": (P, P, P), "everywhere": P}, patient_id="P2"),
            entry(tenant, "denied", {"chf": N, "everywhere": P}, date_start=day, type="clinic"),
            entry(tenant, "family", {"chf": F, "everywhere": P}, author="Lee"),
            entry(tenant, "past", {"chf": Assertion.HISTORICAL, "everywhere": P}),
            entry(tenant, "secret", {"chf": P}, labels=frozenset({"PSY"}), patient_id="P1"),
            entry(tenant, "other", {"rash": P, "everywhere": P}),
        ],
    )
    return index


@pytest.mark.parametrize(
    ("mode", "found"),
    [
        ("present", ["often", "once", "past"]),
        ("negated", ["denied"]),
        ("any", ["often", "denied", "family", "once", "past"]),
    ],
)
def test_walks_only_what_the_mode_asks_for(
    filled: GraphIndex, access: Access, mode: AssertionMode, found: list[str]
) -> None:
    assert ids(filled.search(access, {"chf": 1.0}, ALL, 10, mode)) == found


def test_rare_concepts_count_more(filled: GraphIndex, access: Access) -> None:
    both = filled.search(access, {"rash": 0.5, "everywhere": 0.5}, ALL, 3, "present")
    assert ids(both)[0] == "other"
    assert set(both.hits[0].concepts) == {"rash", "everywhere"}
    assert both.hits[0].concepts["rash"] > both.hits[0].concepts["everywhere"]


@pytest.mark.parametrize("weights", [{}, {"nothing": 1.0}, {"chf": 0.0}])
def test_nothing_asked_is_nothing_found(
    filled: GraphIndex, access: Access, weights: Mapping[str, float]
) -> None:
    assert ids(filled.search(access, weights, ALL, 10, "present")) == []


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        (Filters(only={"type": ("CLINIC",)}), {"once", "denied"}),
        (Filters(without={"type": ("clinic",)}), {"often", "family", "past"}),
        (Filters(only={"type": ("",)}), {"often", "family", "past"}),
        (Filters(only={"patient": ("P1", "P2")}), {"once", "often"}),
        (Filters(only={"patient": ("p1", "P2", "")}), {"often", "denied", "family", "past"}),
        (Filters(without={"patient": ("p1", "P2", "")}), {"once"}),
        (Filters(only={"author": ("LEE",)}), {"family"}),
        (Filters(date_from=datetime(2023, 5, 1, tzinfo=UTC)), {"denied"}),
        (Filters(date_to=datetime(2023, 5, 1, tzinfo=UTC)), set()),
    ],
)
def test_filters(filled: GraphIndex, access: Access, filters: Filters, found: set[str]) -> None:
    assert set(ids(filled.search(access, {"chf": 1.0}, filters, 10, "any"))) == found
    assert sum(filled.assertions(access, ["chf"], filters).values()) == len(found)


def test_access_closes_labels_and_patients(filled: GraphIndex, access: Access) -> None:
    cleared = replace(access, labels=frozenset({"PSY"}))
    assert "secret" in ids(filled.search(cleared, {"chf": 1.0}, ALL, 10, "present"))
    one = replace(access, patients=frozenset({"P1"}))
    assert ids(filled.search(one, {"chf": 1.0}, ALL, 10, "present")) == ["once"]
    nobody = replace(access, patients=frozenset())
    assert filled.assertions(nobody, ["chf"], ALL) == {}


def test_assertions_count_each_note_by_its_best_status(filled: GraphIndex, access: Access) -> None:
    assert filled.assertions(access, ["chf"], ALL) == {
        "present": 2, "negated": 1, "family": 1, "historical": 1
    }  # fmt: skip
    assert filled.assertions(access, ["chf", "everywhere"], ALL) == {"present": 6}
    assert filled.assertions(access, [], ALL) == {}


def test_newer_wins_and_tombstones_hold(filled: GraphIndex, tenant: Tenant, access: Access) -> None:
    own = tenant.tenant_id
    filled.upsert(own, [entry(tenant, "once", {"rash": P}, 3), entry(tenant, "once", {}, 2)])
    filled.upsert(own, [entry(tenant, "once", {"chf": P}, 1)])
    assert ids(filled.search(access, {"rash": 1.0}, ALL, 9, "present")) == ["once", "other"]
    filled.delete(own, [Tombstone("once", 4), Tombstone("unknown", 2), Tombstone("other", 0)])
    filled.upsert(own, [entry(tenant, "once", {"rash": P}, 4)])
    filled.upsert(own, [entry(tenant, "unknown", {"rash": P}, 2)])
    assert ids(filled.search(access, {"rash": 1.0}, ALL, 9, "present")) == ["other"]
    filled.upsert(own, [entry(tenant, "once", {"rash": P}, 5)])
    filled.upsert(own, [entry(tenant, "once", {"rash": P}, 5)])
    assert len(ids(filled.search(access, {"rash": 1.0}, ALL, 9, "present"))) == 2
    assert filled.entries(own)["once"] == 5
    assert filled.state(own).count == len(filled.entries(own)) == 7


def test_the_number_of_documents_stays_right(
    filled: GraphIndex, tenant: Tenant, access: Access
) -> None:
    """Idf must be as if the index had been built at once."""
    for version in range(2, 5):
        filled.upsert(tenant.tenant_id, [entry(tenant, "once", {"chf": P}, version)])
    filled.delete(tenant.tenant_id, [Tombstone("past", 2), Tombstone("past", 3)])
    fresh = MemoryGraphIndex()
    fresh.upsert(tenant.tenant_id, [entry(tenant, "once", {"chf": P})])
    fresh.upsert(tenant.tenant_id, [entry(tenant, "often", {"chf": (P, P, P)})])
    fresh.upsert(tenant.tenant_id, [entry(tenant, name, {"chf": N}) for name in ("d", "f")])
    fresh.upsert(tenant.tenant_id, [entry(tenant, "s", {"chf": P}, labels=frozenset({"PSY"}))])
    fresh.upsert(tenant.tenant_id, [entry(tenant, "other", {})])
    weights = {"chf": 1.0}
    got = filled.search(access, weights, ALL, 9, "present").hits
    want = fresh.search(access, weights, ALL, 9, "present").hits
    assert [(h.doc_id, round(h.score, 6)) for h in got] == [
        (h.doc_id, round(h.score, 6)) for h in want
    ]


WRITES = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.dictionaries(st.sampled_from("abc"), st.sampled_from([P, N, F]), max_size=3),
        st.booleans(),
        st.sampled_from([frozenset(), frozenset({"PSY"})]),
    ),
    max_size=12,
)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(writes=WRITES)
def test_what_was_read_before_follows_every_write(
    index: GraphIndex, tenant: Tenant, access: Access, writes: list[Any]
) -> None:
    """A reader that looked in between sees what one that never looked sees."""
    follow(index, tenant, access, writes)


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(writes=WRITES)
def test_a_graph_that_was_read_whole_follows_every_write_and_reads_no_concept_again(
    installation: Installation, tenant: Tenant, access: Access, writes: list[Any]
) -> None:
    index = PostgresGraphIndex(installation.database)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(postings, "WORTH_ALL", 1)

        def whole() -> None:
            wait_for_reading()
            patched.setattr(postings, "_load", None)  # nothing of it is read on demand from now on

        follow(index, tenant, access, writes, whole)
        if writes:
            assert index._reader._tenants[tenant.tenant_id].every
            assert not index.search(access, {"in no note": 1.0}, ALL, 9, "any").hits


def test_only_so_many_tenants_are_read_whole(
    installation: Installation, tenant: Tenant, access: Access, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postings, "WORTH_ALL", 1)
    monkeypatch.setattr(postings, "MOST_OF_ALL", 1)
    index = PostgresGraphIndex(installation.database)
    other = Tenant(TenantId(uuid4()), f"t-{uuid4().hex[:12]}", "Another hospital")
    installation.tenants.create(other)
    for each in (tenant, other):
        index.upsert(each.tenant_id, [entry(each, "n", {"a": P, "b": P})])
        own = replace(access, tenant_id=each.tenant_id)
        for concept in "ab":
            assert index.search(own, {concept: 1.0}, ALL, 9, "any").hits
            wait_for_reading()
    held = index._reader._tenants
    assert held[tenant.tenant_id].every
    assert not held[other.tenant_id].every


def wait_for_reading() -> None:
    for thread in enumerate_threads():
        if thread.name == "read-postings":
            thread.join(20)


def follow(
    index: GraphIndex, tenant: Tenant, access: Access, writes: list[Any],
    settled: Callable[[], None] = lambda: None,
) -> None:  # fmt: skip
    """Write in turn, and compare with the reference after each."""
    index.drop(tenant.tenant_id)
    plain = MemoryGraphIndex()
    weights = {"a": 1.0, "b": 0.5, "c": 0.25}
    for version, (number, concepts, gone, labels) in enumerate(writes, 1):
        for each in (index, plain):
            if gone:
                each.delete(tenant.tenant_id, [Tombstone(f"d{number}", version)])
            else:
                made = entry(tenant, f"d{number}", concepts, version, labels=labels)
                each.upsert(tenant.tenant_id, [made])
        asked = dict(list(weights.items())[: 1 + version % 3])
        for cleared in (access, replace(access, labels=frozenset({"PSY"}))):
            for mode in get_args(AssertionMode):
                found = [i.search(cleared, asked, ALL, 9, mode).hits for i in (index, plain)]
                got, want = ({h.doc_id: h.score for h in hits} for hits in found)
                assert list(got) == list(want)
                assert got == pytest.approx(want, abs=1e-8)
            assert index.assertions(cleared, asked, ALL) == plain.assertions(cleared, asked, ALL)
            settled()


def test_ties_stand_by_id_and_k_cuts(index: GraphIndex, tenant: Tenant, access: Access) -> None:
    names = [f"n{i:03}" for i in range(120)]
    index.upsert(tenant.tenant_id, [entry(tenant, n, {"x": P}) for n in reversed(names)])
    assert ids(index.search(access, {"x": 1.0}, ALL, 1, "present")) == names[:1]
    assert ids(index.search(access, {"x": 1.0}, ALL, 500, "present")) == names
    assert ids(index.search(access, {"x": 1.0}, ALL, 0, "present")) == []
    index.drop(tenant.tenant_id)
    assert index.entries(tenant.tenant_id) == {}
    assert ids(index.search(access, {"x": 1.0}, ALL, 5, "present")) == []


def test_standings_are_those_of_the_documents_asked_for(
    filled: GraphIndex, tenant: Tenant, access: Access
) -> None:
    asked = ["denied", "once", "other", "secret", "nowhere"]
    found = filled.standings(access, asked, ["chf", "rash", "unknown"])
    assert found == {"denied": {"chf": N}, "once": {"chf": P}, "other": {"rash": P}}
    assert filled.standings(access, [], ["chf"]) == {}
    assert filled.standings(access, ["once"], []) == {}


def test_standings_follow_a_change_and_keep_to_the_patients_opened(
    filled: GraphIndex, tenant: Tenant, access: Access
) -> None:
    filled.upsert(tenant.tenant_id, [entry(tenant, "once", {"chf": N}, version=2)])
    filled.delete(tenant.tenant_id, [Tombstone("denied", 2)])
    every = ["once", "denied", "often"]
    assert filled.standings(access, every, ["chf"]) == {"once": {"chf": N}, "often": {"chf": P}}
    only = replace(access, patients=frozenset({"P2"}))
    assert filled.standings(only, every, ["chf"]) == {"often": {"chf": P}}
