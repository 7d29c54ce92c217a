"""Series as a researcher may see them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from app.series import Mask
from indexing.dated import shifted
from indexing.vitals.drawing import Course
from indexing.vitals.model import SeriesKey, micros, moment_of

VIENNA = ZoneInfo("Europe/Vienna")


def test_times_are_moved_as_the_charts_are_and_stay_in_order() -> None:
    begin = datetime(2023, 3, 20, tzinfo=UTC)
    at = np.array([micros(begin + timedelta(minutes=7 * n)) for n in range(3_000)], np.int64)
    one = np.ones(len(at))
    key = SeriesKey("vital_signs", "p1", "heart_rate", device="w1", place="ward 4")
    for days in (-1, -140, -364):
        [shown] = Mask("shown", days, VIENNA).courses([Course(key, at, *[one] * 5)])
        assert (shown.key.subject, shown.key.device, shown.key.place) == ("shown", "", "")
        assert (np.diff(shown.at) >= 0).all()
        for place in (0, 500, 1_500, 2_999):
            moved = shifted(moment_of(int(at[place])), days, VIENNA)
            assert moment_of(int(shown.at[place])) == moved
    assert len(Mask("shown", -1, VIENNA).courses([Course(key, at[:0], *[one[:0]] * 5)])[0].at) == 0
