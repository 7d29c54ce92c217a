"""Who calls, and of whom "Mom" is said then."""

from __future__ import annotations

import pytest

from tests.unit.test_assertion import judge

CALLS = """
Pt's daughter called. Mom has had {diarrhea|present} since Tuesday, no {vomiting|negated}.
Son (Bob) called: his father has {chest pain|present}.
TC from patient's son. Dad has {fever|present}.
Mother called. Her son has had {fever|present} for two days.
Wife is calling, husband has {dizziness|present}.
Pt's daughter called. Daughter had {stomach flu|family} last week, mom has {diarrhea|present}.
Mother called. Her mother had {stroke|family}.
His daughter called 911. Mother had {breast cancer|family}.
Daughter called an ambulance. Her mother had {stroke|family}.
Daughter called for a refill. Mother died of {breast cancer|family}.
Daughter called. Patient's mother had {stroke|family}.
Wife called, husband passed out with {chest pain|present}.
Mom has {diabetes|family}.
Daughter left a message. Mom has {fever|present}.
Son left a vm, his father has {cough|present}.
Daughter left at noon. Mom has {diabetes|family}.
Wife at bedside. Husband had {stroke|family}.
"""


@pytest.mark.parametrize("marked", CALLS.strip().splitlines())
def test_kin_of_the_caller_are_the_patient(marked: str) -> None:
    for words, expected, found in judge(marked):
        assert found.assertion == expected, words
