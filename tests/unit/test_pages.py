"""From values to what the page shows: marks, citations, dates, questions, small lines."""

from __future__ import annotations

import html
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.charts import short_value, spark
from app.errors import STATUS, problem_of, status_of
from app.marking import Span, marked
from app.notes import Found, sentence, view_of
from app.pages import age, birth_date, folder, partial_date
from app.questions import LEGS, Question, legs, mode, question_of
from indexing.charts import Reading, Series, thinned
from indexing.errors import AnamnesisError, Gone, InvalidInput, InvalidQuery, NotFound
from indexing.model import Assertion, Cue, Document, Mention, Section, TenantId
from indexing.orders import NoteHead, by_patient, newest_first, score_among_newest
from indexing.ports import Derived

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def bare(marked_up: str) -> str:
    return html.unescape(re.sub(r"<[^>]*>", "", marked_up))


@st.composite
def texts_with_spans(draw: st.DrawFn) -> tuple[str, list[Span]]:
    text = draw(TEXTS)
    places = st.integers(-3, len(text) + 3)
    made = st.builds(Span, places, places, st.sampled_from(["a", "b c"]), TEXTS, st.just(""))
    return text, draw(st.lists(made, max_size=6))


@given(texts_with_spans())
def test_marks_never_change_the_text(drawn: tuple[str, list[Span]]) -> None:
    text, spans = drawn
    assert bare(marked(text, spans)) == text


@given(texts_with_spans(), st.integers(0, 60), st.integers(0, 60))
def test_a_part_is_a_part_of_the_whole(drawn: tuple[str, list[Span]], one: int, other: int) -> None:
    text, spans = drawn
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    assert bare(marked(text, spans, start, end)) == text[start:end]


@given(TEXTS)
def test_no_markup_comes_out_of_a_text(text: str) -> None:
    assert set(re.findall(r"<[^>]*>", marked(text, [Span(0, len(text), "x")]))) <= {
        '<span class="x">', "</span>",
    }  # fmt: skip


def test_offsets_are_code_points() -> None:
    text = "🫀 pain <b>"
    assert marked(text, [Span(2, 6, "m", strong=True)]) == (
        '🫀 <mark class="m">pain</mark> &lt;b&gt;'
    )


def test_overlapping_marks_share_their_stretch_and_anchor_once() -> None:
    spans = [Span(0, 6, "a", anchor="hit-1", strong=True), Span(3, 9, "b", "denied")]
    shown = marked("abcdefghi", spans)
    assert shown.count('id="hit-1"') == 1
    assert '<mark class="a b" title="denied" data-label="denied">def</mark>' in shown


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("One. He has chest pain. Three.", "chest", "He has chest pain."),
        ("PLAN:\nStart aspirin\ntoday and stop.\n\nNext", "today", "Start aspirin today and stop."),
        ("- cough\n- fever since May\n- rash", "fever", "- fever since May"),
        ("no stop at all", "stop", "no stop at all"),
        ("HPI: Ms. Example, 49, is well. Fine.", "49", "HPI: Ms. Example, 49, is well."),
    ],
)
def test_the_sentence_around_a_hit(text: str, word: str, expected: str) -> None:
    at = text.index(word)
    assert sentence(text, at, at + len(word)) == expected


@given(TEXTS, st.integers(0, 60), st.integers(0, 60))
def test_a_sentence_holds_its_hit(text: str, one: int, other: int) -> None:
    start, end = sorted((min(one, len(text)), min(other, len(text))))
    assert "".join(text[start:end].split()) in "".join(sentence(text, start, end).split())


def note(text: str, **more: object) -> Derived:
    document = Document(
        TenantId(uuid4()), "n/1 a", 1, text, title="Clinic", author="Dr Quill",
        date_start=datetime(2024, 3, 2, tzinfo=UTC), date_end=datetime(2024, 3, 3, tzinfo=UTC),
    )  # fmt: skip
    given: dict[str, object] = {"sections": (), "passages": (), "mentions": ()} | more
    return Derived(document, "1", **given)  # type: ignore[arg-type]


def test_each_sentence_is_cited_once_with_its_source() -> None:
    text = "PLAN: Aspirin for chest pain, aspirin daily. Stop."
    derived = note(text, sections=(Section(0, 6, len(text), "plan"),))
    found = [Found(6, 13, "literal"), Found(30, 37, "literal"), Found(18, 28, "concept")]
    view = view_of(derived, found, UTC, "http://here/")
    assert view.hits == 2
    (cite,) = view.citations
    assert cite.anchors == ("hit-1", "hit-2")
    assert cite.sentence == "PLAN: Aspirin for chest pain, aspirin daily."
    assert cite.source == "Clinic · 2024-03-02 · Dr Quill · plan"
    assert cite.link == "http://here/notes/n%2F1%20a#section-0"


def test_weak_hits_are_jumped_to_when_there_is_nothing_better() -> None:
    view = view_of(note("angina"), [Found(0, 6, "concept")], UTC, "/")
    assert view.hits == 1


@given(TEXTS, st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=4))
def test_the_parts_of_a_note_are_the_whole_note(text: str, places: list[tuple[int, int]]) -> None:
    cut = [sorted((min(a, len(text)), min(b, len(text)))) for a, b in places]
    sections = tuple(Section(a, a, b, "plan") for a, b in cut)
    view = view_of(note(text, sections=sections), [], UTC, "/")
    assert "".join(bare(part.html) for part in view.parts) == text


def test_a_denied_mention_says_so_and_shows_its_cue() -> None:
    mention = Mention(
        7, 12, "c1", "Fever", Assertion.NEGATED, Assertion.NEGATED, cue=Cue(0, 6, "denies")
    )
    (part,) = view_of(note("denies fever", mentions=(mention,)), [], UTC, "/").parts
    assert 'class="cue"' in part.html
    assert 'class="c c-negated" title="Fever, denied"' in part.html


@pytest.mark.parametrize(
    ("start", "end", "shown"),
    [
        ("2024-01-01", "2025-01-01", "2024"),
        ("2024-03-01", "2024-04-01", "2024-03"),
        ("2024-03-02", "2024-03-03", "2024-03-02"),
        ("2024-03-02", "2025-03-02", "2024-03-02"),
        ("2024-03-02T09:30:00", "2024-03-02T09:30:01", "2024-03-02 09:30"),
    ],
)
def test_a_partial_date_is_as_precise_as_it_was_given(start: str, end: str, shown: str) -> None:
    first, after = (datetime.fromisoformat(each).replace(tzinfo=UTC) for each in (start, end))
    assert partial_date(first, after) == shown


def test_ages_and_births() -> None:
    today = date(2026, 3, 1)
    assert age(date(1951, 3, 2), today) == "74 y"
    assert age(date(2025, 1, 1), today) == "14 mo"
    assert age(None, today) == ""
    assert birth_date(date(1980, 1, 1), date(1981, 1, 1)) == "1980"
    assert birth_date(None, None) == "unknown"


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("93.29082484586738", "93.29"), ("11000", "11000"), ("<0.01", "<0.01"), ("7.4", "7.4"),
        ("0.123456", "0.123"), ("never smoker", "never smoker"), ("NaN", "NaN"), ("", ""),
    ],
)  # fmt: skip
def test_values_are_shortened_but_never_changed_in_size(value: str, shown: str) -> None:
    assert short_value(value) == shown


@given(
    st.lists(
        st.tuples(
            st.datetimes(datetime(1990, 1, 1), datetime(2030, 1, 1)),
            st.decimals(-10_000, 10_000, places=2),
        ),
        max_size=12,
    )
)
def test_a_small_line_stays_in_its_box(values: list[tuple[datetime, Decimal]]) -> None:
    readings = tuple(Reading(at.replace(tzinfo=UTC), v) for at, v in sorted(values))
    at = datetime(2030, 1, 1, tzinfo=UTC)
    course = thinned(readings, 3)
    line = spark(Series("c", "n", "u", (), at, "1", course=course, times=len(readings)))
    assert (line is None) is (len(readings) < 2)
    if line is not None:
        assert line.words.startswith(f"{len(readings)} values between ")
        for point in line.points.split():
            x, y = map(float, point.split(","))
            assert 0 <= x <= 96
            assert 0 <= y <= 20


@given(st.lists(st.tuples(st.integers(0, 500), st.integers(-50, 50)), max_size=60))
def test_a_thinned_course_keeps_the_lowest_and_the_highest(values: list[tuple[int, int]]) -> None:
    start = datetime(2024, 1, 1, tzinfo=UTC)
    whole = [Reading(start + timedelta(hours=at), Decimal(v)) for at, v in sorted(values)]
    kept = thinned(whole, 5)
    assert len(kept) <= 2 * 5 + 2
    if whole:
        assert (kept[0], kept[-1]) == (whole[0], whole[-1])
        for pick in (min, max):
            assert pick(e.value for e in kept) == pick(e.value for e in whole)
    assert [e for e in whole if e in kept] == list(kept) or len(set(whole)) < len(whole)


def test_a_question_survives_being_kept() -> None:
    asked = Question("a b", only={"type": ("X", "")}, rejected=("x",), assertion="any")
    assert question_of(asked.to_json()) == asked


def test_a_facet_toggled_twice_is_as_before() -> None:
    asked = Question("a")
    once = asked.toggled("type", "X")
    assert once.selected("type", "X")
    assert once.toggled("type", "X") == asked
    with pytest.raises(InvalidInput):
        asked.toggled("password", "X")


def test_legs_and_modes_are_checked() -> None:
    assert legs([]) == LEGS
    assert legs(["graph", "lexical"]) == ("lexical", "graph")
    assert mode("") is None
    for wrong in (lambda: legs(["magic"]), lambda: mode("maybe")):
        with pytest.raises(InvalidInput):
            wrong()


@given(st.lists(st.sampled_from(["p1", "p2", None]), max_size=12), st.integers(1, 5))
def test_pages_of_a_grouping_join_to_the_whole(owners: list[str | None], size: int) -> None:
    ids = [f"d{n}" for n in range(len(owners))]
    heads = {doc_id: NoteHead(owner) for doc_id, owner in zip(ids, owners, strict=True)}
    every = by_patient(ids, heads)
    assert sorted(every) == list(range(len(owners)))
    paged = [p for at in range(0, len(every), size) for p in by_patient(ids, heads)[at : at + size]]
    assert paged == every
    seen: list[object] = []
    for at in every:
        owner = owners[at] or ids[at]
        if owner in seen:
            assert seen[-1] == owner
        else:
            seen.append(owner)


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from([0.1, 0.3, 1.0])), max_size=12))
def test_the_newest_come_first_and_what_only_touches_on_it_last(
    told: list[tuple[int, float]],
) -> None:
    """A day of 0 stands for no date."""
    heads = {f"d{n}": NoteHead("p", datetime(2020, 1, day, tzinfo=UTC) if day else None)
             for n, (day, _) in enumerate(told)}  # fmt: skip
    every = newest_first([(f"d{n}", score) for n, (_, score) in enumerate(told)], heads)
    assert sorted(every) == list(range(len(told)))
    best = max((score for _, score in told), default=0)
    keys = [(told[at][1] < best / 4, -told[at][0], at) for at in every]
    assert keys == sorted(keys)


def test_the_newest_that_is_only_near_is_not_the_newest_of_it() -> None:
    assert score_among_newest(0.9, {"vector", "alike"}) == 0
    assert score_among_newest(0.9, {"vector", "graph"}) == 0.9
    assert score_among_newest(0.9, {"lexical"}) == 0.9


def test_the_nearest_class_decides_the_status() -> None:
    assert status_of(Gone("x")) == 410
    assert status_of(NotFound("x")) == 404
    assert status_of(InvalidQuery("x", 3)) == 422
    assert status_of(ValueError("x")) == 500
    every = set(AnamnesisError.__subclasses__())
    assert all(any(issubclass(k, known) for known in STATUS) for k in every)


def test_a_strangers_error_tells_nothing() -> None:
    problem = problem_of(ValueError("Mrs Example"), "r1")
    assert "Example" not in f"{problem.title}{problem.detail}{problem.hint}"


def test_nothing_inline_in_any_template() -> None:
    for path in folder("templates").rglob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)", text), path
        assert "|safe" not in text, path
        assert "https://" not in text, path
        for form in re.findall(r'<form[^>]*method="post".*?</form>', text, re.DOTALL):
            assert 'name="form_token"' in form, path
