"""Units as people at a bedside write them: UCUM's own letters are for programs."""

from __future__ import annotations

import re
from typing import Final

_SAID: Final = {
    "1": "", "{score}": "", "Cel": "°C", "[degF]": "°F", "mm[Hg]": "mmHg", "cm[H2O]": "cmH₂O",
    "[lb_av]": "lb", "[oz_av]": "oz", "[in_i]": "in", "[ft_i]": "ft",
}  # fmt: skip
_POWER: Final = re.compile(r"10\*(\d+)")
_RAISED: Final = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def shown_unit(unit: str) -> str:
    """Return a UCUM unit to be read; what is not known stays as it is, "" for numbers without."""
    said = _SAID.get(unit)
    if said is not None:
        return said
    return _POWER.sub(lambda power: "10" + power.group(1).translate(_RAISED), unit).replace(
        "uL", "µL"
    )
