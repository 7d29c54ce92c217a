"""Charts keep what matters: no spike is lost, and the words say what the picture shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from app.pages import environment
from app.patient_view import Piece
from app.vital_charts import draw, drug_marks, encounter_marks
from indexing.charts import Chart, Item, Person
from indexing.vitals.drawing import Course, downsampled, trend
from indexing.vitals.model import SeriesKey, micros, moment_of

KEY = SeriesKey("vital_signs", "p", "heart_rate", "/min", "w<1>")
START = datetime(2026, 1, 1, tzinfo=UTC)


def course(values: np.ndarray[tuple[int], np.dtype[np.float64]], minutes: int = 1) -> Course:
    at = micros(START) + np.arange(len(values), dtype=np.int64) * minutes * 60_000_000
    one = np.ones(len(values))
    return Course(KEY, at, values, values, values, one, np.zeros(len(values)))


@given(arrays(float, st.integers(1, 400), elements=st.floats(-1e6, 1e6)), st.integers(1, 60))
def test_the_lowest_and_the_highest_survive_and_nothing_is_counted_twice(
    values: np.ndarray[tuple[int], np.dtype[np.float64]], places: int
) -> None:
    own = course(values)
    shown = downsampled(own, int(own.at[0]), int(own.at[-1]), places)
    assert (shown.low.min(), shown.high.max()) == (values.min(), values.max())
    assert shown.count.sum() == len(values)
    assert np.average(shown.mean, weights=shown.count) == pytest.approx(values.mean(), abs=1e-6)
    assert len(shown.at) <= max(places, 1) or len(values) <= places


def test_a_trend_is_told_from_scatter() -> None:
    noise = np.random.default_rng(3).normal(0, 2, 300)
    rising = trend(course(70 + np.arange(300) * 0.1 + noise, minutes=1440))
    steady = trend(course(70 + noise, minutes=1440))
    assert rising is not None
    assert (rising.sign, round(rising.per_day, 1)) == (1, 0.1)
    assert steady is not None
    assert steady.sign == 0
    assert trend(course(noise[:5])) is None


def chart() -> Chart:
    stay = Item("Encounter", "e", "Stay", start=START + timedelta(hours=1),
                end=START + timedelta(hours=3))  # fmt: skip
    drug = Item("MedicationRequest", "m", "<b>aspirin</b>", start=START + timedelta(hours=2))
    early = Item("Encounter", "x", "Before", start=START - timedelta(days=9))
    return Chart(Person("p", "P"), [], [drug], [], [stay, early], [], [], [], None)


def test_a_panel_is_drawn_within_its_box_with_words_and_escaped() -> None:
    values = 70 + 5 * np.sin(np.arange(3000) / 50)
    values[1234] = 180
    view = draw([course(values)], UTC)
    page = environment().get_template("patient/_part_vitals.html").render(
        piece=Piece(view), chart=chart(),
        encounter_marks=encounter_marks, drug_marks=drug_marks,
    )  # fmt: skip
    assert "<b>" not in page
    assert "between 65 and 180 /min" in page
    svg = ElementTree.fromstring(page[page.index("<svg") : page.index("</svg>") + 6])
    assert [each.get("class") for each in svg] == ["stay", "drug", "band", "mean"]
    for shape in svg.iter():
        for pair in (shape.get("points") or "").split():
            x, y = map(float, pair.split(","))
            assert 0 <= x <= 640
            assert 0 <= y <= 64


def test_a_stay_lasts_to_the_end_of_its_last_day() -> None:
    view = draw([course(np.ones(7000))], UTC)  # five days of minutes
    days = [
        Item("Encounter", "e", "Stay", start=START, until=START + timedelta(days=1),
             end=START + timedelta(days=n), ended=ended)
        for n, ended in ((1, START + timedelta(days=2)), (2, None))
    ]  # fmt: skip
    both = replace(chart(), encounters=days)
    vague, known = encounter_marks(view.axis, both)
    assert vague.width == known.width > 100


def test_few_values_stand_as_dots_and_the_odd_ones_are_told_one_by_one() -> None:
    values = 70 + np.arange(30) % 3
    values[25] = 180
    few = course(values.astype(float))
    few.anomalies[25] = 1
    [panel] = draw([few], UTC).panels
    assert panel.places.count("M") == 30
    [told] = panel.odd
    assert told.endswith(": 180 /min")
    assert moment_of(int(few.at[25])).strftime("%Y-%m-%d %H:%M") in told
    [many] = draw([course(np.ones(200))], UTC).panels
    assert (many.places, many.odd) == ("", ())
    assert {point.split(",")[1] for point in many.line.split()} == {"32.0"}  # flat: midway


def test_the_words_have_units_as_people_write_them_and_one_value_is_no_range() -> None:
    warm = replace(course(np.full(9, 36.6)), key=replace(KEY, kind="body_temperature", unit="Cel"))
    [panel] = draw([warm], UTC).panels
    assert "always 36.6 °C" in panel.words
    assert "Cel" not in panel.words


def test_what_was_planned_or_taken_back_is_not_marked() -> None:
    view = draw([course(np.ones(300))], UTC)
    when = START + timedelta(hours=1)
    never = replace(
        chart(),
        encounters=[Item("Encounter", "e", "Visit", "planned", start=when)],
        medications=[Item("MedicationRequest", "m", "aspirin", "cancelled", start=when)],
    )
    assert encounter_marks(view.axis, never) == drug_marks(view.axis, never) == []
