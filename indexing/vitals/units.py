"""Units by UCUM: what is one, and how much of one another is. The grammar is ucumvert's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

from indexing.vitals.kinds import VitalKind

# A unit that is nothing but annotations counts: UCUM section 2.4, "the unity".
_ANNOTATED = re.compile(r"(\{[\x21-\x7a|~]*\})+")
LONGEST = 60


@dataclass(frozen=True, slots=True)
class Change:
    """From one unit to another: value * factor + offset, without the noise behind the ninth
    decimal (98.6 [degF] are 37 Cel). What stays in its unit stays as it was sent."""

    factor: float = 1.0
    offset: float = 0.0

    def __call__(self, value: float) -> float:
        same = self.factor == 1.0 and self.offset == 0.0
        return value if same else round(value * self.factor + self.offset, 9)


@cache
def _registry() -> Any:
    """Return the registry; it takes most of a second to make, so it waits until it is needed."""
    from ucumvert import PintUcumRegistry

    return PintUcumRegistry()


@cache
def _parser() -> Any:
    from ucumvert import get_ucum_parser

    return get_ucum_parser()


@cache
def is_unit(unit: str) -> bool:
    """Say whether UCUM's grammar knows it."""
    from lark.exceptions import LarkError
    from ucumvert import InvalidUcumError

    if not unit or len(unit) > LONGEST:
        return False
    if unit == "1" or _ANNOTATED.fullmatch(unit):
        return True
    try:
        _parser().parse(unit)
    except (LarkError, InvalidUcumError, ValueError):
        return False
    return True


@cache
def change(unit: str, wanted: str) -> Change | None:
    """Return how a value in `unit` becomes one in `wanted`, None where it cannot."""
    if unit == wanted:
        return Change()
    one, other = _quantity(unit), _quantity(wanted)
    if one is None or other is None or not one.is_compatible_with(other):
        return None
    registry = _registry()
    zero, unity = (
        float(registry.Quantity(number, one.units).to(other.units).magnitude) for number in (0, 1)
    )
    # 10*3/uL is a number of units: its magnitude belongs to the factor.
    scale = float(one.magnitude) / float(other.magnitude)
    return Change((unity - zero) * scale, zero)


def change_of(unit: str, kind: VitalKind) -> Change | None:
    """Return how a value of that kind becomes one in the kind's own unit, None where it cannot."""
    found = change(unit, kind.unit)
    if found is None and kind.molar_mass and (amount := change(unit, "mmol/L")) is not None:
        return Change(amount.factor * kind.molar_mass / 10)  # mg/dL per mmol/L
    return found


@cache
def _quantity(unit: str) -> Any:
    from lark.exceptions import LarkError
    from ucumvert import InvalidUcumError

    if not is_unit(unit):
        return None
    if unit == "1" or _ANNOTATED.fullmatch(unit):
        return _registry().Quantity(1.0)
    try:
        found = _registry().from_ucum(unit)
    except (LarkError, InvalidUcumError, ValueError, AttributeError):
        return None  # a unit without a size to convert by, such as [pH]
    return found if hasattr(found, "to") else None
