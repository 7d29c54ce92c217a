"""What is unlikely and yet not excluded."""

from __future__ import annotations

import pytest

from tests.unit.test_assertion import judge

SENTENCES = """
{PE|uncertain} less likely but not excluded.
{PE|uncertain} less likely but cannot exclude {PE|uncertain}.
{PE|uncertain} less likely given the dimer, but cannot be excluded.
Less likely {PE|uncertain} but cannot rule it out.
{PE|uncertain} less likely but can't exclude w/o CTPA.
Low suspicion for {meningitis|uncertain}, however not ruled out.
{Malignancy|uncertain} is felt unlikely but remains possible.
{Aspiration|uncertain} doubtful; can't be entirely ruled out.
{PSC|uncertain} is extremely unlikely but possible.
{PE|negated} unlikely, but cannot exclude {pneumonia|uncertain}.
{PE|negated} unlikely, {pneumonia|uncertain} not excluded.
{DVT|negated} unlikely and ruled out by ultrasound.
{Sepsis|negated} unlikely, possible {viral syndrome|uncertain}.
{Fracture|negated} unlikely. {Sprain|uncertain} possible.
{PE|negated} less likely.
"""


@pytest.mark.parametrize("marked", SENTENCES.strip().splitlines())
def test_what_is_not_excluded_is_possible(marked: str) -> None:
    for words, expected, found in judge(marked):
        assert found.assertion == expected, words
