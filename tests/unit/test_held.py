"""The note that says a statement is the one that holds most of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.access import LABELS, Access
from indexing.backends.memory.lexical import MemoryLexicalIndex
from indexing.model import Assertion, Document, Mention, TenantId
from indexing.ports import LexicalEntry
from rankers.answer import LEGS, SearchRequest
from rankers.explain import Fused, Signal
from rankers.held import DEPTH, NAME, WORTH, gain, gained, held_of, holding
from rankers.plan import Planner
from tests.planning import indexed, planned, planner_of_words

TENANT = TenantId(uuid4())
ACCESS = Access(TENANT, "dr", frozenset())
STATEMENT = "The boy had a tonsillectomy two weeks ago and bleeds now."
NOTES = {
    "often": "Tonsillectomy. Tonsillectomy, tonsillectomy and tonsillectomy again. A boy.",
    "says": "Two weeks ago the boy, now bleeding, had his tonsillectomy.",
    "other": "Fever for two weeks.",
    "nothing": "Knee pain.",
    "denies": "Two weeks ago the boy, now without bleeding, had his tonsillectomy.",
}


@pytest.fixture(scope="module")
def planner() -> Planner:
    return planner_of_words()


@pytest.fixture(scope="module")
def index() -> MemoryLexicalIndex:
    at = NOTES["denies"].index("bleeding")
    denied = Mention(at, at + 8, "b", "bleeding", Assertion.NEGATED, Assertion.NEGATED)
    return indexed(TENANT, NOTES, {"denies": [denied]})


def hits(scores: Mapping[str, float]) -> tuple[Fused, ...]:
    ordered = sorted(scores.items(), key=lambda each: (-each[1], each[0]))
    return tuple(
        Fused(d, rank, s, {"lexical": Signal(rank, s, s)}) for rank, (d, s) in enumerate(ordered, 1)
    )


def order(found: Sequence[Fused]) -> list[str]:
    return [hit.doc_id for hit in found]


def test_who_says_it_passes_who_says_one_word_of_it_often(
    planner: Planner, index: MemoryLexicalIndex
) -> None:
    before = hits({"often": 0.5, "says": 0.4, "nothing": 0.39, "gone": 0.1})
    found = holding(index, ACCESS, planned(planner, STATEMENT), before)
    assert order(found) == ["says", "often", "nothing", "gone"]
    assert [hit.rank for hit in found] == [1, 2, 3, 4]
    held = found[0].signals[NAME]
    assert (held.rank, held.score) == (1, pytest.approx(1.0))
    assert held.contribution == pytest.approx(WORTH)
    assert found[1].signals[NAME].rank == 2
    assert NAME not in found[2].signals


def test_who_comes_to_the_same_stands_by_name() -> None:
    before = hits({"b": WORTH, "a": 0.0})
    assert order(gained(before, {"a": 1.0})) == ["a", "b"]


def test_what_is_denied_is_not_held(planner: Planner, index: MemoryLexicalIndex) -> None:
    held = held_of(index, ACCESS, planned(planner, STATEMENT), list(NOTES))
    assert held.keys() == {"often", "says", "other", "denies"}
    assert held["says"] == pytest.approx(1.0)
    assert held["says"] > held["denies"] > held["other"]


@pytest.mark.parametrize(
    "question",
    [
        "boy bleeding",
        "Bleeding boy.",
        "which boy had a tonsillectomy two weeks ago and bleeds now?",
        "boy had tonsillectomy two weeks ago and bleeds now",
        "The boy had a tonsillectomy AND bleeds two weeks later.",
        'The boy had a "tonsillectomy" two weeks ago and bleeds now.',
        "tonsillectomy " * 50 + ".",
    ],
)
def test_only_a_statement_is_held_against_notes(
    planner: Planner, index: MemoryLexicalIndex, question: str
) -> None:
    before = hits({"often": 0.5, "says": 0.4})
    assert holding(index, ACCESS, planned(planner, question), before) is before


@pytest.mark.parametrize(
    "asked",
    [
        SearchRequest(q=f"type:Letter {STATEMENT}", k=10, rankers=LEGS),
        SearchRequest(q=f"{STATEMENT} -knee assertion:present", k=10, rankers=LEGS),
        SearchRequest(q=STATEMENT, k=10, rankers=LEGS, only={"period": ("2023", "2024")}),
    ],
)
def test_what_only_lets_through_changes_nothing_that_is_held(
    planner: Planner, index: MemoryLexicalIndex, asked: SearchRequest
) -> None:
    plain = held_of(index, ACCESS, planned(planner, STATEMENT), ["says", "often"])
    assert held_of(index, ACCESS, planner.plan(asked, 200, UTC), ["says", "often"]) == plain


def test_a_word_of_closed_notes_alone_is_held_as_one_that_stands_nowhere(
    planner: Planner, index: MemoryLexicalIndex
) -> None:
    """What the open notes lack of a statement would count the closed ones."""
    asked = planned(planner, "The boy had a tonsillectomy and sarcoma now.")
    opened = Access(TENANT, "dr", frozenset(), patients=frozenset({"p"}))
    before = held_of(index, opened, asked, list(NOTES))
    closed = [
        Document(TENANT, "label", 1, "Sarcoma.", patient_id="p", labels=frozenset({"R"})),
        Document(TENANT, "other patient", 1, "Sarcoma.", patient_id="q"),
    ]
    other = MemoryLexicalIndex()
    for doc_id, text in NOTES.items():
        other.upsert(TENANT, [LexicalEntry(Document(TENANT, doc_id, 1, text, patient_id="p"))])
    other.upsert(TENANT, [LexicalEntry(each) for each in closed])
    assert before["says"] == held_of(other, opened, asked, list(NOTES))["says"] == 1.0
    cleared = Access(TENANT, "dr", frozenset(), labels=LABELS)
    assert held_of(other, cleared, asked, list(NOTES))["says"] < 1.0


def test_each_piece_of_a_word_is_held_by_itself_and_once(planner: Planner) -> None:
    index = MemoryLexicalIndex()
    texts = {"whole": "IL-10 rises in burns", "number": "10 rises in burns", "burns": "burns"}
    for doc_id, text in texts.items():
        index.upsert(TENANT, [LexicalEntry(Document(TENANT, doc_id, 1, text))])
    held = held_of(index, ACCESS, planned(planner, "IL-10 rises in burns."), list(texts))
    assert held["whole"] == pytest.approx(1.0)
    assert held["number"] < held["whole"]
    twice = held_of(index, ACCESS, planned(planner, "IL-10 rises in burns, burning."), list(texts))
    assert twice == pytest.approx(held)


def test_a_wildcard_is_as_rare_as_nobody_knows(planner: Planner, index: MemoryLexicalIndex) -> None:
    told = "The boy* had a tonsillectomy two weeks ago and bleeds now."
    without = held_of(index, ACCESS, planned(planner, told.replace("boy* ", "")), list(NOTES))
    assert held_of(index, ACCESS, planned(planner, told), list(NOTES)) == without


def test_the_assertion_asked_is_the_one_held(planner: Planner, index: MemoryLexicalIndex) -> None:
    plan = replace(planned(planner, STATEMENT), assertion="any")
    assert held_of(index, ACCESS, plan, ["denies"])["denies"] == pytest.approx(1.0)


@given(
    own=st.lists(st.floats(0, 1), min_size=len(NOTES), max_size=len(NOTES)),
    others=st.integers(0, 2 * DEPTH),
)
def test_the_parts_are_the_score_and_nothing_is_found(
    planner: Planner, index: MemoryLexicalIndex, own: list[float], others: int
) -> None:
    scores = dict(zip(NOTES, own, strict=True)) | {f"x{i:03}": i / DEPTH for i in range(others)}
    before = hits(scores)
    found = holding(index, ACCESS, planned(planner, STATEMENT), before)
    assert [hit.rank for hit in found] == list(range(1, len(before) + 1))
    assert set(order(found[:DEPTH])) == set(order(before[:DEPTH]))
    assert found[DEPTH:] == before[DEPTH:]
    for hit in found:
        parts = sum(signal.contribution for signal in hit.signals.values())
        assert hit.score == pytest.approx(parts)
        assert hit.score >= scores[hit.doc_id]


@given(st.floats(0, 1), st.floats(0, 1))
def test_who_holds_more_gains_no_less(one: float, other: float) -> None:
    assert (gain(one) >= gain(other)) == (one >= other) or gain(one) == gain(other)
    assert 0 <= gain(one) <= WORTH * one  # what holds half of it is about the same, not it
    assert gain(0.5) < WORTH / 3
