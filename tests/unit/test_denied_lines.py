"""A denied list that begins beside its heading and goes on over the lines below."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.language.denied_lines import carried
from indexing.language.sections import sections
from tests.unit.test_assertion import judge

GOES_ON = """
Denies: {CP|negated}
{SOB|negated}
{N/V|negated}

Vitals: {fever|present}
===
Patient denies: {Chest pain|negated}
{Shortness of breath|negated}
{Leg swelling|negated}
Reports {headache|present}.
===
ROS: Denies: {HEADACHE|negated}
{TINNITUS|negated}
===
DENIES: {CHEST PAIN|negated}
{HEMOPTYSIS|negated}
Smoking: {tobacco use|present}
===
Negative for: {Fever|negated}
{Chills|negated}

{Cough|present}
===
Denies: {fever|negated}
{Cough|present} for 3 days
===
Denies: {fever|negated}
{Rash|present} since Monday
{Itching|present}
===
Denies: {fever|negated}. Has a {rash|present}.
{Itching|present}
===
Denies: {smoking|negated}
{Atrial fibrillation|present}
{Chronic kidney disease|present}
===
Denies: {Smoking|negated}
{Atrial fibrillation|present}
===
Denies: alcohol
{COPD|present}
{CHF|present}
===
Patient denies: {chest pain|negated}
{shortness of breath|negated}
{leg swelling|negated}
===
Denies: {chest pain|negated}
{Wheezing|present}
===
Denies: {fever|negated}
{CHF|present}
===
Endorses: {fever|present}
{Chills|present}
===
Denies: {chest pain|negated}
PHYSICAL EXAM
{Edema|present} of both legs
===
Denies: {chest pain|negated}
Current medications
{Lisinopril|present}
===
Denies: {chest pain|negated}
ASSESSMENT AND THOUGHTS
{Edema|present} of both legs
"""


@pytest.mark.parametrize("marked", GOES_ON.strip().split("\n===\n"))
def test_the_heading_speaks_for_the_lines_below(marked: str) -> None:
    for words, expected, found in judge(marked):
        assert found.assertion == expected, words


def test_the_cue_is_the_heading_and_an_item_in_capitals_is_none() -> None:
    text = "Denies: CP\nSOB\nN/V\n\nPLAN: rest"
    ((words, _, found),) = judge(text.replace("SOB", "{SOB|negated}"))
    assert words == "SOB"
    assert found.cue is not None
    assert text[found.cue.start : found.cue.end] == found.cue.text == "Denies:"
    assert [part.name for part in sections(text)] == ["", "plan"]


@given(st.text(alphabet="Denis: CPSOB/fr\n1.", max_size=100))
def test_lists_come_in_order_and_stand_in_the_text(text: str) -> None:
    found = carried(text)
    edges = [edge for each in found for edge in (each.start, each.head, each.body, each.end)]
    assert edges == sorted(edges)
    assert all(text[each.body - 1] == "\n" for each in found)
    assert not edges or edges[-1] <= len(text)
