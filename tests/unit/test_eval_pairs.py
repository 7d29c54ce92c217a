"""What an encoder is taught by: which pairs, and in which order."""

from __future__ import annotations

from eval.benchmark import Benchmark, Text
from eval.pairs import SHARES, counted, pairs
from tests.letters import Letters

BODY = "A body that is long enough to say something of its own."


def judged(answers: int = 2) -> Benchmark:
    ids = [f"d{n}" for n in range(answers)]
    corpus = tuple(Text(each, f"Title {each}", f"{BODY} {each}", {}) for each in ids)
    topics = {"1": "one question", "2": "another question"}
    broad = dict.fromkeys(ids, 1) | {"d1": 2}
    return Benchmark("set", corpus, topics, {"1": broad, "2": {"d1": 2, "d0": 0}})


def test_each_question_has_its_turn_with_what_was_judged_best_for_it_first() -> None:
    """A broad question has hundreds of answers; drawn among all of them, it was what was taught."""
    found = [
        pair
        for pair in pairs([("set", judged(60))], None, Letters(), 1000)
        if pair.kind == "judged"
    ]
    assert len(found) == 61
    assert {pair.left for pair in found[:2]} == {"one question", "another question"}
    assert all(pair.right.startswith("Title d1. ") for pair in found[:2])


def test_pairs_are_drawn_by_the_shares_of_their_kinds() -> None:
    drawn = counted(pairs([("set", judged(90))], None, Letters(), 54))
    assert drawn["judged"] == round(54 * SHARES["judged"] / (SHARES["judged"] + SHARES["title"]))
    assert counted(pairs([("set", judged(3))], None, Letters(), 100)) == {"judged": 4, "title": 3}


def test_the_answers_nearest_to_a_question_stand_for_it() -> None:
    corpus = tuple(Text(each, "", each * 9 + BODY, {}) for each in "abcdef")
    read = Benchmark("set", corpus, {"1": "c" * 60}, {"1": dict.fromkeys("abcdef", 1)})
    found = pairs([("set", read)], None, Letters(), 1)
    assert [pair.own for pair in found] == ["set/c"]
