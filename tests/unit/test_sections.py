"""Headings in every style, and what is no heading."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.language import heading_figures, run_on_headings
from indexing.language.headings import canonical_names, loinc, lookup
from indexing.language.sections import section_at, sections


def names(text: str) -> list[str]:
    return [part.name for part in sections(text)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "PAST MEDICAL HISTORY: asthma.\nMEDICATIONS: albuterol.",
            "past_medical_history medications",
        ),
        ("PLAN\n\nRest and fluids.", "plan"),
        ("1. Allergies: none\n2. Medications: none", "allergies medications"),
        ("- Family History: gout\n- Social History: smokes", "family_history social_history"),
        ("## Assessment and Plan\nRest.", "assessment_and_plan"),
        ("**Plan:** rest", "plan"),
        ("HEART: Regular. LUNGS: Clear.", "cardiovascular respiratory"),
        (
            "PHYSICAL EXAM: HEART: Regular. LUNGS: Clear. ASSESSMENT: CHF.",
            "physical_exam assessment",
        ),
        (
            "FHx: gout\nPMHx: asthma\nSHx: smokes",
            "family_history past_medical_history social_history",
        ),
        ("Hospital Course: uneventful", "hospital_course"),
        ("ALLERGIES - NONE", "allergies"),
        ("TOURNIQUET PRESSURE: see sheet", "other"),
        ("Some words.\nIMPRESSION:\nFracture.", " assessment"),
        ("history of present illness: cough", "history_of_present_illness"),
        ("RETURN PRECAUTIONS: fever", "instructions"),
    ],
)
def test_headings(text: str, expected: str) -> None:
    assert " ".join(names(text)) == expected


@pytest.mark.parametrize(
    "text",
    [
        "BP: 120/80\nHR: 72\nTemp: 98.6",
        "She has a history of asthma: mild.",
        "WBC: 12.3",
        "The plan is to rest.",
        "Patient says: it hurts.",
        "",
        "NO ACUTE DISTRESS.",
    ],
)
def test_no_headings(text: str) -> None:
    assert all(part.name == "" for part in sections(text))


def test_offsets_cover_the_text_and_codes_come_with_the_name() -> None:
    text = "Seen today.\nALLERGIES: none.\nPLAN: rest."
    parts = sections(text)
    assert [text[p.start : p.body] for p in parts] == ["", "ALLERGIES: ", "PLAN: "]
    assert parts[1].loinc == "48765-2"
    found = section_at(parts, text.index("rest"))
    assert found is not None
    assert found.name == "plan"


def test_every_listed_heading_leads_to_a_name_of_the_list() -> None:
    assert {lookup(name.replace("_", " ")) for name in canonical_names()} - {None} <= set(
        canonical_names()
    )
    assert loinc("plan") == "18776-5"
    assert loinc("other") is None


NOTE = st.lists(
    st.sampled_from(
        [
            "PLAN:",
            "ALLERGIES",
            "\n",
            " ",
            "HEART: ",
            "fever. ",
            "1. ",
            "## Plan",
            "BP: 120/80",
            "- ",
        ]
    )
    | st.text(max_size=12),
    max_size=25,
).map("".join)


@given(NOTE)
def test_sections_cover_any_text_without_gaps(text: str) -> None:
    parts = sections(text)
    assert "".join(text[p.start : p.end] for p in parts) == text
    assert all(p.start <= p.body <= p.end for p in parts)
    assert all(p.name in (*canonical_names(), "") for p in parts)


def test_our_own_dictations_are_cut_where_their_headings_stand() -> None:
    found = heading_figures("own", run_on_headings())
    assert found.items == 113
    assert found.values["with name"] >= 0.98


SPACED = """\
REVIEW OF SYSTEMS:
UROLOGICAL: No urgency.

SOCIAL HISTORY: Teaches.

FAMILY HISTORY: Her mother had diabetes.

FINDINGS:
STOMACH CONTENTS: Clear.
HEART: Normal.
ALLERGIES: Penicillin.
"""


def test_a_label_below_a_line_is_no_heading_where_headings_have_a_free_line() -> None:
    assert [part.name for part in sections(SPACED)] == [
        "review_of_systems", "social_history", "family_history", "findings", "allergies",
    ]  # fmt: skip


def test_where_no_line_is_free_labels_may_be_headings() -> None:
    names = [part.name for part in sections(SPACED.replace("\n\n", "\n"))]
    assert names[-4:] == ["findings", "other", "cardiovascular", "allergies"]


def test_a_smaller_label_of_the_same_kind_goes_on_with_its_part() -> None:
    text = "PHYSICAL EXAMINATION: Well. Cardiac exam: regular. Plan: rest."
    assert [part.name for part in sections(text)] == ["physical_exam", "plan"]


def test_a_list_in_capitals_ends_at_the_next_part_and_is_no_whole_note() -> None:
    def heads(text: str) -> list[str]:
        return [text[part.start : part.body].strip() for part in sections(text) if part.name]

    listed = "ALLERGIES:\nPENICILLIN\nSULFA\n"
    assert heads(f"{listed}PLAN: rest.\nWOUND CARE\nDaily.") == [
        "ALLERGIES:", "PLAN:", "WOUND CARE",
    ]  # fmt: skip
    assert heads(f"{listed}\nWOUND CARE\nDaily.") == ["ALLERGIES:", "WOUND CARE"]
    long = "ALLERGIES:\n" + "told at length\n" * 200
    assert heads(f"{long}WOUND CARE\nDaily.") == ["ALLERGIES:", "WOUND CARE"]
