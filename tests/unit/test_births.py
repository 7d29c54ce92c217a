"""Births as they are counted otherwise."""

from __future__ import annotations

import pytest

from rankers.births import other_counts
from tests.planning import planned, planner_of_words


@pytest.mark.parametrize(
    ("word", "others"),
    [
        ("G3P2", ["gravida 3 para 2", "G3 P2"]),
        ("g2p1001", ["gravida 2 para 1", "G2 P1"]),
        ("G3P1102", ["gravida 3 para 2", "G3 P2"]),
        ("G10P8", ["gravida 10 para 8", "G10 P8"]),
        ("GP", []),
        ("G3P", []),
        ("HG3P2", []),
        ("G3P210", []),
    ],
)
def test_other_counts(word: str, others: list[str]) -> None:
    assert other_counts(word) == others


def test_a_question_looks_for_them_too() -> None:
    for question in ("G3P2", "G3P2 bleeding", "G3P2 OR bleeding"):
        plan = planned(planner_of_words(), question)
        assert [each.text for each in plan.wordings] == ["gravida 3 para 2", "G3 P2"]
    assert planned(planner_of_words(), '"G3P2"').wordings == ()
