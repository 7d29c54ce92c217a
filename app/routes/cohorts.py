"""Cohorts: listed, defined, run, reviewed, compared, exported."""

from __future__ import annotations

from typing import Annotated

import msgspec
from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import RedirectResponse, Response

from app.asked import kept, lead
from app.auth.permissions import Permission
from app.auth.sessions import Form, Principal, may, services, text, token_may
from app.bodies import decoded, read_body
from app.cohort_export import MEDIA, PROFILES, PURPOSES, exported
from app.cohort_leaving import leaving
from app.cohort_listing import listed
from app.cohorts import PAGE, CohortDesk
from app.pages import page
from app.routes.api import json_answer
from indexing.errors import Conflict, InvalidInput

router = APIRouter()

Reader = Annotated[Principal, Depends(may(Permission.CHART))]
Caller = Annotated[Principal, Depends(token_may(Permission.CHART))]
Start = Annotated[int, Query(ge=0)]
MOST_ROWS = 1_000


class CohortBody(msgspec.Struct, forbid_unknown_fields=True):
    """What POST /api/cohorts takes: a saved cohort's name, or a definition."""

    name: str = ""
    definition: str = ""
    start: Annotated[int, msgspec.Meta(ge=0)] = 0
    rows: Annotated[int, msgspec.Meta(ge=0, le=MOST_ROWS)] = PAGE


_body = msgspec.json.Decoder(CohortBody)


def _desk(request: Request, who: Principal) -> CohortDesk:
    return CohortDesk(services(request), who.access)


@router.get("/cohorts")
def saved(request: Request, who: Reader, asked: str = "") -> Response:
    """List the saved cohorts, with the form for another, or as it was sent with what is wrong."""
    sent = kept(request, who, asked)
    cohorts = listed(_desk(request, who))
    return page(
        request, "cohorts/list.html", status=int(sent.get("status", "200")), cohorts=cohorts,
        name=sent.get("name", ""), definition=sent.get("definition", ""),
        error=sent.get("error", ""), hint=sent.get("hint", ""),
    )  # fmt: skip


@router.post("/cohorts")
def save(request: Request, who: Reader, form: Form) -> Response:
    """Save a cohort and run it; what cannot be read is led to a page that shows it with its place,
    and has an address of its own."""
    desk = _desk(request, who)
    name, definition = text(form, "name"), text(form, "definition").replace("\r\n", "\n")
    try:
        head = desk.save(name, definition)
    except (InvalidInput, Conflict) as exc:  # what was typed comes back with what is wrong with it
        status = "422" if isinstance(exc, InvalidInput) else "409"
        sent = {"name": name, "definition": definition, "error": str(exc), "hint": exc.hint}
        return lead(request, who, "/cohorts", {**sent, "status": status})
    desk.run(head)
    return RedirectResponse(f"/cohorts/{head.cohort_id}", 303)


@router.get("/cohorts/{cohort_id}")
def shown(request: Request, who: Reader, cohort_id: str, start: Start = 0) -> Response:
    """Show a cohort: attrition, evidence, runs."""
    desk = _desk(request, who)
    head = desk.own.cohort_store.head(who.access, cohort_id)
    table = desk.table(desk.evaluate(head.definition), head, start)
    runs = desk.own.cohort_store.runs(who.access, head.cohort_id)
    moved = desk.diff(head) if len(runs) > 1 else None
    return page(
        request, "cohorts/cohort.html", head=head, table=table, runs=runs, moved=moved, size=PAGE,
        purposes=PURPOSES, formats=tuple(MEDIA), profiles=PROFILES,
    )  # fmt: skip


@router.post("/cohorts/{cohort_id}/run")
def run(request: Request, who: Reader, cohort_id: str, form: Form) -> Response:
    """Run a cohort again and keep what it finds."""
    del form  # it carried the token
    desk = _desk(request, who)
    desk.run(desk.own.cohort_store.head(who.access, cohort_id))
    return RedirectResponse(f"/cohorts/{cohort_id}", 303)


@router.post("/cohorts/{cohort_id}/review")
def review(request: Request, who: Reader, cohort_id: str, form: Form) -> Response:
    """Keep one's word on a cell; the page comes back where it was."""
    desk = _desk(request, who)
    head = desk.own.cohort_store.head(who.access, cohort_id)
    patient, criterion = text(form, "patient"), text(form, "criterion")
    verdict, mark = text(form, "verdict"), text(form, "judged")
    desk.review(head, patient, criterion, "" if verdict == "none" else verdict, mark)
    start = text(form, "start")
    if "hx-request" in request.headers:
        votes = desk.votes(head, patient, criterion, mark)
        said = "" if verdict == "none" else verdict
        return page(request, "cohorts/_verdict.html", head=head, patient=patient, said=said,
                    criterion=criterion, start=start, all=votes, mark=mark)  # fmt: skip
    place = f"?start={start}" if start.isdecimal() and start != "0" else ""
    return RedirectResponse(f"/cohorts/{head.cohort_id}{place}#evidence", 303)


@router.post("/cohorts/{cohort_id}/export")
def export(request: Request, who: Reader, cohort_id: str, form: Form) -> Response:
    """Send a cohort as a file."""
    desk = _desk(request, who)
    head = desk.own.cohort_store.head(who.access, cohort_id)
    shape = text(form, "format")
    data = exported(desk, head, shape, text(form, "purpose"), text(form, "profile"))
    ending = {"csv": "csv", "ndjson": "ndjson"}.get(shape, "json")
    name = f"attachment; filename=cohort-{head.cohort_id[:8]}.{ending}"
    return Response(data, media_type=MEDIA[shape], headers={"Content-Disposition": name})


@router.post("/api/cohorts")
def api_run(request: Request, who: Caller, body: Annotated[bytes, Depends(read_body)]) -> Response:
    """Run a definition, or a saved cohort, and return its counts and a slice of its evidence."""
    sent = decoded(_body, body, '{"definition": "condition asthma"}')
    if bool(sent.name) == bool(sent.definition):
        raise InvalidInput("send the name of a saved cohort, or a definition")
    desk = _desk(request, who)
    head = desk.own.cohort_store.head(who.access, sent.name) if sent.name else None
    found = desk.run(head)[0] if head else desk.evaluate(sent.definition)
    return json_answer(leaving(desk, found, head, sent.start, sent.rows))


@router.get("/api/cohorts/{cohort_id}/diff")
def api_diff(
    request: Request, who: Caller, cohort_id: str,
    base: Annotated[str, Query(max_length=40)] = "",
    run: Annotated[str, Query(max_length=40)] = "",
) -> Response:  # fmt: skip
    """Say who came and left between two kept runs, and why."""
    desk = _desk(request, who)
    head = desk.own.cohort_store.head(who.access, cohort_id)
    return json_answer(desk.diff(head, base, run).to_json())
