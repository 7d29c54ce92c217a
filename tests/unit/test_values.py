"""Limits in questions, units, sides and drug status."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.language import analytes
from indexing.language.assertion import Offsets, assess
from indexing.language.bounds import parse_bounds
from indexing.language.sections import section_at, sections
from indexing.language.terminology import open_terminology
from indexing.language.units import convert
from indexing.language.values import DrugStatus, drug_status, side
from indexing.model import Assertion


@pytest.mark.parametrize(
    ("query", "words", "op", "value", "unit"),
    [
        ("hemoglobin below 8", "hemoglobin", "<", 8, ""),
        ("A1c over 10", "A1c", ">", 10, ""),
        ("EF under 30 %", "EF", "<", 30, "%"),
        ("EF < 30%", "EF", "<", 30, "%"),
        ("ejection fraction less than 30 percent", "ejection fraction", "<", 30, "%"),
        ("potassium greater than 5.5 mmol/L", "potassium", ">", 5.5, "mmol/l"),
        ("platelets at least 1,000", "platelets", ">=", 1000, ""),
        ("creatinine ≥ 2 mg/dL", "creatinine", ">=", 2, "mg/dl"),
        ("BMI 40 or more", "BMI", ">=", 40, ""),
        ("metoprolol 50 mg", "metoprolol", "=", 50, "mg"),
        ("patients with sodium at most 125", "sodium", "<=", 125, ""),
        ("pneumonia and WBC above 20", "WBC", ">", 20, ""),
        ("fever over 39 C", "fever", ">", 39, "c"),
    ],
)
def test_bounds_are_read(query: str, words: str, op: str, value: float, unit: str) -> None:
    (bound,) = parse_bounds(query)
    assert (bound.concept_words, bound.op, bound.value, bound.unit) == (words, op, value, unit)


def test_an_interval_has_two_ends() -> None:
    (bound,) = parse_bounds("lactate between 2 and 4 mmol/L")
    assert (bound.op, bound.value, bound.upper) == (">=", 2, 4)
    assert bound.holds(3)
    assert not bound.holds(5)
    assert not bound.holds(1)


@pytest.mark.parametrize(
    "query", ["chest pain", "type 2 diabetes", "covid 19", "stage 3 ckd", "", "T12 fracture"]
)
def test_plain_words_hold_no_bound(query: str) -> None:
    assert parse_bounds(query) == ()


def test_two_bounds_in_one_query() -> None:
    found = parse_bounds("hemoglobin below 8 and ferritin over 300 ng/mL")
    assert [(b.concept_words, b.op, b.value) for b in found] == [
        ("hemoglobin", "<", 8),
        ("ferritin", ">", 300),
    ]


def test_units_convert_or_refuse() -> None:
    assert convert(80, "g/l", "g/dl") == pytest.approx(8)
    assert convert(101.3, "f", "c") == pytest.approx(38.5)
    assert convert(5, "mg", "mmol/l") is None
    (bound,) = parse_bounds("hemoglobin below 8 g/dL")
    assert bound.holds(75, "g/l")
    assert not bound.holds(85, "g/l")
    assert not bound.holds(7, "%")


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("left knee pain", "knee pain", "left"),
        ("Pain in the right hip", "Pain", "right"),
        ("bilateral leg edema", "leg edema", "bilateral"),
        ("fracture of the left wrist, right hip normal", "fracture", "left"),
        ("left ear clean, otitis media", "otitis media", None),
        ("Lt. shoulder dislocation", "shoulder dislocation", "left"),
        ("Is this the right dose of warfarin", "warfarin", None),
        ("He left the ward with chest pain", "chest pain", None),
    ],
)
def test_sides(text: str, name: str, expected: str | None) -> None:
    start = text.index(name)
    found = side(text, Offsets(start, start + len(name)))
    assert (found.value if found else None) == expected


@pytest.mark.parametrize(
    ("text", "drug", "expected"),
    [
        ("Takes lisinopril 10 mg.", "lisinopril", DrugStatus.CURRENT),
        ("Lisinopril was stopped.", "Lisinopril", DrugStatus.STOPPED),
        ("Allergic to penicillin.", "penicillin", DrugStatus.ALLERGY),
        ("ALLERGIES: penicillin, sulfa", "sulfa", DrugStatus.ALLERGY),
        ("Statin intolerance, prior atorvastatin.", "Statin", DrugStatus.INTOLERANCE),
        ("A rash, which occurred from penicillin.", "penicillin", DrugStatus.INTOLERANCE),
        ("Hives due to the ibuprofen.", "ibuprofen", DrugStatus.INTOLERANCE),
        ("Good relief of itching from hydroxyzine.", "hydroxyzine", DrugStatus.CURRENT),
        ("Itching. Comes from home on warfarin.", "warfarin", DrugStatus.CURRENT),
        ("Not on insulin.", "insulin", DrugStatus.NOT_TAKEN),
        ("Avoid ibuprofen.", "ibuprofen", DrugStatus.NOT_TAKEN),
    ],
)
def test_drug_status(text: str, drug: str, expected: DrugStatus) -> None:
    start = text.index(drug)
    span = Offsets(start, start + len(drug))
    parts = sections(text)
    judged = assess(text, parts, [span])[0]
    assert drug_status(text, span, judged.assertion, section_at(parts, start)) is expected


@given(st.text(max_size=80))
def test_any_query_is_read(query: str) -> None:
    last = 0
    for bound in parse_bounds(query):
        assert last <= bound.start < bound.end <= len(query)
        last = bound.end


def test_analytes_are_concepts_of_the_seed() -> None:
    known = open_terminology(None)
    assert all(concept in known for concept in analytes.OF)


def test_a_number_without_a_unit_tells_its_unit_by_its_size() -> None:
    of = analytes.OF["anm:hemoglobin"]
    assert analytes.units(of, [78], "") == ("g/l",)
    assert analytes.units(of, [7.8], "") == ("g/dl",)
    assert analytes.normal(of, 78, "g/l") == pytest.approx(7.8)
    assert analytes.normal(of, 7.8, "mmol/l") is None
    bilirubin, creatinine = analytes.OF["anm:bilirubin"], analytes.OF["anm:creatinine"]
    assert analytes.units(bilirubin, [12], "") == analytes.units(creatinine, [22], "") == ()
    assert analytes.units(bilirubin, [12.4], "") == analytes.units(bilirubin, [3], "") == ("mg/dl",)
    assert (
        analytes.units(bilirubin, [60], "") == analytes.units(creatinine, [95], "") == ("umol/l",)
    )
    assert analytes.units(bilirubin, [12], "mg/dl") == ("mg/dl",)
    glucose = analytes.OF["anm:glucose"]
    assert analytes.units(glucose, [18], "") == ("mmol/l",)
    assert analytes.units(glucose, [32], "") == ("mmol/l", "mg/dl")  # too much or too little
    assert analytes.units(glucose, [20, 110], "") == ("mg/dl",)
    assert analytes.normal(glucose, 22.5, "mmol/l") == pytest.approx(405.4, abs=0.1)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("She denies any side effects of the metformin.", DrugStatus.CURRENT),
        ("Had side effects of the metformin.", DrugStatus.INTOLERANCE),
        ("No nausea. An adverse reaction to metformin.", DrugStatus.INTOLERANCE),
    ],
)
def test_a_side_effect_that_is_denied_is_none(text: str, status: DrugStatus) -> None:
    at = text.index("metformin")
    place = Offsets(at, at + len("metformin"))
    assert drug_status(text, place, Assertion.PRESENT) is status
