"""Weeks of gestation in notes and questions."""

from __future__ import annotations

import pytest

from indexing.language.gestation import gestations
from indexing.language.pipeline import Language
from rankers.judge import answers, fitting, met
from rankers.pregnancy import DAYS, spelled
from rankers.standing import AGAINST, FULLY, PARTLY, SILENT
from rankers.wants import Reader
from tests.notes import note


@pytest.mark.parametrize(
    ("text", "days"),
    [
        ("34 weeks pregnant", (238, 244)),
        ("She is at 34 weeks' gestation.", (238, 244)),
        ("34-week pregnancy", (238, 244)),
        ("34w2d", (240, 240)),
        ("34w 2d by dates", (240, 240)),
        ("IUP at 34 2/7 weeks", (240, 240)),
        ("40 and 6/7 weeks gestation", (286, 286)),
        ("29-3/7-week gestation infant", (206, 206)),
        ("gravida 2, para 1 at 34 wks", (238, 244)),
        ("G2P1 at 34 weeks", (238, 244)),
        ("34+2 weeks", (240, 240)),
        ("GESTATIONAL AGE BY DATES: 35 weeks, 5 days", (250, 250)),
        ("Pregnancy at 38 weeks and three days.", (269, 269)),
        ("born at 33 weeks", (231, 237)),
        ("a former 27-week premature infant", (189, 195)),
        ("preeclampsia at 32 weeks", (224, 230)),
        ("an ex-27 weeker", (189, 195)),
        ("a 27 weeker", (189, 195)),
    ],
)
def test_told(text: str, days: tuple[int, int]) -> None:
    (found,) = gestations(text)
    assert (found.first, found.last) == days


@pytest.mark.parametrize(
    "text",
    [
        "Delivery was 6 weeks ago.", "Pregnant, vomiting for 9 weeks.", "Return in 6 weeks.",
        "Pregnancy. Cough of 5 weeks.", "She is 6 weeks postpartum.", "Takes it every 8 weeks.",
        "50 weeks pregnant", "pregnant, 2 weeks", "12 weeks of therapy",
    ],
)  # fmt: skip
def test_other_weeks(text: str) -> None:
    assert gestations(text) == []


@pytest.mark.parametrize(
    ("query", "first", "last"),
    [
        ("34 weeks pregnant", 238, 244), ("34w2d", 240, 240), ("G2P1 at 34 weeks", 238, 244),
        ("preeclampsia at 32 weeks", 224, 230), ("24-28 weeks gestation", 168, 202),
        ("under 37 weeks pregnant", 259, None), ("pregnant, 40 weeks or more", 280, None),
        ("at most 36 weeks pregnant", 258, None),
    ],
)  # fmt: skip
def test_asked(reader: Reader, query: str, first: int, last: int | None) -> None:
    bounds = [want.bound for want in reader.read(query).wants if want.bound is not None]
    assert [(each.value, each.upper, each.unit) for each in bounds] == [(first, last, DAYS)]


def test_other_numbers_of_a_question_stay(reader: Reader) -> None:
    for query in ("hemoglobin below 8, 34 weeks pregnant", "34 weeks pregnant, hemoglobin below 8"):
        bounds = [want.bound for want in reader.read(query).wants if want.bound is not None]
        assert {(each.op, each.value) for each in bounds} == {("<", 8.0), (">=", 238)}


@pytest.mark.parametrize("query", ["cough for 3 weeks", "pregnant for 9 weeks", "wound 6 weeks"])
def test_weeks_of_something_else_are_asked_of_nothing(reader: Reader, query: str) -> None:
    assert [want.bound for want in reader.read(query).wants] == [None]


@pytest.mark.parametrize(
    ("query", "concept"),
    [("34w2d", "anm:pregnancy"), ("born at 27 weeks", "anm:prematurity")],
)
def test_weeks_alone_ask_for_what_they_are_told_of(
    reader: Reader, query: str, concept: str
) -> None:
    assert concept in reader.read(query).wants[0].concepts


def test_the_weeks_that_are_asked_come_first(language: Language, reader: Reader) -> None:
    wants = reader.read("34 weeks pregnant")
    told = [
        "IUP at 34 2/7 weeks.", "She delivered at 34 weeks.", "She is 32 weeks pregnant.", "Cough.",
    ]  # fmt: skip
    each = [answers(note(language, text), wants) for text in told]
    assert each[0] > each[1] > each[2] > each[3]
    assert (each[0], each[2], each[3]) == (FULLY, PARTLY, SILENT)
    first, *_ = (note(language, text) for text in told)
    assert met(first, wants)
    assert not met(note(language, "She is pregnant."), wants)
    (place,) = fitting(first, wants.wants[0])
    assert first.document.text[place.start : place.end] == "34 2/7 weeks"


def test_a_day_that_is_asked_may_be_any_of_a_week(language: Language, reader: Reader) -> None:
    wants = reader.read("34w2d")
    assert answers(note(language, "IUP at 34 weeks."), wants) == FULLY
    assert answers(note(language, "IUP at 34w3d."), wants) == PARTLY


def test_a_limit_of_weeks_is_held_against_the_note(language: Language, reader: Reader) -> None:
    early = reader.read("under 37 weeks pregnant")
    assert answers(note(language, "IUP at 34 weeks."), early) == FULLY
    assert answers(note(language, "IUP at 39 weeks."), early) == AGAINST
    between = reader.read("24-28 weeks gestation")
    assert answers(note(language, "IUP at 28w6d."), between) == FULLY
    assert answers(note(language, "IUP at 29 weeks."), between) == AGAINST


@pytest.mark.parametrize(
    ("query", "told", "fits"),
    [
        ("over 34 weeks pregnant", "34 weeks", True), ("over 34 weeks pregnant", "34w0d", False),
        ("under 24 weeks or over 37 weeks pregnant", "37 weeks", True),
        ("under 24 weeks or over 37 weeks pregnant", "30 weeks", False),
        ("over 24 weeks and under 28 weeks pregnant", "24 weeks", True),
        ("over 24 weeks and under 28 weeks pregnant", "28 weeks", False),
    ],
)  # fmt: skip
def test_a_week_fits_by_any_of_its_days(
    language: Language, reader: Reader, query: str, told: str, fits: bool
) -> None:
    found = answers(note(language, f"IUP at {told}."), reader.read(query))
    assert found == (FULLY if fits else AGAINST)


@pytest.mark.parametrize(
    ("query", "label"),
    [
        ("34 weeks pregnant", "34 weeks first"), ("34w2d", "34w2d first"),
        ("under 37 weeks pregnant", "< 37w0d"), ("24-28 weeks gestation", "24w0d to 28w6d"),
    ],
)  # fmt: skip
def test_the_chip_tells_weeks(reader: Reader, query: str, label: str) -> None:
    (bound,) = (want.bound for want in reader.read(query).wants)
    assert bound is not None
    assert spelled(bound) == label
