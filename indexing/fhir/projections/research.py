"""ResearchStudy, ResearchSubject and Provenance."""

from __future__ import annotations

from indexing.fhir.elements import obj, objects, string, target_id
from indexing.fhir.projections.rows import (
    Row,
    Subject,
    code_of,
    code_rows,
    identifier_rows,
    key,
    link_rows,
    spell,
    when,
)
from indexing.fhir.reading import JsonObject
from indexing.fhir.reference import parse_reference


def research_study(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of a ResearchStudy."""
    about = code_of(resource.get("condition"))
    span = spell(resource.get("period"), subject.zone)
    values = (
        subject.resource_id,
        key(resource.get("status")),
        string(resource.get("title")),
        code_of(resource.get("phase")).code,
        about.system,
        about.code,
        about.display,
        span.start,
        span.end,
        target_id(resource.get("sponsor"), "Organization"),
        target_id(resource.get("principalInvestigator"), "Practitioner"),
    )
    return [
        Row("research_study", values),
        *code_rows(
            subject, ("condition", resource.get("condition")), ("focus", resource.get("focus"))
        ),
        *identifier_rows(subject, resource.get("identifier")),
    ]


def research_subject(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of a ResearchSubject."""
    span = spell(resource.get("period"), subject.zone)
    values = (
        subject.resource_id,
        subject.patient_id,
        target_id(resource.get("study"), "ResearchStudy"),
        key(resource.get("status")),
        string(resource.get("actualArm")) or string(resource.get("assignedArm")),
        span.start,
        span.end,
    )
    return [
        Row("research_subject", values),
        *identifier_rows(subject, resource.get("identifier")),
    ]


def provenance(resource: JsonObject, subject: Subject) -> list[Row]:
    """Return the rows of a Provenance: its first agent, and every target."""
    agents = objects(resource.get("agent"))
    agent = agents[0] if agents else {}
    who = obj(agent.get("who"))
    text = string(who.get("reference"))
    target = parse_reference(text) if text else None
    known = target is not None and target.form == "relative"
    values = (
        subject.resource_id,
        subject.patient_id,
        when(resource.get("recorded"), subject.zone).start,
        code_of(resource.get("activity")).code,
        string(who.get("display")),
        code_of(agent.get("type")).code,
        f"{target.type}/{target.id}" if target is not None and known else None,
    )
    return [
        Row("provenance", values),
        *code_rows(subject, ("activity", resource.get("activity"))),
        *link_rows(subject, ("target", resource.get("target"))),
    ]
