"""Agreement of judges: as the libraries say, undetermined where nobody can tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from eval.agreement import agreement


def words(**given: str) -> list[tuple[str, str, str, int]]:
    return [
        ("q", f"d{i}", judge, int(grade))
        for judge, grades in given.items()
        for i, grade in enumerate(grades)
        if grade != "-"
    ]


def test_two_judges_of_four_documents() -> None:
    found = agreement(words(ann="3210", ben="3211"))
    (pair,) = found.pairs
    # By hand: 3 of 4 alike; by chance (1·1 + 1·1 + 1·2 + 1·0) / 16 = .25.
    assert (pair.n, pair.same, pair.kappa) == (
        4,
        0.75,
        pytest.approx((0.75 - 0.25) / 0.75, abs=1e-4),
    )
    assert found.alpha is not None
    assert 0.7 < found.alpha < 1


def test_those_who_judged_nothing_together_are_no_pair() -> None:
    found = agreement(words(ann="32--", ben="--10", cat="3---"))
    assert [(pair.one, pair.other) for pair in found.pairs] == [("ann", "cat")]
    assert found.shared == 1
    assert found.pairs[0].kappa is None


@pytest.mark.parametrize("given", [{}, {"ann": "3210"}, {"ann": "33", "ben": "33"}])
def test_what_cannot_be_told_is_undetermined(given: dict[str, str]) -> None:
    found = agreement(words(**given))
    assert found.alpha is None
    assert all(pair.kappa is None for pair in found.pairs)


@given(st.lists(st.text("0123-", min_size=6, max_size=6), min_size=2, max_size=4))
def test_full_agreement_is_one_and_nothing_is_above(rows: list[str]) -> None:
    found = agreement(words(**{f"j{i}": row for i, row in enumerate(rows)}))
    for pair in found.pairs:
        assert pair.kappa is None or pair.kappa <= 1
        if pair.same == 1 and pair.kappa is not None:
            assert pair.kappa == 1
    assert found.alpha is None or found.alpha <= 1
