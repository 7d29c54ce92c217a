"""A misspelt word is offered as a name spells it, and only where that is the one it can be."""

from __future__ import annotations

from datetime import UTC

import pytest

from indexing.language.matcher import Matcher
from indexing.language.terminology import open_terminology
from rankers.query import parse
from rankers.spelling import RARE, respelled

TERMINOLOGY = open_terminology()
MATCHER = Matcher(TERMINOLOGY)


def offered(query: str, notes: int = 0) -> str:
    clause = parse(query, zone=UTC).clause
    found = respelled(query, clause, TERMINOLOGY, MATCHER, lambda words: [notes] * len(words))
    return found.respelled if found else ""


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("chset pian", "chest pain"), ("metfromin", "metformin"),
        ("metfromin AND (fever OR cuogh)", "metformin AND (fever OR cough)"),
        ("section:plan metfromin", "section:plan metformin"),
        ("diabetis", "diabetes"),  # as near to "diabetic", which is a form of it
    ],
)  # fmt: skip
def test_a_word_that_can_only_be_one_is_offered(typed: str, meant: str) -> None:
    assert offered(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        "chest pain", "metformin", "pnuemonia",  # read as the name anyway
        "patients", "bronchial sounds", "externally rotated",  # another form of a name's word
        "cycloserine for TB", "pentobarbital coma", "pergolide", "value", "Cooper",
        "outgrowths", "airspaces", "collus",
        "never", "the patient who had it", "Underworth", "asdfghjkl",
        "prednisole",  # prednisone or prednisolone
        "metfromin" + " filler" * 12,
        '"chset pain"', "metfro*", "MRN 4711", "author:mettformin", "Herzinsuffizienz",
    ],
)  # fmt: skip
def test_what_is_known_exact_or_could_be_two_things_is_left(typed: str) -> None:
    assert offered(typed) == ""


def test_what_notes_hold_is_a_word() -> None:
    assert offered("mucous", 0) == "mucus"
    assert offered("metfromin", RARE) == "metformin"  # whoever wrote notes misspells too
    assert offered("mucous", RARE + 1) == ""
