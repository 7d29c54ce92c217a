"""Treatment options: off until turned on, marked drugs first, counted, recorded, masked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from app.cli.main import app as command
from app.treatments import Shown, treatments
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.errors import Forbidden, InvalidInput, NotFound
from indexing.outlook import Switches
from tests.treated import PATIENT, condition, fill, order, outcome, patients
from tests.ward import Ward, build


@pytest.fixture(scope="module")
def ward(installation: Installation) -> Ward:
    """A ward with the patients of `tests.treated`, treatments turned on."""
    own = build(installation)
    fill(installation, own.access, patients())
    return own


@pytest.fixture
def access(ward: Ward) -> Iterator[Access]:
    own = Access(ward.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
    ward.services.outlook(own).store.switch(own, Switches(treatments=True))
    yield own
    ward.services.outlook(own).store.switch(own, Switches())


def ask(ward: Ward, access: Access, name: str = "hypertension", patient: str = PATIENT) -> Shown:
    return treatments(ward.services, access, patient, name)


def test_nothing_is_told_until_the_tenant_turns_it_on(ward: Ward) -> None:
    own = Access(ward.tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
    with pytest.raises(Forbidden, match="off for this tenant"):
        ask(ward, own)


def test_marked_drugs_stand_first_and_the_rest_by_what_was_recorded(
    ward: Ward, access: Access
) -> None:
    shown = ask(ward, access)
    assert shown.told
    assert shown.carriers == 73  # p-ada of the ward has it too
    names = [option.name for option in shown.options]
    assert names == ["lisinopril", "metoprolol", "amlodipine"]
    lisinopril, metoprolol, amlodipine = shown.options
    assert (lisinopril.cases, lisinopril.good, lisinopril.given) == (24, 18, 24)
    assert lisinopril.low is not None
    assert lisinopril.high is not None
    assert lisinopril.low < 18 / 24 < lisinopril.high
    kinds = [(each.kind, each.source) for each in lisinopril.cautions]
    assert kinds[0] == ("allergy", "AllergyIntolerance/asked-a0")
    assert ("major", "MedicationRequest/asked-m") in kinds  # with spironolactone, by its class
    assert "ACE inhibitor (high criticality, lip swelling)" in lisinopril.cautions[0].words
    assert [(c.kind, c.source) for c in metoprolol.cautions] == [("major", "Condition/asked-c1")]
    assert not amlodipine.cautions
    assert shown.unknown == ("Zorblaxin",)
    assert amlodipine.patients[0].said_by == f"Observation/{amlodipine.patients[0].patient_id}-m-o"


def test_what_was_given_before_the_diagnosis_is_no_treatment_of_it(
    ward: Ward, access: Access
) -> None:
    shown = ask(ward, access)
    assert not {"ramipril", "ibuprofen"} & {name for name, _ in shown.others}


def test_a_condition_is_asked_for_by_name_or_code(ward: Ward, access: Access) -> None:
    assert ask(ward, access, "ICD10CM:I10").condition == "essential hypertension"
    assert ask(ward, access, "I10").condition == "essential hypertension"
    # A code that the terminology does not know, as the records word it.
    assert ask(ward, access, "SNOMED:912").condition == "hypertension"
    assert ask(ward, access, "912").carriers == 73
    with pytest.raises(InvalidInput, match="no condition is known"):
        ask(ward, replace(access, patients=frozenset({"p-ben", PATIENT, "nobody"})), "906")
    with pytest.raises(InvalidInput, match="no condition is known"):
        ask(ward, access, "no such thing at all")
    with pytest.raises(NotFound):
        ask(ward, access, patient="nobody")


def test_below_the_least_evidence_nothing_is_told_but_the_marks(ward: Ward, access: Access) -> None:
    shown = ask(ward, access, "asthma")
    assert not shown.told
    assert "too few" in shown.why
    assert shown.options == ()


def test_a_chart_that_is_closed_speaks_to_nobody(ward: Ward, access: Access) -> None:
    few = replace(access, patients=frozenset({PATIENT, "lis0", "met0"}))
    shown = ask(ward, few)
    assert shown.carriers == 2
    assert [option.name for option in shown.options] == ["lisinopril", "metoprolol"]  # marked
    with pytest.raises(NotFound):
        ask(ward, few, patient="lis1")


def test_the_read_is_recorded_with_everybody_who_was_counted(
    ward: Ward, access: Access, installation: Installation
) -> None:
    ask(ward, access)
    with installation.database.tenant(access.tenant_id) as conn:
        row = conn.execute(
            "SELECT patient_ids, entities FROM audit_event WHERE tenant_id = %s AND subtype = "
            "'treatments' ORDER BY seq DESC LIMIT 1", (access.tenant_id,)
        ).fetchone()  # fmt: skip
    assert row is not None
    assert {PATIENT, "lis0", "aml23"} <= set(row[0])
    assert row[1] == [f"Patient/{PATIENT}"]


def test_a_researcher_sees_no_name_and_no_small_cell(
    ward: Ward, access: Access, client: TestClient
) -> None:
    own = replace(access, roles=frozenset({Role.RESEARCHER}))
    shown_id = ward.services.hider(own).patient_id(PATIENT)
    assert shown_id is not None
    shown = ask(ward, own, patient=shown_id)
    by = {option.name: option for option in shown.options}
    metoprolol = by["metoprolol"]
    assert (metoprolol.cases, metoprolol.good, metoprolol.share) == (20, 10, 0.5)
    assert shown.carriers == 70
    assert metoprolol.patients[0].patient_id != "met0"
    amlodipine = by["amlodipine"]  # 5 of 24 were better: a small cell
    assert (amlodipine.cases, amlodipine.good, amlodipine.share) == (20, None, None)
    assert amlodipine.patients == ()
    assert by["lisinopril"].cautions[0].source == ""
    path = f"/api/patients/{shown_id}/treatments"
    told = client.post(path, json={"condition": "hypertension"},
                       headers=ward.bearer(Role.RESEARCHER))  # fmt: skip
    assert told.status_code == 200
    for secret in ("Verity", "Testperson", "asked", "lis0", "aml1", "2020"):
        assert secret not in told.text


def test_the_api_and_the_command_answer_the_same(
    ward: Ward, access: Access, client: TestClient, monkeypatch: pytest.MonkeyPatch,
    installation: Installation,
) -> None:  # fmt: skip
    path = f"/api/patients/{PATIENT}/treatments"
    told = client.post(path, json={"condition": "hypertension"}, headers=ward.bearer())
    assert told.status_code == 200
    answer: dict[str, Any] = told.json()
    assert answer["options"][0]["name"] == "lisinopril"
    assert answer["options"][0]["cautions"][0]["kind"] == "allergy"
    assert "no ground" in answer["intended_use"]
    for wrong in ({"what": 1}, {"condition": "a\0b"}, {"condition": "\udfff"}, {"condition": " "}):
        sent = json.dumps(wrong).encode()
        assert client.post(path, content=sent, headers=ward.bearer()).status_code == 400
    monkeypatch.setenv("ANAMNESIS_HOME", str(installation.home))
    ran = CliRunner().invoke(
        command,
        ["treatments", "--tenant", ward.tenant.code, "--patient", PATIENT, "--condition",
         "hypertension", "--json"],
    )  # fmt: skip
    assert ran.exit_code == 0, ran.output
    assert json.loads(ran.stdout)["options"] == answer["options"]


def test_a_merged_chart_counts_once_for_the_one_that_survives(
    ward: Ward, access: Access, installation: Installation
) -> None:
    before = ask(ward, access)
    parts = [
        {"resourceType": "Patient", "id": "twin", "active": False,
         "link": [{"type": "replaced-by", "other": {"reference": "Patient/aml0"}}]},
        condition("twin", "Hypertension", "2020-01-01"), order("twin", "metoprolol", "2020-02-01"),
        outcome("twin", "much better", "2020-03-01"),
    ]  # fmt: skip
    fill(installation, ward.access, parts)
    after = ask(ward, access)
    assert after.carriers == before.carriers
    cases = {option.name: (option.cases, option.good) for option in after.options}
    assert cases["metoprolol"] == (25, 13)
