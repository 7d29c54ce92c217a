"""Outcome models: their list, their cards; a prediction asked for from the chart."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from app.auth.permissions import Permission
from app.auth.sessions import Form, Principal, may, services, text, token_may
from app.bodies import decoded, read_body
from app.model_cards import SIDE, card_page
from app.pages import page
from app.predictions import words_of
from app.views import view_of
from indexing.outlook import INTENDED_USE, RETURN, TYPES

router = APIRouter()

Reader = Annotated[Principal, Depends(may(Permission.CHART))]
Writer = Annotated[Principal, Depends(may(Permission.RESOURCE_WRITE))]
Caller = Annotated[Principal, Depends(token_may(Permission.CHART))]
Teller = Annotated[Principal, Depends(token_may(Permission.RESOURCE_WRITE))]
_encoder = msgspec.json.Encoder(enc_hook=str)


class PredictBody(msgspec.Struct, forbid_unknown_fields=True):
    """What POST /api/patients/{id}/predict takes."""

    type: str = RETURN


_body = msgspec.json.Decoder(PredictBody)


def _json(value: object) -> Response:
    return Response(_encoder.encode(value), media_type="application/json")


@router.get("/models")
def models(request: Request, who: Reader) -> Response:
    """List the models of the tenant, and what is turned on."""
    store = services(request).outlook(who.access).store
    return page(
        request, "models/list.html", cards=store.models(who.access), types=TYPES,
        switches=store.switches(who.access), intended=INTENDED_USE,
    )  # fmt: skip


@router.get("/models/{name}/{version}")
def card(request: Request, who: Reader, name: str, version: str) -> Response:
    """Show a model's card."""
    shown = card_page(services(request).outlook(who.access), who.access, name, version)
    return page(request, "models/card.html", shown=shown, intended=INTENDED_USE, side=SIDE)


@router.post("/models/{name}/{version}/outcomes")
def fill(request: Request, who: Writer, form: Form, name: str, version: str) -> Response:
    """Fill in what happened to those whose time is up."""
    del form  # only its token is demanded
    own = services(request).outlook(who.access)
    own.fill_in(own.store.card(who.access, name, version))
    return RedirectResponse(request.url_for("card", name=name, version=version).path, 303)


@router.post("/patients/{patient_id}/outlook")
def told(request: Request, who: Writer, form: Form, patient_id: str) -> Response:
    """Tell one prediction and go back to the chart, where it stands."""
    own = services(request)
    view = view_of(own, who.access)
    real = own.charts.standing(who.access, view.patient_id(patient_id))
    own.outlook(who.access).predict(real, text(form, "type") or RETURN)
    path = request.url_for("patient", patient_id=patient_id).path
    return RedirectResponse(f"{path}#part-outlook", 303)


@router.get("/api/models")
def api_models(request: Request, who: Caller) -> Response:
    """List the models."""
    found = services(request).outlook(who.access).store.models(who.access)
    return _json(
        {"models": [
            {"name": e.name, "version": e.version, "kind": e.kind, "type": e.type,
             "status": e.status, "registered_at": e.registered_at} for e in found
        ]}
    )  # fmt: skip


@router.get("/api/models/{name}/{version}")
def api_card(request: Request, who: Caller, name: str, version: str) -> Response:
    """Return a model's card."""
    own = services(request).outlook(who.access)
    return _json(card_page(own, who.access, name, version).to_json())


@router.post("/api/patients/{patient_id}/predict")
def api_predict(
    request: Request, who: Teller, patient_id: str, body: Annotated[bytes, Depends(read_body)]
) -> Response:
    """Tell one prediction; stored, and written back as FHIR."""
    sent = decoded(_body, body or b"{}", '{"type": "return90"}')
    own = services(request)
    real = own.charts.standing(who.access, view_of(own, who.access).patient_id(patient_id))
    found = own.outlook(who.access).predict(real, sent.type)
    return _json({"prediction": found, "words": words_of(found), "intended_use": INTENDED_USE})
