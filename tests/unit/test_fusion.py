"""Fusion: contributions add up, depth and missing legs do no harm, a question sets weights."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.errors import ConfigurationError
from indexing.ports import Ranking, Scored
from rankers.fusion import SHARES, Share, fuse, read_shares, split, standing, standing_out, weights

LEGS = ("lexical", "vector", "graph")


def ranking(scores: dict[str, float]) -> Ranking:
    ordered = sorted(scores.items(), key=lambda item: (-item[1], item[0]))
    return Ranking(tuple(Scored(d, score, rank) for rank, (d, score) in enumerate(ordered, 1)))


DOCS = st.sampled_from([f"d{i}" for i in range(12)])
COSINES = st.dictionaries(DOCS, st.floats(-1, 1))
POSITIVE = st.dictionaries(DOCS, st.floats(0, 50))
RANKINGS = st.fixed_dictionaries(
    {}, optional={"lexical": POSITIVE, "vector": COSINES, "graph": POSITIVE}
).map(lambda legs: {leg: ranking(scores) for leg, scores in legs.items()})


@pytest.mark.parametrize("by", ["scores", "ranks"])
@given(rankings=RANKINGS, k=st.integers(0, 15), question=st.text(max_size=40))
def test_contributions_are_the_score(by, rankings, k, question) -> None:  # type: ignore[no-untyped-def]
    shares = {kind: replace(share, by=by) for kind, share in SHARES.items()}
    found = fuse(rankings, k, question, shares)
    everything = {h.doc_id for r in rankings.values() for h in r.hits}
    assert len(found) == min(k, len(everything))
    assert [f.rank for f in found] == list(range(1, len(found) + 1))
    assert list(found) == sorted(found, key=lambda f: (-f.score, f.doc_id))
    for hit in found:
        assert hit.score == sum(s.contribution for s in hit.signals.values())
        assert all(s.contribution >= 0 for s in hit.signals.values())
        for leg, signal in hit.signals.items():
            assert Scored(hit.doc_id, signal.score, signal.rank) in rankings[leg].hits


@given(rankings=RANKINGS, k=st.integers(1, 12))
def test_a_longer_page_begins_with_the_shorter(rankings, k) -> None:  # type: ignore[no-untyped-def]
    assert fuse(rankings, 15)[:k] == fuse(rankings, k)


def test_the_depth_of_a_leg_moves_no_score() -> None:
    scores = {f"d{i:04}": 0.9 - i / 2000 for i in range(1000)}
    deep, shallow = ranking(scores), Ranking(ranking(scores).hits[:200])
    assert fuse({"vector": deep}, 150) == fuse({"vector": shallow}, 150)


def test_a_leg_alone_keeps_its_order() -> None:
    alone = ranking({"a": 0.31, "b": 0.3, "c": -0.2})
    found = fuse({"vector": alone, "lexical": Ranking(())}, 10)
    assert [f.doc_id for f in found] == ["a", "b", "c"]
    assert found[0].score == pytest.approx(1.0)
    assert fuse({"vector": ranking({"only": 0.1})}, 10)[0].score == pytest.approx(1.0)


def test_small_differences_among_few_notes_stay_small() -> None:
    found = fuse({"vector": ranking({"a": 0.5, "b": 0.49})}, 2)
    assert found[0].score - found[1].score < 0.1


def test_the_longer_the_question_the_more_its_words_count() -> None:
    legs = frozenset(LEGS)
    word, question, note = "tinnitus", "does aspirin lower the risk of colon cancer", "x y z " * 90
    shares = [weights(text, legs)["vector"] for text in (word, question, note)]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < shares[0]
    for text in (word, question, note):
        assert sum(weights(text, legs).values()) == pytest.approx(1)
    assert weights(word, frozenset({"graph"})) == {"graph": 1.0}


def test_concepts_count_by_how_much_of_the_question_names_them() -> None:
    legs, share = frozenset(LEGS), SHARES["question"]
    assert split(share, legs, 0.35)["graph"] == pytest.approx(share.graph / 2)
    assert split(share, legs, 0.9) == split(share, legs)
    assert sum(split(share, legs, 0.35).values()) == pytest.approx(1)


def test_a_leg_counts_by_how_far_its_best_stand_out() -> None:
    crowd = ranking({f"c{i:02}": 10 - i / 100 for i in range(30)})
    few = ranking({"f": 10.0, **{f"r{i:02}": 1.0 for i in range(30)}})
    tenths = {
        "lexical": [h.score / 10 for h in crowd.hits],
        "graph": [h.score / 10 for h in few.hits],
    }
    alike, apart = standing(tenths, told=False).values()
    assert 0.2 == alike < apart == pytest.approx(0.9)  # never nothing: the words are there
    share, legs = SHARES["question"], frozenset({"lexical", "graph"})
    given = split(share, legs, out={"lexical": alike, "graph": apart})
    assert given["graph"] > split(share, legs)["graph"]
    assert sum(given.values()) == pytest.approx(1)
    found = fuse({"lexical": crowd, "graph": few}, 1, "chest pain")
    assert found[0].doc_id == "f"
    assert fuse({"lexical": few, "graph": crowd}, 1, "chest pain")[0].doc_id == "f"


def test_ranks_five_to_twenty_are_what_the_best_stand_out_from() -> None:
    assert standing_out([1.0] * 4 + [0.0] * 16) == 1
    assert standing_out([1.0] * 12 + [0.0] * 8) == pytest.approx(1 / 2)
    assert standing_out([1.0] * 4 + [0.3] * 16 + [0.0] * 100) == pytest.approx(0.7)
    assert standing_out([1.0] * 6) == pytest.approx(1 - 2 / 16)  # fourteen are not there


def test_ranks_say_nothing_of_how_far_the_best_stand_out() -> None:
    assert standing({"lexical": [0.9] * 30}, "ranks", told=False) == {"lexical": 1.0}


def test_words_count_more_where_one_note_says_all() -> None:
    legs = {"lexical": ranking({"a": 9.0, "b": 8.0}), "vector": ranking({"b": 0.9, "a": 0.6})}
    question = "tonsillectomy and adenoidectomy of a boy two weeks ago"
    assert fuse(legs, 2, question)[0].doc_id == "b"
    found = fuse(legs, 2, question, told=True)
    assert found[0].score == pytest.approx(sum(s.contribution for s in found[0].signals.values()))
    words = [hit.signals["lexical"].contribution for hit in found if hit.doc_id == "a"]
    assert words == pytest.approx([2 * 0.55 / (2 * 0.55 + 0.45)])


def test_ranks_alone_can_be_what_is_weighed(tmp_path: Path) -> None:
    legs = {"lexical": ranking({"a": 9.0, "b": 1.0}), "vector": ranking({"b": 0.9, "a": 0.89})}
    by_rank = {**SHARES, "keywords": Share(0.5, 0.25, "ranks")}
    file = tmp_path / "shares.json"
    file.write_bytes(orjson.dumps({"keywords": asdict(by_rank["keywords"])}))
    assert read_shares(file) == by_rank
    found = fuse(legs, 2, "tinnitus", by_rank)
    assert found[0].score == pytest.approx(found[1].score)
    assert fuse(legs, 2, "tinnitus")[0].doc_id == "a"


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "[]",
        '{"keywords": {"vector": 2, "graph": 0}}',
        '{"other": {"vector": 0, "graph": 0}}',
        '{"note": {"vector": 0, "graph": 0, "by": "luck"}}',
        '{"note": 1}',
    ],
)
def test_shares_that_make_no_sense_are_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "shares.json"
    file.write_text(text)
    with pytest.raises(ConfigurationError, match=r"shares\.json"):
        read_shares(file)
