"""Document filters: the same on every leg, pushed down by every engine."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

FACETS = ("type", "specialty", "author", "period", "patient")


@dataclass(frozen=True, slots=True)
class Filters:
    """All that is set must hold. Values compare ignoring case, patients' ids as they are: two that
    differ in case alone are two patients. A missing value is the value "".

    `only[name]` lists the accepted values of a field in `type specialty author patient`, or of
    those of a vector space; `without[name]` the refused ones; `at_least` and `at_most` bound a
    vector space's numbers, and what has no number passes no bound. A document matches a date range
    when its interval overlaps [date_from, date_to); one without a date never matches a range.
    """

    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    without: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    date_from: datetime | None = None
    date_to: datetime | None = None
    at_least: Mapping[str, float] = field(default_factory=dict)
    at_most: Mapping[str, float] = field(default_factory=dict)

    @property
    def empty(self) -> bool:
        """Say whether nothing is filtered."""
        dated = self.date_from is not None or self.date_to is not None
        bound = self.at_least or self.at_most
        return not (self.only or self.without or dated or bound)


def compared(name: str, value: str) -> str:
    """Spell a field's value as filters compare it."""
    return value if name == "patient" else value.casefold()


def whose(patients: Iterable[str]) -> tuple[list[str], bool]:
    """Return the ids among the accepted values of `patient`, and whether what is nobody's is
    accepted too. Engines hold the id itself beside a folded one, in a field that is missing where
    a document is nobody's."""
    asked = sorted(set(patients))
    return [each for each in asked if each], "" in asked
