"""How far the indexes are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response

from app.auth.permissions import Permission
from app.auth.sessions import Principal, may, services
from app.index_status import Shown
from app.pages import page
from indexing.access import LABELS

router = APIRouter()

Viewer = Annotated[Principal, Depends(may(Permission.STATUS))]

# What the stores, and the followers that fill none of them, are called on the page.
NAMES = {
    "language": "Language", "lexical": "Words", "graph": "Concepts",
    "features": "Findings in notes", "records": "Findings in records", "embedding": "Embeddings",
    "vector": "Meaning", "research": "Studies", "patients": "Patients' records by meaning",
    "concepts": "Names of concepts", "own concepts": "Your own names of concepts",
    "medical": "Medical graph", "vitals": "Series", "outcomes": "What came of predictions",
    "medical-notes": "Medical graph, from notes",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One store, or a follower that fills none; what is None is not told."""

    name: str
    holds: int | None
    expected: int | None
    pending: int | None
    parked: int
    state: str


@router.get("/status")
def status(request: Request, who: Viewer) -> Response:
    """Show what each index holds, what waits, what was set aside, and where each leg lies."""
    own = services(request)
    total = own.documents.total(who.access)
    # All are compared, however few of them this account may read.
    every = own.documents.total(replace(who.access, patients=None, labels=LABELS))
    told = own.index_status(who.access, every)
    return page(
        request, "status.html", told=told, rows=list(_rows(told, own.trail.parked(who.access))),
        total=total,
    )  # fmt: skip


def _rows(told: Shown, parked: Mapping[str, int]) -> Iterator[Row]:
    filling = set()
    for name, row in told["indexes"].items():
        follower = row.get("follower", name)
        filling.add(follower)
        yield Row(
            NAMES.get(name, name), row["count"], row["expected"], row["pending"],
            parked.get(follower, 0), _state(row),
        )  # fmt: skip
    for name, pending in told["followers"].items():
        if name not in filling:
            state = "waiting" if pending else "current"
            yield Row(NAMES.get(name, name), None, None, pending, parked.get(name, 0), state)


def _state(row: Shown) -> str:
    if row.get("outdated"):
        return "of another version: anamnesis doctor says more"
    if "error" in row:
        return f"does not answer ({row['error']})"
    if row["pending"]:
        return "waiting"
    if row["count"] is None:
        return "being compared"
    return "current" if row["equal"] else "differs"
