"""Medication, MedicationRequest and MedicationStatement."""

from __future__ import annotations

from decimal import Decimal

from indexing.fhir.elements import concept_text, obj, objects, string, target_id
from indexing.fhir.projections.rows import (
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
    shown,
    vague,
    when,
)
from indexing.fhir.reading import JsonObject


def medication(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of a Medication."""
    code = code_of(resource.get("code"))
    values = (
        subject.resource_id,
        key(resource.get("status")),
        code.system,
        code.code,
        code.display,
        shown(resource.get("form")),
    )
    items = objects(resource.get("ingredient"))
    ingredients = [item.get("itemCodeableConcept") for item in items]
    return [
        Row("medication", values),
        *code_rows(subject, ("code", resource.get("code")), ("ingredient", ingredients)),
        *identifier_rows(subject, resource.get("identifier")),
    ]


def medication_request(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of a MedicationRequest."""
    concept = drug(resource)
    code = _drug_code(resource, concept)
    written = when(resource.get("authoredOn"), subject.zone)
    values = (
        subject.resource_id,
        subject.patient_id,
        encounter_of(resource),
        key(resource.get("status")),
        key(resource.get("intent")),
        code_of(resource.get("category")).code,
        target_id(resource.get("medicationReference"), "Medication"),
        code.system,
        code.code,
        code.display,
        written.start,
        written.end,
        target_id(resource.get("requester"), "Practitioner"),
        _dosage(resource.get("dosageInstruction")),
        _frequency(resource.get("dosageInstruction")),
    )
    return [
        Row("medication_request", values),
        *code_rows(subject, ("code", concept), ("reasonCode", resource.get("reasonCode"))),
        *identifier_rows(subject, resource.get("identifier")),
    ]


def medication_statement(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of a MedicationStatement."""
    concept = drug(resource)
    code = _drug_code(resource, concept)
    taken = choice(resource, "effective", subject.zone)
    values = (
        subject.resource_id,
        subject.patient_id,
        target_id(resource.get("context"), "Encounter"),
        key(resource.get("status")),
        code_of(resource.get("category")).code,
        target_id(resource.get("medicationReference"), "Medication"),
        code.system,
        code.code,
        code.display,
        taken.start,
        taken.end,
        _dosage(resource.get("dosage")),
        _frequency(resource.get("dosage")),
        *vague(resource.get("effectivePeriod"), subject.zone),
    )
    return [
        Row("medication_statement", values),
        *code_rows(subject, ("code", concept), ("reasonCode", resource.get("reasonCode"))),
        *identifier_rows(subject, resource.get("identifier")),
    ]


def drug(resource: JsonObject) -> object:
    """Return the drug's concept: its own, or its contained Medication's."""
    if "medicationCodeableConcept" in resource:
        return resource["medicationCodeableConcept"]
    for reference in objects(resource.get("medicationReference")):
        text = reference.get("reference")
        for contained in objects(resource.get("contained")):
            if type(text) is str and text == f"#{contained.get('id')}":
                return contained.get("code")
    return None


def _drug_code(resource: JsonObject, concept: object) -> Code:
    """Name the drug by its concept; by the reference's display where it lies elsewhere."""
    if concept is not None:
        return code_of(concept)
    displays = [item.get("display") for item in objects(resource.get("medicationReference"))]
    return Code(display=string(displays[0]) if displays else None)


def _dosage(value: object) -> str | None:
    texts = (string(item.get("text")) for item in objects(value))
    return "; ".join(text for text in texts if text) or None


# Source: UCUM units of time, hl7.org/fhir/R4/valueset-units-of-time
_SPANS = {
    "s": "second", "min": "minute", "h": "hour", "d": "day", "wk": "week", "mo": "month",
    "a": "year",
}  # fmt: skip


def _frequency(value: object) -> str | None:
    """Say how often a drug is taken as its timings do: "2 per day", "1 per 8 hours, as needed"."""
    return "; ".join(filter(None, map(_often, objects(value)))) or None


def _often(dosage: JsonObject) -> str:
    timing = obj(dosage.get("timing"))
    repeat = obj(timing.get("repeat"))
    times, period = number(repeat.get("frequency")) or Decimal(1), number(repeat.get("period"))
    unit = repeat.get("periodUnit")
    span = _SPANS.get(unit, "") if type(unit) is str else ""
    told = [concept_text(timing.get("code"))]
    if period and span:
        told = [f"{times:f} per {span}" if period == 1 else f"{times:f} per {period:f} {span}s"]
    if dosage.get("asNeededBoolean") is True or "asNeededCodeableConcept" in dosage:
        told.append("as needed")
    return ", ".join(filter(None, told))
