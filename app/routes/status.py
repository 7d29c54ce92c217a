"""How far the indexes are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.permissions import Permission
from app.auth.sessions import Principal, may, services
from app.pages import page
from app.services import Services
from indexing.errors import AnamnesisError

router = APIRouter()

Viewer = Annotated[Principal, Depends(may(Permission.STATUS))]

# What each follower fills, in the order in which they feed each other.
_NAMES = {
    "language": "Language",
    "lexical": "Words",
    "graph": "Concepts",
    "embed": "Embeddings",
    "vector": "Meaning",
}


@dataclass(frozen=True, slots=True)
class Row:
    """One store; `holds` None when it does not answer."""

    name: str
    holds: int | None
    pending: int
    parked: int
    state: str


@router.get("/status")
def status(request: Request, who: Viewer) -> Response:
    """Show what each index holds, what waits, and what was set aside."""
    own = services(request)
    freshness = own.documents.freshness(who.access)
    parked = own.trail.parked(who.access)
    names = [*_NAMES, *(name for name in freshness.pending if name not in _NAMES)]
    rows = [
        _row(own, who, name, freshness.pending.get(name, 0), parked.get(name, 0)) for name in names
    ]
    return page(
        request, "status.html", freshness=freshness, rows=rows,
        total=own.documents.total(who.access),
    )  # fmt: skip


def _row(own: Services, who: Principal, name: str, pending: int, parked: int) -> Row:
    try:
        holds: int | None = own.held(name, who.access.tenant_id)
        state = "waiting" if pending else "current"
    except AnamnesisError as exc:
        holds, state = None, f"does not answer ({type(exc).__name__})"
    return Row(_NAMES.get(name, name), holds, pending, parked, state)
