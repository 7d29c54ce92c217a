"""The medical graph from records and notes: what is in it, what is asked of it, how it follows."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from fastapi.testclient import TestClient

from app.cli import doctor
from app.following import catch_up
from app.medical import pathways_json
from app.wiring import Installation
from indexing import medical_entries, medical_follow
from indexing.access import Access, Role
from indexing.backends.memory_medical import MemoryMedicalGraph
from indexing.backends.postgres.search_values import fill_search
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.errors import InvalidInput
from indexing.ingest import Ingest
from indexing.medical_facts import Made
from indexing.medical_follow import (
    outdated,
    rebuild_medical,
    reconcile_medical,
    remake_some,
)
from indexing.medical_graph import GraphEdge, GraphNode, MedicalEntry, NodeKind, Relation
from indexing.model import Tombstone
from indexing.site_edges import read_edges, site_edges
from rankers.medical import MedicalQuestions, Neighbourhood
from rankers.medical_knowledge import Knowledge
from tests.ward import Ward, build

ADA = {"reference": "Patient/p-ada"}
CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
MORE: list[dict[str, Any]] = [
    {"resourceType": "Practitioner", "id": "dr-q", "name": [{"family": "Quill"}]},
    {"resourceType": "Organization", "id": "house", "name": "St Elsewhere"},
    {
        "resourceType": "Encounter", "id": "e1", "status": "finished", "class": {"code": "AMB"},
        "type": [{"text": "Check-up"}], "subject": ADA, "period": {"start": "2024-03-02"},
        "participant": [{"individual": {"reference": "Practitioner/dr-q"}}],
        "serviceProvider": {"reference": "Organization/house"},
    },
    {
        "resourceType": "Observation", "id": "bp", "status": "final", "subject": ADA,
        "code": {"coding": [{"system": "http://loinc.org", "code": "8480-6"}]},
        "encounter": {"reference": "Encounter/e1"}, "device": {"reference": "Device/cuff"},
        "effectiveDateTime": "2024-03-02", "valueQuantity": {"value": 150, "unit": "mm[Hg]"},
    },
    {
        "resourceType": "Device", "id": "cuff", "patient": ADA, "manufacturer": "Maker",
        "type": {"text": "Cuff"},
    },
    {
        "resourceType": "Procedure", "id": "pr", "status": "completed", "subject": ADA,
        "code": {"text": "Exercise test"}, "performedDateTime": "2024-03-09",
        "bodySite": [{"text": "Heart"}], "outcome": {"text": "Successful"},
        "reasonCode": [{"coding": [{"code": "x"}], "text": "Angina"}],
        "complication": [{"text": "Syncope"}, {"coding": [{"display": "Bruise"}]}],
    },
    {
        "resourceType": "CarePlan", "id": "cp", "status": "active", "intent": "plan",
        "subject": ADA, "category": [{"text": "Salt restriction"}],
        "addresses": [{"reference": "Condition/c-htn"}], "period": {"start": "2016"},
    },
    {
        "resourceType": "MedicationRequest", "id": "m-war", "subject": ADA, "status": "active",
        "intent": "order", "authoredOn": "2024-04-01",
        "dosageInstruction": [{"text": "one tablet", "asNeededBoolean": False, "timing": {
            "repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}}}],
        "medicationCodeableConcept": {
            "coding": [{"system": RXNORM, "code": "855332", "display": "warfarin 5 MG Oral Tablet"}]
        },
    },
    {
        "resourceType": "ResearchStudy", "id": "st", "status": "active", "title": "A trial",
        "phase": {"coding": [{"code": "phase-3"}]},
    },
    {
        "resourceType": "ResearchSubject", "id": "rs", "status": "on-study", "individual": ADA,
        "study": {"reference": "ResearchStudy/st"},
    },
    {
        "resourceType": "RiskAssessment", "id": "ra", "status": "final", "subject": ADA,
        "method": {"text": "A model"}, "mitigation": "Stop smoking",
        "prediction": [{"outcome": {"text": "Stroke"}, "probabilityDecimal": 0.2}],
    },
]  # fmt: skip


@pytest.fixture(scope="module")
def ward(installation: Installation) -> Ward:
    made = build(installation)
    put(installation, made, *MORE)
    return made


def put(installation: Installation, ward: Ward, *resources: dict[str, Any]) -> None:
    ingest = Ingest(installation.records, ward.access, ZoneInfo("UTC"))
    for resource in resources:
        outcome = ingest.submit(json.dumps(resource).encode())[0]
        assert outcome.rejected is None, outcome.rejected
    catch_up(installation, tenants=[ward.tenant.tenant_id])


@pytest.fixture
def access(ward: Ward) -> Access:
    return Access(ward.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))


def told(found: Neighbourhood) -> set[tuple[str, str, str]]:
    names = {placed.node.node_id: placed.node.name for placed in found.nodes}
    return {(names[e.source], e.relation.value, names[e.target]) for e in found.edges}


def test_every_relation_that_the_records_hold_is_in_the_graph(
    installation: Installation, access: Access
) -> None:
    patch = installation.medical.graph.around(access, ["p-ada"])
    names = {node_id: node.name for node_id, node in patch.nodes.items()}
    found = {(names[e.source], e.relation.value, names[e.target]) for e in patch.edges}
    assert {
        ("This hospital", "OWNS", "Ada Example"),
        ("Ada Example", "DIAGNOSED_WITH", "Hypertension"),
        ("Ada Example", "PRESCRIBED", "Aspirin 81 mg"),
        ("Ada Example", "UNDERWENT", "Exercise test"),
        ("Exercise test", "PERFORMED_ON", "Heart"),
        ("Exercise test", "TREATS", "Angina"),
        ("Ada Example", "TREATED_WITH", "Salt restriction"),
        ("Hypertension", "TREATED_WITH", "Salt restriction"),
        ("Ada Example", "TREATED_BY", "Quill"),
        ("Check-up", "INVOLVED_PATIENT", "Ada Example"),
        ("Check-up", "INVOLVED_PROVIDER", "Quill"),
        ("Check-up", "OCCURRED_AT", "St Elsewhere"),
        ("Hemoglobin", "OBSERVED_IN", "Ada Example"),
        ("Ada Example", "TREATED_WITH", "Cuff"),
        ("Cuff", "MANUFACTURED_BY", "Maker"),
        ("Ada Example", "ENROLLED_IN", "A trial"),
        ("Prediction", "APPLIES_TO", "Ada Example"),
        ("Prediction", "PREDICTS", "Stroke"),
        ("Prediction", "GENERATED_BY", "A model"),
        ("A model", "GENERATES", "Prediction"),
        ("Prediction", "RECOMMENDS", "Stop smoking"),
    } <= found
    relations = {edge.relation for edge in patch.edges}
    assert {Relation.MEASURED_DURING, Relation.MEASURED_BY, Relation.DERIVED_FROM} <= relations
    (observed,) = [e for e in patch.edges if names[e.source] == "Hemoglobin"]
    assert observed.properties["times"] == 3.0
    assert observed.properties["last"] == 14.0
    said = {(e.relation.value, names[e.target]): e.properties for e in patch.edges}
    assert said["UNDERWENT", "Exercise test"]["complications"] == "Syncope; Bruise"
    assert said["PRESCRIBED", "warfarin 5 MG Oral Tablet"]["frequency"] == "1 per day"


def test_who_sent_a_record_is_in_the_graph_and_ends_every_walk(
    installation: Installation, ward: Ward, access: Access
) -> None:
    patch = installation.medical.graph.around(access, ["p-ada"])
    (sender,) = [node for node in patch.nodes.values() if node.kind is NodeKind.USER]
    found = {(e.source, e.relation, e.target) for e in patch.edges}
    here = f"Tenant/{ward.tenant.tenant_id}"
    assert ("Patient/p-ada", Relation.DERIVED_FROM, sender.node_id) in found
    assert (here, Relation.OWNS, sender.node_id) in found
    near = installation.everybody.medical.questions.around_node(access, sender, 3)
    assert [placed.node.node_id for placed in near.nodes] == [sender.node_id]


def test_what_an_older_release_stored_is_filled_in(installation: Installation, ward: Ward) -> None:
    read = "SELECT complication FROM procedure WHERE resource_id = 'pr' AND tenant_id = %s"
    tenant = (ward.tenant.tenant_id,)
    with installation.database.tenant(ward.tenant.tenant_id) as conn:
        conn.execute("UPDATE procedure SET complication = NULL WHERE tenant_id = %s", tenant)
    fill_search(installation.database, ward.tenant)
    with installation.database.tenant(ward.tenant.tenant_id) as conn:
        assert conn.execute(read, tenant).fetchone() == ("Syncope; Bruise",)


def test_notes_add_what_they_assert_and_never_what_they_deny(
    installation: Installation, access: Access
) -> None:
    patch = installation.medical.graph.around(access, ["p-ada"])
    stated = {
        patch.nodes[e.target].name.lower()
        for e in patch.edges
        if e.properties.get("stated_in") == "notes"
    }
    assert "chest pain" in stated
    assert not {"fever", "diabetes mellitus", "shortness of breath", "dyspnea"} & stated


def test_the_graph_follows_changes_and_deletions(
    installation: Installation, ward: Ward, access: Access
) -> None:
    body = {"resourceType": "Condition", "id": "gone", "subject": ADA, "code": {"text": "Mumps"}}
    put(installation, ward, body)
    assert "Mumps" in {
        n.name for n in installation.medical.graph.around(access, ["p-ada"]).nodes.values()
    }
    put(installation, ward, body | {"code": {"text": "Measles"}})
    names = {n.name for n in installation.medical.graph.around(access, ["p-ada"]).nodes.values()}
    assert "Measles" in names
    assert "Mumps" not in names
    refuted = {"coding": [{"code": "refuted"}]}
    put(installation, ward, body | {"verificationStatus": refuted})
    names = {n.name for n in installation.medical.graph.around(access, ["p-ada"]).nodes.values()}
    assert "Measles" not in names


def test_a_rebuilt_graph_answers_the_same_and_a_broken_one_is_repaired(
    installation: Installation, ward: Ward, access: Access
) -> None:
    tenant = ward.tenant.tenant_id
    before = installation.medical.graph.around(access, ["p-ada"])
    args = (
        tenant,
        installation.medical.facts,
        installation.medical.graph,
        installation.medical.of(tenant).maker,
    )
    count = rebuild_medical(*args)
    assert count == len(installation.medical.facts.keys(tenant))
    assert installation.medical.graph.around(access, ["p-ada"]) == before
    version = installation.medical.graph.entries(tenant)["Patient/p-ada"]
    installation.medical.graph.delete(tenant, [Tombstone("Patient/p-ada", version)])
    found, after = reconcile_medical(*args)
    assert found.missing == ("Patient/p-ada",)
    assert after.equal
    assert installation.medical.graph.around(access, ["p-ada"]) == before


def test_a_graph_that_older_rules_made_is_told_of_and_made_anew(
    installation: Installation, ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, own = ward.tenant.tenant_id, installation.medical
    maker = own.of(tenant).maker
    rebuild_medical(tenant, own.facts, own.graph, maker)
    assert not outdated(tenant, own.facts, own.graph, own.version_of(tenant))
    monkeypatch.setattr(medical_entries, "RULES", medical_entries.RULES + 1)
    monkeypatch.setattr(medical_follow, "_BATCH", 3)
    assert outdated(tenant, own.facts, own.graph, own.version_of(tenant))
    found = doctor._graph(installation)
    assert found.verdict == "warning"
    assert ward.tenant.code in found.found
    before, rounds = own.graph.entries(tenant), 0
    while outdated(tenant, own.facts, own.graph, own.version_of(tenant)):
        remake_some(tenant, own.facts, own.graph, maker)
        rounds += 1
    after = own.graph.entries(tenant)
    assert rounds == -(-len(after) // 3)
    assert after.keys() == before.keys()
    assert own.facts.made(tenant) == Made(own.version_of(tenant))


def test_catching_up_makes_an_outdated_graph_anew(
    installation: Installation, ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, own = ward.tenant.tenant_id, installation.medical
    monkeypatch.setattr(installation.tenants, "all", lambda: [ward.tenant])
    catch_up(installation, ("medical",))
    own.facts.note_made(tenant, Made("older rules"))  # by a process that had the lane meanwhile
    catch_up(installation, ("medical",))
    assert own.facts.made(tenant) == Made(own.version_of(tenant))


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


def test_what_an_open_resource_points_at_stays_closed(
    installation: Installation, ward: Ward, access: Access
) -> None:
    ben = {"reference": "Patient/p-ben"}
    closed = {"meta": {"security": [{"system": CONFIDENTIALITY, "code": "R"}]}}
    put(
        installation, ward,
        {"resourceType": "Condition", "id": "kept", "subject": ben, "code": {"text": "Zqsick"}}
        | closed,
        {"resourceType": "CarePlan", "id": "plan", "status": "active", "intent": "plan",
         "subject": ben, "category": [{"text": "Rest"}],
         "addresses": [{"reference": "Condition/kept"}]},
        {"resourceType": "Encounter", "id": "met", "status": "finished", "class": {"code": "AMB"},
         "type": [{"text": "Zqvisit"}], "subject": ben, "period": {"start": "2026-01-02"}}
        | closed,
        {"resourceType": "Device", "id": "pump", "patient": ben, "type": {"text": "Zqpump"}}
        | closed,
        {"resourceType": "Medication", "id": "drug", "code": {"text": "Zqdrug"}} | closed,
        {"resourceType": "MedicationRequest", "id": "asked", "status": "active", "intent": "order",
         "subject": ben, "medicationReference": {"reference": "Medication/drug"},
         "authoredOn": "2026-01-02"},
        {"resourceType": "Observation", "id": "seen", "status": "final", "subject": ben,
         "code": {"text": "Weight"}, "encounter": {"reference": "Encounter/met"},
         "device": {"reference": "Device/pump"}, "effectiveDateTime": "2026-01-02"},
    )  # fmt: skip
    graph = installation.medical.graph
    names = {n.name for n in graph.around(access, ["p-ben"]).nodes.values()}
    assert not {"Zqsick", "Zqvisit", "Zqpump", "Zqdrug"} & names
    cleared = replace(access, labels=frozenset({"R"}))
    names = {n.name for n in graph.around(cleared, ["p-ben"]).nodes.values()}
    assert {"Zqsick", "Zqvisit", "Zqpump", "Zqdrug", "Rest"} <= names


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
