"""What only the meaning found must be near; what words or concepts found stays."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from indexing.ports import Ranking, Scored
from rankers.near import LEAST_COSINE, least_cosine, near_enough


def ranking(scores: dict[str, float]) -> Ranking:
    ordered = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return Ranking(tuple(Scored(d, s, rank) for rank, (d, s) in enumerate(ordered, 1)))


def test_a_far_note_stays_only_where_another_leg_found_it() -> None:
    rankings = {
        "lexical": ranking({"said": 7.0}),
        "vector": ranking({"near": 0.6, "said": 0.1, "far": 0.2}),
    }
    found = near_enough(rankings, 0.4)["vector"].hits
    assert [(hit.doc_id, hit.rank) for hit in found] == [("near", 1), ("said", 2)]


def test_a_model_that_was_not_measured_loses_nothing() -> None:
    rankings = {"vector": ranking({"far": -0.9})}
    assert near_enough(rankings, least_cosine("letters")) == rankings


def test_the_default_model_has_a_floor_however_its_weights_are_named() -> None:
    assert least_cosine("minilm-l6-int8-0123abcd") == LEAST_COSINE["minilm-l6"]


SCORES = st.dictionaries(st.sampled_from("abcdef"), st.floats(-1, 1), max_size=6)


@given(SCORES, SCORES, st.floats(-1, 1))
def test_order_is_kept_and_other_legs_are_untouched(
    words: dict[str, float], meaning: dict[str, float], least: float
) -> None:
    rankings = {"graph": ranking(words), "vector": ranking(meaning)}
    found = near_enough(rankings, least)
    assert found["graph"] == rankings["graph"]
    wanted = [h.doc_id for h in rankings["vector"].hits if h.score >= least or h.doc_id in words]
    assert [hit.doc_id for hit in found["vector"].hits] == wanted
    assert [hit.rank for hit in found["vector"].hits] == list(range(1, len(wanted) + 1))
