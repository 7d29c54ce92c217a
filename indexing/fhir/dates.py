"""Partial FHIR dates to intervals [start, end) of aware moments."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Interval:
    """[start, end), both aware; None is unbounded on that side."""

    start: datetime | None
    end: datetime | None


def interval(value: str, zone: ZoneInfo) -> Interval:
    """Return the moments that a date, dateTime or instant may mean.

    Raises:
        ValueError: not a FHIR date, or a day that does not exist; quotes no value.
    """
    raise NotImplementedError


def period(value: Any, zone: ZoneInfo) -> Interval:
    """Return the moments of a FHIR Period: its start's first to its end's last."""
    raise NotImplementedError
