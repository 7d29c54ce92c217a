"""Hits called wrong: filed from a page of results, listed for those who tune the ranking."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from app.auth.permissions import Permission
from app.auth.sessions import Form, Principal, may, services, text
from app.judging import place_of
from app.pages import page
from app.questions import question_of
from app.views import view_of
from indexing.candidates import Wrong
from indexing.errors import InvalidInput

router = APIRouter()

MOST_HIDDEN = 40  # listed in the de-identified view: each question's words are looked up there

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
    return RedirectResponse(f"/search/{page_id}{place_of(form).tail}", 303)


@router.get("/lab/candidates")
def listed(request: Request, who: Tuner) -> Response:
    """List what readers called wrong, with what they had asked."""
    own = services(request)
    view, found = view_of(own, who.access), own.candidates.listed(who.access)
    if who.access.deidentified:
        found = [
            replace(
                each, doc_id=view.shown_note(each.doc_id), title="", date=None, filed_by="",
                question={"q": view.question(question_of(each.question).as_text())},
            )
            for each in found[:MOST_HIDDEN]
        ]  # fmt: skip
    else:
        found = [replace(c, question={"q": question_of(c.question).as_text()}) for c in found]
    books = [head.name for head in own.books.heads(who.access)]
    return page(request, "candidates.html", candidates=found, books=books)
