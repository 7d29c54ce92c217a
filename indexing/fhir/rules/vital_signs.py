"""R4's vital signs profiles: an Observation with one of these LOINC codes must follow its profile.

Source: https://hl7.org/fhir/R4/observation-vitalsigns.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from indexing.fhir.walk import Json, Node, Walk

LOINC = "http://loinc.org"
UCUM = "http://unitsofmeasure.org"
CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_LENGTH, _WEIGHT = frozenset({"cm", "[in_i]"}), frozenset({"g", "kg", "[lb_av]"})


@dataclass(frozen=True, slots=True)
class Vital:
    """What a profile asks of the value; `units` are UCUM codes, empty where it has no quantity."""

    name: str
    units: frozenset[str]


VITALS = {
    "85353-1": Vital("vital signs panel", frozenset()),
    "9279-1": Vital("respiratory rate", frozenset({"/min"})),
    "8867-4": Vital("heart rate", frozenset({"/min"})),
    "2708-6": Vital("oxygen saturation", frozenset({"%"})),
    "8310-5": Vital("body temperature", frozenset({"Cel", "[degF]"})),
    "8302-2": Vital("body height", _LENGTH),
    "9843-4": Vital("head circumference", _LENGTH),
    "29463-7": Vital("body weight", _WEIGHT),
    "39156-5": Vital("body mass index", frozenset({"kg/m2"})),
    "85354-9": Vital("blood pressure", frozenset()),
}
PRESSURES = ("8480-6", "8462-4")


def _rows(value: object, name: str) -> Iterator[Json]:
    rows = value.get(name) if isinstance(value, dict) else None
    for row in rows if isinstance(rows, list) else []:
        if isinstance(row, dict):
            yield row


def _codes(concept: object, system: str) -> Iterator[str]:
    for row in _rows(concept, "coding"):
        code = row.get("code")
        if row.get("system") == system and isinstance(code, str):
            yield code


def vital_signs(walk: Walk, value: Json, node: Node) -> None:
    """Hook of Observation."""
    code = next((c for c in _codes(value.get("code"), LOINC) if c in VITALS), None)
    if code is None:
        return
    vital = VITALS[code]
    categories = [c for row in _rows(value, "category") for c in _codes(row, CATEGORY)]
    if "vital-signs" not in categories:
        _say(walk, node, vital, "must be of category vital-signs")
    if "subject" not in value:
        _say(walk, node, vital, "must have a subject")
    if not value.keys() & {"effectiveDateTime", "effectivePeriod", "_effectiveDateTime"}:
        _say(walk, node, vital, "must have an effectiveDateTime or effectivePeriod")
    if not _has_value(value) and not value.keys() & {"component", "hasMember"}:
        _say(walk, node, vital, "must have a value, components, members or a dataAbsentReason")
    if any(not _has_value(row) for row in _rows(value, "component")):
        _say(walk, node, vital, "must have a value or dataAbsentReason in each component")
    effective = value.get("effectiveDateTime")
    if isinstance(effective, str) and len(effective) < len("YYYY-MM-DD"):
        _say(walk, node, vital, "must be dated to the day")
    _value(walk, value, node, vital)


def _say(walk: Walk, node: Node, vital: Vital, rule: str) -> None:
    walk.report(node, f"{vital.name} (vital signs profile) {rule}", code="structure")


def _has_value(row: Json) -> bool:
    return any(key.startswith("value") or key == "dataAbsentReason" for key in row)


def _value(walk: Walk, value: Json, node: Node, vital: Vital) -> None:
    if vital is VITALS["85354-9"]:
        found = {c for row in _rows(value, "component") for c in _codes(row.get("code"), LOINC)}
        if not found.issuperset(PRESSURES):
            _say(walk, node, vital, "must have systolic and diastolic components")
        units = frozenset({"mm[Hg]"})
        for row in _rows(value, "component"):
            if set(_codes(row.get("code"), LOINC)) & set(PRESSURES):
                _quantity(walk, row, node, vital, units)
    elif vital.units:
        _quantity(walk, value, node, vital, vital.units)


def _quantity(walk: Walk, value: Json, node: Node, vital: Vital, units: frozenset[str]) -> None:
    if any(key.startswith("value") and key != "valueQuantity" for key in value):
        _say(walk, node, vital, "must hold a Quantity")
    quantity = value.get("valueQuantity")
    if not isinstance(quantity, dict):
        return
    missing = [n for n in ("value", "unit", "system", "code") if not quantity.keys() & {n, "_" + n}]
    if missing:
        _say(walk, node, vital, f"must have {', '.join(missing)} in its Quantity")
    elif quantity.get("system") != UCUM or str(quantity.get("code")) not in units:
        _say(walk, node, vital, f"must be in UCUM {' or '.join(sorted(units))}")
