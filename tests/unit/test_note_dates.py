"""When a note is of, from whatever dates its resource has."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from indexing.dated import dated
from indexing.fhir.note_dates import BY_PERIOD, note_date

VIENNA = ZoneInfo("Europe/Vienna")
CREATED = {"content": [{"attachment": {"creation": "2020-02"}}]}


def _said(kind: str, **dates: Any) -> str | None:
    when = note_date({"resourceType": kind, **dates}, VIENNA)
    return dated(when.start, when.until or when.end, VIENNA)


@pytest.mark.parametrize("given", ["2023", "2023-05", "2023-05-06", "2024-02-29", "9999-12-31"])
def test_a_period_with_a_beginning_alone_is_as_vague_as_it(given: str) -> None:
    assert _said("DocumentReference", context={"period": {"start": given}}) == given
    for kind in BY_PERIOD - {"DocumentReference"}:
        assert _said(kind, effectivePeriod={"start": given}) == given


@pytest.mark.parametrize(
    ("period", "said"),
    [
        ({"start": "2023-05", "end": "2023-05"}, "2023-05"),
        ({"start": "2023-05", "end": "2023-08"}, "2023-05"),
        ({"start": "2023", "end": "2023-08-09"}, "2023"),
        ({"start": "2023-05-06", "end": "2023-05-09"}, "2023-05-06"),
        ({"start": "2023-05-06T23:30:00Z"}, "2023-05-07"),
        ({"end": "2023-05"}, None), ({}, None), ({"start": "May"}, None), ("2023-05", None),
    ],
)  # fmt: skip
def test_other_periods(period: object, said: str | None) -> None:
    assert _said("DocumentReference", context={"period": period}) == said


def test_a_longer_time_is_searched_by_all_of_it() -> None:
    period = {"start": "2023-05", "end": "2023-08-09"}
    when = note_date({"resourceType": "DiagnosticReport", "effectivePeriod": period}, VIENNA)
    assert (when.start, when.end, when.until) == tuple(
        datetime(2023, *day, tzinfo=VIENNA) for day in ((5, 1), (8, 10), (6, 1))
    )


def test_what_was_written_comes_before_what_it_tells_of() -> None:
    care = {"context": {"period": {"start": "2019"}}}
    assert _said("DocumentReference", **CREATED, **care) == "2020-02"
    assert _said("DocumentReference", date="2021-01-02T03:04:05Z", **CREATED) == "2021-01-02"
    assert _said("DiagnosticReport", effectivePeriod={}, issued="2018-01-02") == "2018-01-02"
    assert _said("ClinicalImpression", date="2018-02") == "2018-02"
    assert _said("Communication", sent="2017") == "2017"
    assert _said("Composition", date="2016-07") == "2016-07"
    assert _said("Composition") is None
