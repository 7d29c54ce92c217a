"""Dates as precisely as they were given, by the hospital's calendar."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from app.pages import moment
from indexing.dated import dated, spanned
from indexing.fhir.dates import interval

VIENNA, AUCKLAND = ZoneInfo("Europe/Vienna"), ZoneInfo("Pacific/Auckland")


@pytest.mark.parametrize("zone", [UTC, VIENNA, AUCKLAND, ZoneInfo("America/Anchorage")])
@pytest.mark.parametrize("given", ["2023", "2023-05", "2023-02", "2024-02-29", "2023-05-06"])
def test_a_date_reads_as_it_was_written(given: str, zone: ZoneInfo) -> None:
    read = interval(given, zone)
    assert dated(read.start, read.end, zone) == given


def test_an_instant_is_of_the_day_that_the_hospital_had() -> None:
    late = datetime(2023, 5, 5, 22, 30, tzinfo=UTC)
    assert dated(late, late, VIENNA) == "2023-05-06"
    assert dated(late, None, UTC) == "2023-05-05"
    assert dated(None, None, UTC) is None


@pytest.mark.parametrize(("until", "written"), [("2023-05-27", "2023-05-06"),
                                               ("2023-07-01", "2023-05-06"),
                                               ("2024-08-01", "2023-05-06")])  # fmt: skip
def test_a_long_stay_is_of_its_first_day(until: str, written: str) -> None:
    stay = interval("2023-05-06", VIENNA).start, interval(until, VIENNA).end
    assert dated(*stay, VIENNA) == written


@pytest.mark.parametrize("zone", [ZoneInfo("UTC"), VIENNA])
@pytest.mark.parametrize(
    ("start", "end", "written"),
    [
        ("2023", "2023", "2023"), ("2023-05", "2023-05", "2023-05"),
        ("2023-05-06", "2023-05-06", "2023-05-06"),
        ("2023-05-06", "2023-05-08", "2023-05-06–2023-05-08"),
        ("2023-05", "2023-08", "2023-05-01–2023-08-31"),
    ],
)  # fmt: skip
def test_a_period_ends_on_its_last_day(start: str, end: str, written: str, zone: ZoneInfo) -> None:
    assert spanned(interval(start, zone).start, None, interval(end, zone).end, zone) == written


def test_a_vague_beginning_stays_vague_before_its_end() -> None:
    began, ended = interval("2019", VIENNA), interval("2021-03-04", VIENNA)
    assert spanned(began.start, began.end, None, VIENNA) == "2019"
    assert spanned(began.start, began.end, ended.start, VIENNA, ended.end) == "2019–2021-03-04"
    assert spanned(None, None, None, VIENNA) == ""


@pytest.mark.parametrize("zone", [UTC, VIENNA, ZoneInfo("America/Los_Angeles")])
def test_an_end_is_of_its_own_day_and_as_vague_as_it_was_given(zone: ZoneInfo) -> None:
    began, ended, stayed = interval("2020-01-01", zone), interval("2021", zone), "2023-05-08"
    assert spanned(began.start, None, ended.start, zone, ended.end) == "2020-01-01–2021"
    assert spanned(None, None, ended.start, zone, ended.end) == "–2021"
    assert spanned(None, None, interval(stayed, zone).end, zone) == "–2023-05-08"


@pytest.mark.parametrize("zone", [VIENNA, AUCKLAND])
def test_an_end_that_stands_for_none_breaks_no_page(zone: ZoneInfo) -> None:
    began, never = interval("2023", zone), interval("9999-12-31T23:59:58Z", zone)
    assert spanned(began.start, began.end, never.start, zone, never.end) == "2023–9999-12-31"
    assert spanned(began.start, None, never.end, zone) == "2023-01-01–9999-12-31"
    assert never.start is not None
    assert moment(never.start, zone, date_only=True) == "9999-12-31"
