"""Hits called wrong: filed from a page of results, listed for those who tune the ranking."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from app.auth.permissions import Permission
from app.auth.sessions import Form, Principal, may, services, text
from app.pages import page
from app.views import view_of
from indexing.candidates import Wrong
from indexing.errors import Forbidden, InvalidInput

router = APIRouter()

Searcher = Annotated[Principal, Depends(may(Permission.SEARCH))]
Tuner = Annotated[Principal, Depends(may(Permission.LAB))]


@router.post("/search/{page_id}/wrong")
def wrong(request: Request, who: Searcher, page_id: str, form: Form) -> Response:
    """File a hit of a page as wrong, or take that back; `wrong` is "what=note", "=note" to undo."""
    own = services(request)
    name, _, shown = text(form, "wrong").partition("=")
    if name and name not in set(Wrong):
        raise InvalidInput("no such fault of a hit", hint=f"there are {', '.join(Wrong)}")
    doc_id = view_of(own, who.access).note_id(shown)
    own.candidates.file(who.access, page_id, doc_id, Wrong(name) if name else None)
    start = text(form, "start")
    parts = [f"start={int(start)}"] if start.isascii() and start.isdigit() and int(start) else []
    parts += ["group=patient"] if text(form, "group") == "patient" else []
    tail = f"?{'&'.join(parts)}" if parts else ""
    return RedirectResponse(f"/search/{page_id}{tail}", 303)


@router.get("/lab/candidates")
def listed(request: Request, who: Tuner) -> Response:
    """List what readers called wrong, with what they had asked."""
    if who.access.deidentified:
        raise Forbidden("questions are shown as they were asked: not in the de-identified view")
    found = services(request).candidates.listed(who.access)
    return page(request, "candidates.html", candidates=found)
