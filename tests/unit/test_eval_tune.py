"""Tuning: what is computed is what the search would do, folds do not leak, nobody is harmed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from eval.asked import AskedAnswers
from eval.measures import by_own
from eval.replay import Asked, Asking, Rows, Setting, Topic
from eval.space import KINDS, by_grid, by_trials, space_of
from eval.tune import Tuned, tune
from indexing.access import Access, Role
from indexing.model import TenantId
from indexing.ports import Ranking, Scored, Vectors
from rankers.alike import Alike
from rankers.fusion import EXPANSIONS, SHARES, Share, fuse
from rankers.held import gained
from rankers.kinds import query_class

DOCS = [f"d{i:02}" for i in range(15)]
SCORES = st.dictionaries(
    st.sampled_from(DOCS), st.integers(1, 40).map(lambda n: n / 7), max_size=15
)
TITLE = 0.3
ASKING = Asking(TITLE)
LEGS_ONLY = space_of(["legs"], TITLE)


def stored(scores: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(scores.items(), key=lambda item: (-item[1], item[0]))


def ranking(scores: Mapping[str, float]) -> Ranking:
    return Ranking(tuple(Scored(d, s, rank) for rank, (d, s) in enumerate(stored(scores), 1)))


class Held:
    """Vectors of documents, as an index gives them back."""

    def __init__(self) -> None:
        dice = np.random.default_rng(3)
        self.rows: dict[str, Vectors] = {}
        for doc_id in DOCS:
            rows = dice.normal(size=(2, 8)).astype(np.float32)
            self.rows[doc_id] = rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def passages(self, access: Access, doc_ids: Sequence[str]) -> Mapping[str, Vectors]:
        return {d: self.rows[d] for d in doc_ids}


HELD = Held()
ACCESS = Access(TenantId(uuid4()), "eve", frozenset({Role.RELEVANCE}), "HQUALIMP")


@given(
    legs=st.fixed_dictionaries({"lexical": SCORES, "vector": SCORES, "graph": SCORES}),
    judged=st.dictionaries(st.sampled_from(DOCS), st.integers(0, 3), min_size=1),
    at=st.integers(0, len(LEGS_ONLY.legs) - 1),
    alike=st.sampled_from([0.0, 0.4, None]),
    covered=st.sampled_from([0.0, 0.5, 1.0]),
    told=st.booleans(),
    question=st.sampled_from(["tinnitus", "What is told of it stands in one note."]),
    held=st.dictionaries(st.sampled_from(DOCS), st.floats(0, 1)),
)
@example(  # notes as good by words, whose place is that of the notes most like them
    legs={
        "lexical": dict.fromkeys(DOCS[:10], 5.0),
        "vector": {
            f"d{at:02}": n / 7
            for n, own in ((36, (0, 5, 13)), (35, (3, 7, 10, 11)), (34, (2, 8, 9, 12)))
            for at in own
        },
        "graph": {},
    },
    judged={"d05": 3}, at=0, alike=0.4, covered=0.0, told=False,
    question="What is told of it stands in one note.", held={},
)  # fmt: skip
def test_what_is_computed_is_what_the_search_would_do(
    legs: dict[str, dict[str, float]],
    judged: dict[str, int],
    at: int,
    alike: float | None,
    covered: float,
    told: bool,
    question: str,
    held: dict[str, float],
) -> None:
    held = held if query_class(question) == "statement" else {}
    share = replace(LEGS_ONLY.legs[at], alike=alike)
    asked = {ASKING: Asked({leg: stored(scores) for leg, scores in legs.items()}, told, held)}
    made = Topic("t", question, judged, asked, Rows.of(HELD.rows), ASKING, covered)
    [figure] = made.figures(Setting(share, TITLE), [alike])
    rankings = {leg: ranking(scores) for leg, scores in legs.items()}
    shares = dict.fromkeys(SHARES, share)
    fused = fuse(rankings, 200, question, shares, covered=covered, told=told)
    fused = gained(fused, held)
    weights = dict.fromkeys(SHARES, 0.4 if alike is None else alike)
    joined = Alike(HELD, weights).joined(ACCESS, question, fused, covered, told=told)
    scores = [hit.score for hit in joined]
    if len({round(s, 9) for s in scores}) == len(scores):  # ties of floats may fall either way
        ours = [hit.doc_id for hit in joined][:10]
        expected = by_own({"t": judged}, {"t": ours}, ["nDCG@10"])["t"]["nDCG@10"]
        assert figure == pytest.approx(expected)


@dataclass(slots=True)
class Told:
    """A topic whose figure under each setting is told."""

    topic_id: str
    values: Mapping[Share, float]
    kind: str = "keywords"
    alone: Mapping[str, float] = field(default_factory=dict)
    other: float = 0.3
    title: Mapping[float, float] = field(default_factory=dict)

    def figures(self, setting: Setting, alikes: Sequence[float | None]) -> list[float]:
        if setting.title in self.title:
            return [self.title[setting.title]] * len(alikes)
        shares = [replace(setting.share, alike=alike) for alike in alikes]
        return [self.values.get(share, self.other) for share in shares]


GRID = LEGS_ONLY.legs
AT = {"keywords": SHARES["keywords"], "question": SHARES["question"]}


def topic(number: int, best: int, kind: str = "keywords", leg: float = 0.0) -> Told:
    """Make a topic that one setting answers best, and the default half as well."""
    values = {AT[kind]: 0.5, GRID[best]: 0.9}
    return Told(f"t{number}", values, kind, {"lexical": leg})


def looked(sets: Mapping[str, Sequence[Told]]) -> Tuned:
    return tune(sets, LEGS_ONLY)


def test_the_setting_that_is_best_everywhere_is_found() -> None:
    found = looked(
        {"one": [topic(i, 7) for i in range(40)], "two": [topic(i, 7) for i in range(9)]}
    )
    assert found.shares == {"keywords": GRID[7]}
    assert found.sets["one"].held_out == pytest.approx(0.9)
    assert found.kept


def test_what_was_chosen_by_its_own_topics_is_worth_nothing() -> None:
    """Every topic has a setting of its own: tuned looks like a gain, held out there is none."""
    topics = [Told(f"t{i}", {AT["keywords"]: 0.305, GRID[i]: 0.9}) for i in range(50)]
    found = looked({"one": topics})
    [kind] = found.kinds.values()
    assert kind.sets["one"].tuned > kind.sets["one"].held_out
    assert not found.kept
    assert found.shares == {}
    assert found.sets["one"].held_out == found.sets["one"].default  # what would be served


def test_what_neither_gains_nor_harms_is_not_taken_over() -> None:
    """All settings are worth the same: another one than the default is chosen, for nothing."""
    found = looked({"one": [Told(f"t{i}", {}) for i in range(40)]})
    [kind] = found.kinds.values()
    assert kind.share != SHARES["keywords"]
    assert kind.sets["one"].held_out == kind.sets["one"].default
    assert not kind.kept
    assert found.shares == {}


def test_a_handful_of_topics_is_too_few_to_take_anything_over() -> None:
    assert not looked({"one": [topic(i, 7) for i in range(11)]}).kept


def test_a_setting_under_the_best_leg_is_passed_over() -> None:
    """The best mean would harm one set; the next best harms none."""
    harmed, other = [topic(i, 7, leg=0.31) for i in range(30)], [topic(i, 7) for i in range(30)]
    for each in harmed:
        each.values = {AT["keywords"]: 0.31, GRID[5]: 0.31, GRID[7]: 0.2}
    for each in other:
        each.values = {**each.values, GRID[5]: 0.6}
    found = looked({"harmed": harmed, "other": other})
    assert found.shares == {"keywords": GRID[5]}
    assert found.sets["harmed"].under_best_leg <= 0.002


def test_each_kind_of_question_has_its_own_and_answers_for_itself() -> None:
    topics = [topic(i, 4) for i in range(30)]
    topics += [Told(f"q{i}", {AT["question"]: 0.31, GRID[i]: 0.9}, "question") for i in range(30)]
    found = looked({"one": topics})
    assert found.shares == {"keywords": GRID[4]}  # questions gain nothing: theirs stays
    assert {kind: each.topics for kind, each in found.kinds.items()} == {
        "keywords": 30, "question": 30,
    }  # fmt: skip


def test_a_gain_that_another_set_pays_for_is_not_worth_taking_over() -> None:
    pays, gains = [topic(i, 3) for i in range(30)], [topic(i, 7) for i in range(150)]
    for each in pays:
        each.values = {AT["keywords"]: 0.5, GRID[3]: 0.9, GRID[7]: 0.45}
    assert not looked({"pays": pays, "gains": gains}).kept


def test_wordings_are_chosen_before_the_shares() -> None:
    without = tuple(kind for kind in EXPANSIONS if kind != "narrower")
    best = replace(SHARES["keywords"], expansions=without)
    topics = [Told(f"t{i}", {SHARES["keywords"]: 0.5, best: 0.7}) for i in range(40)]
    found = tune({"one": topics}, space_of(["expansions"], TITLE))
    assert found.shares["keywords"].expansions == without
    [curve] = found.kinds["keywords"].curves
    assert curve.part == "expansions"
    assert curve.chosen == "without narrower"
    assert len(curve.points) == len(KINDS)


def test_a_title_that_one_kind_pays_for_stays_as_it_is() -> None:
    """One weight serves all kinds of question."""
    space = space_of(["title"], TITLE)
    gains = [Told(f"a{i}", {}, "keywords", title={1.0: 0.9}, other=0.5) for i in range(60)]
    pays = [Told(f"b{i}", {}, "question", title={1.0: 0.4}, other=0.5) for i in range(30)]
    assert tune({"one": gains}, space).title == 1.0
    assert tune({"one": gains + pays}, space).title == TITLE


def test_a_bayesian_search_gains_and_finds_the_same_twice() -> None:
    def figure(share: Share) -> float:
        return 0.9 - abs(share.vector - 0.7) - abs(share.graph - 0.1)

    values = {share: figure(share) for share in [*GRID, SHARES["keywords"]]}
    topics = [Told(f"t{i}", values) for i in range(20)]
    one, two = (tune({"one": topics}, LEGS_ONLY, by_trials(25), folds=2) for _ in range(2))
    assert one == two
    assert one.kept
    assert one.sets["one"].held_out >= figure(SHARES["keywords"]) + 0.15
    assert tune({"one": topics}, LEGS_ONLY, by_grid).shares["keywords"].vector == 0.7


def test_answers_are_kept_for_one_state_of_the_code(tmp_path: Path) -> None:
    kept = AskedAnswers(tmp_path, "data", ["code", "model", "terms"])
    kept.add(ASKING, {"t1": Asked({"lexical": [("d1", 2.0)], "vector": []}, told=True)})
    again = AskedAnswers(tmp_path, "data", ["code", "model", "terms"])
    assert again.topics(ASKING) == {"t1"}
    assert again.topics(Asking(TITLE, ())) == frozenset()
    assert again.read(ASKING) == {"t1": Asked({"lexical": [["d1", 2.0]], "vector": []}, told=True)}
    assert AskedAnswers(tmp_path, "data", ["newer", "model", "terms"]).count() == 0
    assert again.count() == 0  # dropped with the code that they were made by
