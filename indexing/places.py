"""Where each leg of a tenant lives: which engine answers, which one is being filled beside it, and
which one answered before. Recorded in the database, so that every process follows a move.

An engine knows a tenant by the id of a *space*: the tenant's own id to begin with, a fresh one that
nobody can guess in an engine that a leg is moved to. Names are never used again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Protocol

from indexing.model import TenantId

Leg = Literal["lexical", "vector", "graph"]
LEGS: tuple[Leg, ...] = ("lexical", "vector", "graph")


class Stage(StrEnum):
    """What a place is to its leg."""

    SERVING = "serving"  # answers, and is written to first
    BUILDING = "building"  # being filled; written to as well
    PREVIOUS = "previous"  # answered before the last move; written to as well, so one can go back


@dataclass(frozen=True, slots=True)
class Place:
    """An engine and the space in it. `behind`: a write did not reach it, so that it must be filled
    again before it may serve."""

    stage: Stage
    engine: str
    space: TenantId
    behind: bool = False


class Places(Protocol):
    """The record of places. A leg without one is served by the engine of the settings, under the
    tenant's own id."""

    def of(self, tenant_id: TenantId, leg: Leg) -> Sequence[Place]:
        """Return the recorded places of a leg, at most one in each stage."""
        ...

    def begin(self, tenant_id: TenantId, leg: Leg, place: Place) -> None:
        """Record a place that is being filled. The caller holds the followers' locks."""
        ...

    def mark(self, tenant_id: TenantId, leg: Leg, stage: Stage, *, behind: bool) -> None:
        """Say whether a place misses writes."""
        ...

    def switch(self, tenant_id: TenantId, leg: Leg, serving: Place, to: Stage) -> None:
        """Let the place of stage `to` serve from now on, and `serving` be the previous one, in one
        transaction. The caller holds the followers' locks and has verified what it switches to."""
        ...

    def forget(self, tenant_id: TenantId, leg: Leg, stage: Stage) -> None:
        """Take a place off the record; the caller has emptied it."""
        ...


def serving(places: Sequence[Place], engine: str, tenant_id: TenantId) -> Place:
    """Return the place that answers: the recorded one, else the one of the settings."""
    found = (place for place in places if place.stage is Stage.SERVING)
    return next(found, Place(Stage.SERVING, engine, tenant_id))
