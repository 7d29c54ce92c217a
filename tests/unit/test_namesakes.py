"""Concepts that share a name stand for each other in a question."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from pathlib import Path

import pytest

from indexing.language.matcher import Matcher
from indexing.language.terminology import Terminology, load, open_terminology
from rankers.answer import SearchRequest
from rankers.namesakes import namesakes
from rankers.plan import Planner

TERMS = """id\tname\tparents\tobsolete
HP:0000118\tPhenotypic abnormality\t\tfalse
HP:0012398\tPeripheral edema\tHP:0000118\tfalse
HP:0010741\tPedal edema\tHP:0000118\tfalse
HP:0032316\tFamily history\tHP:0000118\tfalse
"""
LAY = """id\tlabel\tlayperson_synonym
HP:0010741\tPedal edema\tLower leg swelling
HP:0032316\tFamily history\tRecord of the clan
"""


@pytest.fixture(scope="module")
def split(tmp_path_factory: pytest.TempPathFactory) -> Terminology:
    """A terminology in which another source keeps apart what the seed has as a synonym."""
    home: Path = tmp_path_factory.mktemp("split")
    (home / "hp_terms.tsv").write_text(TERMS)
    (home / "lay.tsv").write_text(LAY)
    load(home, [home / "hp_terms.tsv", home / "lay.tsv"])
    return open_terminology(home)


def test_a_concept_that_no_note_can_name_stands_for_its_namesake(split: Terminology) -> None:
    (asked,) = split.find("lower leg swelling")
    (read,) = split.find("pedal edema")
    assert asked != read
    assert namesakes(split, asked) == (read,)


def test_a_lay_question_reaches_the_notes_that_use_the_clinical_name(split: Terminology) -> None:
    (read,) = split.find("pedal edema")
    planner = Planner(split, Matcher(split))
    plan = planner.plan(SearchRequest(q="lower leg swelling"), 10, UTC)
    assert "Pedal edema" in {each.text for each in plan.wordings}
    assert plan.about.weights[read] > 0.8
    assert read in plan.wants.wants[0].concepts


def test_a_wording_that_was_taken_away_is_offered_and_not_searched(split: Terminology) -> None:
    planner = Planner(split, Matcher(split))
    asked = SearchRequest(q="lower leg swelling", rankers=("lexical",))
    plan = planner.plan(asked, 10, UTC)
    (named,) = (each for each in plan.wordings if each.text == "Pedal edema")
    without = planner.plan(replace(asked, rejected=(named.id,)), 10, UTC)
    assert without.wordings == tuple(
        replace(each, offered=each.id == named.id) for each in plan.wordings
    )
    assert "pedal" in str(plan.clause).lower()
    assert "pedal" not in str(without.clause).lower()


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("heart racing", "palpitations"),
        ("palpitations", "palpitations"),
        ("does heart racing follow the second cup of coffee", None),
        ("qqq zzz", None),
    ],
)
def test_the_model_is_given_the_name_that_notes_have(
    split: Terminology, question: str, meant: str | None
) -> None:
    planner = Planner(split, Matcher(split))
    assert planner.plan(SearchRequest(q=question), 10, UTC).meant == (meant or question)


def test_a_wording_that_was_crossed_out_is_not_given_to_the_model(split: Terminology) -> None:
    planner = Planner(split, Matcher(split))
    request = SearchRequest(q="heart racing", rejected=("anm:palpitations/palpitations",))
    assert planner.plan(request, 10, UTC).meant == "heart racing"


def test_the_words_for_a_family_stand_for_nothing_else(split: Terminology) -> None:
    planner = Planner(split, Matcher(split))
    alone = planner.plan(SearchRequest(q="family history"), 10, UTC)
    assert {each.text for each in alone.wordings} == {"Record of the clan"}
    plan = planner.plan(SearchRequest(q="family history of gout"), 10, UTC)
    assert "Record of the clan" not in {each.text for each in plan.wordings}
