"""Resources to clinical texts: what a search can find."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from indexing.fhir.attachments import Reading, read_attachment
from indexing.fhir.compartment import patient_of
from indexing.fhir.elements import concept_text, obj, objects, string, target_id
from indexing.fhir.faults import Issue
from indexing.fhir.labels import labels_of
from indexing.fhir.markup import TooDeep, html_to_text
from indexing.fhir.note_dates import note_date
from indexing.fhir.projections.people import name_of
from indexing.fhir.reading import JsonObject
from indexing.fhir.reference import parse_reference
from indexing.language.limits import LONGEST

NOTE_SYSTEM = "urn:anamnesis:note"  # identifier of a plain note whose id is no FHIR id
MAX_SECTION_DEPTH = 50
_MIN_NARRATIVE = 80  # characters: a shorter generated narrative repeats the code and says no more


@dataclass(frozen=True, slots=True)
class DocumentText:
    """A `Document` without tenant and version.

    `replaces` are doc_ids that this one supersedes: they leave every index. `gone`: this document
    itself must not be found (entered-in-error, superseded); its text is "".
    """

    doc_id: str
    resource_type: str
    resource_id: str
    text: str
    title: str = ""
    patient_id: str | None = None
    encounter_id: str | None = None
    date_start: datetime | None = None
    date_end: datetime | None = None
    date_until: datetime | None = None
    type: str = ""
    specialty: str = ""
    author: str = ""
    labels: frozenset[str] = frozenset()
    replaces: tuple[str, ...] = ()
    gone: bool = False


@dataclass(frozen=True, slots=True)
class Extract:
    """A resource's texts (at most one today) and what could not be read of it."""

    texts: tuple[DocumentText, ...] = ()
    issues: tuple[Issue, ...] = ()


@dataclass(frozen=True, slots=True)
class _Parts:
    """What differs between the types that carry clinical text."""

    text: str
    issues: tuple[Issue, ...] = ()
    title: str = ""
    type: object = None
    specialty: str = ""
    authors: object = None
    encounter: object = None
    replaced: tuple[object, ...] = ()


_NOTHING = Extract()


def documents_of(resource: JsonObject, zone: ZoneInfo) -> Extract:
    """Return the clinical texts of a resource (references already resolved, id present).

    A type that can carry text yields a text that is `gone` when it was withdrawn, and none when it
    says nothing.
    """
    read = _READERS.get(resource["resourceType"])
    if read is None:
        return _NOTHING
    gone = _withdrawn(resource)
    parts = read(resource)
    if not gone and not parts.text.strip():
        return Extract((), parts.issues) if parts.issues else _NOTHING
    kind, resource_id = resource["resourceType"], resource["id"]
    when = note_date(resource, zone)
    type_text = concept_text(parts.type)
    found = DocumentText(
        doc_id=doc_id_of(resource),
        resource_type=kind,
        resource_id=resource_id,
        text="" if gone else parts.text,
        title=parts.title or type_text,
        patient_id=patient_of(resource),
        encounter_id=_first_id(parts.encounter, "Encounter"),
        date_start=when.start,
        date_end=when.end,
        date_until=when.until,
        type=type_text,
        specialty=parts.specialty,
        author=_authors(resource, parts.authors),
        labels=labels_of(resource),
        # What was entered in error never superseded anything.
        replaces=() if gone and _in_error(resource) else _replaced(kind, parts.replaced),
        gone=gone,
    )
    if not gone and len(parts.text) > LONGEST:
        reason = f"longer than {LONGEST:,} characters: behind them only its words can be searched"
        parts = replace(parts, issues=(*parts.issues, Issue(kind, "warning", reason)))
    return Extract((found,), () if gone else parts.issues)


def doc_id_of(resource: JsonObject) -> str:
    """Return the name of a resource's text: a DocumentReference's id, else "<Type>~<id>"."""
    kind, resource_id = resource["resourceType"], str(resource["id"])
    if kind != "DocumentReference":
        return f"{kind}~{resource_id}"
    for identifier in objects(resource.get("identifier")):
        if identifier.get("system") == NOTE_SYSTEM and string(identifier.get("value")):
            return str(identifier["value"])
    return resource_id


def _in_error(resource: JsonObject) -> bool:
    return "entered-in-error" in (resource.get("status"), resource.get("docStatus"))


def _withdrawn(resource: JsonObject) -> bool:
    return _in_error(resource) or resource.get("status") == "superseded"


def _first_id(value: object, kind: str) -> str | None:
    return next((found for item in objects(value) if (found := target_id(item, kind))), None)


def _replaced(kind: str, targets: Iterable[object]) -> tuple[str, ...]:
    ids = [target_id(target, kind) for target in targets]
    prefix = "" if kind == "DocumentReference" else f"{kind}~"
    return tuple(dict.fromkeys(prefix + found for found in ids if found))


def _authors(resource: JsonObject, value: object) -> str:
    """Return the authors as a reader knows them: display, contained name, else Type/id."""
    names = [_author(resource, item) for item in objects(value)]
    return ", ".join(dict.fromkeys(name for name in names if name))


def _author(resource: JsonObject, reference: dict[str, Any]) -> str:
    if display := string(reference.get("display")):
        return display
    text = string(reference.get("reference"))
    if text is None:
        return ""
    target = parse_reference(text)
    if target.form == "contained":
        for contained in objects(resource.get("contained")):
            if contained.get("id") == target.id:
                names = objects(contained.get("name"))
                return string(contained.get("name")) or (name_of(names[0]) if names else "") or ""
    return f"{target.type}/{target.id}" if target.form == "relative" else ""


def _best(readings: Iterable[Reading]) -> tuple[str, tuple[Issue, ...]]:
    """Return the text of the least lossy rendering; several of that kind are parts of one."""
    readings = list(readings)
    issues = tuple(issue for reading in readings for issue in reading.issues)
    texts = [reading for reading in readings if reading.text is not None]
    best = min((reading.rank for reading in texts), default=0)
    parts = [reading.text or "" for reading in texts if reading.rank == best]
    return "\n\n".join(dict.fromkeys(parts)), issues


def _attachments(value: object, path: str) -> list[Reading]:
    items = objects(value)
    return [read_attachment(item, f"{path}[{number}]") for number, item in enumerate(items)]


def _document_reference(resource: JsonObject) -> _Parts:
    contents = [obj(item.get("attachment")) for item in objects(resource.get("content"))]
    text, issues = _best(
        read_attachment(attachment, f"DocumentReference.content[{number}].attachment")
        for number, attachment in enumerate(contents)
    )
    context = obj(resource.get("context"))
    titles = (string(attachment.get("title")) for attachment in contents)
    relations = objects(resource.get("relatesTo"))
    return _Parts(
        text=text,
        issues=issues,
        title=string(resource.get("description")) or next(filter(None, titles), ""),
        type=resource.get("type") or next(iter(objects(resource.get("category"))), None),
        specialty=concept_text(context.get("practiceSetting")),
        authors=resource.get("author"),
        encounter=context.get("encounter"),
        replaced=tuple(
            relation.get("target") for relation in relations if relation.get("code") == "replaces"
        ),
    )


def _diagnostic_report(resource: JsonObject) -> _Parts:
    text, issues = _best(
        _attachments(resource.get("presentedForm"), "DiagnosticReport.presentedForm")
    )
    if not text.strip():
        text = string(resource.get("conclusion")) or _narrative(resource)
    return _Parts(
        text=text,
        issues=issues,
        type=resource.get("code"),
        specialty=_service(resource.get("category")),
        authors=resource.get("performer") or resource.get("resultsInterpreter"),
        encounter=resource.get("encounter"),
    )


_SERVICE_SECTION = "v2-0074"  # HL7 table of diagnostic services: RAD, LAB, CT, ...


def _service(value: object) -> str:
    """Return the diagnostic service of a report; other categories name its type once more."""
    for concept in objects(value):
        for coding in objects(concept.get("coding")):
            if _SERVICE_SECTION in (string(coding.get("system")) or ""):
                return concept_text(concept)
    return ""


def _narrative(resource: JsonObject) -> str:
    """Return the narrative where it adds to the data, or is long enough to be read."""
    text = _div(resource.get("text"))
    told = obj(resource.get("text")).get("status") in ("additional", "extensions")
    return text if told or len(text) >= _MIN_NARRATIVE else ""


def _div(narrative: object) -> str:
    div = string(obj(narrative).get("div"))
    if div is None:
        return ""
    try:
        return html_to_text(div)
    except TooDeep:
        return ""


def _composition(resource: JsonObject) -> _Parts:
    lines: list[str] = []
    _sections(resource.get("section"), lines, 0)
    text = "\n\n".join(lines) or _narrative(resource)
    relations = objects(resource.get("relatesTo"))
    return _Parts(
        text=text,
        title=string(resource.get("title")) or "",
        type=resource.get("type"),
        authors=resource.get("author"),
        encounter=resource.get("encounter"),
        replaced=tuple(
            relation.get("targetReference")
            for relation in relations
            if relation.get("code") == "replaces"
        ),
    )


def _sections(value: object, lines: list[str], depth: int) -> None:
    if depth > MAX_SECTION_DEPTH:
        return
    for section in objects(value):
        heading = string(section.get("title")) or concept_text(section.get("code"))
        body = _div(section.get("text"))
        if heading and body.split("\n", 1)[0].strip().rstrip(":").lower() == heading.lower():
            heading = ""
        text = "\n".join(part for part in (heading and f"{heading}:", body) if part)
        if text and (body or objects(section.get("section"))):
            lines.append(text)
        _sections(section.get("section"), lines, depth + 1)


def _clinical_impression(resource: JsonObject) -> _Parts:
    notes = [string(note.get("text")) for note in objects(resource.get("note"))]
    pieces = [string(resource.get("description")), string(resource.get("summary")), *notes]
    return _Parts(
        text="\n\n".join(piece for piece in pieces if piece),
        title="" if resource.get("code") else "Clinical impression",
        type=resource.get("code"),
        authors=resource.get("assessor"),
        encounter=resource.get("encounter"),
    )


def _communication(resource: JsonObject) -> _Parts:
    payloads = objects(resource.get("payload"))
    pieces = [string(payload.get("contentString")) for payload in payloads]
    readings = [
        read_attachment(payload["contentAttachment"], f"Communication.payload[{number}]")
        for number, payload in enumerate(payloads)
        if type(payload.get("contentAttachment")) is dict
    ]
    return _Parts(
        text="\n\n".join(piece for piece in (*pieces, *(r.text for r in readings)) if piece),
        issues=tuple(issue for reading in readings for issue in reading.issues),
        title=concept_text(resource.get("topic")) or "Communication",
        type=next(iter(objects(resource.get("category"))), None),
        authors=resource.get("sender"),
        encounter=resource.get("encounter"),
    )


_READERS: Mapping[str, Callable[[JsonObject], _Parts]] = {
    "ClinicalImpression": _clinical_impression,
    "Communication": _communication,
    "Composition": _composition,
    "DiagnosticReport": _diagnostic_report,
    "DocumentReference": _document_reference,
}
