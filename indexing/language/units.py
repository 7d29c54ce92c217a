"""Numbers as they are written and their units: one name each, and what turns one into another."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

NUMBER: Final = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+"
_UNITS: Final = {
    "%": "%", "percent": "%", "per cent": "%", "g/dl": "g/dl", "gm/dl": "g/dl", "g/l": "g/l",
    "mg/dl": "mg/dl", "mg%": "mg/dl", "mmol/l": "mmol/l", "meq/l": "mmol/l", "umol/l": "umol/l",
    "mmol/mol": "mmol/mol",
    "µmol/l": "umol/l", "μmol/l": "umol/l", "ng/ml": "ng/ml", "ug/l": "ng/ml", "pg/ml": "pg/ml",
    "ng/l": "pg/ml", "ng/dl": "ng/dl", "miu/l": "miu/l", "uiu/ml": "miu/l", "iu/l": "u/l",
    "u/l": "u/l", "k/ul": "k/ul", "k/mm3": "k/ul", "x10^3/ul": "k/ul", "10^9/l": "k/ul",
    "x10e9/l": "k/ul", "mg": "mg", "mgs": "mg", "milligrams": "mg", "milligram": "mg",
    "mcg": "mcg", "µg": "mcg", "μg": "mcg", "ug": "mcg", "micrograms": "mcg", "g": "g", "gm": "g",
    "grams": "g", "gram": "g", "kg": "kg", "kgs": "kg", "kilograms": "kg", "lb": "lb", "lbs": "lb",
    "pounds": "lb", "meq": "meq",
    "units": "units", "unit": "units", "iu": "units", "ml": "ml", "cc": "ml",
    "l": "l", "liters": "l", "l/min": "l/min", "mmhg": "mmhg", "mm hg": "mmhg", "bpm": "bpm",
    "beats per minute": "bpm", "ml/min": "ml/min", "cm": "cm", "mm": "mm", "inches": "in",
    "in": "in", "c": "c", "°c": "c", "celsius": "c", "degrees celsius": "c", "f": "f", "°f": "f",
    "fahrenheit": "f", "degrees fahrenheit": "f", "degrees": "", "kg/m2": "kg/m2",
    "kg/m^2": "kg/m2", "kg/m²": "kg/m2", "years": "years", "year": "years",
    "pack years": "packyears", "pack-years": "packyears", "pack-year": "packyears",
    "days": "days", "day": "days",
    "weeks": "weeks", "months": "months", "hours": "hours", "drinks": "drinks",
    "week": "weeks", "month": "months", "hour": "hours", "minutes": "minutes", "minute": "minutes",
}  # fmt: skip
DURATIONS: Final = frozenset({"minutes", "hours", "days", "weeks", "months", "years"})
# Written so in questions; in a note "98.6 hr 72" holds two numbers.
_TYPED: Final = {
    "wks": "weeks", "wk": "weeks", "mos": "months", "yrs": "years", "yr": "years", "hrs": "hours",
    "mins": "minutes", "min": "minutes", "yo": "years", "y/o": "years",
}  # fmt: skip


def _alternatives(units: Iterable[str]) -> str:
    # "70 in" is a length; in "410 in the ED" the word before another is none.
    return "|".join(
        re.escape(unit) + (r"(?!\s+[a-z])" if unit == "in" else "")
        for unit in sorted(units, key=len, reverse=True)
    )


UNIT: Final = _alternatives(_UNITS)
ASKED_UNIT: Final = _alternatives({**_UNITS, **_TYPED})
# (from, to): factor. Temperatures are done by hand.
_FACTORS: Final = {
    ("g/l", "g/dl"): 0.1, ("g/dl", "g/l"): 10.0, ("g", "mg"): 1000.0, ("mg", "g"): 0.001,
    ("mcg", "mg"): 0.001, ("mg", "mcg"): 1000.0, ("g", "mcg"): 1e6, ("mcg", "g"): 1e-6,
    ("lb", "kg"): 0.45359237, ("kg", "lb"): 2.20462262, ("l", "ml"): 1000.0, ("ml", "l"): 0.001,
    ("ng/ml", "pg/ml"): 1000.0, ("pg/ml", "ng/ml"): 0.001, ("ng/dl", "pg/ml"): 10.0,
    ("cm", "mm"): 10.0, ("mm", "cm"): 0.1, ("in", "cm"): 2.54, ("cm", "in"): 1 / 2.54,
    ("weeks", "days"): 7.0, ("days", "weeks"): 1 / 7.0,
}  # fmt: skip


def number(digits: str) -> float:
    """Read digits, with commas between the thousands or without."""
    return float(digits.replace(",", ""))


def unit_of(words: str | None) -> str:
    """Return the one name of a unit as it is written; "" for none."""
    return (_UNITS.get(words.lower()) or _TYPED.get(words.lower(), "")) if words else ""


def convert(value: float, unit: str, wanted: str) -> float | None:
    """Return `value` in the wanted unit; None where the two units do not measure alike. A missing
    unit is taken to be the other's."""
    if not unit or not wanted or unit == wanted:
        return value
    if (unit, wanted) == ("f", "c"):
        return (value - 32) / 1.8
    if (unit, wanted) == ("c", "f"):
        return value * 1.8 + 32
    factor = _FACTORS.get((unit, wanted))
    return None if factor is None else value * factor
