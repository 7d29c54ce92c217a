"""A question that one note says in full is answered by that note."""

from __future__ import annotations

from uuid import uuid4

import pytest

from indexing.access import Access
from indexing.backends.memory.lexical import MemoryLexicalIndex
from indexing.errors import EngineUnavailable
from indexing.model import TenantId
from indexing.ports import Ranking, Scored
from rankers.plan import Planner
from rankers.told import FEW, told_by
from tests.planning import indexed, planned, planner_of_words

TENANT = TenantId(uuid4())
ACCESS = Access(TENANT, "dr", frozenset())
QUESTION = "boy underwent tonsillectomy and adenoidectomy two weeks ago"
NOTES = {
    "said": "A boy who underwent tonsillectomy and adenoidectomy two weeks ago vomits.",
    "near": "He underwent tonsillectomy two weeks ago.",
    "fever": "Fever and sore throat for two weeks.",
}


@pytest.fixture(scope="module")
def planner() -> Planner:
    return planner_of_words()


@pytest.fixture(scope="module")
def index() -> MemoryLexicalIndex:
    return indexed(TENANT, NOTES)


def legs(*doc_ids: str, beside: bool = True) -> dict[str, Ranking]:
    words = Ranking(tuple(Scored(d, 1 / n, n) for n, d in enumerate(doc_ids, 1)))
    return {"lexical": words, "vector": Ranking(())} if beside else {"lexical": words}


@pytest.mark.parametrize(
    ("question", "best", "expected"),
    [
        (QUESTION, ("near", "said"), True),
        (QUESTION, ("near", "fever"), False),  # the note that says it is not among the best
        (f"{QUESTION} bleeding", ("said", "near"), False),
        ("tonsillectomy two weeks", ("said", "near"), False),  # keywords: many notes hold them
        (QUESTION, (), False),
    ],
)
def test_one_note_says_it_all(
    planner: Planner,
    index: MemoryLexicalIndex,
    question: str,
    best: tuple[str, ...],
    expected: bool,
) -> None:
    assert told_by(index, ACCESS, planned(planner, question), legs(*best)) is expected


def test_only_the_best_notes_by_words_are_looked_at(
    planner: Planner, index: MemoryLexicalIndex
) -> None:
    plan, others = planned(planner, QUESTION), [f"other{n}" for n in range(FEW)]
    assert not told_by(index, ACCESS, plan, legs(*others, "said"))
    assert told_by(index, ACCESS, plan, legs(*others[1:], "said"))


def test_words_alone_need_no_such_sign(planner: Planner, index: MemoryLexicalIndex) -> None:
    plan = planned(planner, QUESTION)
    assert not told_by(index, ACCESS, plan, legs("said", beside=False))
    assert not told_by(index, ACCESS, plan, {"vector": Ranking(())})


def test_nothing_is_told_while_the_full_text_is_away(planner: Planner) -> None:
    class Away(MemoryLexicalIndex):
        def matching(self, *_: object) -> frozenset[str]:
            raise EngineUnavailable("away")

    assert not told_by(Away(), ACCESS, planned(planner, QUESTION), legs("said"))
