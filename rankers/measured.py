"""A value of a criterion in the units that the records hold: 10 g/L are not 10 g/dL."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from itertools import combinations

from indexing.cohorts import Limit
from indexing.errors import InvalidQuery
from indexing.vitals.units import Change, change, is_unit
from rankers.cohort_language import Criterion

_DIGITS = 12  # of a number that was brought into another unit
_MOST_NAMED = 5


def limits_in(criterion: Criterion, recorded: Sequence[str]) -> list[Limit]:
    """Return what a value is held against in each unit that values are recorded in; without a unit
    in the criterion, one for all of them.

    Raises:
        InvalidQuery: none of the values is in a unit that the criterion's becomes, or it names none
            while they are in units that do not mean the same.
    """
    assert criterion.number is not None
    if not criterion.unit:
        _one_unit(criterion, recorded)
        return [Limit(None, criterion.number)]
    found = []
    for unit in recorded:
        if unit.casefold() == criterion.unit.casefold():
            found.append(Limit(unit, criterion.number))
        elif unit and (turned := change(criterion.unit, unit)) is not None:
            found.append(Limit(unit, _turned(criterion.number, turned)))
    if recorded and not found:
        raise InvalidQuery(
            f"No value of this kind is recorded in {criterion.unit}.", criterion.unit_at,
            hint=_recorded(recorded),
        )  # fmt: skip
    return found


def _turned(number: Decimal, by: Change) -> Decimal:
    return Decimal(f"{float(number) * by.factor + by.offset:.{_DIGITS}g}")


def _one_unit(criterion: Criterion, recorded: Sequence[str]) -> None:
    """Refuse a bare number where two units are recorded of which it would mean different things;
    what is no unit of UCUM cannot be told apart."""
    for one, other in combinations([each for each in recorded if is_unit(each)], 2):
        turned = change(one, other)
        if turned is None or abs(turned.factor - 1) > 1e-9 or turned.offset:
            raise InvalidQuery(
                "Values of this kind are recorded in several units: name one.", criterion.at,
                hint=_recorded(recorded),
            )  # fmt: skip


def _recorded(units: Sequence[str]) -> str:
    """Name the units; an annotation in braces is free text and may say anything."""
    named = [each for each in units if is_unit(each) and "{" not in each][:_MOST_NAMED]
    return f"Recorded in {', '.join(named)}." if named else "Leave the unit out."
