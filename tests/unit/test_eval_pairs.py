"""What an encoder is taught by: which pairs, and which may stand in one batch."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from eval.benchmark import Benchmark, Text
from eval.pairs import Pair, batches, counted, lessons, pairs

BODY = "A body that is long enough to say something of its own."


def judged() -> Benchmark:
    corpus = tuple(Text(each, f"Title {each}", f"{BODY} {each}", {}) for each in "abcd")
    topics = {"1": "one question", "2": "another question"}
    return Benchmark("set", corpus, topics, {"1": {"a": 2, "b": 1}, "2": {"b": 2, "c": 0}})


def test_a_question_is_taught_by_what_was_judged_best_for_it() -> None:
    found = pairs([("set", judged())], None, 100)
    assert counted(found) == {"judged": 2, "title": 4}
    taught = {pair.left: pair.right for pair in found if pair.kind == "judged"}
    assert taught["one question"].startswith("Title a. ")


def test_what_answers_a_question_is_no_wrong_answer_to_it() -> None:
    """b was judged for the first question too: in one batch it would be taught as wrong."""
    found = [pair for pair in pairs([("set", judged())], None, 100) if pair.kind == "judged"]
    assert [len(batch) for batch in batches(found, 2)] == [1, 1]
    assert [len(batch) for batch in batches(found[::-1], 2)] == [1, 1]
    apart = [Pair(p.kind, p.left, p.right, p.group, p.own) for p in found]
    assert [len(batch) for batch in batches(apart, 2)] == [2]


taught = st.builds(
    Pair,
    st.sampled_from(["title", "judged"]),
    st.text("ab", min_size=1, max_size=3),
    st.text("cd", min_size=1, max_size=40),
    st.sampled_from("uvwxyz"),
)


@given(st.lists(taught, max_size=60), st.integers(1, 8), st.integers(0, 3))
def test_every_pair_is_taught_once_among_its_kind(found: list[Pair], size: int, seed: int) -> None:
    cut = lessons(found, size, seed)
    assert sorted(map(repr, found)) == sorted(repr(pair) for batch in cut for pair in batch)
    for batch in cut:
        assert len({pair.kind for pair in batch}) == 1
        assert len(batch) <= size
        for side in ("left", "right", "group"):
            assert len({getattr(pair, side) for pair in batch}) == len(batch)
    assert cut == lessons(found, size, seed)  # a killed run goes on from its steps


def test_long_texts_do_not_stand_beside_short_ones() -> None:
    found = [Pair("title", f"t{n}", "x" * (1 + n % 2 * 900) + str(n), str(n)) for n in range(64)]
    for batch in lessons(found, 8, 1):
        assert max(len(p.right) for p in batch) - min(len(p.right) for p in batch) < 10
