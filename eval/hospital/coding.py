"""The small change of FHIR: codings, quantities, moments, attachments, bundle entries."""

from __future__ import annotations

import base64
import html
from datetime import datetime
from typing import Any

from eval.hospital.model import Concept, Note

Json = dict[str, Any]
BASE = "https://harrow-point.example/fhir"
SNOMED, ICD = "http://snomed.info/sct", "http://hl7.org/fhir/sid/icd-10-cm"
LOINC, RXNORM = "http://loinc.org", "http://www.nlm.nih.gov/research/umls/rxnorm"
UCUM, HL7 = "http://unitsofmeasure.org", "http://terminology.hl7.org/CodeSystem"
VACCINES = (
    ("140", "Influenza, seasonal, injectable, preservative free", 1),
    ("33", "pneumococcal polysaccharide PPV23", 60),
    ("115", "Tdap", 12),
    ("03", "MMR", 1),
)
CLASSES = {
    "AMB": ("ambulatory", "308335008", "Patient encounter procedure"),
    "EMER": ("emergency", "50849002", "Emergency room admission"),
    "IMP": ("inpatient encounter", "32485007", "Hospital admission"),
}


def instant(when: datetime) -> str:
    """Write a moment as FHIR does; the hospital keeps UTC."""
    return when.isoformat(timespec="seconds") + "Z"


def codeable(concept: Concept, words: str = "") -> Json:
    """Write a concept with the codes it has, at least as text."""
    system = RXNORM if concept.kind == "drug" else SNOMED
    coding = (
        [{"system": system, "code": concept.code, "display": concept.name}] if concept.code else []
    )
    if concept.icd:
        coding.append({"system": ICD, "code": concept.icd})
    text: Json = {"text": words or concept.name}
    return {"coding": coding, **text} if coding else text


def coded(system: str, code: str, display: str = "") -> Json:
    """Write one coding as a CodeableConcept."""
    coding = {"system": system, "code": code}
    return {"coding": [{**coding, "display": display} if display else coding]}


def _rtf(text: str) -> str:
    """Write text as plain RTF, code points beyond ASCII escaped."""
    out = []
    for char in text:
        if char in "\\{}":
            out.append("\\" + char)
        elif char == "\n":
            out.append("\\par\n")
        elif ord(char) < 128:
            out.append(char)
        else:
            out.append(f"\\u{ord(char)}?")
    return "{\\rtf1\\ansi\\deff0 {\\fonttbl {\\f0 Courier;}}\n" + "".join(out) + "}"


def encoded(note: Note) -> str:
    """Give the note's bytes in its own format, in base64."""
    text = note.text
    if note.markup == "text/html":
        lines = "\n".join(f"<p>{html.escape(line)}</p>" for line in text.split("\n") if line)
        text = f"<html><body>\n{lines}\n</body></html>"
    elif note.markup == "text/rtf":
        text = _rtf(text)
    return base64.b64encode(text.encode()).decode()


def entry(resource: Json) -> Json:
    """Wrap a resource for a transaction: put under its own id."""
    where = f"{resource['resourceType']}/{resource['id']}"
    return {
        "fullUrl": f"{BASE}/{where}",
        "resource": resource,
        "request": {"method": "PUT", "url": where},
    }


def author(number: str, name: str) -> Json:
    """Refer to a clinician."""
    return {"reference": f"Practitioner/{number}", "display": name}


def quantity(value: float, unit: str) -> Json:
    """Write a measured value in UCUM."""
    return {"value": value, "unit": unit, "system": UCUM, "code": unit}
