"""Encounter, Condition, Procedure, AllergyIntolerance, Immunization, CarePlan, RiskAssessment."""

from __future__ import annotations

from typing import Any

from indexing.fhir.elements import concept_text, obj, objects, string, target_id
from indexing.fhir.projections.rows import (
    Row,
    Subject,
    choice,
    code_of,
    code_rows,
    encounter_of,
    first_target,
    identifier_rows,
    key,
    link_rows,
    number,
    shown,
    spell,
    vague,
    when,
)
from indexing.fhir.reading import JsonObject

_MAX_PREDICTIONS = 1000


def encounter(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of an Encounter."""
    kind = code_of(resource.get("type"))
    reason = code_of(resource.get("reasonCode"))
    stay = spell(resource.get("period"), subject.zone)
    people = [part.get("individual") for part in objects(resource.get("participant"))]
    values = (
        subject.resource_id,
        subject.patient_id,
        key(resource.get("status")),
        code_of(resource.get("class")).code,
        kind.system,
        kind.code,
        kind.display,
        reason.code,
        reason.display,
        stay.start,
        stay.end,
        first_target(people, "Practitioner"),
        target_id(resource.get("serviceProvider"), "Organization"),
        shown(obj(resource.get("hospitalization")).get("dischargeDisposition")),
        target_id(resource.get("partOf"), "Encounter"),
        *vague(resource.get("period"), subject.zone),
    )
    return [
        Row("encounter", values),
        *code_rows(
            subject,
            ("class", resource.get("class")),
            ("type", resource.get("type")),
            ("reasonCode", resource.get("reasonCode")),
        ),
        *identifier_rows(subject, resource.get("identifier")),
    ]


def condition(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of a Condition."""
    code = code_of(resource.get("code"))
    onset = choice(resource, "onset", subject.zone)
    abatement = choice(resource, "abatement", subject.zone)
    recorded = when(resource.get("recordedDate"), subject.zone)
    values = (
        subject.resource_id,
        subject.patient_id,
        encounter_of(resource),
        code_of(resource.get("clinicalStatus")).code,
        code_of(resource.get("verificationStatus")).code,
        code_of(resource.get("category")).code,
        code_of(resource.get("severity")).code,
        code.system,
        code.code,
        code.display,
        shown(resource.get("bodySite")),
        onset.start,
        onset.end,
        abatement.start,
        abatement.end,
        recorded.start,
        vague(resource.get("onsetPeriod"), subject.zone)[0],
        vague(resource.get("abatementPeriod"), subject.zone)[0],
        recorded.end,
    )
    return [
        Row("condition", values),
        *code_rows(
            subject,
            ("code", resource.get("code")),
            ("bodySite", resource.get("bodySite")),
            ("severity", resource.get("severity")),
        ),
        *identifier_rows(subject, resource.get("identifier")),
    ]


def procedure(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of a Procedure."""
    code = code_of(resource.get("code"))
    done = choice(resource, "performed", subject.zone)
    reason = code_of(resource.get("reasonCode"))
    actors = [part.get("actor") for part in objects(resource.get("performer"))]
    values = (
        subject.resource_id,
        subject.patient_id,
        encounter_of(resource),
        key(resource.get("status")),
        code_of(resource.get("category")).code,
        code.system,
        code.code,
        code.display,
        done.start,
        done.end,
        first_target(actors, "Practitioner"),
        reason.code,
        reason.display,
        shown(resource.get("bodySite")),
        shown(resource.get("outcome")),
        _every(resource.get("complication")),
        *vague(resource.get("performedPeriod"), subject.zone),
    )
    return [
        Row("procedure", values),
        *code_rows(
            subject,
            ("code", resource.get("code")),
            ("reasonCode", resource.get("reasonCode")),
            ("bodySite", resource.get("bodySite")),
        ),
        *identifier_rows(subject, resource.get("identifier")),
    ]


def allergy_intolerance(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of an AllergyIntolerance."""
    code = code_of(resource.get("code"))
    onset = choice(resource, "onset", subject.zone)
    recorded = when(resource.get("recordedDate"), subject.zone)
    category = resource.get("category")
    manifestations: list[Any] = []
    for reaction in objects(resource.get("reaction")):
        manifestations += objects(reaction.get("manifestation"))
    values = (
        subject.resource_id,
        subject.patient_id,
        encounter_of(resource),
        code_of(resource.get("clinicalStatus")).code,
        code_of(resource.get("verificationStatus")).code,
        key(resource.get("type")),
        key(category[0]) if type(category) is list and category else key(category),
        key(resource.get("criticality")),
        code.system,
        code.code,
        code.display,
        ", ".join(filter(None, map(shown, manifestations))) or None,
        onset.start,
        onset.end,
        recorded.start,
        vague(resource.get("onsetPeriod"), subject.zone)[0],
        recorded.end,
    )
    return [
        Row("allergy_intolerance", values),
        *code_rows(subject, ("code", resource.get("code")), ("manifestation", manifestations)),
        *identifier_rows(subject, resource.get("identifier")),
    ]


def immunization(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of an Immunization."""
    code = code_of(resource.get("vaccineCode"))
    given = choice(resource, "occurrence", subject.zone)
    values = (
        subject.resource_id,
        subject.patient_id,
        encounter_of(resource),
        key(resource.get("status")),
        code.system,
        code.code,
        code.display,
        given.start,
        given.end,
        key(resource.get("lotNumber")),
    )
    return [
        Row("immunization", values),
        *code_rows(subject, ("code", resource.get("vaccineCode"))),
        *identifier_rows(subject, resource.get("identifier")),
    ]


def care_plan(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of a CarePlan, with the codes of its activities."""
    category = code_of(resource.get("category"))
    span = spell(resource.get("period"), subject.zone)
    activities: list[Any] = []
    for activity in objects(resource.get("activity")):
        activities += objects(obj(activity.get("detail")).get("code"))
    values = (
        subject.resource_id,
        subject.patient_id,
        encounter_of(resource),
        key(resource.get("status")),
        key(resource.get("intent")),
        category.system,
        category.code,
        category.display,
        string(resource.get("title")),
        span.start,
        span.end,
        *vague(resource.get("period"), subject.zone),
    )
    return [
        Row("care_plan", values),
        *code_rows(subject, ("category", resource.get("category")), ("activity", activities)),
        *link_rows(subject, ("addresses", resource.get("addresses"))),
        *identifier_rows(subject, resource.get("identifier")),
    ]


def risk_assessment(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return a row for each prediction of a RiskAssessment."""
    made = choice(resource, "occurrence", subject.zone)
    predictions = objects(resource.get("prediction"))[:_MAX_PREDICTIONS]
    rows: list[Row] = []
    for place, prediction in enumerate(predictions or [{}]):
        outcome = code_of(prediction.get("outcome"))
        low, high = _probability(prediction)
        values = (
            subject.resource_id,
            place,
            subject.patient_id,
            encounter_of(resource),
            target_id(resource.get("condition"), "Condition"),
            key(resource.get("status")),
            shown(resource.get("method")),
            outcome.system,
            outcome.code,
            outcome.display,
            low,
            high,
            shown(prediction.get("qualitativeRisk")),
            made.start,
            made.end,
            string(resource.get("mitigation")) or None,
        )
        rows.append(Row("risk_assessment", values))
    outcomes = [prediction.get("outcome") for prediction in predictions]
    codes = code_rows(subject, ("code", resource.get("code")), ("outcome", outcomes))
    return [*rows, *codes, *identifier_rows(subject, resource.get("identifier"))]


def _every(value: object) -> str | None:
    """Return the texts of all concepts, None where they say nothing."""
    return "; ".join(filter(None, map(concept_text, objects(value)))) or None


def _probability(prediction: dict[str, Any]) -> tuple[object, object]:
    if "probabilityDecimal" in prediction:
        exact = number(prediction["probabilityDecimal"])
        return exact, exact
    span = obj(prediction.get("probabilityRange"))
    low, high = obj(span.get("low")), obj(span.get("high"))
    return number(low.get("value")), number(high.get("value"))
