"""The validator: what R4's definitions say of one resource."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.fhir.validate import check, operation_outcome, unsafe, validate

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p-1",
    "meta": {"lastUpdated": "2024-02-29T10:00:00.5+01:00"},
    "text": {
        "status": "generated",
        "div": '<div xmlns="http://www.w3.org/1999/xhtml"><p>Ann <b>Lee</b></p></div>',
    },
    "active": True,
    "name": [{"use": "official", "family": "Lee", "given": ["Ann", None], "_given": [None, {
        "extension": [{
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "masked",
        }]
    }]}],
    "gender": "female",
    "birthDate": "1974-12",
    "multipleBirthInteger": 2,
    "address": [{"line": ["1 Road"], "period": {"start": "2001", "end": "2002-05-04"}}],
}  # fmt: skip

OBSERVATION: dict[str, Any] = {
    "resourceType": "Observation",
    "status": "final",
    "code": {"coding": [{"system": "http://loinc.org", "code": "718-7"}]},
    "subject": {"reference": "Patient/p-1"},
    "valueQuantity": {
        "value": Decimal("7.20"),
        "unit": "g/dL",
        "system": "http://unitsofmeasure.org",
        "code": "g/dL",
    },
}


def changed(resource: dict[str, Any], **elements: Any) -> dict[str, Any]:
    """A copy with elements replaced; None removes one."""
    new = {**copy.deepcopy(resource), **elements}
    return {name: value for name, value in new.items() if value is not None}


def errors(resource: dict[str, Any]) -> list[tuple[str, str]]:
    return [(i.path, i.reason) for i in validate(resource) if i.severity == "error"]


@pytest.mark.parametrize("resource", [PATIENT, OBSERVATION])
def test_a_good_resource_has_no_errors(resource: dict[str, Any]) -> None:
    assert errors(resource) == []
    assert unsafe(resource) == []


@pytest.mark.parametrize(
    ("elements", "path"),
    [
        ({"unknownElement": 1}, "Patient"),
        ({"fhir_comments": ["x"]}, "Patient"),
        ({"gender": "Female"}, "Patient.gender"),
        ({"gender": ["female"]}, "Patient.gender"),
        ({"birthDate": "1974-1-2"}, "Patient.birthDate"),
        ({"active": "true"}, "Patient.active"),
        ({"name": {"family": "Lee"}}, "Patient.name"),
        ({"name": []}, "Patient.name"),
        ({"name": [{}]}, "Patient.name[0]"),
        ({"name": [{"id": "x"}]}, "Patient.name[0]"),
        ({"name": [{"given": ["A", None]}]}, "Patient.name[0].given[1]"),
        ({"name": [{"given": [""]}]}, "Patient.name[0].given[0]"),
        ({"name": [{"text": "a <script>b</script>"}]}, "Patient.name[0].text"),
        ({"deceasedBoolean": True, "deceasedDateTime": "2020"}, "Patient"),
        ({"link": [{"type": "seealso"}]}, "Patient.link[0]"),
        ({"contact": [{"gender": "male"}]}, "Patient.contact[0]"),
        ({"telecom": [{"value": "1"}]}, "Patient.telecom[0]"),
        ({"address": [{"period": {"start": "2003", "end": "2002"}}]}, "Patient.address[0].period"),
        ({"generalPractitioner": [{"reference": "Patient/1"}]}, "Patient.generalPractitioner[0]"),
        ({"managingOrganization": {"reference": "#o"}}, "Patient.managingOrganization"),
        ({"managingOrganization": {"reference": "nowhere"}},
         "Patient.managingOrganization.reference"),
        ({"identifier": [{"system": "mrn", "value": "1"}]}, "Patient.identifier[0].system"),
        ({"extension": [{"url": "http://x.test/e"}]}, "Patient.extension[0]"),
        ({"extension": [{"url": "e", "valueString": "x"}]}, "Patient.extension[0].url"),
        ({"photo": [{"contentType": "image/png", "data": "%%%="}]}, "Patient.photo[0].data"),
        ({"photo": [{"contentType": "image/png", "data": "QUJD", "size": 9}]}, "Patient.photo[0]"),
        ({"photo": [{"data": "QUJD"}]}, "Patient.photo[0]"),
        ({"photo": [{"contentType": "png", "data": "QUJD"}]}, "Patient.photo[0].contentType"),
        ({"maritalStatus": {"coding": [
            {"system": "http://hl7.org/fhir/ValueSet/marital-status", "code": "M"}]}},
         "Patient.maritalStatus.coding[0].system"),
        ({"language": "not a language"}, "Patient.language"),
        ({"language": "xx-US"}, "Patient.language"),
    ],
)  # fmt: skip
def test_an_error_stands_at_its_element(elements: dict[str, Any], path: str) -> None:
    assert path in [where for where, _ in errors(changed(PATIENT, **elements))]


def test_reasons_do_not_quote_values() -> None:
    bad = changed(PATIENT, birthDate="SECRET", gender="SECRET", active="SECRET", SECRET_x=1)
    bad["name"] = [{"family": ["SECRET"]}, "SECRET"]
    reasons = [reason for path, reason in errors(bad) if "unknown property" not in reason]
    assert len(reasons) >= 5
    assert not any("SECRET" in reason for reason in reasons)


@pytest.mark.parametrize(
    "elements",
    [
        {"resourceType": "Klingon"},
        {"resourceType": None},
        {"id": "a/b"},
        {"id": "x" * 65},
        {"id": ""},
        {"birthDate": "2023-02-29"},
        {"birthDate": "yesterday"},
        {"active": "true"},
        {"multipleBirthInteger": Decimal("1.0")},
        {"name": [{"family": "a\x00b"}]},
        {"name": [{"family": "a\ud800b"}]},
    ],
)
def test_what_cannot_be_stored_is_unsafe(elements: dict[str, Any]) -> None:
    assert unsafe(changed(PATIENT, **elements))


@pytest.mark.parametrize(
    "elements",
    [
        {"gender": "unknown-code"},
        {"unknownElement": 1},
        {"contact": [{"gender": "male"}]},
        {"meta": {"profile": ["http://x.test/StructureDefinition/p"]}},
        {"birthDate": None},
    ],
)
def test_lesser_issues_are_stored(elements: dict[str, Any]) -> None:
    assert unsafe(changed(PATIENT, **elements)) == []


@pytest.mark.parametrize(
    ("kind", "rest", "is_unsafe"),
    [
        ("Condition", {}, True),
        ("AllergyIntolerance", {}, True),
        ("Immunization", {"status": "completed"}, True),
        ("Observation", {"status": "final"}, False),
        ("Organization", {"name": "x"}, False),
    ],
)
def test_a_subject_is_missed_where_r4_needs_one(
    kind: str, rest: dict[str, Any], is_unsafe: bool
) -> None:
    assert bool(unsafe({"resourceType": kind, **rest})) is is_unsafe


def test_unknown_profiles_are_a_warning() -> None:
    claimed = changed(PATIENT, meta={"profile": ["http://x.test/StructureDefinition/p"]})
    assert [i.severity for i in validate(claimed)] == ["warning"]


def test_required_bindings_of_concepts_want_one_of_their_codes() -> None:
    status = {"system": "http://terminology.hl7.org/CodeSystem/condition-clinical"}
    subject = {"reference": "Patient/1"}
    good = {"resourceType": "Condition", "subject": subject,
            "clinicalStatus": {"coding": [{**status, "code": "active"}]}}  # fmt: skip
    assert errors(good) == []
    for coding in ({**status, "code": "alive"}, {"code": "active"}):
        bad = changed(good, clinicalStatus={"coding": [coding]})
        assert "Condition.clinicalStatus" in [where for where, _ in errors(bad)]


def test_invariants_of_the_definitions_hold() -> None:
    both = changed(OBSERVATION, dataAbsentReason={"text": "lost"})
    assert any(reason.startswith("obs-6") for _, reason in errors(both))
    component = [{"code": OBSERVATION["code"], "valueString": "x"}]
    twice = changed(OBSERVATION, component=component)
    assert any(reason.startswith("obs-7") for _, reason in errors(twice))
    assert not errors(changed(twice, valueQuantity=None))


def test_contained_resources_are_referred_to_and_not_nested() -> None:
    contained = {"resourceType": "Organization", "id": "o", "name": "x"}
    alone = changed(PATIENT, contained=[contained])
    assert any(reason.startswith("dom-3") for _, reason in errors(alone))
    used = changed(alone, managingOrganization={"reference": "#o"})
    assert errors(used) == []
    wrong = changed(alone, generalPractitioner=[{"reference": "#o"}], link=[
        {"type": "refer", "other": {"reference": "#o"}}])  # fmt: skip
    assert ("Patient.link[0].other" in [where for where, _ in errors(wrong)]) is True
    nested = changed(used, contained=[{**contained, "contained": [contained]}])
    assert any(reason.startswith("dom-2") for _, reason in errors(nested))


def test_known_extensions_are_held_to_their_place_and_type() -> None:
    core = "http://hl7.org/fhir/StructureDefinition/"
    mother = {"url": core + "humanname-mothers-family", "valueString": "x"}
    right = changed(PATIENT, name=[{"family": "Lee", "_family": {"extension": [mother]}}])
    assert errors(right) == []
    assert errors(changed(PATIENT, name=[{"family": "Lee", "extension": [mother]}]))
    wrong_type = {"url": core + "patient-birthTime", "valueString": "noon"}
    assert errors(changed(PATIENT, _birthDate={"extension": [wrong_type]}))
    elsewhere = {"url": "https://hospital.test/ward", "valueString": "x"}
    assert errors(changed(PATIENT, extension=[elsewhere])) == []


def vital(**elements: Any) -> dict[str, Any]:
    category = {
        "system": "http://terminology.hl7.org/CodeSystem/observation-category",
        "code": "vital-signs",
    }
    pulse = {"value": 71, "unit": "/min", "system": "http://unitsofmeasure.org", "code": "/min"}
    good = changed(
        OBSERVATION,
        category=[{"coding": [category]}],
        code={"coding": [{"system": "http://loinc.org", "code": "8867-4"}]},
        effectiveDateTime="2020-01-01",
        valueQuantity=pulse,
    )
    return changed(good, **elements)


def test_vital_signs_follow_their_profiles() -> None:
    assert errors(vital()) == []
    assert errors(vital(category=None))
    assert errors(vital(effectiveDateTime=None))
    assert errors(vital(valueQuantity=None))
    assert errors(vital(valueQuantity={**vital()["valueQuantity"], "code": "Hz"}))
    assert errors(vital(code={"coding": [{"system": "http://loinc.org", "code": "85354-9"}]}))


def test_an_operation_outcome_says_the_same_and_is_valid() -> None:
    issues = validate(changed(PATIENT, gender="x", birthDate="x"))
    outcome = operation_outcome(issues)
    assert errors(outcome) == []
    assert [row["expression"] for row in outcome["issue"]] == [[i.path] for i in issues]
    assert errors(operation_outcome([])) == []


def test_huge_resources_are_judged_within_a_budget() -> None:
    elements = [
        {"id": f"Basic.e{n}", "path": f"Basic.e{n}", "definition": "x", "min": 0, "max": "1"}
        for n in range(3000)
    ]
    huge = {
        "resourceType": "StructureDefinition",
        "url": "http://x.test/StructureDefinition/b",
        "name": "B",
        "status": "draft",
        "kind": "resource",
        "abstract": False,
        "type": "Basic",
        "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Basic",
        "differential": {"element": elements},
    }
    assert [i.code for i in validate(huge) if i.code == "too-costly"] == ["too-costly"]


def test_nests_as_deep_as_the_reader_lets_through() -> None:
    inner: dict[str, Any] = {"url": "x", "valueString": "y"}
    for _ in range(99):
        inner = {"url": "x", "extension": [inner]}
    inner["url"] = "https://hospital.test/x"
    assert errors(changed(PATIENT, extension=[inner])) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """All (container, key) in a JSON value."""
    keys = range(len(value)) if isinstance(value, list) else list(value)
    found = []
    for key in keys:
        found.append((value, key))
        if isinstance(value[key], dict | list):
            found += places(value[key])
    return found


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_any_json_in_any_place_is_judged_without_a_crash(data: st.DataObject) -> None:
    base = data.draw(st.sampled_from([PATIENT, OBSERVATION, vital()]))
    resource = copy.deepcopy(base)
    spots = places(resource)
    container, key = spots[data.draw(st.integers(0, len(spots) - 1))]
    container[key] = data.draw(JSON)
    checked = check(resource)
    assert set(checked.unsafe) <= set(checked.issues)
    assert checked.valid == (not [i for i in checked.issues if i.severity == "error"])
