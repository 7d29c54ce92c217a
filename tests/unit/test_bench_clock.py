"""The benchmark's own arithmetic, its turns, and its questions."""

from __future__ import annotations

from itertools import count

from eval.bench.clock import Ratio, figures, interleaved, ratio
from eval.bench.questions import questions
from indexing.errors import InvalidQuery
from rankers.query import parse


def test_percentiles_and_rate() -> None:
    found = figures([1.0] * 98 + [100.0] * 2)
    assert (found.p50_ms, found.p95_ms) == (1.0, 1.0)
    assert 1.0 < found.p99_ms <= 100.0
    assert found.qps == round(100 / (298 / 1000), 3)


def test_systems_take_turns_by_blocks_and_the_warm_up_is_not_counted() -> None:
    heard: list[str] = []
    ticks = count()
    systems = {name: lambda q, name=name: heard.append(f"{name}{q}") for name in "ab"}
    found = interleaved(systems, "123", warm_up=1, block=2, clock=lambda: next(ticks))
    assert heard == ["a3", "b3", "a1", "a2", "b1", "b2", "b3", "a3"]
    assert found["a"].p50_ms == 1000.0
    assert found["a"].blocks == (2000.0, 1000.0)


def test_who_shares_a_memory_asks_the_second_half_first() -> None:
    heard: list[str] = []
    systems = {name: lambda q, name=name: heard.append(f"{name}{q}") for name in "ab"}
    interleaved(systems, "12345", warm_up=0, block=2, apart="b")
    assert heard == ["a1", "a2", "b3", "b4", "b5", "b1", "a3", "a4", "a5", "b2"]


def test_a_ratio_is_of_blocks() -> None:
    slow, quick = figures([4.0, 4.0, 9.0, 9.0, 1.0], 2), figures([2.0, 2.0, 3.0, 3.0, 1.0], 2)
    assert ratio(slow, quick) == Ratio(2.0, 1.0, 3.0)


def test_questions_are_the_same_for_a_seed_and_mixed() -> None:
    asked = questions(400)
    assert asked == questions(400)
    assert asked != questions(400, seed=12)
    assert len(set(asked)) > 200
    assert any(q.startswith('"') for q in asked)
    assert any(len(q.split()) > 6 for q in asked)
    assert any(len(q.split()) <= 2 for q in asked)


def test_every_question_parses() -> None:
    refused = []
    for question in questions(1000):
        try:
            parse(question)
        except InvalidQuery:
            refused.append(question)
    assert refused == []
