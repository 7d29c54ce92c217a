"""What every medical graph must do, the reference and every engine alike."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.settings import MedicalBackend
from app.wiring import Installation
from indexing.access import Access
from indexing.backends.memory.medical import MemoryMedicalGraph
from indexing.backends.neo4j.connect import Neo4j
from indexing.backends.neo4j.medical import Neo4jMedicalGraph
from indexing.backends.postgres.medical import PostgresMedicalGraph
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.dated import Width
from indexing.medical_graph import (
    GraphEdge,
    GraphNode,
    MedicalEntry,
    MedicalGraph,
    NodeKind,
    Relation,
)
from indexing.model import Tenant, Tombstone
from tests.engines import EngineServer, every, neo4j_address

FLU = GraphNode(NodeKind.CONDITION, "flu", "Influenza")
REST = GraphNode(NodeKind.TREATMENT, "rest", "Rest")
PILL = GraphNode(NodeKind.MEDICATION, "pill", "A pill")
HOUSE = GraphNode(NodeKind.ORGANIZATION, "Organization/h", "St. Mary")


@pytest.fixture(params=every(MedicalBackend))
def graph(request: pytest.FixtureRequest, installation: Installation) -> Iterator[MedicalGraph]:
    match request.param:
        case "memory":
            yield MemoryMedicalGraph()
        case "postgres":
            yield PostgresMedicalGraph(installation.database)
        case "neo4j":
            own = request.getfixturevalue("neo4j").settings
            server = Neo4j(neo4j_address(own))
            yield Neo4jMedicalGraph(server)
            server.close()
        case other:
            pytest.fail(f"no way to test {other}")


def day(number: int) -> datetime:
    return datetime(2024, 1, number, tzinfo=UTC)


def patient(
    name: str, *edges: GraphEdge, version: int = 1, nodes: tuple[GraphNode, ...] = ()
) -> MedicalEntry:
    key = f"Patient/{name}"
    own = GraphNode(NodeKind.PATIENT, key, name.title())
    return MedicalEntry(key, version, name, (own, FLU, REST, PILL, *nodes), edges)


def has_flu(name: str, at: int | None = 1, **more: frozenset[str]) -> GraphEdge:
    start = day(at) if at else None
    return GraphEdge(f"Patient/{name}", Relation.DIAGNOSED_WITH, "flu", start, start, **more)


def given_pill(name: str, at: int | None = 2) -> GraphEdge:
    start = day(at) if at else None
    return GraphEdge(
        f"Patient/{name}",
        Relation.PRESCRIBED,
        "pill",
        start,
        start,
        {"dosage": "one", "times": 2.0},
    )


def test_a_patients_edges_come_back_with_their_nodes_and_properties(
    graph: MedicalGraph, access: Access
) -> None:
    graph.upsert(access.tenant_id, [patient("ada", has_flu("ada"), given_pill("ada"))])
    patch = graph.around(access, ["ada"])
    assert patch.edges == (has_flu("ada"), given_pill("ada"))
    assert patch.nodes["pill"] == PILL
    assert set(patch.nodes) == {"Patient/ada", "flu", "pill"}


def test_a_date_comes_back_as_vague_as_it_was(graph: MedicalGraph, access: Access) -> None:
    vague = replace(has_flu("ada"), start_width=Width.YEAR, end_width=Width.MONTH)
    graph.upsert(access.tenant_id, [patient("ada", vague, given_pill("ada"))])
    assert graph.around(access, ["ada"]).edges == (vague, given_pill("ada"))


def test_an_entry_is_replaced_as_a_whole_and_an_older_one_loses(
    graph: MedicalGraph, access: Access
) -> None:
    graph.upsert(access.tenant_id, [patient("ada", has_flu("ada"), version=2)])
    graph.upsert(access.tenant_id, [patient("ada", given_pill("ada"), version=1)])
    assert graph.around(access, ["ada"]).edges == (has_flu("ada"),)
    graph.upsert(access.tenant_id, [patient("ada", given_pill("ada"), version=2)])
    assert graph.around(access, ["ada"]).edges == (given_pill("ada"),)
    assert graph.entries(access.tenant_id) == {"Patient/ada": 2}


def test_a_tombstone_keeps_its_version(graph: MedicalGraph, access: Access) -> None:
    graph.upsert(access.tenant_id, [patient("ada", has_flu("ada"), version=1)])
    graph.delete(access.tenant_id, [Tombstone("Patient/ada", 3)])
    graph.upsert(access.tenant_id, [patient("ada", has_flu("ada"), version=3)])
    assert graph.around(access, ["ada"]).edges == ()
    assert graph.entries(access.tenant_id) == {}
    graph.upsert(access.tenant_id, [patient("ada", has_flu("ada"), version=4)])
    assert graph.state(access.tenant_id).count == 1


def test_what_access_closes_is_not_there(graph: MedicalGraph, access: Access) -> None:
    secret = has_flu("ben", labels=frozenset({"PSY"}))
    graph.upsert(
        access.tenant_id,
        [patient("ada", has_flu("ada")), patient("ben", secret, given_pill("ben"))],
    )
    only = replace(access, patients=frozenset({"ada"}))
    assert graph.around(only, ["ada", "ben"]).edges == (has_flu("ada"),)
    assert graph.carriers(access, ["flu"]) == 1
    cleared = replace(access, labels=frozenset({"PSY"}))
    assert graph.carriers(cleared, ["flu"]) == 2
    assert "Patient/ben" not in graph.named(only, ["Patient/ben", "Patient/ada"])
    assert "flu" not in graph.around(access, ["ben"]).nodes


def test_tenants_are_apart(graph: MedicalGraph, access: Access) -> None:
    graph.upsert(access.tenant_id, [patient("ada", has_flu("ada"))])
    other = replace(access, tenant_id=new_tenant_id())
    assert graph.around(other, ["ada"]).edges == ()
    assert graph.carriers(other, ["flu"]) == 0
    assert graph.entries(other.tenant_id) == {}


def test_treatments_are_counted_by_patients_from_the_diagnosis_on(
    graph: MedicalGraph, access: Access
) -> None:
    rest = GraphEdge("Patient/cy", Relation.TREATED_WITH, "rest", day(9), day(9))
    graph.upsert(
        access.tenant_id,
        [
            patient("ada", has_flu("ada", 3), given_pill("ada", 4)),
            patient("ben", has_flu("ben", 3), given_pill("ben", 2)),  # before: no answer to it
            patient("cy", has_flu("cy", None), given_pill("cy", 1), rest),
            patient("dee", has_flu("dee", 3), given_pill("dee", None)),
            patient("eve", given_pill("eve", 4)),
        ],
    )
    found = graph.treatments(access, ["flu"], 10)
    assert [(t.treatment, t.relation, t.patients) for t in found] == [
        (PILL, Relation.PRESCRIBED, 3),
        (REST, Relation.TREATED_WITH, 1),
    ]
    assert graph.carriers(access, ["flu"]) == 4
    assert graph.treatments(access, ["flu"], 1) == found[:1]


def test_what_is_nobodys_is_open_to_every_patient_list(graph: MedicalGraph, access: Access) -> None:
    study = GraphNode(NodeKind.RESEARCH_STUDY, "ResearchStudy/s", "A study")
    edge = GraphEdge("ResearchStudy/s", Relation.OCCURRED_AT, "Organization/h")
    entry = MedicalEntry("ResearchStudy/s", 1, None, (study, HOUSE), (edge,))
    house = MedicalEntry("Organization/h", 1, None, (HOUSE,), ())
    graph.upsert(access.tenant_id, [entry, house])
    closed = replace(access, patients=frozenset())
    assert graph.common(closed, ["Organization/h"]).edges == (edge,)
    assert graph.named(closed, ["Organization/h"]) == {"Organization/h": HOUSE}


def test_a_dropped_tenant_can_be_filled_again(graph: MedicalGraph, access: Access) -> None:
    graph.upsert(access.tenant_id, [patient("ada", has_flu("ada"), version=5)])
    graph.drop(access.tenant_id)
    assert graph.state(access.tenant_id).count == 0
    graph.upsert(access.tenant_id, [patient("ada", has_flu("ada"), version=1)])
    assert graph.carriers(access, ["flu"]) == 1


def house(name: str, about: str) -> MedicalEntry:
    key = f"Organization/{about}"
    own = GraphNode(NodeKind.ORGANIZATION, key, name)
    edge = GraphEdge(key, Relation.OCCURRED_AT, "Organization/h")
    return MedicalEntry(key, 1, None, (own, HOUSE), (edge,))


_PEOPLE = st.lists(
    st.tuples(
        st.sampled_from(["ada", "ben", "cy"]),
        st.none() | st.integers(1, 9),
        st.none() | st.integers(1, 9),
        st.integers(1, 4),
        st.booleans(),
        st.booleans(),
    ),
    max_size=8,
)


@settings(
    max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(people=_PEOPLE)
def test_every_engine_answers_as_the_reference(
    graph: MedicalGraph,
    access: Access,
    tenant: Tenant,
    people: list[tuple[str, object, object, int, bool, bool]],
) -> None:
    reference = MemoryMedicalGraph()
    graph.drop(tenant.tenant_id)
    entries: list[MedicalEntry | Tombstone] = [house("North", "n"), house("South", "h")]
    for name, flu, pill, version, gone, secret in people:
        labels = frozenset({"PSY"}) if secret else frozenset()
        edges = has_flu(name, flu, labels=labels), given_pill(name, pill)
        entry = patient(name, *edges, version=version)
        called = replace(PILL, name=f"{name}'s pill")  # so that it shows who named it
        entry = replace(entry, nodes=(*entry.nodes[:3], called))
        entries.append(Tombstone(entry.key, version) if gone else entry)
    for each in entries:
        for index in (graph, reference):
            if isinstance(each, Tombstone):
                index.delete(access.tenant_id, [each])
            else:
                index.upsert(access.tenant_id, [each])
    assert graph.entries(access.tenant_id) == reference.entries(access.tenant_id)
    assert graph.state(access.tenant_id) == reference.state(access.tenant_id)
    cleared = replace(access, labels=frozenset({"PSY"}))
    few = replace(access, patients=frozenset({"ben"}))
    ids = ["flu", "pill", "Patient/ada", "Patient/ben", "Organization/h", "Organization/n"]
    for asked in (access, cleared, few):
        for names in (["ada"], ["ada", "ben", "cy"]):
            assert graph.around(asked, names) == reference.around(asked, names)
        assert graph.treatments(asked, ["flu"], 9) == reference.treatments(asked, ["flu"], 9)
        assert graph.carriers(asked, ["flu"]) == reference.carriers(asked, ["flu"])
        assert graph.named(asked, ids) == reference.named(asked, ids)
        assert graph.common(asked, ids) == reference.common(asked, ids)


@pytest.mark.engines
def test_a_patient_who_went_leaves_no_node_behind_in_neo4j(
    neo4j: EngineServer, access: Access
) -> None:
    own = neo4j.settings
    server = Neo4j(neo4j_address(own))
    graph = Neo4jMedicalGraph(server)
    graph.upsert(access.tenant_id, [patient("ada", has_flu("ada")), patient("ben", has_flu("ben"))])
    graph.delete(access.tenant_id, [Tombstone("Patient/ada", 2)])
    asked = "MATCH (n:MedicalThing) RETURN n.id AS id"
    left = server.read(access.tenant_id, lambda tx: tx.run(asked))
    assert {row["id"] for row in left} == {"Patient/ben", "flu"}
    graph.drop(access.tenant_id)
    assert server.read(access.tenant_id, lambda tx: tx.run(asked)) == []
    server.close()
