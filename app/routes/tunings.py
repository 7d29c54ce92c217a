"""Tunings in the relevance lab: what was chosen, what it is worth, score over each part."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from app.auth.permissions import Permission
from app.auth.sessions import may, services
from app.pages import page
from app.plots import TALL, WIDTH
from app.tunings import PART_NAMES, kinds_of, parts_of
from eval.archive import LAB
from eval.tunings import Tunings

router = APIRouter(prefix="/lab/tunings", dependencies=[Depends(may(Permission.LAB))])


@router.get("")
def tunings(request: Request) -> Response:
    """List the tunings, newest first."""
    kept = _kept(request)
    return page(
        request, "lab/tunings.html", tunings={name: kept.open(name) for name in kept.names()}
    )


@router.get("/{name}")
def tuning(
    request: Request, name: str, part: Annotated[str, Query(max_length=20)] = ""
) -> Response:
    """Show one: the choice of each kind of question, its figures, and score over a part."""
    found = _kept(request).open(name)
    parts = parts_of(found)
    chosen = part if part in parts else next(iter(parts), "")
    return page(
        request, "lab/tuning.html", own=name, tuning=found, kinds=kinds_of(found, chosen),
        parts=parts, part=chosen, tuned_names=PART_NAMES, width=WIDTH, height=TALL,
    )  # fmt: skip


def _kept(request: Request) -> Tunings:
    return Tunings(services(request).settings.home / LAB)
