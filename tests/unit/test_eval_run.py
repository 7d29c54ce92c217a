"""Runs and measures: trec_eval's figures, six columns, and queries that do not parse."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import ir_measures
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ir_measures import RR, Judged, R, nDCG

from eval.measures import aggregate, by_own, by_topic
from eval.run import run
from eval.trec import write_run
from indexing.access import Access
from indexing.errors import ConfigurationError, InvalidInput, InvalidQuery
from indexing.model import TenantId
from rankers.answer import Answer, Hit, SearchRequest

ACCESS = Access(TenantId(uuid4()), "e", frozenset())
DOCS = [f"d{i}" for i in range(30)]


@given(
    qrels=st.dictionaries(
        st.sampled_from("abc"),
        st.dictionaries(st.sampled_from(DOCS), st.integers(-1, 3), min_size=1),
        min_size=1,
    ),
    run_=st.dictionaries(st.sampled_from("abcx"), st.permutations(DOCS), max_size=4),
)
def test_measures_agree_with_trec_eval(
    qrels: dict[str, dict[str, int]], run_: dict[str, list[str]]
) -> None:
    scores = {
        t: {d: float(len(ranked) - i) for i, d in enumerate(ranked)} for t, ranked in run_.items()
    }
    named = {nDCG @ 10: "nDCG@10", R @ 100: "R@100", RR @ 10: "RR@10", Judged @ 10: "Judged@10"}
    ours = by_own(qrels, run_)
    for metric in ir_measures.iter_calc(list(named), qrels, scores):
        value = ours[metric.query_id][named[metric.measure]]
        assert value == pytest.approx(metric.value, abs=1e-9)
    for topic in set(qrels) - set(run_):
        assert set(ours[topic].values()) == {0.0}


def test_the_library_and_our_own_figures_are_interchangeable() -> None:
    qrels = {"a": {"d1": 2, "d2": 1, "d9": 1}, "b": {"d3": 1}, "c": {"d1": 1}}
    ranked = {"a": ["d2", "d7", "d1"], "b": [], "x": ["d1"]}
    own, library = by_own(qrels, ranked), by_topic(qrels, ranked)
    assert own.keys() == library.keys()
    for topic, values in own.items():
        assert library[topic] == pytest.approx(values, abs=1e-9)


def test_a_measure_by_two_names_is_both() -> None:
    found = by_topic({"a": {"d": 1}}, {"a": ["c", "d"]}, ["RR@10", "MRR@10"])
    assert found == {"a": {"RR@10": 0.5, "MRR@10": 0.5}}


def test_grades_that_trec_eval_breaks_on_count_as_not_relevant() -> None:
    found = by_topic({"a": {"d": -2}, "b": {"d": 1}}, {"a": ["d"], "b": ["d"]})
    assert [found[topic]["nDCG@10"] for topic in "ab"] == [0.0, 1.0]


def test_a_measure_that_cannot_be_taken_here_is_told() -> None:
    with pytest.raises(ConfigurationError, match="RBP"):
        by_topic({"a": {"d": 1}}, {"a": ["d"]}, ["RBP(p=0.8)"])


def test_a_topic_without_an_answer_counts() -> None:
    assert aggregate({"a": {"d": 1}, "b": {"d": 1}}, {"a": ["d"]})["nDCG@10"] == 0.5


def answering(asked: list[SearchRequest]):  # type: ignore[no-untyped-def]
    def answer(_access: Access, request: SearchRequest) -> Answer:
        asked.append(request)
        if "(" in request.q and not request.plain:
            raise InvalidQuery("unclosed", 0)
        if not any(c.isalnum() for c in request.q):
            raise InvalidQuery("nothing", 0)
        hits = tuple(Hit(rank, f"d{rank}", 1.0, {}) for rank in (1, 2, 3))
        return Answer(chips=(), assertion="present", exact=False, total=3, hits=hits)

    return answer


def test_a_query_that_does_not_parse_is_asked_as_plain_words() -> None:
    asked: list[SearchRequest] = []
    topics = {"good": "cough", "bad": "cough (dry", "hopeless": "("}
    found = run(answering(asked), ACCESS, topics, "lexical")
    assert found.unparsed == 2
    assert found.documents() == {
        "good": ["d1", "d2", "d3"],
        "bad": ["d1", "d2", "d3"],
        "hopeless": [],
    }
    assert [r.plain for r in asked] == [False, False, True, False, True]
    assert all(r.k == 1000 and r.rankers == ("lexical",) and r.bare for r in asked)


def test_the_run_file_has_six_columns_and_falling_scores(tmp_path: Path) -> None:
    found = run(answering([]), ACCESS, {"q1": "cough", "q2": "wheeze"}, "hybrid")
    path = tmp_path / "run.txt"
    path.write_text("what stood there before")
    write_run(found.ranked, "anamnesis-hybrid", path)
    rows = [line.split(" ") for line in path.read_text().splitlines()]
    assert [row[:4] for row in rows[:3]] == [
        ["q1", "Q0", "d1", "1"], ["q1", "Q0", "d2", "2"], ["q1", "Q0", "d3", "3"]
    ]  # fmt: skip
    assert {len(row) for row in rows} == {6}
    assert float(rows[0][4]) > float(rows[1][4]) > float(rows[2][4])
    assert list(ir_measures.read_trec_run(str(path)))[3].query_id == "q2"


def test_ids_that_trec_cannot_hold_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        write_run({"q": [("a b", 1.0)]}, "tag", tmp_path / "run.txt")
    assert not (tmp_path / "run.txt").exists()
