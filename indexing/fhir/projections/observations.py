"""Observation: one row for itself and one for each component."""

from __future__ import annotations

from typing import Any

from indexing.fhir.dates import UNKNOWN
from indexing.fhir.elements import obj, objects, string
from indexing.fhir.projections.rows import (
    UNKNOWN_TIME,
    Code,
    Row,
    Subject,
    choice,
    code_of,
    code_rows,
    encounter_of,
    identifier_rows,
    key,
    number,
    spell,
    vague,
    when,
)
from indexing.fhir.reading import JsonObject

_MAX_COMPONENTS = 1000


def observation(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of an Observation and its components."""
    taken = choice(resource, "effective", subject.zone)
    if taken is UNKNOWN:
        taken = when(resource.get("issued"), subject.zone)
    category = resource.get("category")
    code = code_of(resource.get("code"))
    context = (
        taken.start or UNKNOWN_TIME,
        vague(resource.get("effectivePeriod"), subject.zone)[0] or taken.end,
        subject.patient_id,
        encounter_of(resource),
        key(resource.get("status")),
        code_of(category).code,
    )
    rows = [_row(subject, 0, resource, context, code)]
    components = objects(resource.get("component"))[:_MAX_COMPONENTS]
    for place, component in enumerate(components, start=1):
        part = code_of(component.get("code"))
        rows.append(_row(subject, place, component, context, part))
    values = [obj(part.get("valueCodeableConcept")) for part in (resource, *components)]
    rows += code_rows(
        subject, ("code", resource.get("code")), ("value", values), skip=("code", code)
    )
    if "identifier" in resource:
        rows += identifier_rows(subject, resource["identifier"])
    return rows


def _row(
    subject: Subject, place: int, part: JsonObject, context: tuple[object, ...], code: Code
) -> Row:
    return Row(
        "observation",
        (
            subject.resource_id,
            place,
            *context,
            code.system,
            code.code,
            code.display,
            *_value(part, subject),
            code_of(part.get("interpretation")).code,
            *_range(part),
        ),
    )


_NO_VALUE = (None, None, None, None, None, None, None)


def _value(part: JsonObject, subject: Subject) -> tuple[object, ...]:
    """Return number, comparator, unit, code, text, start, end of `value[x]`."""
    if "valueQuantity" in part:
        return _quantity(obj(part["valueQuantity"]))
    if "valueCodeableConcept" in part:
        code = code_of(part["valueCodeableConcept"])
        return None, None, None, code.code, code.display, None, None
    name = next((name for name in part if name.startswith("value")), None)
    if name is None:
        return _NO_VALUE
    value = part[name]
    if name == "valueInteger":
        return number(value), None, None, None, None, None, None
    if name == "valueBoolean":
        text = {True: "true", False: "false"}.get(value) if type(value) is bool else None
        return None, None, None, None, text, None, None
    if name in ("valueDateTime", "valuePeriod"):
        moment = (
            when(value, subject.zone) if name == "valueDateTime" else spell(value, subject.zone)
        )
        return None, None, None, None, None, moment.start, moment.end
    return None, None, None, None, _written(value), None, None


def _quantity(quantity: dict[str, Any]) -> tuple[object, ...]:
    unit = key(quantity.get("unit")) or key(quantity.get("code"))
    amount = number(quantity.get("value"))
    return amount, key(quantity.get("comparator")), unit, None, None, None, None


def _written(value: object) -> str | None:
    """Return valueString or valueTime as it is, a Range or Ratio as `low - high`, `a : b`."""
    if text := string(value):
        return text
    for first, last, mark in (("low", "high", " - "), ("numerator", "denominator", " : ")):
        parts = [obj(obj(value).get(name)) for name in (first, last)]
        if any(parts):
            return mark.join(_amount(part) for part in parts)
    return None


def _amount(quantity: dict[str, Any]) -> str:
    amount = number(quantity.get("value"))
    unit = key(quantity.get("unit")) or ""
    return f"{amount} {unit}".strip() if amount is not None else ""


def _range(part: JsonObject) -> tuple[object, object]:
    ranges = objects(part.get("referenceRange"))
    if not ranges:
        return None, None
    low, high = obj(ranges[0].get("low")), obj(ranges[0].get("high"))
    return number(low.get("value")), number(high.get("value"))
