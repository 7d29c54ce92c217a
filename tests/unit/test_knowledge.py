"""Knowledge: contributions sum to the score, filters hold, the graph is walked and explained."""

from __future__ import annotations

import pytest

from indexing.errors import InvalidInput
from indexing.language.linking import Linker
from indexing.language.terminology import EdgeKind, SemanticType, Terminology
from indexing.language.terminology.compile import compile_facts
from indexing.language.terminology.facts import Facts
from indexing.language.terminology.store import seed_terminology
from rankers.knowledge import Knowledge, KnowledgeRequest, search
from tests.unit.test_linking import Counted


@pytest.fixture(scope="module")
def linker() -> Linker:
    return Linker(seed_terminology(), Counted(), None)


def ask(linker: Linker, q: str, **more: object) -> Knowledge:
    return search(seed_terminology(), linker, KnowledgeRequest(q, **more))  # type: ignore[arg-type]


def test_the_name_itself_stands_first_and_the_graph_brings_what_is_tied_to_it(
    linker: Linker,
) -> None:
    found = ask(linker, "atrial fibrillation", k=60)
    assert found.concepts[0].name.casefold() == "atrial fibrillation"
    assert "the name itself" in found.concepts[0].reasons
    reasons = " ".join(r for c in found.concepts for r in c.reasons)
    assert "treats atrial fibrillation" in reasons
    assert found.missing == ("meaning",)


def test_contributions_sum_to_the_score_and_ranks_follow_it(linker: Linker) -> None:
    found = ask(linker, "heart failure drug", depth=3)
    scores = [c.score for c in found.concepts]
    assert scores == sorted(scores, reverse=True)
    assert [c.rank for c in found.concepts] == list(range(1, len(scores) + 1))
    for each in found.concepts:
        assert sum(each.contributions.values()) == pytest.approx(each.score, abs=2e-4)
        assert each.reasons


ASKED = [
    ("what treats atrial fibrillation", "treats atrial fibrillation", "amiodarone"),
    ("Drugs for high blood pressure?", "treats hypertension", "ACE inhibitor"),
    ("which medications treat gout", "treats gout", "colchicine"),
    ("how is asthma treated", "treats asthma", "bronchodilator"),
    ("what does metformin treat", "is treated by metformin", "type 2 diabetes mellitus"),
    ("signs and symptoms of pneumonia", "is a sign of pneumonia", "cough"),
    ("what causes cough", "presents with cough", "pertussis"),
    ("types of diabetes", "is a kind of diabetes mellitus", "type 1 diabetes mellitus"),
]


@pytest.mark.parametrize(("q", "reason", "one"), ASKED)
def test_what_a_question_asks_of_something_stands_before_it(
    linker: Linker, q: str, reason: str, one: str
) -> None:
    found = ask(linker, q, k=60)
    answers = [reason in each.reasons for each in found.concepts]
    assert sum(answers) >= 2
    assert all(answers[: sum(answers)])
    assert one in {
        each.name for each, is_one in zip(found.concepts, answers, strict=True) if is_one
    }
    assert not found.untold
    assert answers == ["relation" in each.contributions for each in found.concepts]
    for each in found.concepts:
        assert sum(each.contributions.values()) == pytest.approx(each.score, abs=2e-4)


def test_what_is_asked_about_never_outranks_what_its_weakest_edge_answers() -> None:
    """A source may weigh every edge little: what fits the words alone stands behind them all."""
    drug, harm = SemanticType.DRUG, SemanticType.FINDING
    facts = Facts(
        terms=[("t:x", "zebramine", drug), ("t:y", "zebramine forte", drug), ("t:z", "rash", harm)],
        edges=[("t:x", EdgeKind.CAUSES, "t:z", 0.1, "")],
    )
    own = Terminology(compile_facts(facts, "one"))
    found = search(own, Linker(own, Counted(), None), KnowledgeRequest("side effects of zebramine"))
    assert [each.name for each in found.concepts] == ["rash", "zebramine", "zebramine forte"]
    assert found.concepts[0].reasons == ("is caused by zebramine",)


@pytest.mark.parametrize(
    "q", ["treated hypertension", "heart failure drug", "treatment of", "symptoms", "what causes"]
)
def test_words_that_ask_of_nothing_name_no_relation(linker: Linker, q: str) -> None:
    found = ask(linker, q)
    assert all("relation" not in each.contributions for each in found.concepts)
    assert not found.untold


def test_a_relation_that_the_terminology_does_not_hold_is_told(linker: Linker) -> None:
    assert ask(linker, "what interacts with crackles").untold == "interacts with"
    assert not ask(linker, "what interacts with crackles", depth=0).untold


def test_filters_hold(linker: Linker) -> None:
    drugs = ask(linker, "atrial fibrillation", types=("drug",), depth=2)
    assert drugs.concepts
    assert {c.type for c in drugs.concepts} == {"drug"}
    hearts = ask(linker, "pain", specialty="Cardiology")
    assert "headache" not in {c.name for c in hearts.concepts}


def test_without_steps_the_graph_is_silent(linker: Linker) -> None:
    assert all("graph" not in c.contributions for c in ask(linker, "asthma", depth=0).concepts)


@pytest.mark.parametrize(
    "wrong",
    [{"specialty": "alchemy"}, {"types": ("planet",)}, {"depth": 4}, {"q": "  "}],
)
def test_what_cannot_be_asked_is_told(linker: Linker, wrong: dict[str, object]) -> None:
    asked = {"q": "asthma"} | wrong
    with pytest.raises(InvalidInput):
        ask(linker, str(asked.pop("q")), **asked)
