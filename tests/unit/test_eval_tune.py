"""Tuning: the grid is the fusion's own, folds do not leak, and nobody is harmed."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.measures import by_own
from eval.tune import GRID, Measured, measure, tune
from indexing.ports import Ranking, Scored
from rankers.fusion import SHARES, fuse

DOCS = [f"d{i:02}" for i in range(15)]
SCORES = st.dictionaries(
    st.sampled_from(DOCS), st.integers(1, 40).map(lambda n: n / 7), max_size=15
)


def ranking(scores: Mapping[str, float]) -> Ranking:
    ordered = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return Ranking(tuple(Scored(d, s, rank) for rank, (d, s) in enumerate(ordered, 1)))


@given(
    legs=st.fixed_dictionaries({"lexical": SCORES, "vector": SCORES, "graph": SCORES}),
    judged=st.dictionaries(st.sampled_from(DOCS), st.integers(0, 3), min_size=1),
    at=st.integers(0, len(GRID) - 1),
)
def test_the_grid_is_what_the_fusion_would_do(
    legs: dict[str, dict[str, float]], judged: dict[str, int], at: int
) -> None:
    rankings = {leg: ranking(scores) for leg, scores in legs.items()}
    found = measure("t", "tinnitus", rankings, judged)
    shares = dict.fromkeys(SHARES, GRID[at])
    ours = [hit.doc_id for hit in fuse(rankings, 10, "tinnitus", shares)]
    scores = [hit.score for hit in fuse(rankings, 15, "tinnitus", shares)]
    if len({round(s, 9) for s in scores}) == len(scores):  # ties of floats may fall either way
        expected = by_own({"t": judged}, {"t": ours}, ["nDCG@10"])["t"]["nDCG@10"]
        assert found.grid[at] == pytest.approx(expected)


def topic(number: int, best: int, kind: str = "keywords", leg: float = 0.0) -> Measured:
    """Make a topic that one setting answers best."""
    grid = np.full(len(GRID), 0.3)
    grid[best] = 0.9
    return Measured(f"t{number}", kind, grid, 0.5, {"lexical": leg})


def test_the_setting_that_is_best_everywhere_is_found() -> None:
    found = tune({"one": [topic(i, 7) for i in range(40)], "two": [topic(i, 7) for i in range(9)]})
    assert found.shares["keywords"] == GRID[7]
    assert found.sets["one"].held_out == pytest.approx(0.9)
    assert found.kept
    assert found.shares["note"] == SHARES["note"]


def test_what_was_chosen_by_its_own_topics_is_worth_nothing() -> None:
    """Every topic has a setting of its own: tuned looks like a gain, held out there is none."""
    found = tune({"one": [topic(i, i) for i in range(50)]})
    assert found.sets["one"].tuned > found.sets["one"].held_out
    assert found.sets["one"].held_out == pytest.approx(0.3)
    assert not found.kept


def test_a_setting_under_the_best_leg_is_passed_over() -> None:
    """The best mean would harm one set; the next best harms none."""
    harmed = [topic(i, 3, leg=0.31) for i in range(30)]
    for each in harmed:
        each.grid[3], each.grid[5] = 0.31, 0.31
        each.grid[7] = 0.2
    other = [topic(i, 7) for i in range(30)]
    for each in other:
        each.grid[5] = 0.6
    found = tune({"harmed": harmed, "other": other})
    assert found.shares["keywords"] == GRID[5]
    assert found.sets["harmed"].under_best_leg <= 0.002


def test_each_kind_of_question_has_its_own() -> None:
    topics = [topic(i, 4) for i in range(30)] + [topic(100 + i, 9, "question") for i in range(30)]
    found = tune({"one": topics})
    assert (found.shares["keywords"], found.shares["question"]) == (GRID[4], GRID[9])
    assert found.topics == {"keywords": 30, "question": 30}


def test_a_gain_that_another_set_pays_for_is_not_worth_taking_over() -> None:
    pays = [topic(i, 3) for i in range(30)]
    gains = [topic(i, 7) for i in range(150)]
    for each in pays:
        each.grid[7] = 0.45
    assert not tune({"pays": pays, "gains": gains}).kept
