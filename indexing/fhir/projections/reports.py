"""DiagnosticReport, DocumentReference, ImagingStudy and Specimen."""

from __future__ import annotations

from typing import Any

from indexing.fhir.dates import UNKNOWN, Interval
from indexing.fhir.elements import concept_text, obj, objects, string
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
    shown,
    spell,
    when,
    whole,
)
from indexing.fhir.reading import JsonObject


def diagnostic_report(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of a DiagnosticReport."""
    code = code_of(resource.get("code"))
    made = choice(resource, "effective", subject.zone)
    values = (
        subject.resource_id,
        subject.patient_id,
        encounter_of(resource),
        key(resource.get("status")),
        code_of(resource.get("category")).code,
        code.system,
        code.code,
        code.display,
        made.start,
        made.end,
        when(resource.get("issued"), subject.zone).start,
        first_target(resource.get("performer"), "Practitioner"),
    )
    return [
        Row("diagnostic_report", values),
        *code_rows(
            subject,
            ("code", resource.get("code")),
            ("category", resource.get("category")),
            ("conclusionCode", resource.get("conclusionCode")),
        ),
        *identifier_rows(subject, resource.get("identifier")),
    ]


def document_date(resource: JsonObject, subject: Subject) -> Interval:
    """Return when a DocumentReference was written, else the time of what it describes."""
    written = when(resource.get("date"), subject.zone)
    if written is UNKNOWN:
        for content in objects(resource.get("content")):
            creation = obj(content.get("attachment")).get("creation")
            if (made := when(creation, subject.zone)) is not UNKNOWN:
                return made
        return spell(obj(resource.get("context")).get("period"), subject.zone)
    return written


def document_reference(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of a DocumentReference."""
    kind = code_of(resource.get("type"))
    context = obj(resource.get("context"))
    written = document_date(resource, subject)
    contents = [obj(item.get("attachment")) for item in objects(resource.get("content"))]
    authors = objects(resource.get("author"))
    values = (
        subject.resource_id,
        subject.patient_id,
        first_target(context.get("encounter"), "Encounter"),
        key(resource.get("status")),
        key(resource.get("docStatus")),
        code_of(resource.get("category")).code,
        kind.system,
        kind.code,
        kind.display,
        written.start,
        written.end,
        string(authors[0].get("display")) if authors else None,
        first_target(authors, "Practitioner"),
        concept_text(context.get("practiceSetting")) or None,
        key(contents[0].get("contentType")) if contents else None,
    )
    return [
        Row("document_reference", values),
        *code_rows(
            subject,
            ("type", resource.get("type")),
            ("category", resource.get("category")),
            ("practiceSetting", context.get("practiceSetting")),
        ),
        *identifier_rows(subject, resource.get("identifier")),
        *link_rows(subject, *_relations(resource)),
    ]


def _relations(resource: JsonObject) -> list[tuple[str, Any]]:
    relations = objects(resource.get("relatesTo"))
    return [(key(item.get("code")) or "", item.get("target")) for item in relations]


def imaging_study(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of an ImagingStudy."""
    code = code_of(resource.get("procedureCode"))
    started = when(resource.get("started"), subject.zone)
    series = objects(resource.get("series"))
    modalities = resource.get("modality") or [item.get("modality") for item in series]
    sites = [item.get("bodySite") for item in series]
    values = (
        subject.resource_id,
        subject.patient_id,
        encounter_of(resource),
        key(resource.get("status")),
        code_of(modalities).code,
        code.system,
        code.code,
        code.display,
        shown(sites),
        started.start,
        started.end,
        whole(resource.get("numberOfSeries")),
        whole(resource.get("numberOfInstances")),
    )
    return [
        Row("imaging_study", values),
        *code_rows(
            subject,
            ("code", resource.get("procedureCode")),
            ("modality", modalities),
            ("bodySite", sites),
        ),
        *identifier_rows(subject, resource.get("identifier")),
    ]


def specimen(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of a Specimen."""
    kind = code_of(resource.get("type"))
    collection = obj(resource.get("collection"))
    taken = choice(collection, "collected", subject.zone)
    values = (
        subject.resource_id,
        subject.patient_id,
        key(resource.get("status")),
        kind.system,
        kind.code,
        kind.display,
        shown(collection.get("bodySite")),
        taken.start,
        taken.end,
        when(resource.get("receivedTime"), subject.zone).start,
    )
    return [
        Row("specimen", values),
        *code_rows(subject, ("type", resource.get("type"))),
        *identifier_rows(subject, resource.get("identifier")),
    ]
