"""Similar patients: of a chart, of a pasted note, of findings."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from app.auth.permissions import Permission
from app.auth.sessions import Form, Principal, may, services, text, token_may
from app.pages import page
from app.routes.api import json_answer, read_body
from app.similar import MOST, PART_NAMES, SEXES, Question, similar
from indexing.errors import InvalidInput

router = APIRouter()

Reader = Annotated[Principal, Depends(may(Permission.CHART))]
Caller = Annotated[Principal, Depends(token_may(Permission.CHART))]
SHOWN = 10


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
def of_patient(request: Request, patient_id: str, who: Reader) -> Response:
    """Show the patients most like this one."""
    return _page(request, who, Question(patient=patient_id, k=SHOWN))


@router.post("/patients/{patient_id}/similar")
def of_patient_limited(request: Request, patient_id: str, who: Reader, form: Form) -> Response:
    """Show them with limits; these may name a condition, so that they stand in no address."""
    return _page(request, who, Question(patient_id, "", "", SHOWN, *_limits(form)))


@router.get("/similar", dependencies=[Depends(may(Permission.CHART))])
def ask(request: Request) -> Response:
    """Show the form for a note or findings."""
    return page(request, "similar.html", asked=Question(), shown=None, sexes=SEXES,
                parts=PART_NAMES)  # fmt: skip


@router.post("/similar")
def asked(request: Request, who: Reader, form: Form) -> Response:
    """Show the patients most like a pasted note, or with these findings."""
    note, findings = text(form, "note"), text(form, "findings")
    return _page(request, who, Question("", note, findings, SHOWN, *_limits(form)))


def _limits(form: Form) -> tuple[str, str, str, str]:
    return (
        text(form, "sex"), text(form, "age"), text(form, "period"), text(form, "condition"),
    )  # fmt: skip


def _page(request: Request, who: Principal, question: Question) -> Response:
    shown = similar(services(request), who.access, question)
    return page(request, "similar.html", asked=question, shown=shown, sexes=SEXES,
                parts=PART_NAMES)  # fmt: skip


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
    try:
        sent: Any = _body.decode(body)
    except (msgspec.DecodeError, RecursionError) as exc:
        where = str(exc).rpartition(" - at ")[2] if " - at " in str(exc) else "the body"
        raise InvalidInput(
            f"not a question: see {where}", hint='send {"findings": "chest pain,!fever", "k": 10}'
        ) from None
    findings = sent.findings if isinstance(sent.findings, str) else ",".join(sent.findings)
    question = Question(
        sent.patient, sent.note, findings, sent.k, sent.sex, sent.age, sent.period, sent.condition
    )
    return json_answer(similar(services(request), who.access, question).to_json())
