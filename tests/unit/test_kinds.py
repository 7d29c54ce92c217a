"""What kind of question a text is."""

from __future__ import annotations

import pytest

from rankers.alike import FEEDBACK, WEIGHTS
from rankers.fusion import SHARES
from rankers.kinds import QUESTION, is_whole, query_class
from rankers.query import parse

TOLD = "Aspirin given early lowers the risk of a second stroke."


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (None, "any"),
        ("", "keywords"),
        ("chest pain", "keywords"),
        ("Chest pain.", "keywords"),  # a name, whatever stands behind it
        ("Aspirin prevents stroke.", "statement"),
        ("aspirin prevents stroke", "keywords"),
        (TOLD, "statement"),
        (TOLD.rstrip("."), "question"),
        (f"{TOLD.rstrip('.')}?", "question"),
        (f"“{TOLD}”", "statement"),
        (f"({TOLD}) ", "statement"),
        (f"{TOLD}..", "question"),  # broken off
        ("word " * (QUESTION + 1) + ".", "note"),
        ("Show all patients with sepsis after surgery.", "question"),  # a request, no claim
        ("Which of them had sepsis after surgery.", "question"),
        ("Please list children with croup on steroids.", "question"),
        ("Any patients with a latex allergy on file.", "question"),
        ("Showing sepsis after surgery, she was cooled.", "statement"),
        ("Any bleeding after surgery stopped by itself.", "statement"),
        ("Lasix given by mouth b.i.d.", "question"),  # its full stop is the abbreviation's
        ("Lasix given by mouth twice a day.", "statement"),
        ("Lasix given by mouth is hard on vitamin D.", "statement"),
    ],
)
def test_a_question_is_of_a_kind(text: str | None, kind: str) -> None:
    assert query_class(text) == kind


def test_every_kind_has_its_weights() -> None:
    kinds = {"any", "keywords", "question", "statement", "note"}
    assert SHARES.keys() == WEIGHTS.keys() == FEEDBACK.keys() == kinds


def test_a_statement_stays_one_without_its_syntax() -> None:
    query = "The boy (aged 4) has “fever” and a stiff neck."
    assert is_whole(parse(query).text)
    assert not is_whole(parse(query.rstrip(".")).text)


@pytest.mark.parametrize("behind", ["type:Letter", "date:2023", "assertion:any", "-cough"])
def test_fields_behind_its_full_stop_take_it_from_no_statement(behind: str) -> None:
    assert query_class(parse(f"{TOLD} {behind}").text) == "statement"
    assert query_class(parse(f"({TOLD}) {behind}").text) == "statement"
    assert query_class(parse(f"{TOLD.rstrip('.')} {behind}").text) == "question"
