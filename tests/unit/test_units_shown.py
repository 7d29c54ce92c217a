"""Units as they are read."""

from __future__ import annotations

import pytest

from app.units_shown import shown_unit


@pytest.mark.parametrize(
    ("unit", "shown"),
    [
        ("Cel", "°C"), ("mm[Hg]", "mmHg"), ("10*3/uL", "10³/µL"), ("10*12/L", "10¹²/L"),
        ("{score}", ""), ("1", ""), ("mg/dL", "mg/dL"), ("kg", "kg"), ("", ""),
    ],
)  # fmt: skip
def test_a_unit_is_written_as_at_the_bedside(unit: str, shown: str) -> None:
    assert shown_unit(unit) == shown
