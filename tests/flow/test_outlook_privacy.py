"""What predictions and treatment options must not tell: restricted facts, others' words, counts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from app.model_cards import card_page
from app.outlook import Outlook, Registration
from app.predictions import outlooks
from app.services import services_of
from app.treatments import ShownCase, ShownOption, _masked, treatments
from app.views import view_of
from app.wiring import Installation
from indexing.access import Access, Role
from indexing.backends.postgres.tenants import new_tenant_id
from indexing.errors import Forbidden, InvalidInput
from indexing.ingest import Ingest
from indexing.model import Tenant
from indexing.outlook import RETURN, Switches
from tests import treated
from tests.leavers import LEFT, found, person

HIV = {"security": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ActCode", "code": "HIV"}]}
ICD = "http://hl7.org/fhir/sid/icd-10-cm"


def submit(installation: Installation, who: Access, resources: Sequence[dict[str, Any]]) -> None:
    into = Ingest(installation.records, who, ZoneInfo("UTC"))
    for each in resources:
        [outcome] = into.submit(json.dumps(each).encode())
        assert outcome.rejected is None, outcome.rejected


@pytest.fixture(scope="module")
def access(installation: Installation) -> Access:
    return found(installation)


@pytest.fixture
def own(installation: Installation, access: Access) -> Outlook:
    return Outlook(installation, access)


@pytest.fixture(scope="module")
def guarded(installation: Installation, access: Access) -> Outlook:
    """The tenant of the outcomes, where p2's and others' heart failure is restricted."""
    mine = Outlook(installation, replace(access, labels=frozenset({"HIV"})))
    failures = [e for n in range(0, 40, 2) for e in person(n) if e["id"] == f"He{n}"]
    again = [e for e in person(16) if e["id"] == "again16"]
    submit(installation, mine.access, [{**each, "meta": HIV} for each in (*failures, *again)])
    mine.store.switch(mine.access, Switches(predictions=True))
    mine.register(Registration("privacy", "1", RETURN, "", "platt"))
    return mine


def test_a_restricted_condition_is_told_to_nobody_by_a_prediction(
    installation: Installation,
    guarded: Outlook,
    own: Outlook,
) -> None:
    guarded.predict("p2", RETURN)
    services = services_of(installation)
    seen = outlooks(services, own.access, view_of(services, own.access), "p2")
    assert seen is not None
    assert seen.told
    assert all("Heart failure" not in each.shared for each in seen.told)


def test_a_researcher_is_told_of_no_neighbour_of_a_prediction(
    installation: Installation, guarded: Outlook
) -> None:
    guarded.predict("p4", RETURN)
    services = services_of(installation)
    near = {}
    for role in (Role.CLINICIAN, Role.RESEARCHER):
        who = replace(guarded.access, roles=frozenset({role}))
        seen = outlooks(services, who, view_of(services, who), "p4")
        assert seen is not None
        near[role] = [each for told in seen.told for each in told.alike]
    assert near[Role.CLINICIAN]
    assert near[Role.RESEARCHER] == []


def test_a_restricted_stay_is_no_outcome(
    installation: Installation,
    guarded: Outlook,
    own: Outlook,
) -> None:
    [p16] = own.store.outcomes(guarded.access, ["p16"])
    assert p16.happened is False  # by what is open: the stay that followed is restricted
    told = guarded.predict("p16", RETURN)
    with installation.database.tenant(guarded.access.tenant_id) as conn:
        conn.execute(
            "UPDATE outlook_prediction SET made_at = %s WHERE tenant_id = %s "
            "AND prediction_id = %s", (LEFT, guarded.access.tenant_id, told.prediction_id)
        )  # fmt: skip
    assert own.fates.settle(guarded.access, [told.prediction_id]) == 1
    assert [e.actual for e in own.store.told_of(guarded.access, "p16", 1)] == [False]


def test_a_deidentified_writer_asks_for_no_prediction(
    installation: Installation, guarded: Outlook
) -> None:
    both = replace(guarded.access, roles=frozenset({Role.RESEARCHER, Role.ADMIN}))
    hidden = Outlook(installation, both)
    with pytest.raises(Forbidden):
        hidden.predict("p12", RETURN)
    with pytest.raises(Forbidden):
        hidden.fill_in(hidden.store.card(both, "privacy", "1"))


def test_what_the_chart_cites_is_there_before_it_is_cited(
    installation: Installation, guarded: Outlook, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Outlook, "_write_back", killed)
    with pytest.raises(KeyboardInterrupt):
        guarded.predict("p14", RETURN)
    assert guarded.store.told_of(guarded.access, "p14", 3) == []


def test_a_deleted_patients_predictions_say_nothing_of_the_record(
    installation: Installation, guarded: Outlook
) -> None:
    assert guarded.predict("p20", RETURN).evidence["shared"]
    into = Ingest(installation.records, guarded.access, ZoneInfo("UTC"))
    assert into.delete("Patient", "_id=p20")
    assert [dict(e.evidence) for e in guarded.store.told_of(guarded.access, "p20", 3)] == [{}]


def test_a_researcher_cannot_count_by_a_card(guarded: Outlook) -> None:
    who = replace(guarded.access, roles=frozenset({Role.RESEARCHER}))
    page = card_page(guarded, who, "privacy", "1").to_json()
    assert page["training"]["patients"] % 10 == 0
    assert round(page["metrics"]["base_rate"], 2) == page["metrics"]["base_rate"]
    assert all(round(e["happened"], 2) == e["happened"] for e in page["calibration"])


@pytest.mark.parametrize(
    ("cases", "good", "told_good"),
    [(40, 20, 20), (40, 35, None), (40, 5, None), (9, 0, None)],
)
def test_a_share_is_told_where_neither_who_did_well_nor_who_did_not_are_few(
    guarded: Outlook, installation: Installation, cases: int, good: int, told_good: int | None
) -> None:
    who = replace(guarded.access, roles=frozenset({Role.RESEARCHER}))
    case = ShownCase("p2", "Ada", "", "", "")
    option = ShownOption(
        "aspirin", False, cases, cases, good, good / cases, 0.1, 0.9, 0.5, (), (case,)
    )
    shown = _masked(option, view_of(services_of(installation), who), "p2")
    assert shown.good == told_good
    assert (shown.share is None) is (told_good is None)
    assert shown.expected is None
    assert all(each.patient_id != "p2" for each in shown.patients)
    assert bool(shown.patients) is (told_good is not None)


@pytest.fixture(scope="module")
def ward(installation: Installation) -> Access:
    """Patients with treatments, and three whose records word conditions of their own."""
    tenant = Tenant(new_tenant_id(), f"q-{new_tenant_id().hex[:12]}", "H")
    installation.tenants.create(tenant)
    who = Access(tenant.tenant_id, "dr", frozenset({Role.CLINICIAN}))
    extra = [
        _person("closed", HIV), _condition("closed", "ZZ9", "Odd syndrome of Wexley"),
        _person("open"), _condition("open", "Z98.877", "Blow by Smithy", ICD),
    ]  # fmt: skip
    treated.fill(installation, who, [*treated.patients(), *extra])
    services_of(installation).outlook(who).store.switch(who, Switches(treatments=True))
    return who


def _person(own_id: str, meta: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"resourceType": "Patient", "id": own_id, "gender": "male",
            **({"meta": meta} if meta else {})}  # fmt: skip


def _condition(patient: str, code: str, words: str, system: str = "urn:local") -> dict[str, Any]:
    coding = {"system": system, "code": code, "display": words}
    return {
        "resourceType": "Condition", "id": f"c-{patient}", "onsetDateTime": "2020",
        "subject": {"reference": f"Patient/{patient}"}, "code": {"text": words, "coding": [coding]},
    }  # fmt: skip


def test_nobodys_own_words_for_a_condition_are_told_of_another(
    installation: Installation, ward: Access
) -> None:
    services = services_of(installation)
    researcher = replace(ward, user_id="r", roles=frozenset({Role.RESEARCHER}))
    shown = services.hider(ward).patient_id("asked")
    told = treatments(services, researcher, shown, "ICD10CM:Z98.877")
    assert "Smithy" not in told.condition
    assert "Z98.877" in told.condition
    of_one = replace(ward, patients=frozenset({"asked"}))
    for who, patient in ((of_one, "asked"), (ward, "asked"), (researcher, shown)):
        with pytest.raises(InvalidInput):  # as for words that nobody has
            treatments(services, who, patient, "Blow by Smithy")
    with pytest.raises(InvalidInput):
        treatments(services, of_one, "asked", "ICD10CM:Z98.877")


def test_a_code_that_a_restricted_patient_alone_has_is_unknown(
    installation: Installation, ward: Access
) -> None:
    with pytest.raises(InvalidInput):
        treatments(services_of(installation), ward, "asked", "ZZ9")


def test_a_condition_is_asked_for_as_the_patients_own_record_words_it(
    installation: Installation, ward: Access
) -> None:
    told = treatments(services_of(installation), ward, "open", "blow by smithy")
    assert told.condition == "Blow by Smithy"
