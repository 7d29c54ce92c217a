"""Who looked at Mrs X: for the privacy role, and recorded like everything else."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.permissions import Permission
from app.auth.sessions import Form, Principal, may, services, text
from app.pages import page

router = APIRouter()

Officer = Annotated[Principal, Depends(may(Permission.AUDIT))]
PAGE = 100


@router.get("/audit")
def newest(request: Request, who: Officer) -> Response:
    """Show the newest rows."""
    return _shown(request, who, "", "", None)


@router.post("/audit")
def filtered(request: Request, who: Officer, form: Form) -> Response:
    """Show the rows of a patient or of a person."""
    before = text(form, "before")
    return _shown(
        request, who, text(form, "patient").strip(), text(form, "user").strip(),
        int(before) if before.isascii() and before.isdigit() else None,
    )  # fmt: skip


def _shown(
    request: Request, who: Principal, patient: str, user: str, before: int | None
) -> Response:
    own = services(request)
    rows = own.trail.read(who.access, patient_id=patient, user=user, before=before, limit=PAGE + 1)
    of = [patient] if patient else []
    person = own.charts.people(who.access, of, recorded=of).get(patient)
    told = {entity for row in rows for entity in row.entities if entity.startswith("account/")}
    accounts = own.accounts.accounts(who.access.tenant_id) if told else []
    names = {f"account/{each.user_id}": f"account {each.name}" for each in accounts}
    return page(
        request, "audit.html", rows=rows[:PAGE], patient=patient, user=user, person=person,
        names=names, broken=own.trail.broken_at(who.access),
        more=rows[PAGE - 1].seq if rows[PAGE:] else None,
    )  # fmt: skip
