"""What one house calls things reaches its graph, likeness, cohorts and cautions; nobody else's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from app.following import catch_up, remake_again
from app.similar import Question, similar
from app.tenant_terms import TenantTerms
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.backends.postgres.additions import PostgresAdditions
from indexing.errors import InvalidQuery
from indexing.language.terminology import Addition
from indexing.language.terminology.model import SemanticType
from indexing.medical_facts import Made
from indexing.treatments import Coded
from tests.attack import Hospital, found_hospital
from tests.cohort_ward import desk_of
from tests.flow.test_similar import condition, note, patient

pytestmark = pytest.mark.slow

OWN = (
    Addition("site:zebra", "zebrafever", semantic_type=SemanticType.DISORDER,
             parent_id="anm:fever"),
    Addition("anm:hypertension", "the squeeze"),
    Addition("anm:warfarin", "thinrite"),
)  # fmt: skip


def prescribed(own: str, of: str, text: str) -> dict[str, Any]:
    return {"resourceType": "MedicationRequest", "id": own, "status": "active", "intent": "order",
            "subject": {"reference": f"Patient/{of}"},
            "medicationCodeableConcept": {"text": text}}  # fmt: skip


PEOPLE = [
    patient("coded"), patient("noted"), patient("other"),
    condition("c1", "coded", "Zebrafever"), condition("c2", "other", "Migraine"),
    prescribed("m1", "coded", "Thinrite 5 mg tablet"),
    note("n1", "noted", "HISTORY OF PRESENT ILLNESS:\nZebrafever, and the squeeze.\n"),
]  # fmt: skip


def of(hospital: Hospital) -> Access:
    return Access(hospital.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))


def settled(installation: Installation) -> None:
    """Let what is behind the terms be made again."""
    installation.terms.renew()
    catch_up(installation)
    assert not remake_again(installation)  # it was by catching up


def add(installation: Installation, hospital: Hospital, names: Sequence[Addition]) -> None:
    PostgresAdditions(installation.database).add(hospital.tenant.tenant_id, names)
    settled(installation)


def drawn(installation: Installation, hospital: Hospital, own: str) -> set[tuple[str, str]]:
    """Return what a patient's graph holds: (relation, concept)."""
    found = installation.medical.graph.around(of(hospital), [own])
    return {(edge.relation.value, edge.target) for edge in found.edges}


def alike(installation: Installation, hospital: Hospital, asked: Question) -> Any:
    return similar(hospital.services, of(hospital), asked)


def test_a_houses_own_terms_reach_all_that_its_records_become(installation: Installation) -> None:
    ours, theirs = found_hospital(installation, PEOPLE), found_hospital(installation, PEOPLE)
    tenant_id, own = ours.tenant.tenant_id, installation.medical
    before = {each: drawn(installation, theirs, each) for each in ("coded", "noted")}
    add(installation, ours, OWN)
    # The graph: by a record's words, by a note's, and by what is in a medication.
    said = ("DIAGNOSED_WITH", "site:zebra")
    assert said in drawn(installation, ours, "coded")
    assert {said, ("DIAGNOSED_WITH", "anm:hypertension")} <= drawn(installation, ours, "noted")
    assert ("DERIVED_FROM", "anm:warfarin") in drawn(installation, ours, "coded")
    assert {each: drawn(installation, theirs, each) for each in before} == before
    assert own.facts.made(tenant_id) == Made(own.version_of(tenant_id))
    assert own.version_of(tenant_id) != own.version_of(theirs.tenant.tenant_id)
    node = questions(ours).meant(of(ours), "zebrafever")
    assert (node.node_id, node.name) == ("site:zebra", "zebrafever")
    assert questions(ours).around_node(of(ours), node, 1).carriers == 2
    # Likeness, and what narrows it: the concept has a name, and stands below fever.
    shown = alike(installation, ours, Question(findings="zebrafever", condition="fever"))
    assert {each.patient_id for each in shown.neighbours} == {"coded", "noted"}
    assert [s.name for s in shown.neighbours[0].shared] == ["zebrafever"]
    pasted = alike(installation, ours, Question(note="HPI: the squeeze for years."))
    assert pasted.found == ("hypertension",)
    assert "noted" in {each.patient_id for each in pasted.neighbours}
    with pytest.raises(InvalidQuery):
        alike(installation, theirs, Question(findings="zebrafever"))
    # Cohorts, whose runs name the terms; what speaks against a drug.
    desk = desk_of(installation, ours, Role.CLINICIAN)
    found, run = desk.run(desk.save("ours", "finding zebrafever"))
    assert set(found.members) == {"coded", "noted"}
    assert run.terminology == installation.terminology_version_of(tenant_id)
    assert set(desk.evaluate("condition fever").members) == {"coded"}
    drug = Coded("MedicationRequest/m1", "", "", "Thinrite 5 mg tablet")
    assert own.current(tenant_id).pharmacy.medicine(drug).name == "warfarin"
    assert own.current(theirs.tenant.tenant_id).pharmacy.medicine(drug).ingredients == frozenset()


def questions(hospital: Hospital) -> Any:
    return hospital.services.medical(hospital.tenant.tenant_id)


def test_a_term_that_is_taken_back_leaves_the_graph_and_idle_lanes_open_nobodys_terms(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = found_hospital(installation, PEOPLE)
    add(installation, ours, OWN)
    with monkeypatch.context() as patched:
        patched.delattr(TenantTerms, "of")
        assert not remake_again(installation)
    PostgresAdditions(installation.database).remove(ours.tenant.tenant_id, None)
    settled(installation)
    for each in ("coded", "noted"):
        assert "site:zebra" not in {target for _, target in drawn(installation, ours, each)}
    assert installation.medical.of(ours.tenant.tenant_id) is installation.everybody.medical
