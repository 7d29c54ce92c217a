"""Forms of words are found where one pattern of all of them would find them."""

from __future__ import annotations

import re
from itertools import islice

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from rankers.forms import Forms

REST = r"[\w\u0300-\u036f]*"
TEXT = st.text("ab1²_é\u0301'. ", max_size=40)
WORDS = st.lists(st.text("abé1", min_size=1, max_size=4), max_size=5)


def spans(text: str, words: list[str], wildcards: list[str], most: int = 99) -> list[str]:
    return [text[start:end] for start, end in Forms.of(words, wildcards).places(text, most)]


def one_pattern(words: list[str]) -> re.Pattern[str]:
    spelled = {
        rf"(?<!\d)(?<!\d[.,]){word}{REST}(?![.,]\d)" if word[0].isdigit() else word + REST
        for word in words
    }
    every = "|".join(sorted(spelled, key=len, reverse=True)) or "(?!)"
    return re.compile(rf"(?<![^\W\d])(?:{every})")


@given(TEXT, WORDS, st.integers(0, 4))
@example("aab1aab", ["aab"], 4)
@example("1aba1aba", ["aba1aba", "aba"], 4)
@example("a²ab", ["ab", "²"], 4)
def test_they_stand_where_one_pattern_finds_them(text: str, words: list[str], most: int) -> None:
    found = list(Forms.of(words, []).places(text, most))
    expected = islice(one_pattern(words).finditer(text), most)
    assert found == [match.span() for match in expected]


@pytest.mark.parametrize(
    ("text", "words", "expected"),
    [
        ("happily unhappy happy", ["happi"], ["happily", "happy"]),
        ("5mg mg/dl omg mgs", ["mg"], ["mg", "mg", "mgs"]),
        ("aspirin5 5aspirin _aspirin", ["aspirin"], ["aspirin5", "aspirin"]),
        ("3 of 1.73, 3.5 or 31", ["3"], ["3", "31"]),
        ("pain, pains and painful", ["pain", "painful"], ["pain", "pains", "painful"]),
    ],
)
def test_forms_of_words(text: str, words: list[str], expected: list[str]) -> None:
    assert spans(text, words, []) == expected


def test_a_wildcard_spells_a_whole_word_beside_others() -> None:
    text = "cardiac arrest, cardiomyopathy"
    assert spans(text, ["arrest"], ["cardi*"]) == ["cardiac", "arrest", "cardiomyopathy"]
    assert spans(text, [], ["c*pathy"]) == ["cardiomyopathy"]


def test_only_the_first_are_given() -> None:
    assert spans("pain of pain in pain", ["pain", "of"], [], most=2) == ["pain", "of"]


def test_nothing_asked_is_nothing_found() -> None:
    assert spans("pain", [], []) == []


def test_of_what_begins_together_the_longest_is_kept_and_nothing_overlaps() -> None:
    assert [*Forms.of(["hypertension"], ["hyper*ten"]).places("hypertension", 9)] == [(0, 12)]
    assert [*Forms.of(["5", "tabs"], []).places("5tabs", 9)] == [(0, 5)]


def test_a_number_behind_a_point_is_a_piece_of_another() -> None:
    assert [*Forms.of(["73"], []).places("1.73, 73 and 1,73", 9)] == [(6, 8)]
