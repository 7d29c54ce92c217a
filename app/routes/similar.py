"""Similar patients: of a chart, of a pasted note, of findings."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from app.asked import keep, kept
from app.auth.permissions import Permission
from app.auth.sessions import Form, Principal, may, services, token_may
from app.bodies import decoded, read_body
from app.errors import status_of
from app.pages import page
from app.routes.api import json_answer
from app.similar import MOST, PART_NAMES, SEXES, Question, similar
from indexing.errors import InvalidInput, UnknownName

router = APIRouter()

Reader = Annotated[Principal, Depends(may(Permission.CHART))]
Caller = Annotated[Principal, Depends(token_may(Permission.CHART))]
SHOWN = 10
LIMITS = ("sex", "age", "period", "condition")


class SimilarBody(msgspec.Struct, forbid_unknown_fields=True):
    """What POST /api/similar takes."""

    patient: str = ""
    note: str = ""
    findings: str | list[str] = ""
    k: Annotated[int, msgspec.Meta(ge=1, le=MOST)] = 10
    sex: str = ""
    age: str = ""
    period: str = ""
    condition: str = ""


_body = msgspec.json.Decoder(SimilarBody)


@router.get("/patients/{patient_id}/similar")
def of_patient(request: Request, patient_id: str, who: Reader, asked: str = "") -> Response:
    """Show the patients most like this one, within the limits that were sent."""
    sent = kept(request, who, asked)
    return _page(request, who, Question(patient=patient_id, k=SHOWN, **sent), answered=True)


@router.post("/patients/{patient_id}/similar")
def limit(request: Request, patient_id: str, who: Reader, form: Form) -> Response:
    """Take limits; these may name a condition, so that they stand in no address."""
    del patient_id  # the address holds it
    return keep(request, who, form, LIMITS)


@router.get("/similar")
def answer(request: Request, who: Reader, asked: str = "") -> Response:
    """Show the form, and the patients most like the note, or with the findings, that was sent."""
    sent = kept(request, who, asked)
    return _page(request, who, Question(k=SHOWN, **sent), answered=bool(sent))


@router.post("/similar")
def ask(request: Request, who: Reader, form: Form) -> Response:
    """Take a note or findings; the page that answers has an address without them."""
    return keep(request, who, form, ("note", "findings", *LIMITS))


def _page(request: Request, who: Principal, question: Question, *, answered: bool) -> Response:
    """Show the form as it was filled in, with the answer or with what is wrong with it."""
    shown, fault = None, None
    try:
        shown = similar(services(request), who.access, question) if answered else None
    except InvalidInput as exc:
        fault = exc
    unknown = fault.name if isinstance(fault, UnknownName) else ""
    return page(
        request, "similar.html", status=status_of(fault) if fault else 200, asked=question,
        shown=shown, fault=fault, unknown=unknown, sexes=SEXES, parts=PART_NAMES,
    )  # fmt: skip


@router.get("/api/patients/{patient_id}/similar")
def api_of_patient(
    request: Request, patient_id: str, who: Caller,
    k: Annotated[int, Query(ge=1, le=MOST)] = 10,
) -> Response:  # fmt: skip
    """Return the patients most like this one."""
    question = Question(patient=patient_id, k=k)
    return json_answer(similar(services(request), who.access, question).to_json())


@router.post("/api/similar")
def api_similar(
    request: Request, who: Caller, body: Annotated[bytes, Depends(read_body)]
) -> Response:
    """Return the patients most like a patient, a note or findings, within limits."""
    sent = decoded(_body, body, '{"findings": "chest pain,!fever", "k": 10}')
    findings = sent.findings if isinstance(sent.findings, str) else ",".join(sent.findings)
    question = Question(
        sent.patient, sent.note, findings, sent.k, sent.sex, sent.age, sent.period, sent.condition
    )
    return json_answer(similar(services(request), who.access, question).to_json())
