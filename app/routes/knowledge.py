"""Medical knowledge: a page and its JSON twin. Questions travel in bodies, never in addresses."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.asked import keep, kept
from app.auth.permissions import Permission
from app.auth.sessions import Form, Principal, may, services, token_may
from app.bodies import decoded, read_body
from app.knowledge import known
from app.pages import page
from indexing.language.terminology import SemanticType
from indexing.language.terminology.specialties import SPECIALTIES
from rankers.knowledge import DEEPEST, KnowledgeRequest

router = APIRouter()
LONGEST = 500
NOTHING_ASKED = "Ask for something: a name, or what treats one."

Reader = Annotated[Principal, Depends(may(Permission.SEARCH))]


class KnowledgeBody(msgspec.Struct, forbid_unknown_fields=True):
    """What POST /api/knowledge takes."""

    q: Annotated[str, msgspec.Meta(max_length=LONGEST)]
    k: Annotated[int, msgspec.Meta(ge=1, le=100)] = 20
    specialty: str = ""
    types: list[str] = []
    depth: int = 2


_body = msgspec.json.Decoder(KnowledgeBody)
_encoder = msgspec.json.Encoder(enc_hook=str)


@router.post("/api/knowledge")
def ask(
    request: Request,
    who: Annotated[Principal, Depends(token_may(Permission.SEARCH))],
    body: Annotated[bytes, Depends(read_body)],
) -> Response:
    """Rank concepts with their reasons, and the notes whose text fits."""
    sent = decoded(_body, body, '{"q": "..."}')
    asked = KnowledgeRequest(sent.q, sent.k, sent.specialty, tuple(sent.types), sent.depth)
    answer = known(services(request), who.access, asked).to_json()
    return Response(_encoder.encode(answer), media_type="application/json")


@router.get("/knowledge")
def answered(request: Request, who: Reader, asked: str = "") -> Response:
    """Show the form, and the answer to what was sent."""
    sent = kept(request, who, asked)
    kind, depth = sent.get("type", ""), sent.get("depth", "")
    question = KnowledgeRequest(
        sent.get("q", "")[:LONGEST], 20, sent.get("specialty", ""), (kind,) if kind else (),
        int(depth) if depth.isdecimal() and int(depth) <= DEEPEST else 2,
    )  # fmt: skip
    if not question.q.strip():
        return _page(request, question, None, NOTHING_ASKED if sent else "")
    return _page(request, question, known(services(request), who.access, question))


@router.post("/knowledge")
def sent(request: Request, who: Reader, form: Form) -> Response:
    """Take a question; the page that answers it has an address without its words."""
    return keep(request, who, form, ("q", "specialty", "type", "depth"))


def _page(request: Request, asked: KnowledgeRequest, answer: object, fault: str = "") -> Response:
    return page(
        request, "knowledge.html", status=422 if fault else 200, asked=asked, answer=answer,
        fault=fault, deepest=DEEPEST,
        specialties=sorted(SPECIALTIES), types=[kind.value for kind in SemanticType],
    )  # fmt: skip
