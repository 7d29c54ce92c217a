"""One note: its text with what was asked for marked, and a citation for every hit."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.answers import request_of
from app.auth.permissions import Permission
from app.auth.sessions import Principal, may, services
from app.notes import Found, view_of
from app.pages import page
from app.questions import question_of
from app.services import Services
from app.views import view_of as seen_by
from indexing.errors import InvalidQuery, NotFound
from indexing.ports import Derived
from rankers.answer import hit_of

router = APIRouter()

Reader = Annotated[Principal, Depends(may(Permission.NOTE))]


@router.get("/notes/{doc_id:path}")
def note(request: Request, doc_id: str, who: Reader, found: str = "") -> Response:
    """Show a note; `found` is the frozen page of results that led here."""
    own = services(request)
    view = seen_by(own, who.access)
    real = own.charts.note(who.access, view.note_id(doc_id))
    derived = view.note(real)
    patient_id = derived.document.patient_id
    of = [patient_id] if patient_id else []
    person = view.people(of, recorded=of).get(patient_id or "")
    marks = _found(own, who, found, real.document.doc_id, derived)
    shown = view_of(derived, marks, who.zone, str(request.base_url))
    return page(request, "note.html", note=shown, person=person, found=found)


def _found(
    own: Services, who: Principal, page_id: str, doc_id: str, derived: Derived
) -> list[Found]:
    """Return what the question of that page finds in the note as it is shown; nothing once the
    page is gone."""
    if not page_id:
        return []
    try:
        frozen, hit = own.frozen.hit(who.access, page_id, doc_id)
        passage = hit_of(hit).passage if hit else None
        found = own.search().marks(request_of(question_of(frozen.question)), derived, passage)
    except (NotFound, InvalidQuery):
        return []
    return [Found(m.start, m.end, m.kind) for m in found]
