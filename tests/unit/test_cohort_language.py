"""The language of cohorts: what it reads, and where it points when it cannot."""

from __future__ import annotations

from datetime import UTC
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.errors import InvalidQuery
from rankers.cohort_language import Definition, Rule, Within, line_of, read_definition

WHOLE = """\
# adults
hf:   condition heart failure in 2019..2024
low:  value hemoglobin < 10 g/dL within 90 days after hf
drug: medication furosemide
old:  age 60-90
like: similar to heart failure, !fever top 200
keep hf and low and (drug or old) and not like
"""


def _read(source: str) -> Definition:
    return read_definition(source, UTC)


def test_a_whole_definition_is_read() -> None:
    found = _read(WHOLE)
    hf, low, _, old, like = found.criteria
    assert (hf.what, hf.date_from and hf.date_from.year, hf.date_to and hf.date_to.year) == (
        "heart failure", 2019, 2025,
    )  # fmt: skip
    assert (low.what, low.operator, low.number, low.unit) == (
        "hemoglobin", "<", Decimal(10), "g/dL",
    )  # fmt: skip
    assert low.within == Within(90, "after", "hf")
    assert old.ages == (60, 90)
    assert (like.what, like.top) == ("heart failure, !fever", 200)
    assert [rule.operator for rule in found.keep.rules] == ["name", "name", "or", "not"]


def test_without_keep_every_criterion_holds() -> None:
    found = _read("condition asthma\nsex female")
    assert found.keep == Rule("and", rules=(Rule("name", "c1"), Rule("name", "c2")))


@pytest.mark.parametrize(
    ("source", "marked", "says"),
    [
        ("hf: condition", "", "needs something"),
        ("hf: illness flu", "illness", "begins with one of"),
        ("a: sex female\na: sex male", "a: sex male", "cannot be given"),
        ("a: condition flu in 2023-13", "2023-13", "no such day"),
        ("a: condition flu in 2024..2023", "2024..2023", "ends before"),
        ("a: sex female in 2023", " in 2023", "has no date"),
        ("a: sex blue", "blue", "female, male"),
        ("a: age 90-60", "90-60", "ends before"),
        ("a: age 200-", "200-", "that old"),
        ("a: value hemoglobin", "hemoglobin", "written hemoglobin <"),
        ("a: value hb < 1.2.3", "1.2.3", "no number"),
        ("a: condition flu within 9 days after b", "b", "called 'b'"),
        ("b: sex male\na: condition flu within 9 days after b", "b", "no date to be counted"),
        ("a: sex male\nkeep a and b", "b", "called 'b'"),
        ("a: sex male\nkeep (a", "(a", "not closed"),
        ("a: sex male\nkeep a a", "a", "not expected"),
        ("a: sex male\nkeep a and", "", "missing"),
        ("a: sex male\nkeep a\nb: sex male", "b: sex male", "last line"),
        ("a: similar chest pain", "chest pain", "similar to"),
        ("a: similar to flu top 0", "0", "between 1 and"),
        ("# nothing", "# nothing", "no criterion"),
    ],
)
def test_errors_point_at_their_character(source: str, marked: str, says: str) -> None:
    with pytest.raises(InvalidQuery, match=says) as caught:
        _read(source)
    at = caught.value.position
    assert source[at:].strip().startswith(marked.strip())
    assert line_of(source, at)[0] <= source.count("\n") + 1


@given(st.text(alphabet="abc: keepandornt()\n#<>=1290!,.in", max_size=120))
def test_any_text_is_read_or_refused_within_it(source: str) -> None:
    try:
        criteria = len(_read(source).criteria)
        at = 0
    except InvalidQuery as caught:
        criteria, at = 1, caught.position
    assert criteria
    assert 0 <= at <= len(source)
