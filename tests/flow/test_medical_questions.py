"""What is asked of the medical graph: neighbourhoods, pathways, interactions, and by whom."""

from __future__ import annotations

from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from app.medical import pathways_json
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.backends.memory.medical import MemoryMedicalGraph
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.errors import InvalidInput
from indexing.medical_graph import GraphEdge, GraphNode, MedicalEntry, NodeKind, Relation
from indexing.site_edges import read_edges, site_edges
from rankers.medical import MedicalQuestions
from rankers.medical_knowledge import Knowledge
from tests.medical_ward import medical_ward
from tests.ward import Ward


@pytest.fixture(scope="module")
def ward(installation: Installation) -> Ward:
    return medical_ward(installation)


@pytest.fixture
def access(ward: Ward) -> Access:
    return Access(ward.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))


def test_a_neighbourhood_never_steps_into_another_record(
    installation: Installation, access: Access
) -> None:
    found = installation.everybody.medical.questions.around_patient(access, ["p-ada"], 3)
    people = [p.node.name for p in found.nodes if p.node.kind is NodeKind.PATIENT]
    assert people == ["Ada Example"]
    assert max(p.hop for p in found.nodes) <= 3
    with pytest.raises(InvalidInput):
        installation.everybody.medical.questions.around_patient(access, ["p-ada"], 4)


def test_pathways_count_patients_from_the_records(
    installation: Installation, access: Access
) -> None:
    asked = installation.everybody.medical.questions
    found = asked.pathways(access, asked.meant(access, "hypertension"))
    assert found.carriers == 1
    assert ("Salt restriction", 1) in [(t.treatment.name, t.patients) for t in found.treatments]
    assert not found.more


def test_pathways_say_that_rarer_treatments_are_not_listed(
    installation: Installation, access: Access
) -> None:
    asked = installation.everybody.medical.questions
    found = asked.pathways(access, asked.meant(access, "hypertension"), most=1)
    assert (len(found.treatments), found.more) == (1, True)
    assert pathways_json(found)["more"] is True


def test_interactions_name_their_severity_and_who_says_so(
    installation: Installation, access: Access
) -> None:
    (found,) = installation.everybody.medical.questions.interactions(access, ["p-ada"])
    assert set(found.drugs) == {"Warfarin", "Aspirin"} or set(map(str.lower, found.drugs)) == {
        "warfarin", "aspirin",
    }  # fmt: skip
    assert (found.severity, found.what) == ("major", "bleeding")
    assert "example" in found.stated_by


def test_what_is_asked_about_shows_the_strongest_of_each_kind(
    installation: Installation, access: Access
) -> None:
    asked = installation.everybody.medical.questions
    knowledge = Knowledge(installation.terminology, site_edges(installation.home))
    node = asked.meant(access, "hypertension")
    found = asked.around_node(access, node, 1)
    known, _ = knowledge.edges(node.node_id, 1_000)
    every = {each.other.node_id: each for each in known}
    shown = {placed.node.node_id for placed in found.nodes} - {node.node_id}
    assert found.left_out == len(known) - sum(each.other.node_id in shown for each in known)
    drugs = [n for n, each in every.items() if each.other.kind is NodeKind.DRUG]
    assert len(shown & set(drugs)) == min(8, len(drugs))


def test_a_biomarker_is_one_by_its_name_and_indicates(
    installation: Installation, access: Access
) -> None:
    asked = installation.everybody.medical.questions
    node = asked.meant(access, "troponin")
    found = asked.around_node(access, node, 1)
    assert found.nodes[0].node.kind is NodeKind.BIOMARKER
    (edge,) = [e for e in found.edges if e.relation is Relation.INDICATES]
    assert edge.properties["sensitivity"] == 0.95
    assert edge.properties["specificity"] == 0.8


def test_counts_told_to_researchers_cannot_be_subtracted(installation: Installation) -> None:
    """Fourteen have it; twelve were given one drug, nine another."""
    researcher = Access(new_tenant_id(), "re", frozenset({Role.RESEARCHER}))
    flu = GraphNode(NodeKind.CONDITION, "TEST:flu", "Zq flu")
    drugs = [GraphNode(NodeKind.MEDICATION, f"TEST:{d}", f"drug {d}") for d in "ab"]
    graph = MemoryMedicalGraph()
    for i in range(14):
        own = f"Patient/{i}"
        given = [drug for drug, most in zip(drugs, (12, 9), strict=True) if i < most]
        edges = [GraphEdge(own, Relation.DIAGNOSED_WITH, flu.node_id)]
        edges += [GraphEdge(own, Relation.PRESCRIBED, drug.node_id) for drug in given]
        nodes = (GraphNode(NodeKind.PATIENT, own, own), flu, *given)
        entry = MedicalEntry(own, 1, str(i), nodes, tuple(edges))
        graph.upsert(researcher.tenant_id, [entry])
    asked = MedicalQuestions(graph, Knowledge(installation.terminology, ()))
    found = asked.pathways(researcher, flu)
    assert (found.carriers, found.hidden) == (10, 1)
    assert [(t.treatment.name, t.patients) for t in found.treatments] == [("drug a", 10)]
    assert asked.around_node(researcher, flu, 1).carriers == 10
    assert pathways_json(found)["treatments"][0]["frequency"] == 1.0


def test_small_cells_are_not_told_to_researchers(installation: Installation, ward: Ward) -> None:
    researcher = Access(ward.tenant.tenant_id, "re", frozenset({Role.RESEARCHER}))
    asked = installation.everybody.medical.questions
    found = asked.pathways(researcher, asked.meant(researcher, "hypertension"))
    assert (found.carriers, found.treatments) == (None, ())
    assert asked.around_node(researcher, found.condition, 1).carriers is None


def test_the_calls_answer_and_unknown_things_are_404(client: TestClient, ward: Ward) -> None:
    who = {"Authorization": f"Bearer {ward.token(Role.CLINICIAN)}"}
    graph = client.get("/api/patients/p-ada/graph?hops=3", headers=who).json()
    assert graph["start"] == "Patient/p-ada"
    assert graph["interactions"][0]["severity"] == "major"
    paths = client.post("/api/graph/pathways", headers=who, json={"name": "hypertension"}).json()
    assert paths["carriers"] == 1
    assert paths["treatments"][0]["frequency"] == 1.0
    near = client.post("/api/graph/neighbours", headers=who, json={"name": "warfarin"}).json()
    assert any(e["relation"] == "INTERACTS_WITH" for e in near["edges"])
    for path, body in (
        ("/api/graph/pathways", {"name": "nothing of that name"}),
        ("/api/graph/neighbours", {"name": "Patient/p-ada"}),
    ):
        assert client.post(path, headers=who, json=body).status_code == 404
    assert client.get("/api/patients/p-nobody/graph", headers=who).status_code == 404
    assert client.post("/api/graph/pathways", headers=who, json={"nme": "x"}).status_code == 400


def test_a_researchers_graph_names_nobody(client: TestClient, ward: Ward) -> None:
    who = {"Authorization": f"Bearer {ward.token(Role.RESEARCHER)}"}
    found = client.post("/api/search", headers=who, json={"q": "chest pain"}).json()
    note = client.get(f"/api/notes/{found['hits'][0]['doc_id']}", headers=who).json()
    answer = client.get(f"/api/patients/{note['patient_id']}/graph?hops=3", headers=who)
    assert answer.status_code == 200
    for hidden in ("Ada", "p-ada", "Ben", "p-ben", "Quill", "Elsewhere", "2024-03-02"):
        assert hidden not in answer.text


@pytest.mark.parametrize("name", ["Practitioner/dr-q", "Organization/house", "Encounter/e1"])
def test_who_and_where_is_unknown_to_a_researcher(
    client: TestClient, ward: Ward, name: str
) -> None:
    for role, status in ((Role.RESEARCHER, 404), (Role.CLINICIAN, 200)):
        who = {"Authorization": f"Bearer {ward.token(role)}"}
        found = client.post("/api/graph/neighbours", headers=who, json={"name": name})
        assert found.status_code == status, role


def test_edges_files_say_where_they_are_wrong(tmp_path: Path) -> None:
    head = "source\tsource_kind\trelation\ttarget\ttarget_kind\tproperties\n"
    with pytest.raises(InvalidInput, match="line 2"):
        list(read_edges(head + "a\tDrug\tEATS\tb\tDrug\t\n", "own.tsv"))
    with pytest.raises(InvalidInput, match="first line"):
        list(read_edges("a\tb\n", "own.tsv"))
    (tmp_path / "knowledge").mkdir()
    own = head + "warfarin\tDrug\tINTERACTS_WITH\taspirin\tDrug\tseverity=minor\n"
    (tmp_path / "knowledge" / "own.tsv").write_text(own)
    (mine,) = [e for e in site_edges(tmp_path) if (e.source, e.target) == ("warfarin", "aspirin")]
    assert (mine.properties["severity"], mine.origin) == ("minor", "own.tsv")
