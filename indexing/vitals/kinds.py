"""Kinds of values that are known by name: their LOINC code, their unit, their bounds.

A kind that is not listed is taken as it comes, under its own name and unit.
Source: hl7.org/fhir/R4/observation-vitalsigns.html for codes and units.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class VitalKind:
    """`low` and `high` bound what any sensor can have measured on somebody alive, in `unit`.
    `molar_mass` in g/mol turns amounts of substance into mass, 0 where nobody sends them."""

    name: str
    title: str
    loinc: str
    unit: str
    low: float
    high: float
    molar_mass: float = 0.0


_ROWS = (
    VitalKind("heart_rate", "Heart rate", "8867-4", "/min", 0, 400),
    VitalKind("respiratory_rate", "Respiratory rate", "9279-1", "/min", 0, 150),
    VitalKind("oxygen_saturation", "Oxygen saturation", "2708-6", "%", 0, 100),
    VitalKind("body_temperature", "Body temperature", "8310-5", "Cel", 10, 50),
    VitalKind("systolic_pressure", "Systolic blood pressure", "8480-6", "mm[Hg]", 0, 400),
    VitalKind("diastolic_pressure", "Diastolic blood pressure", "8462-4", "mm[Hg]", 0, 300),
    VitalKind("body_weight", "Body weight", "29463-7", "kg", 0, 700),
    VitalKind("body_height", "Body height", "8302-2", "cm", 0, 300),
    VitalKind("body_mass_index", "Body mass index", "39156-5", "kg/m2", 0, 300),
    VitalKind("glucose", "Glucose", "2339-0", "mg/dL", 0, 3000, 180.156),
)
KINDS: Mapping[str, VitalKind] = {kind.name: kind for kind in _ROWS}
BY_LOINC: Mapping[str, VitalKind] = {kind.loinc: kind for kind in _ROWS} | {
    "59408-5": KINDS["oxygen_saturation"],  # by pulse oximetry: US Core sends both codes
}
