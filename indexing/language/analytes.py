"""Laboratory values in one unit each, whichever of the two in use a note or a question takes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf
from typing import Final, NamedTuple


class Analyte(NamedTuple):
    """`value in unit = factor * value in other + offset`. `split` parts numbers without a unit:
    what lies under it is of the unit whose numbers are the smaller ones, save that from `doubt` on
    it may be of either: a glucose of 32 is a coma by too little or by too much. From `unclear` up
    to `split` a whole number cannot be told at all: a bilirubin of 12 is normal in the one unit
    and a failing liver in the other."""

    unit: str
    other: str
    factor: float
    split: float
    offset: float = 0.0
    doubt: float = inf
    unclear: float = inf


_TEMPERATURE: Final = Analyte("c", "f", 1 / 1.8, 50, -32 / 1.8)
# Source: molar masses (glucose 180.16, cholesterol 386.65, triglycerides 885.7, creatinine 113.12,
# bilirubin 584.66, calcium 40.08, urate 168.11); A1c: the IFCC-NGSP master equation.
OF: Final = {
    "anm:hemoglobin": Analyte("g/dl", "g/l", 0.1, 30),
    "anm:albumin": Analyte("g/dl", "g/l", 0.1, 8),
    "anm:hemoglobin-a1c": Analyte("%", "mmol/mol", 0.09148, 20, 2.152),
    "anm:glucose": Analyte("mg/dl", "mmol/l", 18.016, 36, doubt=20),
    "anm:total-cholesterol": Analyte("mg/dl", "mmol/l", 38.67, 20),
    "anm:ldl-cholesterol": Analyte("mg/dl", "mmol/l", 38.67, 15),
    "anm:hdl-cholesterol": Analyte("mg/dl", "mmol/l", 38.67, 8),
    "anm:triglycerides": Analyte("mg/dl", "mmol/l", 88.57, 30),
    "anm:creatinine": Analyte("mg/dl", "umol/l", 1 / 88.4, 30, unclear=18),
    "anm:bilirubin": Analyte("mg/dl", "umol/l", 1 / 17.1, 40, unclear=5),
    "anm:calcium": Analyte("mg/dl", "mmol/l", 4.008, 4.5),
    "anm:body-temperature": _TEMPERATURE,
    "anm:fever": _TEMPERATURE,
    "anm:uric-acid": Analyte("mg/dl", "umol/l", 1 / 59.48, 40),
    # Cells are told by the thousand or one by one.
    "anm:platelet-count": Analyte("k/ul", "/ul", 0.001, 2500),
    "anm:white-blood-cell-count": Analyte("k/ul", "/ul", 0.001, 500),
    "anm:neutrophil-count": Analyte("k/ul", "/ul", 0.001, 100),
}


def analyte(concepts: Iterable[str]) -> Analyte | None:
    """Return how the numbers of a concept are told; None for one that has no two units."""
    return next((OF[concept] for concept in sorted(concepts) if concept in OF), None)


def units(of: Analyte, values: Sequence[float], unit: str) -> tuple[str, ...]:
    """Return the unit that numbers told together may be of, that of the smaller numbers first;
    none where it cannot be told. Where none is written the largest tells by its size: a hemoglobin
    of 78 is 7.8 g/dL."""
    if unit:
        return (unit,)
    low = smaller(of)
    high = of.unit if low == of.other else of.other
    largest = max(values)
    if largest >= of.split:
        return (high,)
    if largest >= of.unclear and all(value == int(value) for value in values):
        return ()
    return (low, high) if largest >= of.doubt else (low,)


def normal(of: Analyte, value: float, unit: str) -> float | None:
    """Return a value in the analyte's own unit, None for a unit that it is not told in."""
    if unit == of.unit:
        return value
    return of.factor * value + of.offset if unit == of.other else None


def smaller(of: Analyte) -> str:
    """Return the unit whose numbers are the smaller ones."""
    return of.other if of.factor > 1 else of.unit
