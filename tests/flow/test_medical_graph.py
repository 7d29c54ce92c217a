"""The medical graph from records and notes: what is in it, and how it follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from app.cli import doctor
from app.following import catch_up
from app.wiring import Installation
from indexing import medical_entries, medical_follow
from indexing.access import Access, Role
from indexing.backends.postgres.search_values import fill_search
from indexing.errors import EventRejected
from indexing.medical_facts import Made
from indexing.medical_follow import (
    outdated,
    rebuild_medical,
    reconcile_medical,
    remake_some,
)
from indexing.medical_graph import MedicalEntry, NodeKind, Relation
from indexing.model import TenantId, Tombstone
from rankers.medical import Neighbourhood
from tests.medical_ward import ADA, medical_ward, put
from tests.ward import Ward

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"


@pytest.fixture(scope="module")
def ward(installation: Installation) -> Ward:
    return medical_ward(installation)


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


def test_an_entry_that_the_graph_cannot_hold_keeps_no_other_out(
    installation: Installation, ward: Ward, monkeypatch: pytest.MonkeyPatch
) -> None:
    tenant, own = ward.tenant.tenant_id, installation.medical
    maker = own.of(tenant).maker
    rebuild_medical(tenant, own.facts, own.graph, maker)
    held = own.graph.entries(tenant)
    gone = ["Patient/p-ada", "Patient/p-ben"]
    own.graph.delete(tenant, [Tombstone(key, held[key]) for key in gone])
    upsert = own.graph.upsert

    def refusing(tenant_id: TenantId, entries: Sequence[MedicalEntry]) -> None:
        if any(entry.key == "Patient/p-ada" for entry in entries):
            raise EventRejected("no such letter")
        upsert(tenant_id, entries)

    monkeypatch.setattr(own.graph, "upsert", refusing)
    before, after = reconcile_medical(tenant, own.facts, own.graph, maker)
    assert before.missing == tuple(gone)
    assert after.keys == ("Patient/p-ada",)


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


def test_what_was_never_given_is_prescribed_to_nobody(
    installation: Installation, ward: Ward, access: Access
) -> None:
    """How it was treated here counts these lines: an order taken back is no treatment."""
    order = {"resourceType": "MedicationRequest", "intent": "order", "subject": ADA}
    put(
        installation, ward,
        {**order, "id": "back", "status": "cancelled",
         "medicationCodeableConcept": {"text": "Digoxin"}},
        {**order, "id": "begun", "status": "draft",
         "medicationCodeableConcept": {"text": "Flecainide"}},
        {**order, "id": "bare", "medicationCodeableConcept": {"text": "Nadolol"}},
        {"resourceType": "MedicationStatement", "id": "plain", "subject": ADA,
         "medicationCodeableConcept": {"text": "Amiodarone"}},
        {**order, "id": "stop", "status": "stopped",
         "medicationCodeableConcept": {"text": "Sotalol"}},
        {"resourceType": "MedicationStatement", "id": "never", "status": "not-taken",
         "subject": ADA, "medicationCodeableConcept": {"text": "Quinine"}},
    )  # fmt: skip
    patch = installation.medical.graph.around(access, ["p-ada"])
    given = {patch.nodes[e.target].name for e in patch.edges if e.relation is Relation.PRESCRIBED}
    assert {"Sotalol", "Nadolol", "Amiodarone"} <= given  # who tells no status takes it
    assert given.isdisjoint({"Digoxin", "Quinine", "Flecainide"})


@pytest.mark.parametrize("status", ["cancelled", "planned"])
def test_at_a_visit_that_did_not_take_place_nobody_was_treated(
    installation: Installation, ward: Ward, access: Access, status: str
) -> None:
    doctor = {"reference": "Practitioner/zqaway"}
    put(
        installation, ward,
        {"resourceType": "Practitioner", "id": "zqaway", "name": [{"family": "Zqaway"}]},
        *[
            {"resourceType": "Encounter", "id": f"{status}-{state}", "status": state,
             "class": {"code": "AMB"}, "subject": ADA, "type": [{"text": f"Zqvisit {state}"}],
             "period": {"start": "2025-01-01"}, "participant": [{"individual": each}]}
            for state, each in ((status, doctor), ("finished", {"display": "Somebody"}))
        ],
        {"resourceType": "Observation", "id": f"o-{status}", "status": "final", "subject": ADA,
         "code": {"text": "Zqtest"}, "encounter": {"reference": f"Encounter/{status}-{status}"}},
    )  # fmt: skip
    names = {n.name for n in installation.medical.graph.around(access, ["p-ada"]).nodes.values()}
    assert "Zqvisit finished" in names
    assert names.isdisjoint({f"Zqvisit {status}", "Zqaway"})
