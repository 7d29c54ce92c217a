"""One patient's chart."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from app.auth.permissions import Permission
from app.auth.sessions import Principal, may, services
from app.charts import MOST_ENTRIES, entries, news, timeline
from app.pages import page
from app.patient_view import PARTS, gather
from app.views import view_of

router = APIRouter()

Reader = Annotated[Principal, Depends(may(Permission.CHART))]


@router.get("/patients/{patient_id}")
def patient(request: Request, patient_id: str, who: Reader) -> Response:
    """Show the whole patient; one who was merged into another leads there."""
    own = services(request)
    real = view_of(own, who.access).patient_id(patient_id)
    seen = gather(own, who.access, real, visit=True)
    if seen.patient_id != patient_id:
        return RedirectResponse(request.url_for("patient", patient_id=seen.patient_id).path, 303)
    chart = seen.chart
    return page(
        request, "patient.html", seen=seen, chart=chart, parts=PARTS,
        news=news(chart) if chart else [], timeline=timeline(chart, who.zone) if chart else [],
        switches=own.outlook(who.access).store.switches(who.access),
        clipped=chart is not None and entries(chart) > MOST_ENTRIES,
    )  # fmt: skip
