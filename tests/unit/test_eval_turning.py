"""A space is turned so that what belongs together lies together, and nothing known is unlearned."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from eval.pairs import Pair
from eval.turning import Lesson, Matrix, Turned, lessons, loss_and_slope, turned
from tests.letters import Letters


def matrix(seed: int, *shape: int) -> Matrix:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def test_what_is_known_to_be_right_is_not_wrong() -> None:
    """Of three texts the first question has two, by two pairs of which one was drawn."""
    found = [
        Pair("judged", "q one", "text a", "1", "a", frozenset("ab")),
        Pair("judged", "q two", "text b", "2", "b", frozenset("b")),
        Pair("judged", "q three", "text c", "3", "c", frozenset("c")),
        Pair("judged", "q three", "text a", "3", "a", frozenset("c")),
        Pair("title", "title a", "text a", "a"),
    ]
    judged, title = lessons(found, Letters())
    assert judged.own.tolist() == [[1, 0, 0], [0, 1, 0], [0.5, 0, 0.5]]
    assert judged.wrong.tolist() == [[0, 0, 1], [1, 0, 1], [0, 1, 0]]
    assert title.wrong.sum() == 0


@settings(max_examples=20)
@given(st.integers(0, 999))
def test_the_slope_is_how_the_loss_changes(seed: int) -> None:
    own = (matrix(seed, 5, 7) > 0.8).astype(np.float32)
    own[np.arange(5), np.arange(5)] = 1
    lesson = Lesson(
        matrix(seed + 1, 5, 4),
        matrix(seed + 2, 7, 4),
        own / own.sum(axis=1, keepdims=True),
        1 - own,
        (0,),
    )
    turn, along = np.eye(4, dtype=np.float32), matrix(seed + 3, 4, 4)
    _, slope = loss_and_slope(turn, lesson, range(5))
    step = np.float32(1e-3)
    more, less = (loss_and_slope(turn + s * step * along, lesson, range(5))[0] for s in (1, -1))
    assert (more - less) / (2 * step) == pytest.approx(float((slope * along).sum()), abs=0.05)


def test_a_house_s_own_words_are_learnt() -> None:
    """x stands for a, y for b: nothing that the letters say."""
    words = [("xxx", "aaa"), ("yyy", "bbb")] * 30
    found = [
        Pair("judged", f"{left}{chr(99 + n % 9)}", f"{right}{chr(103 + n % 7)}", f"{n}")
        for n, (left, right) in enumerate(words)
    ]
    heard: list[int] = []
    steps = list(turned(lessons(found, Letters()), 30, heard.append))
    assert len(steps) == 31
    assert sum(heard) == 30
    np.testing.assert_array_equal(steps[0], np.eye(26))

    def alike(turn: Matrix, left: str, right: str) -> float:
        one, other = Turned(Letters(), turn).encode([left, right])
        return float(one @ other)

    for own, other in (("xxx", "aaa"), ("yyy", "bbb")):
        assert alike(steps[-1], own, other) > alike(steps[0], own, other) + 0.05
    assert alike(steps[-1], "xxx", "aaa") > alike(steps[-1], "xxx", "bbb")
    again = list(turned(lessons(found, Letters()), 30, heard.append))
    np.testing.assert_array_equal(steps[-1], again[-1])  # the same data gives the same bits


def test_the_best_of_what_can_be_found_is_not_told_from_itself() -> None:
    one = Pair("judged", "aaa", "bbb", "1")
    lesson = lessons([one], Letters())[0]
    loss, slope = loss_and_slope(np.eye(26, dtype=np.float32), lesson, [0])
    assert loss == pytest.approx(0, abs=1e-6)
    np.testing.assert_allclose(slope, 0, atol=1e-4)
