"""The medical graph: its page, and its calls."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from app.asked import keep, kept
from app.auth.permissions import Permission
from app.auth.sessions import Form, Principal, may, services, token_may
from app.bodies import decoded, read_body
from app.graph_drawing import draw
from app.medical import (
    condition_pathways,
    interactions_json,
    neighbourhood_json,
    node_graph,
    pathways_json,
    patient_graph,
)
from app.pages import page
from app.views import view_of
from indexing.errors import NotFound
from indexing.medical_graph import NodeKind
from rankers.medical import MOST_HOPS

router = APIRouter()

Reader = Annotated[Principal, Depends(may(Permission.CHART))]
Caller = Annotated[Principal, Depends(token_may(Permission.CHART))]
LONGEST = 200
MOST, ALL = 20, 200  # treatments of a pathway: at first, and when asked for more


class Asked(msgspec.Struct, forbid_unknown_fields=True):
    """What the calls about a named thing take; the name stands in the body, in no address."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST)]
    hops: Annotated[int, msgspec.Meta(ge=1, le=MOST_HOPS)] = 1
    k: Annotated[int, msgspec.Meta(ge=1, le=ALL)] = MOST


_asked = msgspec.json.Decoder(Asked)
_encoder = msgspec.json.Encoder(enc_hook=str)


def _json(value: object) -> Response:
    return Response(_encoder.encode(value), media_type="application/json")


def _body(body: bytes) -> Asked:
    return decoded(_asked, body, '{"name": "...", "hops": 1}')


@router.get("/graph")
def answer(request: Request, who: Reader, asked: str = "") -> Response:
    """Show the form, and what belongs to the named thing that was sent, and how it was treated."""
    sent = kept(request, who, asked)
    name, hops = sent.get("name", "").strip()[:LONGEST], sent.get("hops", "")
    steps = int(hops) if hops in ("1", "2", "3") else 1
    most = ALL if sent.get("most") == str(ALL) else MOST
    own, found, paths, fault = services(request), None, None, ""
    try:
        if name:
            found = node_graph(own, who.access, name, steps)
            if found.nodes[0].node.kind is NodeKind.CONDITION:
                paths = condition_pathways(own, who.access, name, most)
    except NotFound as exc:
        found, fault = None, str(exc)
    return page(
        request, "graph.html", status=404 if fault else 200, asked=name, hops=steps,
        drawing=draw(found, who.zone) if found else None, pathways=paths, fault=fault, most=most,
        all=ALL,
    )  # fmt: skip


@router.post("/graph")
def ask(request: Request, who: Reader, form: Form) -> Response:
    """Take a name; the page that answers has an address without it."""
    return keep(request, who, form, ("name", "hops", "most"))


@router.post("/api/graph/neighbours")
def neighbours(
    request: Request, who: Caller, body: Annotated[bytes, Depends(read_body)]
) -> Response:
    """Return the neighbourhood of a named thing."""
    asked = _body(body)
    found = node_graph(services(request), who.access, asked.name, asked.hops)
    return _json(neighbourhood_json(found))


@router.post("/api/graph/pathways")
def pathways(request: Request, who: Caller, body: Annotated[bytes, Depends(read_body)]) -> Response:
    """Return how a condition was treated, with frequencies."""
    asked = _body(body)
    return _json(
        pathways_json(condition_pathways(services(request), who.access, asked.name, asked.k))
    )


@router.get("/api/patients/{patient_id}/graph")
def patient(
    request: Request, who: Caller, patient_id: str,
    hops: Annotated[int, Query(ge=1, le=MOST_HOPS)] = 2,
) -> Response:  # fmt: skip
    """Return a patient's neighbourhood and the interactions among their medications."""
    own = services(request)
    view = view_of(own, who.access)
    real = own.charts.standing(who.access, view.patient_id(patient_id))
    found = patient_graph(own, who.access, view, real, hops)
    return _json(
        neighbourhood_json(found.neighbourhood)
        | {"interactions": interactions_json(found.interactions)}
    )
