"""`author:smith` means everybody of that name, whatever else stands in the value."""

from __future__ import annotations

from datetime import UTC

import pytest

from indexing.clauses import And, Field, Not, Or, Ranked, Word
from indexing.errors import InvalidQuery
from indexing.filters import Filters
from indexing.language.matcher import Matcher
from indexing.language.terminology import open_terminology
from rankers.answer import SearchRequest
from rankers.plan import Planner
from rankers.query import ParsedQuery, parse
from rankers.values import MOST_MEANT, meant

KNOWN = {
    "author": ("Dr. Jane Smith", "Smith, Jane MD", "John Smith", "Jané Smithson", "", "O’Hara, Éa"),
    "type": ("Discharge summary", "Nursing discharge note", "Progress note"),
    "specialty": ("Cardiology",),
}


def read(query: str) -> ParsedQuery:
    return parse(query, meant=meant(query, KNOWN.__getitem__))


def only(query: str, name: str = "author") -> set[str]:
    return set(read(query).filters.only[name])


@pytest.mark.parametrize(
    ("query", "values"),
    [
        ("pain author:smith", {"Dr. Jane Smith", "Smith, Jane MD", "John Smith"}),
        ('pain author:"jane smith"', {"Dr. Jane Smith", "Smith, Jane MD"}),
        ('pain author:"SMITH, JANE"', {"Dr. Jane Smith", "Smith, Jane MD"}),
        ('pain author:"Smith, Jane MD"', {"Smith, Jane MD"}),
        ("pain author:jane", {"Dr. Jane Smith", "Smith, Jane MD", "Jané Smithson"}),
        ("pain author:ea", {"O’Hara, Éa"}),
        ("pain author:nobody", {"nobody"}),
        ('pain author:""', {""}),
        ('pain author:"-"', {"-"}),
        ("author:john author:ea", {"John Smith", "O’Hara, Éa"}),
    ],
)
def test_words_of_a_name_find_the_whole_values(query: str, values: set[str]) -> None:
    assert only(query) == values


def test_every_field_of_words_is_looked_up_and_patients_are_not() -> None:
    assert only("type:discharge specialty:cardiology x", "type") == {
        "Discharge summary", "Nursing discharge note",
    }  # fmt: skip
    assert only("specialty:CARDIOLOGY x", "specialty") == {"Cardiology"}
    assert only("patient:p1 x", "patient") == {"p1"}


def test_what_is_refused_is_refused_by_its_words() -> None:
    found = read("pain -author:smith").filters
    assert set(found.without["author"]) == {"Dr. Jane Smith", "Smith, Jane MD", "John Smith"}


def test_deeper_in_the_tree_values_stand_side_by_side() -> None:
    parsed = read("pain AND (type:discharge OR (cough AND NOT author:john))")
    assert parsed.filters == Filters()
    assert isinstance(parsed.clause, And)
    either = parsed.clause.clauses[1]
    assert isinstance(either, Or)
    summary, nursing, rest = either.clauses
    assert isinstance(summary, Field)
    assert isinstance(nursing, Field)
    assert (summary.value, nursing.value) == KNOWN["type"][:2]
    assert isinstance(rest, And)
    assert isinstance(rest.clauses[1], Not)
    assert rest.clauses[1].clause == Field("author", "John Smith", 43, 54)


def test_chips_show_what_was_typed() -> None:
    assert [chip.label for chip in read("pain author:smith").chips] == ["pain", "author:smith"]


def test_a_word_of_too_many_values_is_refused_where_it_stands() -> None:
    many = [f"Dr {number}" for number in range(MOST_MEANT + 1)]
    with pytest.raises(InvalidQuery) as refused:
        meant("pain author:dr", lambda _: many)
    assert refused.value.position == 5
    assert meant("pain author:dr", lambda _: many[1:])["author", "dr"] == tuple(many[1:])


def test_a_question_without_such_a_field_looks_nothing_up() -> None:
    def never(name: str) -> list[str]:
        raise AssertionError(name)

    assert meant("pain patient:p date:2023 section:plan", never) == {}
    assert parse("pain").clause == Word("pain", 0, 4)
    assert isinstance(parse("dry cough").clause, Ranked)


@pytest.fixture(scope="module")
def planner() -> Planner:
    terminology = open_terminology()
    return Planner(terminology, Matcher(terminology))


PASTED = 'She has pain. Seen by author:"Smith today. No fever was found. ' * 8


@pytest.mark.parametrize(("query", "plain"), [('pain author:"smith', True), (PASTED, False)])
def test_text_that_is_no_question_is_not_looked_up(
    planner: Planner, query: str, plain: bool
) -> None:
    def never(name: str) -> list[str]:
        raise AssertionError(name)

    planned = planner.plan(SearchRequest(query, plain=plain), 10, UTC, never)
    assert planned.filters == Filters()


def test_a_plan_that_is_kept_is_of_the_values_that_are_there(planner: Planner) -> None:
    def authors(*values: str) -> frozenset[str]:
        request = SearchRequest("pain author:smith")
        return frozenset(planner.plan(request, 10, UTC, lambda _: values).filters.only["author"])

    assert authors("Jane Smith") == {"Jane Smith"}
    assert authors("Jane Smith", "John Smith") == {"Jane Smith", "John Smith"}
    assert authors("Jane Smith") == {"Jane Smith"}
