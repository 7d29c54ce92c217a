"""The query language: what it means, what it refuses, and that it can be spelled back."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.clauses import And, Clause, Field, Not, Or, Phrase, Ranked, Scoped, Word
from indexing.errors import InvalidQuery
from rankers.query import ParsedQuery, leaves, parse, render


def attempt(query: str, *, plain: bool = False) -> ParsedQuery | None:
    """Parse; None when refused, after a look at where the refusal points."""
    try:
        return parse(query, plain=plain)
    except InvalidQuery as refused:
        position = refused.position
    assert 0 <= position <= len(query)
    return None


def bare(clause: Any) -> Any:
    """Drop the offsets, so that trees compare by meaning."""
    if isinstance(clause, tuple):
        return tuple(bare(part) for part in clause)
    if not is_dataclass(clause) or isinstance(clause, type):
        return clause
    changes = {f.name: bare(getattr(clause, f.name)) for f in fields(clause)}
    return replace(clause, **{**changes, "start": 0, "end": 0})


def tree(query: str) -> Clause:
    found: Clause = bare(parse(query).clause)
    return found


W = Word


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("fever", W("fever")),
        ("chest pain", Ranked((W("chest"), W("pain")))),
        ('"Chest  Pain"', Phrase(("chest", "pain"))),
        ("“chest pain”", Phrase(("chest", "pain"))),
        ('"chest pain"~5', Phrase(("chest", "pain"), 5)),
        ("a AND b OR c", Or((And((W("a"), W("b"))), W("c")))),
        ("a OR b AND c", Or((W("a"), And((W("b"), W("c")))))),
        ("a AND NOT b", And((W("a"), Not(W("b"))))),
        ("NOT a OR b", Or((Not(W("a")), W("b")))),
        ("a (b OR c)", Ranked((W("a"), Or((W("b"), W("c")))))),
        ("chest pain -fever", And((Ranked((W("chest"), W("pain"))), Not(W("fever"))))),
        ("x-ray", W("x-ray")),
        ("chest - pain", Ranked((W("chest"), W("pain")))),
        ("cardio*", W("cardio*", pattern=True)),
        ("*itis", W("*itis", pattern=True)),
        ("and or not", Ranked((W("and"), W("or"), W("not")))),
        ("foo:bar", W("foo:bar")),
        ("type:radiology", Field("type", "radiology")),
        ('type:"Progress note"', Field("type", "Progress note")),
        ("TYPE:x", Field("type", "x")),
        ('type:""', Field("type", "")),
        ("type:a type:b", Or((Field("type", "a"), Field("type", "b")))),
        ("type:a AND type:b", And((Field("type", "a"), Field("type", "b")))),
        ("section:plan aspirin", Scoped("plan", W("aspirin"))),
        (
            'section:"Family history" breast cancer',
            Scoped("family_history", Ranked((W("breast"), W("cancer")))),
        ),
        ('section:plan "low dose" -x', And((Scoped("plan", Phrase(("low", "dose"))), Not(W("x"))))),
        ("section:plan", Field("section", "plan")),
        ("pain, (fever)!", Ranked((W("pain"), W("fever")))),
        ("--a", Not(Not(W("a")))),
        ("assertion:any fever", W("fever")),
    ],
)
def test_meaning(query: str, expected: Clause) -> None:
    assert tree(query) == expected


@pytest.mark.parametrize(
    ("query", "position"),
    [
        ("", 0),
        ("   ", 0),
        ("?!", 0),
        ('"chest pain', 0),
        ('fever "chest', 6),
        ("fever AND", 6),
        ("AND fever", 0),
        ("fever OR OR pain", 6),
        ("(fever", 0),
        ("fever)", 5),
        ("()", 1),
        ("fever NOT", 6),
        ('""', 0),
        ("type:", 5),
        ("date:2023-02-29", 0),
        ("x date:yesterday", 2),
        ("date:2023..2022", 0),
        ("a*", 1),
        ("*", 0),
        ('"card* arrest"', 5),
        ('"a b"~', 5),
        ('"a b"~x', 5),
        ("(assertion:any a)", 1),
        ("assertion:maybe a", 0),
        ("assertion:any", 0),
    ],
)
def test_refusals_point_at_the_character(query: str, position: int) -> None:
    with pytest.raises(InvalidQuery) as caught:
        parse(query)
    assert caught.value.position == position


@pytest.mark.parametrize("query", ["bleeding controlled in OR", "taken back to the OR for washout"])
def test_where_one_operates_is_no_operator(query: str) -> None:
    clause = parse(query).clause
    assert isinstance(clause, Ranked)
    assert [each.text for each in leaves(clause) if isinstance(each, Word)] == query.split()


def test_fields_are_pushed_down_to_every_leg() -> None:
    parsed = parse("chest pain type:Radiology -author:smith date:2022..2023-05 -fever")
    assert parsed.filters.only == {"type": ("Radiology",)}
    assert parsed.filters.without == {"author": ("smith",)}
    assert parsed.filters.date_from == datetime(2022, 1, 1, tzinfo=UTC)
    assert parsed.filters.date_to == datetime(2023, 6, 1, tzinfo=UTC)
    assert bare(parsed.constraint) == Not(W("fever"))
    assert not parsed.exact
    assert parsed.text == "chest pain"


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("date:2023", (2023, 1, 1), (2024, 1, 1)),
        ("date:2023-12", (2023, 12, 1), (2024, 1, 1)),
        ("date:2023-05-01", (2023, 5, 1), (2023, 5, 2)),
        ("date:2022..", (2022, 1, 1), None),
        ("date:..2022", None, (2023, 1, 1)),
        ("date:>=2022", (2022, 1, 1), None),
        ("date:>2022", (2023, 1, 1), None),
        ("date:<2022", None, (2022, 1, 1)),
        ("date:<=2022", None, (2023, 1, 1)),
        ("date:>=2022 date:<2023-02", (2022, 1, 1), (2023, 2, 1)),
    ],
)
def test_dates_are_the_sites_own(query: str, first: Any, last: Any) -> None:
    zone = ZoneInfo("America/New_York")
    filters = parse(f"x {query}", zone=zone).filters
    assert filters.date_from == (datetime(*first, tzinfo=zone) if first else None)
    assert filters.date_to == (datetime(*last, tzinfo=zone) if last else None)


@pytest.mark.parametrize(
    ("query", "exact"),
    [
        ("chest pain", False),
        ("chest -pain", False),
        ("chest OR pain", False),
        ("chest type:x", False),
        ('chest -"left arm"', False),
        ("chest AND pain", True),
        ('"chest pain"', True),
        ("section:plan chest*", True),
    ],
)
def test_an_exact_operator_is_seen(query: str, exact: bool) -> None:
    assert parse(query).exact is exact


def test_plain_takes_any_text_as_words() -> None:
    parsed = parse('type:x AND ("open', plain=True)
    assert bare(parsed.clause) == Ranked((W("type"), W("x"), W("AND"), W("open")))
    assert parsed.filters.empty


def test_a_pasted_note_is_plain_words_and_a_long_search_is_not() -> None:
    note = "HEENT AND NECK: normal (see above. Type: none) " + "The patient walks 2 miles. " * 15
    with_words = note + " ".join(f"finding{i}" for i in range(40))
    assert parse(with_words).constraint is None
    assert not parse(with_words).exact
    strategy = " AND ".join(f'(finding{i} OR "sign {i}")' for i in range(40))
    assert parse(strategy).exact


def test_chips_name_each_piece_and_the_query_without_it() -> None:
    parsed = parse('pain "left arm" type:ecg -fever assertion:any')
    shown = [(chip.kind, chip.label, chip.removed) for chip in parsed.chips]
    assert shown == [
        ("word", "pain", '"left arm" type:ecg -fever assertion:any'),
        ("phrase", '"left arm"', "pain type:ecg -fever assertion:any"),
        ("type", "type:ecg", 'pain "left arm" -fever assertion:any'),
        ("not", "-fever", 'pain "left arm" type:ecg assertion:any'),
        ("assertion", "assertion:any", 'pain "left arm" type:ecg -fever'),
    ]
    assert all(parsed.source[c.start : c.end] == c.label for c in parsed.chips)


@pytest.mark.parametrize(
    ("query", "word", "removed"),
    [
        ("latest hgb < 8", "latest", "hgb < 8"),
        ("cr >2 and k+ > 6 -dialysis", "k", "cr >2 and > 6 -dialysis"),
        ("women on methotrexate > 15 mg", "women", "on methotrexate > 15 mg"),
        ("(k OR na) potassium", "potassium", "k OR na"),
        ("severe-pain cough", "cough", "severe-pain"),
        ("The boy bled after surgery.", "surgery", "The boy bled after."),
        ("The boy bled after surgery.", "boy", "The bled after surgery."),
        ("Bled (twice) after surgery.", "surgery", "Bled twice after."),
        ('He has "chest pain" today.', "today", 'He has "chest pain".'),
        ('He has "chest pain" today.', '"chest pain"', "He has today."),
        ("The boy bled type:letter.", "bled", "The boy type:letter."),
        ('assertion:any He "bled" today.', '"bled"', "He today. assertion:any"),
    ],
)
def test_without_a_word_the_signs_of_the_others_stay(query: str, word: str, removed: str) -> None:
    [found] = [chip for chip in parse(query).chips if chip.label == word]
    assert found.removed == removed


@pytest.mark.parametrize(
    ("query", "label", "removed"),
    [
        ("pain NOT (a OR b)", "NOT (a OR b)", "pain"),
        ("-((a OR b)) pain", "-((a OR b))", "pain"),
        ("(NOT NOT (a b)) pain", "NOT NOT (a b)", "pain"),
        ("pain -(a (b OR c)) x", "-(a (b OR c))", "pain x"),
        ('-"a b"~3 pain', '-"a b"~3', "pain"),
    ],
)
def test_a_negated_group_is_shown_to_its_last_parenthesis(
    query: str, label: str, removed: str
) -> None:
    assert (label, removed) in [(chip.label, chip.removed) for chip in parse(query).chips]


PIECES = st.sampled_from(
    ["a", "bb", "AND", "OR", "NOT", "-", "(", ")", '"', "“", "~3", "*", "cc*", " ", " ", " ",
     "type:", "section:plan", "date:2023", "author:", "x", "2.5", ",", "é", "🙂", "assertion:any",
     '"a b"', "\n", "..", ":", "\u0301", "\ud800"]
)  # fmt: skip
QUERIES = st.lists(PIECES, max_size=14).map("".join) | st.text(max_size=40)


@settings(max_examples=400, deadline=None)
@given(QUERIES)
def test_any_text_parses_or_points_at_a_character(query: str) -> None:
    parsed = attempt(query)
    if parsed is None:
        return
    spelled = render(parsed.clause)
    assert bare(parse(spelled).clause) == bare(parsed.clause), spelled
    assert parse(spelled).exact is parsed.exact
    for chip in parsed.chips:
        assert 0 <= chip.start <= chip.end <= len(query)
        if chip.removed:
            parse(chip.removed)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60))
def test_plain_text_is_never_a_syntax_error(text: str) -> None:
    parsed = attempt(text, plain=True)
    assert parsed is None or (not parsed.exact and parsed.filters.empty)
    assert parsed is not None or not any(c.isalnum() and c.isascii() for c in text)


@pytest.mark.parametrize(
    "query",
    ["(" * 2000 + "a" + ")" * 2000, "a " * 5000, "-" * 9999 + "a", "(a OR " * 1600, "a" * 20_001,
     '"a" ' * 2500, "section:" * 1200, "x* " * 3000],
    ids=["parens", "words", "nots", "open", "long", "phrases", "sections", "patterns"],
)  # fmt: skip
def test_monsters_end_in_an_answer_or_a_refusal(query: str) -> None:
    attempt(query)
