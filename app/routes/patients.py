"""One patient's chart."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from app.auth.permissions import Permission
from app.auth.sessions import Principal, may, services
from app.charts import MOST_ENTRIES, entries, news, note_href, timeline
from app.pages import page
from app.patient_view import PARTS, gather
from app.services import Services
from app.views import View, view_of
from indexing.errors import NotFound

router = APIRouter()

Reader = Annotated[Principal, Depends(may(Permission.CHART))]


@router.get("/patients/{patient_id}")
def patient(
    request: Request, patient_id: str, who: Reader,
    found: Annotated[str, Query(max_length=40)] = "",
) -> Response:  # fmt: skip
    """Show the whole patient; one who was merged into another leads there. `found` is the frozen
    page of results that led here: its notes are marked on the timeline."""
    own = services(request)
    view = view_of(own, who.access)
    seen = gather(own, who.access, view.patient_id(patient_id), visit=True)
    if seen.patient_id != patient_id:
        path = request.url_for("patient", patient_id=seen.patient_id).path
        return RedirectResponse(f"{path}?found={quote(found)}" if found else path, 303)
    chart = seen.chart
    hits = _hits(own, who, view, found)
    return page(
        request, "patient.html", seen=seen, chart=chart, parts=PARTS,
        news=news(chart) if chart else [], timeline=timeline(chart, who.zone) if chart else [],
        switches=own.outlook(who.access).store.switches(who.access), hits=hits, found=found,
        clipped=chart is not None and entries(chart) > MOST_ENTRIES,
    )  # fmt: skip


def _hits(own: Services, who: Principal, view: View, page_id: str) -> frozenset[str]:
    """Return where the notes of a page of results stand, as the timeline links to them; nothing
    once the page is gone."""
    if not page_id:
        return frozenset()
    try:
        return frozenset(
            note_href(view.shown_note(d)) for d in own.frozen.found(who.access, page_id)
        )
    except NotFound:
        return frozenset()
