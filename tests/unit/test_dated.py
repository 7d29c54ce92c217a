"""Dates as precisely as they were given, by the hospital's calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.charts import timeline
from app.pages import moment
from indexing.charts import Chart, Note, Person
from indexing.dated import (
    Width,
    dated,
    moved,
    moved_span,
    shifted,
    shifted_span,
    spanned,
    width,
    written,
    year_of,
)
from indexing.fhir.dates import interval
from indexing.language.deidentify import deidentify

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
                                               ("2024-05-05", "2023-05-06"),
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
    assert year_of(never.start, zone) == "9999"
    said = datetime(2023, 5, 6, 8, tzinfo=UTC)
    notes = [Note(f"d{at.year}", "t", "", "", "", at, None, None) for at in (never.start, said)]
    chart = Chart(Person("p", "n"), [], [], [], [], [], notes, [], None)
    assert [year for year, _ in timeline(chart, zone)] == ["9999", "2023"]


def test_a_year_is_written_with_four_digits_also_west_of_where_the_calendar_begins() -> None:
    first, west = datetime(1, 1, 1, tzinfo=UTC), ZoneInfo("America/Los_Angeles")
    assert year_of(first, west) == "0001"
    assert dated(first, None, west) == "0001-01-01"
    assert moment(first, west) == "0001-01-01 00:00"


ZONES = [ZoneInfo("UTC"), VIENNA, AUCKLAND, ZoneInfo("America/Santiago")]  # there at midnight


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("given", ["2023", "2023-05", "2024-02", "2022-09", "2023-05-06"])
def test_a_date_stays_as_vague_as_it_was_when_it_is_moved(given: str, zone: ZoneInfo) -> None:
    read = interval(given, zone)
    for days in (-1, -100, -364, -500):
        start, end = moved(read.start, read.end, days, zone)
        assert width(start, end, zone) is width(read.start, read.end, zone)
        told = dated(start, end, zone)
        assert told is not None
        assert len(told) == len(given)
        if len(given) == 10:
            assert told == (date.fromisoformat(given) + timedelta(days=days)).isoformat()
    assert moved(read.start, read.end, 0, zone) == (read.start, read.end)


@pytest.mark.parametrize("zone", ZONES)
def test_a_moved_month_is_the_one_that_the_notes_words_tell(zone: ZoneInfo) -> None:
    read = interval("2023-03", zone)
    for days in range(-364, 0):
        words = deidentify("Seen in March 2023.", days).text
        start, end = moved(read.start, read.end, days, zone)
        assert start is not None
        assert dated(start, end, zone) == start.astimezone(zone).strftime("%Y-%m")
        assert f"{start.astimezone(zone):%B %Y}" in words


def test_hours_of_the_day_do_not_tell_where_summer_time_began() -> None:
    """Else who comes at eight each day would come at seven from the true day of the change on."""
    for number in range(365):
        at = datetime(2023, 1, 1, 8, tzinfo=VIENNA) + timedelta(days=number)
        to = shifted(at.astimezone(UTC), -200, VIENNA).astimezone(VIENNA)
        assert (to.hour, to.date()) == (8, at.date() - timedelta(days=200))


@pytest.mark.parametrize("given", ["9999-12-31", "9999", "0001-01-01", "1900-01-01", "2999-12-31"])
@pytest.mark.parametrize("zone", ZONES)
def test_a_day_that_stands_for_none_does_not_tell_by_how_many_days_others_were_moved(
    given: str, zone: ZoneInfo
) -> None:
    read = interval(given, zone)
    assert moved(read.start, read.end, -100, zone)[0] == read.start
    assert "-09-" not in deidentify(f"Valid to {given}.", -100).text


def test_a_date_that_is_vague_by_name_is_moved_as_one() -> None:
    march = datetime(2023, 3, 9, tzinfo=VIENNA)
    assert shifted(march, -31, VIENNA, Width.MONTH) == datetime(2023, 2, 1, tzinfo=VIENNA)
    assert shifted(march, -364, VIENNA, Width.YEAR) == datetime(2022, 1, 1, tzinfo=VIENNA)
    assert shifted(march, -100, VIENNA, Width.YEAR) == datetime(2023, 1, 1, tzinfo=VIENNA)


def test_what_is_no_month_of_the_calendar_is_a_day() -> None:
    may = interval("2023-05", VIENNA)
    start, end = may.start, may.end
    assert start is not None
    assert end is not None
    hour, day = timedelta(hours=1), timedelta(days=1)
    assert width(start + hour, end + hour, VIENNA) is Width.MONTH  # the zone's rules changed since
    assert width(start + day, end, VIENNA) is Width.DAY
    assert width(start, end - day, VIENNA) is Width.DAY
    assert width(start - day, end, VIENNA) is Width.DAY


PARTS = {Width.YEAR: 4, Width.MONTH: 7, Width.DAY: 10}  # characters
DAYS = st.dates(date(1900, 1, 1), date(2200, 12, 31))
WIDTHS = st.sampled_from(list(Width))
SHIFTS = st.integers(-1092, 364)


def _ordered(start: str, end: str) -> bool:
    """Say whether an end that is told so may be no earlier than the start."""
    both = min(len(start), len(end))
    return end[:both] >= start[:both]


@given(DAYS, st.integers(0, 800), WIDTHS, WIDTHS, SHIFTS, st.sampled_from(ZONES))
@example(date(2019, 1, 5), 58, Width.YEAR, Width.DAY, -100, VIENNA)  # 2019 – 2018-11-24
@example(date(2019, 8, 20), 90, Width.DAY, Width.YEAR, -200, VIENNA)  # 2019-02-01 – 2018
@example(date(1900, 6, 1), 245, Width.DAY, Width.DAY, -300, VIENNA)  # what is no day stays
def test_what_began_before_it_ended_does_so_when_it_is_moved(
    day: date, lasted: int, how: Width, how_end: Width, days: int, zone: ZoneInfo
) -> None:
    given_ = (day.isoformat()[: PARTS[how]],
              (day + timedelta(days=lasted)).isoformat()[: PARTS[how_end]])  # fmt: skip
    began, ended = (interval(each, zone) for each in given_)
    assert began.start is not None
    assert ended.start is not None
    edge = shifted_span(began.start, how, ended.start, how_end, days, zone)
    start, end = written(edge[0], how, zone), written(edge[1], how_end, zone)
    assert _ordered(start, end)
    alone = [shifted(began.start, days, zone, how), shifted(ended.start, days, zone, how_end)]
    if _ordered(written(alone[0], how, zone), written(alone[1], how_end, zone)):
        assert list(edge) == alone
    entry = moved_span(began.start, began.end, ended.start, ended.end, days, zone)
    assert spanned(entry[0], entry[1], entry[2], zone, entry[3]) == (
        start if start == end else f"{start}–{end}"
    )


@pytest.mark.parametrize("days", [-100, -300])
def test_a_vague_beginning_is_not_moved_behind_a_last_day(days: int) -> None:
    began, ended = interval("2019", VIENNA), interval("2019-03-04", VIENNA)
    start, until, end, _ = moved_span(began.start, began.end, ended.end, None, days, VIENNA)
    last = date(2019, 3, 4) + timedelta(days=days)
    assert spanned(start, until, end, VIENNA) == f"2018–{last}"


def test_what_was_out_of_order_stays_so() -> None:
    start, end = (datetime(2023, month, 1, tzinfo=VIENNA) for month in (5, 2))
    for days in (-1, -200):
        moved_ = shifted_span(start, Width.MONTH, end, Width.DAY, days, VIENNA)
        assert moved_[0] - moved_[1] > timedelta(days=50)
