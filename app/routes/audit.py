"""Who looked at Mrs X: for the privacy role, and recorded like everything else."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.asked import keep, kept
from app.auth.permissions import Permission
from app.auth.sessions import Form, Principal, may, services
from app.pages import page

router = APIRouter()

Officer = Annotated[Principal, Depends(may(Permission.AUDIT))]
PAGE = 100


@router.get("/audit")
def rows(request: Request, who: Officer, asked: str = "") -> Response:
    """Show the newest rows, or those of the patient or person that was sent."""
    sent = kept(request, who, asked)
    before = sent.get("before", "")
    return _shown(
        request, who, sent.get("patient", "").strip(), sent.get("user", "").strip(),
        int(before) if before.isascii() and before.isdigit() else None,
    )  # fmt: skip


@router.post("/audit")
def ask(request: Request, who: Officer, form: Form) -> Response:
    """Take a patient or a person; the page that answers has an address without them."""
    return keep(request, who, form, ("patient", "user", "before"))


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
