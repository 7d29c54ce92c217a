"""Series over HTTP: line protocol in, a patient's series out."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any, get_args

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.permissions import Permission
from app.auth.sessions import Principal, services, token_may
from app.errors import WrongMedia
from app.fhir_bodies import unpacked
from app.series import Mask, hours_json, points_json
from app.views import view_of
from indexing.errors import Forbidden, InvalidInput
from indexing.vitals.lines import Precision
from indexing.vitals.measurements import SPECS
from indexing.vitals.model import PATIENTS, Span

router = APIRouter(prefix="/api")
_TAKEN = frozenset({"text/plain", "application/octet-stream", "application/x-www-form-urlencoded"})
OTHERS = tuple(each for each in SPECS if each not in PATIENTS)
_encoder = msgspec.json.Encoder(enc_hook=str)


async def read_lines(request: Request) -> bytes:
    """Read line protocol; Telegraf and curl name it differently."""
    kind = request.headers.get("content-type", "text/plain").partition(";")[0].strip().lower()
    if kind not in _TAKEN:
        raise WrongMedia("send line protocol as text/plain")
    return await unpacked(request)


def _json(value: object, status: int = 200) -> Response:
    return Response(_encoder.encode(value), status, media_type="application/json")


@router.post("/vitals")
def write(
    request: Request,
    who: Annotated[Principal, Depends(token_may(Permission.RESOURCE_WRITE))],
    body: Annotated[bytes, Depends(read_lines)],
    precision: str = "ns",
) -> Response:
    """Store every good line; 422 names the bad ones by line and column."""
    if precision not in get_args(Precision):
        raise InvalidInput("no such precision", hint=f"there are {', '.join(get_args(Precision))}")
    own = services(request)
    taken = own.intake.lines(who.access.tenant_id, body, precision)  # type: ignore[arg-type]
    own.vitals.taken(who.access, taken.points, taken.refused)
    answer: dict[str, Any] = asdict(taken)
    if taken.refused:
        answer["error"] = {
            "status": 422, "title": "Some lines were refused",
            "request_id": request.state.request_id,
            "detail": f"{taken.refused} of {taken.lines} lines; the others are stored",
        }  # fmt: skip
    return _json(answer, 422 if taken.refused else 200)


@router.get("/vitals")
def read_others(
    request: Request,
    who: Annotated[Principal, Depends(token_may(Permission.CHART))],
    measurement: str,
    subject: str,
    kind: str | None = None,
    start: str | None = None,
    end: str | None = None,
    hours: bool = False,
) -> Response:
    """Return the series of a model or a trial, which are no patient's.

    Raises:
        Forbidden: the view is de-identified, and a site's counts may be of few.
    """
    if measurement not in OTHERS:
        hint = f"there are {', '.join(OTHERS)}; a patient's are at /api/patients/ID/vitals"
        raise InvalidInput("no such measurement", hint=hint)
    if who.access.deidentified:
        raise Forbidden("series of models and trials are read in the identified view")
    own = services(request).vitals
    limits, kinds = (_moment(start, "start"), _moment(end, "end")), [kind] if kind else None
    span = Span(*limits, kinds, frozenset({measurement}))
    if hours:
        found = [hours_json(each) for each in own.rollups(who.access, [subject], span)]
    else:
        found = [points_json(each) for each in own.points(who.access, [subject], span)]
    return _json({"series": found})


@router.get("/patients/{patient_id}/vitals")
def read(
    request: Request,
    patient_id: str,
    who: Annotated[Principal, Depends(token_may(Permission.CHART))],
    kind: str | None = None,
    start: str | None = None,
    end: str | None = None,
    hours: bool = False,
) -> Response:
    """Return a patient's series, by the point or by the hour."""
    own = services(request)
    view = view_of(own, who.access)
    real = own.charts.standing(who.access, view.patient_id(patient_id))
    if who.access.deidentified and (start or end):
        raise InvalidInput("dates are shifted in this view and cannot be asked for")
    span = Span(_moment(start, "start"), _moment(end, "end"), [kind] if kind else None)
    shown, charts = view.shown_patient(real), own.vitals.charts(who.access, real)
    if hours:
        rolled = own.vitals.rollups(who.access, charts, span)
        if who.access.deidentified:
            rolled = _mask(request, who, real, shown).hours(rolled)
        return _json({"series": [hours_json(each) for each in rolled]})
    found = own.vitals.points(who.access, charts, span)
    if who.access.deidentified:
        found = _mask(request, who, real, shown).points(found)
    return _json({"series": [points_json(each) for each in found]})


def _mask(request: Request, who: Principal, real: str, shown: str) -> Mask:
    hider = services(request).hider(who.access)
    return Mask(shown, hider.pseudonyms.shift(real), hider.zone)


def _moment(text: str | None, name: str) -> datetime | None:
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"{name} is no time", hint="such as 2026-03-01T12:00:00Z") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
