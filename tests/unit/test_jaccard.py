"""Likeness of sets, by who has each thing, is what a table of them tells."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rankers.jaccard import Jaccard

SETS = st.lists(st.frozensets(st.sampled_from("abcdefgh"), max_size=5), min_size=1, max_size=20)


@given(SETS, SETS)
def test_it_is_what_two_have_in_common_over_what_either_has(
    known: list[frozenset[str]], asked: list[frozenset[str]]
) -> None:
    names = sorted(frozenset().union(*known))
    table = np.array([[name in own for name in names] for own in known], float)
    weight = -np.log(np.clip(table.mean(axis=0), 1e-9, 1)) if names else np.zeros(0)
    rows = np.array([[name in own for name in names] for own in asked], float)
    common = np.minimum(rows[:, None, :], table[None, :, :]) @ weight
    either = np.maximum(rows[:, None, :], table[None, :, :]) @ weight
    found = Jaccard(known).likeness(asked)
    assert found.shape == (len(asked), len(known))
    assert found == pytest.approx(common / np.maximum(either, 1e-9), abs=1e-6)


def test_what_is_shared_is_told_by_how_much_it_weighs_among_the_chosen() -> None:
    known = [frozenset("ab"), frozenset("ac"), frozenset("ad"), frozenset("abx"), frozenset("y")]
    one = Jaccard(known)
    # `a` is common, `b` is rarer and two of the chosen have it; nobody of them has `c` or `z`.
    assert one.shared(frozenset("abcz"), np.array([0, 2, 3]), 8) == ["b", "a"]
    assert one.shared(frozenset("abcz"), np.array([0, 2, 3]), 1) == ["b"]
