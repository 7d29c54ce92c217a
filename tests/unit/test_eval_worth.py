"""What a taught encoder is worth on held-out topics, before anybody switches it on."""

from __future__ import annotations

import numpy as np
import pytest

from eval.benchmark import Benchmark, Text
from eval.measures import ndcg
from eval.pairs import held, pairs, split
from eval.turning import Turned
from eval.worth import worth, yardstick
from tests.letters import Letters


def judged(texts: int, topics: int) -> Benchmark:
    chance = np.random.default_rng(3)
    words = ["".join(chance.choice(list("abcdefghij"), 12)) for _ in range(max(texts, topics))]
    corpus = tuple(Text(f"d{n}", "", words[n], {}) for n in range(texts))
    qrels = {
        f"t{n}": {f"d{at}": int(chance.integers(0, 3)) for at in chance.integers(0, texts, 9)}
        | {f"d{n % texts}": 3}
        for n in range(topics)
    }
    asked = {f"t{n}": words[n % texts][::-1] + "k" for n in range(topics)}
    return Benchmark("set", corpus, asked, qrels)


def test_its_figures_are_those_of_the_lab() -> None:
    read = judged(60, 60)
    yard = yardstick([("set", read)], 1)
    ids = {text.text: text.doc_id for text in read.corpus}
    topics = {question: topic for topic, question in read.topics.items()}
    assert len(topics) == len(yard.questions)
    cosines = Letters().encode(yard.questions) @ Letters().encode(yard.passages).T
    for question, row, figure in zip(yard.questions, cosines, yard.figures(Letters()), strict=True):
        ranked = [ids[yard.passages[at]] for at in np.argsort(-row, kind="stable")]
        expected = ndcg(read.qrels[topics[question]], ranked, 10)
        assert figure == pytest.approx(expected)


def test_it_asks_what_was_not_taught() -> None:
    read = judged(60, 60)
    teaching, _ = split(pairs([("set", read)], None, Letters(), 1000), 0.3)
    asked = {pair.left for pair in teaching if pair.kind == "judged"}
    yard = yardstick([("set", read)], 0.3)
    assert asked.isdisjoint(yard.questions)
    assert len(yard.questions) == sum(held(f"set?{topic}", 0.3) for topic in read.topics)


def test_a_large_corpus_is_sampled_and_what_was_judged_comes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read = judged(300, 9)
    right = {d for judged in read.qrels.values() for d, grade in judged.items() if grade > 0}
    monkeypatch.setattr("eval.worth.MOST_TEXTS", 100)
    assert len(right) < 100
    yard = yardstick([("set", read)], 1)
    assert len(yard.starts) == 100
    assert yard.gains.any(axis=0).sum() == len(right)


def test_without_topics_it_tells_nothing() -> None:
    read = judged(60, 60)
    assert yardstick([("set", read)], 1).tells
    for few in (yardstick([("set", read)], 0), yardstick([], 1)):
        assert not few.tells
        assert few.gains.shape[0] == 0


def test_a_gain_is_told_from_a_loss_and_from_nothing() -> None:
    yard = yardstick([("set", judged(40, 160))], 1)
    same = yard.figures(Letters())
    blind = yard.figures(Turned(Letters(), np.eye(26, dtype=np.float32) * 1e-3 + 1))
    assert worth(yard, blind, same[None]).gains
    assert not worth(yard, same, blind[None]).gains
    nothing = worth(yard, same, same[None])
    assert not nothing.gains
    assert (nothing.low, nothing.high, nothing.p) == (0, 0, 1)
    assert nothing.topics == len(yard.questions)


def test_no_topic_speaks_for_what_was_chosen_by_it() -> None:
    """Of fifty encoders that differ by luck the best seems to gain; told honestly, it does not."""
    yard = yardstick([("set", judged(40, 160))], 1)
    chance = np.random.default_rng(1)
    same = yard.figures(Letters())
    lucky = same + chance.normal(0, 0.1, (50, len(same)))
    assert lucky.mean(axis=1).max() > same.mean() + 0.012
    assert worth(yard, same, lucky).taught < same.mean() + 0.006
    assert not worth(yard, same, lucky).gains
