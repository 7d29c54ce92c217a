"""The JSON interface: the same search, notes and charts, by bearer token."""

from __future__ import annotations

from dataclasses import asdict
from datetime import tzinfo
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from msgspec import structs

from app.answers import answered
from app.auth.permissions import Permission
from app.auth.sessions import Principal, services, token_may
from app.bodies import decoded, read_body
from app.patient_view import gather, view_json
from app.questions import DEPTH, LONGEST_QUERY, legs, mode
from app.views import view_of
from indexing.dated import dated
from indexing.errors import InvalidInput, InvalidQuery
from indexing.filters import FACETS
from indexing.ports import Derived
from rankers.answer import SearchRequest

router = APIRouter(prefix="/api")


class SearchBody(msgspec.Struct, forbid_unknown_fields=True):
    """What POST /api/search takes."""

    q: str
    k: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 10
    rankers: list[str] | str = []
    plain: bool = False
    assertion: str | None = None
    only: dict[str, list[str]] = {}
    rejected: list[str] = []
    accepted: list[str] = []
    newest: bool = False


_body = msgspec.json.Decoder(SearchBody)
_encoder = msgspec.json.Encoder(enc_hook=str)


def json_answer(value: object, status: int = 200) -> Response:
    return Response(_encoder.encode(value), status, media_type="application/json")


@router.post("/search")
def search(
    request: Request,
    who: Annotated[Principal, Depends(token_may(Permission.SEARCH))],
    body: Annotated[bytes, Depends(read_body)],
) -> Response:
    """Search; the audit row names every patient whose note is in the answer."""
    asked = _asked(body)
    own = services(request)
    answer = answered(view_of(own, who.access), own.documents, who.access, asked).to_json()
    return json_answer(answer)


def _asked(body: bytes) -> SearchRequest:
    sent = decoded(_body, body, '{"q": "...", "k": 10}')
    if len(sent.q) > LONGEST_QUERY and not sent.plain:
        raise InvalidQuery(f"At most {LONGEST_QUERY:,} characters.", LONGEST_QUERY)
    if not set(sent.only) <= set(FACETS):
        raise InvalidInput("no such facet in `only`", hint=f"there are {', '.join(FACETS)}")
    names = sent.rankers.split(",") if isinstance(sent.rankers, str) else sent.rankers
    return SearchRequest(
        q=sent.q,
        k=min(sent.k, DEPTH * 5),
        rankers=legs([name.strip() for name in names if name.strip()]),
        plain=sent.plain,
        assertion=mode(sent.assertion or ""),
        only={name: tuple(values) for name, values in sent.only.items()},
        rejected=tuple(sent.rejected),
        accepted=tuple(sent.accepted),
        newest=sent.newest,
    )


@router.get("/notes/{doc_id:path}")
def note(
    request: Request,
    doc_id: str,
    who: Annotated[Principal, Depends(token_may(Permission.NOTE))],
) -> Response:
    """Return a note with its sections and mentions."""
    own = services(request)
    view = view_of(own, who.access)
    real = own.charts.note(who.access, view.note_id(doc_id))
    return json_answer(_note_json(view.note(real), who.zone))


def _note_json(derived: Derived, zone: tzinfo) -> dict[str, Any]:
    document = derived.document
    return {
        "doc_id": document.doc_id,
        "version": document.version,
        "patient_id": document.patient_id,
        "encounter_id": document.encounter_id,
        "title": document.title,
        "type": document.type,
        "specialty": document.specialty,
        "author": document.author,
        "date": dated(document.date_start, document.told_until, zone),
        "date_start": document.date_start,
        "date_end": document.date_end,
        "text": document.text,
        "language_version": derived.language_version or None,
        "sections": [structs.asdict(section) for section in derived.sections],
        "mentions": [
            structs.asdict(m) | {"cue": structs.asdict(m.cue) if m.cue else None}
            for m in derived.mentions
        ],
    }


@router.get("/patients/{patient_id}")
def patient(
    request: Request,
    patient_id: str,
    who: Annotated[Principal, Depends(token_may(Permission.CHART))],
) -> Response:
    """Return a chart."""
    own = services(request)
    view = view_of(own, who.access)
    survivor = own.charts.survivor(who.access, view.patient_id(patient_id))
    chart = view.chart(own.charts.chart(who.access, survivor, visit=False))
    return json_answer({"patient_id": view.shown_patient(survivor), **asdict(chart)})


@router.get("/patients/{patient_id}/view")
def patient_view(
    request: Request,
    patient_id: str,
    who: Annotated[Principal, Depends(token_may(Permission.CHART))],
) -> Response:
    """Return every part of a patient's view that came in time, and name those that did not."""
    own = services(request)
    seen = gather(own, who.access, view_of(own, who.access).patient_id(patient_id))
    return json_answer(view_json(seen, who.zone))
