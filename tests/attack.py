"""A hospital whose every field carries one word, and browsers that try to read it from outside."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from fastapi.testclient import TestClient
from httpx2 import Response

from app.web import create_app
from indexing.access import Role
from tests.browsing import SITE, form_token
from tests.ward import PASSWORD
from tests.ward import Ward as Hospital
from tests.ward import found_hospital as found_hospital  # for who attacks it

CONFIDENTIALITY = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality"
ACT_CODE = "http://terminology.hl7.org/CodeSystem/v3-ActCode"
CLINICAL = "http://terminology.hl7.org/CodeSystem/condition-clinical"
KINDS = (  # that a chart is made of, notes aside
    "Encounter", "Condition", "Observation", "MedicationRequest", "MedicationStatement",
    "AllergyIntolerance", "Procedure",
)  # fmt: skip


def chart_of(patient: str, word: str, mark: str, security: Sequence[Any] = ()) -> list[Any]:
    """Return resources of every kind with `word` in each text; ids begin with `mark`."""
    subject = {"reference": f"Patient/{patient}"}
    text = {"text": f"{word} disorder", "coding": [{"code": word, "display": word}]}
    period = {"start": "2024-01-01", "end": "2024-01-09"}

    def one(kind: str, **more: Any) -> dict[str, Any]:
        meta = {"meta": {"security": list(security)}} if security else {}
        return {"resourceType": kind, "id": f"{mark}-{kind.lower()}", **meta, **more}

    return [
        one("Encounter", status="finished", subject=subject, period=period, type=[text],
            **{"class": {"code": "AMB"}}, reasonCode=[text]),
        one("Condition", subject=subject, code=text, onsetDateTime="2020", bodySite=[text],
            clinicalStatus={"coding": [{"system": CLINICAL, "code": "active"}]}),
        one("Observation", subject=subject, status="final", code=text, valueString=word,
            effectiveDateTime="2024-01-01"),
        one("MedicationRequest", subject=subject, status="active", intent="order",
            medicationCodeableConcept=text, dosageInstruction=[{"text": word}]),
        one("MedicationStatement", subject=subject, status="active",
            medicationCodeableConcept=text),
        one("AllergyIntolerance", patient=subject, code=text,
            reaction=[{"manifestation": [text]}]),
        one("Procedure", subject=subject, status="completed", code=text,
            performedDateTime="2024-01-02"),
        note(f"{mark}-note", patient, f"ASSESSMENT:\nThe {word} chest pain is severe.", word,
             security),
    ]  # fmt: skip


def person(patient: str, word: str, security: Sequence[Any] = ()) -> dict[str, Any]:
    """Return a patient with `word` in each text."""
    meta = {"meta": {"security": list(security)}} if security else {}
    return {
        "resourceType": "Patient", "id": patient, "gender": "female", "birthDate": "1951-02-03",
        "name": [{"family": word.title(), "given": [word]}],
        "identifier": [{"system": "urn:mrn", "value": f"mrn-{word}"}],
        "address": [{"city": word, "state": word}], "telecom": [{"value": word}], **meta,
    }  # fmt: skip


def note(
    doc_id: str, patient: str, text: str, word: str, security: Sequence[Any] = ()
) -> dict[str, Any]:
    """Return a note whose title, type, specialty and author hold `word`."""
    meta = {"meta": {"security": list(security)}} if security else {}
    data = base64.b64encode(text.encode()).decode()
    return {
        "resourceType": "DocumentReference", "id": doc_id, "status": "current", **meta,
        "subject": {"reference": f"Patient/{patient}"}, "type": {"text": f"{word} note"},
        "description": f"{word} title", "author": [{"display": f"Dr {word}"}],
        "context": {"period": {"start": "2024-01-03"}, "practiceSetting": {"text": word}},
        "content": [{"attachment": {"contentType": "text/plain", "data": data}}],
    }  # fmt: skip


@contextmanager
def browser(hospital: Hospital, address: str = "10.1.0.1") -> Iterator[TestClient]:
    """Open a browser on the application."""
    app = create_app(hospital.services)
    with TestClient(
        app, base_url=SITE, client=(address, 5), follow_redirects=False,
        raise_server_exceptions=False,
    ) as client:  # fmt: skip
        yield client


def sign_in(client: TestClient, hospital: Hospital, role: Role = Role.CLINICIAN) -> str:
    """Sign in and return the token of the session's forms."""
    answer = client.post(
        "/login",
        data={
            "form_token": form_token(client.get("/login").text), "tenant": hospital.tenant.code,
            "name": role.value, "password": PASSWORD,
        },
    )  # fmt: skip
    assert answer.status_code == 303, answer.text
    return form_token(client.get("/login", follow_redirects=True).text)


def ask(client: TestClient, token: str, words: str, **more: str) -> Response:
    """Search in the browser and return the frozen page."""
    answer = client.post("/search", data={"form_token": token, "q": words, **more})
    assert answer.status_code == 303, answer.text
    return client.get(answer.headers["location"])


def everything(answer: Response) -> str:
    """Return every byte of an answer, headers included, as text."""
    headers = "\n".join(f"{k}: {v}" for k, v in answer.headers.multi_items())
    return f"{headers}\n\n{answer.text}"
