"""A time in plain words is offered as the `date:` that it means on the tenant's calendar."""

from __future__ import annotations

from datetime import UTC, date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.errors import InvalidQuery
from rankers.query import parse
from rankers.times import times_offered, times_told

TODAY = date(2026, 3, 31)


def offered(query: str, today: date = TODAY) -> str:
    found = times_offered(query, parse(query, zone=UTC).clause, today)
    return found[0].respelled if found else ""


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("pneumonia last year", "pneumonia date:2025"),
        ("pneumonia this year", "pneumonia date:2026"),
        ("pneumonia in 2023", "pneumonia date:2023"),
        ("pneumonia in March 2023 with sepsis", "pneumonia with sepsis date:2023-03"),
        ("may 2021 rash", "rash date:2021-05"),
        ("on warfarin since 2020", "on warfarin date:>=2020"),
        ("since May 2020 cough", "cough date:>=2020-05"),
        ("stroke before 2019", "stroke date:<2019"),
        ("falls in the past 6 months", "falls date:>=2025-09-30"),
        ("falls over the last two weeks", "falls date:>=2026-03-17"),
        ("last month chest pain", "chest pain date:2026-02"),
        ("chest pain past year", "chest pain date:>=2025-03-31"),
        ("a1c in the last year", "a1c date:>=2025-03-31"),
        ("a1c within the last month", "a1c date:>=2026-02-28"),
        ("chest pain yesterday", "chest pain date:2026-03-30"),
        ("hemoglobin below 8 last year", "hemoglobin below 8 date:2025"),
        ("pain for the last 3 weeks", "pain date:>=2026-03-10"),
    ],
)
def test_it_is_offered(typed: str, meant: str) -> None:
    assert offered(typed) == meant
    parse(meant, zone=UTC)


@pytest.mark.parametrize(
    "typed",
    [
        "last year", "past medical history", "last seizure", "MRN 2023", "take 2000 mg",
        "rash in 2023-05",
        "pneumonia in 2022 or in 2023", '"pneumonia last year"', "section:plan pneumonia in 2023",
        "cough since last year", "cough before last month", "cough before the past 6 months",
        "cough before yesterday", "cough the day before yesterday", "cough until last year",
        "smoker from 1990 to 2010", "diabetes after 2020 to 2022", "covid in 2020 not 2021",
        "vitamin D of 2000 units", "ferritin of 2000", "platelets from 2010", "born in 1950",
        "pain in the last year of life", "last 6 month old infant", "rash 12 march 2020",
        "vitals 2021 sepsis in 2023", "in 2023 sepsis 2021", "rash " * 11 + "last year",
        "end of 2023 rash", "last month's labs", "rash last 0 months", "covid in 20٢٣",
        "covid in auguſt 2020", "cough yeſterday", "more than the past 6 months pain",
        "pneumonia in 2022 and since 2023", "may have had a rash",
        "falls in the past 0200 months",
    ],
)  # fmt: skip
def test_what_is_no_one_time_is_left(typed: str) -> None:
    assert offered(typed) == ""


def test_a_long_text_of_times_is_read_in_one_go() -> None:
    """What bends a time stands right before it: to look for it from the text's beginning took as
    long as the square of its length."""
    assert len(times_told("last year " * 20_000)) == 20_000
    assert times_told("pain since the last year")[0][0] == len("pain ")


def test_it_says_what_it_would_leave() -> None:
    for query, said in (("rash last year", "of 2025"), ("rash since 2020", "since 2020")):
        [found] = times_offered(query, parse(query, zone=UTC).clause, TODAY)
        assert (found.text, found.kind, query[found.start : found.end]) == (
            said, "time", found.asked,
        )  # fmt: skip


words = st.sampled_from(
    "in the past last this since before 6 twelve 999 months years weeks days 2024 may february "
    "yesterday rash and".split()
)  # fmt: skip


@given(st.lists(words, min_size=1, max_size=7), st.dates(date(1970, 1, 1), date(2200, 12, 31)))
def test_what_is_offered_reads(asked: list[str], today: date) -> None:
    try:
        found = offered(" ".join(asked), today)
        parse(found or "rash", zone=UTC)
    except InvalidQuery as exc:
        assert "calendar" not in str(exc)  # noqa: PT017  # "AND" at an end, and the like
