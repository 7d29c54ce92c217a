"""Answers by a letter or a bare word, and the letters that are none."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexing.language.letters import letters
from tests.unit.test_assertion import judge

ANSWERED = """
ROS: {Fever|negated} N {Chills|negated} N {Cough|present} Y
{Fever|negated} N, {cough|present} Y, {N/V|negated} N
{Fever/chills|negated} N, {SOB|present} Y
{fever|negated} n, {chills|negated} n, {cough|present} y
{Fever|negated}   N    {Cough|present}   Y   {Night sweats|negated}   N
{Fever|negated} (N), {cough|present} (Y)
{Fever|negated} No {Chills|negated} No {Cough|present} Yes
{Fever|negated} no, {chills|negated} no, {cough|present} yes.
{Fever|negated} N
{Tobacco|negated} No
- {Leg swelling|negated} N
MSK: {back pain|present} +, {joint swelling|negated} -
Heme: {easy bruising|negated} No
{Hepatitis C|negated} N
{Hepatitis B|negated} N, {Hepatitis C|present} Y, {HIV|negated} N
{Hepatitis B|negated}: N, {Hepatitis C|present}: Y
{Influenza A|negated} N, {Influenza B|present} Y
N {fever|negated}
N {fever|negated}, Y {cough|present}, N {chills|negated}
N {Fever|negated} Y {Cough|present} N {Chills|negated}
"""
# Of several lines each answers its own.
LINES = """
{Fever|negated} N
{Pain in chest on exertion|negated} N
{Cough|present} Y
===
Y {cough|present}
N {Chest pain on exertion|negated}
===
{Fever|negated} No
{Chills|negated} No
{Cough|present} Yes
"""
# The letter names a kind, a number, a stage or a person, or the form was not filled in.
NO_ANSWERS = """
{Diabetes|present} type N
{Vitamin|present} N
{Bypass|present} Roux en Y
{Oxygen|present} via N
{Hepatitis B|present} Y N
Discussed {hepatitis B|present} with Susan N.
{Cancer|present}, T2 N M: T N M.
{Weakness|present}, force 5 N
Discussed {fever|present} with Susan N.
{Pain|present} assessed by Mary Y
{Nausea|present} n {vomiting|present}
{Headache|present} No {fever|negated} No {chills|negated}
FEVER NO {CHILLS|negated} NO {COUGH|negated}
{Fever|present} Y N
{TSH|present} (N), {edema|present} (N)
N {gonorrhoeae|present} grew from the swab
{Cough|present} Na 140
{Chest pain|present} - {dyspnea|present} -
{Fever|present} for 3 days, seen in room N
"""


@pytest.mark.parametrize("marked", ANSWERED.strip().splitlines())
def test_a_letter_answers_what_it_stands_by(marked: str) -> None:
    for words, expected, found in judge(marked):
        assert found.assertion == expected, words


@pytest.mark.parametrize("marked", LINES.strip().split("\n===\n"))
def test_lines_with_their_letters_prove_each_other(marked: str) -> None:
    for words, expected, found in judge(marked):
        assert found.assertion == expected, words


@pytest.mark.parametrize("marked", NO_ANSWERS.strip().splitlines())
def test_a_letter_that_is_no_answer_says_nothing(marked: str) -> None:
    assert not [hit for hit in letters(marked) if hit.rules[0].kind == "negated"]
    for words, expected, found in judge(marked):
        assert found.assertion == expected, words


ITEMS = st.lists(
    st.tuples(st.sampled_from(["fever", "Chest pain", "cough", "N/V", "Rash"]), st.booleans()),
    min_size=2, max_size=12,
)  # fmt: skip


@given(ITEMS, st.sampled_from([" ", ", ", "   ", "\n"]))
def test_each_item_has_its_own_answer(items: list[tuple[str, bool]], joint: str) -> None:
    joint = joint if joint != " " or all(i[0].isupper() for i, _ in items[1:]) else ", "
    said = {True: "present", False: "negated"}
    marked = joint.join(f"{{{item}|{said[yes]}}} {'NY'[yes]}" for item, yes in items)
    for words, expected, found in judge(marked):
        assert found.assertion == expected, words


@example("FF(Yo")
@given(st.text(alphabet="NYnyoes+- ,.()\n\tFever", max_size=120))
def test_answers_come_in_order_and_stand_in_the_text(text: str) -> None:
    places = [(hit.start, hit.end) for hit in letters(text)]
    assert places == sorted(set(places))
    assert all(
        text[start:end].lower() in ("n", "y", "no", "yes", "+", "-") for start, end in places
    )


class _Counted(str):
    """A text that counts how often a line's end was looked for."""

    looked = 0

    def find(self, *asked: Any) -> int:
        self.looked += asked[0] == "\n"
        return super().find(*asked)


def test_a_long_line_is_looked_for_once() -> None:
    text = _Counted("Fever N " * 50)
    assert len(letters(text)) == 50
    assert text.looked == 1
