"""A coarse scan bounds every product, and changes no answer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from indexing.backends.postgres.coarse import Coarse
from indexing.backends.postgres.matrix import Scan

FLOATS = st.floats(-1, 1, width=32)


@given(
    arrays.arrays(np.float32, st.tuples(st.integers(1, 20), st.just(9)), elements=FLOATS),
    arrays.arrays(np.float32, 9, elements=FLOATS),
)
@settings(max_examples=60, deadline=None)
def test_every_product_lies_within_its_bounds(matrix: np.ndarray, query: np.ndarray) -> None:
    bounds = Coarse.of(matrix).bounds(query)
    off = np.abs(matrix.astype(np.float64) @ query.astype(np.float64) - bounds.likely)
    assert (off <= bounds.slack).all()


@pytest.mark.parametrize("count", [64, 500, 4096, 4200])
@pytest.mark.parametrize("together", [1000, 65_536])
def test_unit_vectors_are_bounded_narrowly(
    count: int, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In one product and several, made at once and not."""
    monkeypatch.setattr("indexing.backends.postgres.coarse._TOGETHER", together)
    matrix = _rows(np.random.default_rng(1), count)
    bounds = Coarse.of(matrix).bounds(matrix[3])
    assert bounds.slack < 0.05
    assert bounds.likely == pytest.approx(matrix @ matrix[3], abs=bounds.slack)


def test_bytes_do_not_overflow_where_all_are_largest() -> None:
    ones = np.ones((3, 384), np.float32)
    bounds = Coarse.of(ones).bounds(ones[0])
    assert bounds.likely == pytest.approx(384, rel=1e-3)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("fine", [0, 300])
def test_a_coarse_scan_finds_what_a_plain_one_finds(seed: int, fine: int) -> None:
    """Crowded vectors, many of them equal, some closed, some written since."""
    dice = np.random.default_rng(seed)
    matrix = _rows(dice, 3000)
    matrix[dice.integers(0, 3000, 400)] = matrix[dice.integers(0, 40, 400)]
    documents = np.sort(dice.integers(0, 1200, 3000)).astype(np.int32)
    opened = dice.random(3000) > 0.1
    vector = (matrix[5] + 0.5 * matrix[77]) / np.linalg.norm(matrix[5] + 0.5 * matrix[77])
    coarse = Coarse.of(matrix[: 3000 - fine])
    for k in (1, 10, 200):
        rows, cosines = Scan(matrix, coarse, vector, opened).best(documents, k)
        plain, exact = Scan(matrix, None, vector, opened).best(documents, k)
        assert rows.tolist() == plain.tolist()
        assert cosines.tolist() == exact.tolist()
        assert opened[rows].all()
        assert len(set(documents[rows].tolist())) == len(rows) >= k


def test_asking_for_more_than_there_is_gives_all() -> None:
    matrix = _rows(np.random.default_rng(3), 50)
    documents = np.arange(50, dtype=np.int32)
    opened = documents < 7
    rows, _ = Scan(matrix, Coarse.of(matrix), matrix[0], opened).best(documents, 10)
    assert sorted(rows.tolist()) == list(range(7))


def _rows(dice: np.random.Generator, count: int) -> np.ndarray:
    rows = (dice.standard_normal((count, 384)) + 1.5).astype(np.float32)
    found: np.ndarray = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return found
