"""One patient's chart."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import RedirectResponse, Response

from app.auth.permissions import Permission
from app.auth.sessions import Principal, may, services
from app.charts import MOST_ENTRIES, news, timeline
from app.pages import page
from app.views import view_of

router = APIRouter()

Reader = Annotated[Principal, Depends(may(Permission.CHART))]


@router.get("/patients/{patient_id}")
def patient(request: Request, patient_id: str, who: Reader) -> Response:
    """Show a chart; a patient who was merged into another leads there."""
    own = services(request)
    view = view_of(own, who.access)
    real = view.patient_id(patient_id)
    survivor = own.charts.survivor(who.access, real)
    if survivor != real:
        there = request.url_for("patient", patient_id=view.shown_patient(survivor)).path
        return RedirectResponse(there, 303)
    chart = view.chart(own.charts.chart(who.access, real, visit=True))
    totals = chart.totals
    shown = totals["notes"] + totals["encounters"] + totals["procedures"]
    return page(
        request, "patient.html", chart=chart, news=news(chart),
        timeline=timeline(chart, who.zone), clipped=shown > MOST_ENTRIES,
    )  # fmt: skip
