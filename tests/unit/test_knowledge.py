"""Knowledge: contributions sum to the score, filters hold, the graph is walked and explained."""

from __future__ import annotations

import pytest

from indexing.errors import InvalidInput
from indexing.language.linking import Linker
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
