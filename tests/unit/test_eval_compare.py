"""Comparisons: against SciPy where it has the same test, and what must hold of any numbers."""

from __future__ import annotations

import numpy as np
import pytest
import scipy  # its `stats` when first used: by one worker, not by each that collects
from hypothesis import given
from hypothesis import strategies as st

from eval.compare import deltas, difference, holm, interval, randomisation
from indexing.errors import InvalidInput

VALUES = st.lists(st.integers(-100, 100).map(lambda n: n / 100), min_size=2, max_size=12)


@given(VALUES)
def test_the_exact_test_agrees_with_scipy(gained: list[float]) -> None:
    values = np.array(gained)
    expected = scipy.stats.permutation_test(
        (values,), lambda x, axis: x.mean(axis), permutation_type="samples", vectorized=True,
        n_resamples=2**13,
    ).pvalue  # fmt: skip
    assert randomisation(values) == pytest.approx(min(1.0, expected), abs=1e-6)


def test_the_drawn_test_agrees_with_scipy() -> None:
    values = np.random.default_rng(3).normal(0.02, 0.1, 200)
    expected = scipy.stats.permutation_test(
        (values,), lambda x, axis: x.mean(axis), permutation_type="samples", vectorized=True,
        n_resamples=20_000, rng=np.random.default_rng(1),
    ).pvalue  # fmt: skip
    assert randomisation(values) == pytest.approx(expected, abs=0.01)


def test_the_interval_agrees_with_scipy() -> None:
    values = np.random.default_rng(3).normal(0.02, 0.1, 200)
    found = scipy.stats.bootstrap(
        (values,), np.mean, method="percentile", rng=np.random.default_rng(1)
    )
    assert interval(values) == pytest.approx(tuple(found.confidence_interval), abs=0.001)


def test_nothing_gained_is_no_evidence() -> None:
    assert randomisation(np.zeros(50)) == 1.0


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_holm_never_lowers_and_keeps_the_order(p_values: list[float]) -> None:
    found = holm(p_values)
    assert all(p <= c <= 1 for p, c in zip(p_values, found, strict=True))
    pairs = sorted(zip(p_values, found, strict=True))
    assert [c for _, c in pairs] == sorted(c for _, c in pairs)


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_wins_ties_and_losses_are_counted() -> None:
    base = {"a": {"M": 0.5}, "b": {"M": 0.5}, "c": {"M": 0.5}}
    other = {"a": {"M": 0.75}, "b": {"M": 0.5}, "c": {"M": 0.0}}
    found = difference(base, other, "M")
    assert (found.wins, found.ties, found.losses) == (1, 1, 1)
    assert found.delta == pytest.approx(-0.25 / 3)
    assert found.low <= found.delta <= found.high


def test_runs_of_other_topics_are_refused() -> None:
    with pytest.raises(InvalidInput, match="not of the same topics"):
        deltas({"a": {"M": 1.0}}, {"b": {"M": 1.0}}, "M")
    with pytest.raises(InvalidInput, match="has no M"):
        deltas({"a": {"M": 1.0}}, {"a": {}}, "M")
