"""Laboratory values in one unit each, whichever of the two in use a note or a question takes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple


class Analyte(NamedTuple):
    """`value in unit = factor * value in other + offset`. `split` parts numbers without a unit:
    what lies under it is of the unit whose numbers are the smaller ones."""

    unit: str
    other: str
    factor: float
    split: float
    offset: float = 0.0


# Source: molar masses (glucose 180.16, cholesterol 386.65, triglycerides 885.7, creatinine 113.12,
# bilirubin 584.66, calcium 40.08, urate 168.11); A1c: the IFCC-NGSP master equation.
OF: Final = {
    "anm:hemoglobin": Analyte("g/dl", "g/l", 0.1, 30),
    "anm:albumin": Analyte("g/dl", "g/l", 0.1, 8),
    "anm:hemoglobin-a1c": Analyte("%", "mmol/mol", 0.09148, 20, 2.152),
    "anm:glucose": Analyte("mg/dl", "mmol/l", 18.016, 36),
    "anm:total-cholesterol": Analyte("mg/dl", "mmol/l", 38.67, 20),
    "anm:ldl-cholesterol": Analyte("mg/dl", "mmol/l", 38.67, 15),
    "anm:hdl-cholesterol": Analyte("mg/dl", "mmol/l", 38.67, 8),
    "anm:triglycerides": Analyte("mg/dl", "mmol/l", 88.57, 30),
    "anm:creatinine": Analyte("mg/dl", "umol/l", 1 / 88.4, 25),
    "anm:bilirubin": Analyte("mg/dl", "umol/l", 1 / 17.1, 40),
    "anm:calcium": Analyte("mg/dl", "mmol/l", 4.008, 4.5),
    "anm:uric-acid": Analyte("mg/dl", "umol/l", 1 / 59.48, 40),
}


def analyte(concepts: Iterable[str]) -> Analyte | None:
    """Return how the numbers of a concept are told; None for one that has no two units."""
    return next((OF[concept] for concept in sorted(concepts) if concept in OF), None)


def normal(of: Analyte, value: float, unit: str) -> float | None:
    """Return a value in the analyte's own unit, None for a unit that it is not told in. Without
    one its size tells: a hemoglobin of 78 is 7.8 g/dL."""
    if not unit:
        small_is_other = of.factor > 1
        unit = of.other if (value < of.split) is small_is_other else of.unit
    if unit == of.unit:
        return value
    return of.factor * value + of.offset if unit == of.other else None
