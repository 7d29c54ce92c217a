"""Treatment options of a patient: a form, its answer on the page, and the same as JSON.

The condition travels in bodies, never in addresses.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.asked import keep, kept
from app.auth.permissions import Permission
from app.auth.sessions import Form, Principal, may, services, token_may
from app.bodies import decoded, read_body
from app.pages import page
from app.treatments import LONGEST, TREATMENTS_USE, demand, treatments
from app.views import view_of
from indexing.errors import InvalidInput

router = APIRouter()
MOST_PROBLEMS = 30
NOTHING_ASKED = "Choose or name a condition."

Reader = Annotated[Principal, Depends(may(Permission.CHART))]
Caller = Annotated[Principal, Depends(token_may(Permission.CHART))]


class TreatmentsBody(msgspec.Struct, forbid_unknown_fields=True):
    """What the call takes."""

    condition: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)]


_body = msgspec.json.Decoder(TreatmentsBody)
_encoder = msgspec.json.Encoder(enc_hook=str)


@router.get("/patients/{patient_id}/treatments")
def answer(request: Request, patient_id: str, who: Reader, asked: str = "") -> Response:
    """Show the form with the patient's problems to choose from, and the answer to what was sent."""
    sent = kept(request, who, asked)
    condition = (sent.get("condition") or sent.get("problem") or "").strip()[:LONGEST]
    if not condition:
        return _page(request, who, patient_id, "", None, NOTHING_ASKED if sent else "")
    try:
        shown = treatments(services(request), who.access, patient_id, condition)
    except InvalidInput as fault:
        return _page(request, who, patient_id, condition, None, f"{fault}: {fault.hint}")
    return _page(request, who, patient_id, condition, shown)


@router.post("/patients/{patient_id}/treatments")
def ask(request: Request, patient_id: str, who: Reader, form: Form) -> Response:
    """Take a condition; the page that answers has an address without it."""
    del patient_id  # the address holds it
    return keep(request, who, form, ("condition", "problem"))


def _page(
    request: Request, who: Principal, patient_id: str, condition: str, shown: object,
    fault: str = "",
) -> Response:  # fmt: skip
    own = services(request)
    demand(own, who.access)
    view = view_of(own, who.access)
    real = own.charts.standing(who.access, view.patient_id(patient_id))
    chart = view.chart(own.charts.chart(who.access, real, visit=False))
    problems = list(dict.fromkeys(each.text for each in chart.problems if each.text))
    return page(
        request, "treatments.html", status=422 if fault else 200, person=chart.person,
        problems=problems[:MOST_PROBLEMS], condition=condition, shown=shown, fault=fault,
        intended=TREATMENTS_USE, longest=LONGEST,
    )  # fmt: skip


@router.post("/api/patients/{patient_id}/treatments")
def api(
    request: Request, patient_id: str, who: Caller, body: Annotated[bytes, Depends(read_body)]
) -> Response:
    """Return what patients alike were given, and what was recorded of it."""
    sent = decoded(_body, body, '{"condition": "ICD10CM:I50.9"}')
    shown = treatments(services(request), who.access, patient_id, sent.condition)
    return Response(_encoder.encode(shown.to_json()), media_type="application/json")
