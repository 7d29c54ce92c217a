"""Move one leg of a tenant to another engine: fill it beside the live one, verify, switch, go back.

Searches keep answering from the place that serves. From the moment that the new place is recorded
the followers write to it as well, so what is left at the end is little. A move that was broken off
goes on where it stopped: what the new place holds already is compared, not written again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final
from uuid import uuid4

from indexing.errors import Conflict, IntegrityFault, InvalidInput
from indexing.follow import Follower, refused
from indexing.model import ChangeEvent, Position, TenantId
from indexing.places import Leg, Place, Places, Stage
from indexing.reconcile import compare, digest
from indexing.routed import Routed

EMBEDDED: Final = frozenset({"memory", "tantivy", "postgres"})  # know a tenant by its own id
ROUNDS: Final = 5  # without the followers' locks; the rest is done while they pause

Tell = Callable[[int, int], None]  # documents written, documents to write


@dataclass(frozen=True, slots=True)
class Moved:
    """A leg that another engine serves now, and what was verified before it did."""

    leg: Leg
    before: str
    engine: str
    documents: int
    digest: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Mover:
    """Moves one leg. `expected(tenant)` is {doc_id: version} of what can be indexed now, `pausing`
    holds the followers' locks."""

    leg: Leg
    index: Routed[Any]
    follower: Follower
    places: Places
    expected: Callable[[TenantId], Mapping[str, int]]
    pausing: Callable[[], AbstractContextManager[None]]

    def move(self, tenant_id: TenantId, engine: str, tell: Tell) -> Moved:
        """Let `engine` serve this leg.

        Raises:
            InvalidInput: it serves already.
            EngineUnavailable: it does not answer; the same call goes on where this one stopped.
            IntegrityFault: it does not hold what it was given; nothing was switched.
        """
        serving, *others = self.index.places(tenant_id)
        staged = {place.stage: place for place in others}
        if serving.engine == engine and engine in EMBEDDED:
            raise InvalidInput(
                f"{engine} serves the {self.leg} leg already",
                hint="without --to, `anamnesis index rebuild` builds it anew in place",
            )
        previous = staged.get(Stage.PREVIOUS)
        if previous is not None and previous.engine == engine != serving.engine:
            return self.back(tenant_id, tell)
        building = staged.get(Stage.BUILDING)
        if building is not None and building.engine != engine:
            self.empty(tenant_id, building)
            building = None
        if building is None:
            space = tenant_id if engine in EMBEDDED else TenantId(uuid4())
            building = Place(Stage.BUILDING, engine, space)
            self.index.at(building)[0].drop(space)  # what an earlier life of it left there
            with self.pausing():
                self.places.begin(tenant_id, self.leg, building)
        return self._switched(tenant_id, serving, building, tell)

    def back(self, tenant_id: TenantId, tell: Tell) -> Moved:
        """Let the engine serve again that served before the last move. Raises: as `move`."""
        serving, *others = self.index.places(tenant_id)
        previous = next((place for place in others if place.stage is Stage.PREVIOUS), None)
        if previous is None:
            raise Conflict(
                f"the {self.leg} leg was not moved, or its previous engine was emptied",
                hint="name the engine with --to",
            )
        return self._switched(tenant_id, serving, previous, tell)

    def empty(self, tenant_id: TenantId, place: Place) -> None:
        """Remove what a place that does not serve holds, and the place.

        Raises:
            EngineUnavailable: it does not answer, so that it may still hold patients' data.
        """
        engine, space = self.index.at(place)
        engine.drop(space)
        self.places.forget(tenant_id, self.leg, place.stage)

    def refill(self, tenant_id: TenantId, place: Place) -> None:
        """Fill a place anew, so that its engine keeps nothing of what was deleted: beside what
        serves where the engine can, else in its place. The caller holds the followers' locks."""
        expected = self.expected(tenant_id)
        with self.index.only(tenant_id, place):
            engine, space = self.index.at(place)
            make = getattr(engine, "fresh", None)
            if make is None:
                engine.drop(space)
            with make(space) if make is not None else nullcontext():
                events = [self._event(tenant_id, key, at) for key, at in expected.items()]
                self._apply(tenant_id, events, _silent)

    def reconcile(self, tenant_id: TenantId) -> dict[str, bool]:
        """Bring the places that do not serve up to date; return whether each is, by its name. The
        caller holds the followers' locks."""
        found = {}
        for place in self.index.places(tenant_id)[1:]:
            self._fill(tenant_id, place, _silent)
            found[f"{self.leg}, {place.stage}: {place.engine}"] = self._equal(tenant_id, place)
        return found

    def lacking(self, tenant_id: TenantId, place: Place) -> int:
        """Count what a place lacks, holds too old or should not hold; all, where it missed writes.

        Raises: EngineUnavailable.
        """
        expected = self.expected(tenant_id)
        if place.behind:
            return len(expected)
        engine, space = self.index.at(place)
        found = compare(self.leg, expected, engine.entries(space))
        return len(found.missing) + len(found.stale) + len(found.extra)

    def _switched(self, tenant_id: TenantId, serving: Place, to: Place, tell: Tell) -> Moved:
        began = time.monotonic()
        for _ in range(ROUNDS):
            if self._fill(tenant_id, to, tell) <= self.follower.batch:
                break
        with self.pausing():
            self._fill(tenant_id, self._again(tenant_id, to), tell)
            if not self._equal(tenant_id, to):
                raise IntegrityFault(
                    f"{to.engine} does not hold what it was given: nothing was switched",
                    hint="run the same command again; if it fails again, look at that server",
                )
            old = [p for p in self.index.places(tenant_id)[1:] if p.stage is Stage.PREVIOUS]
            for place in old:
                if place.stage is not to.stage:
                    self.empty(tenant_id, place)
            self.places.switch(tenant_id, self.leg, serving, to.stage)
        held = self.expected(tenant_id)
        return Moved(
            self.leg, serving.engine, to.engine, len(held), digest(held),
            round(time.monotonic() - began, 2),
        )  # fmt: skip

    def _again(self, tenant_id: TenantId, place: Place) -> Place:
        """Return the place as it is recorded now: a follower may have marked it meanwhile."""
        return next(p for p in self.index.places(tenant_id) if p.stage is place.stage)

    def _fill(self, tenant_id: TenantId, place: Place, tell: Tell) -> int:
        """Write what a place lacks, holds too old or should not hold; return how many that were.

        One that missed writes is written to in full: a note that was annotated anew has the same
        version as before.
        """
        expected = self.expected(tenant_id)
        if place.behind:
            self.places.mark(tenant_id, self.leg, place.stage, behind=False)
        with self.index.only(tenant_id, place):
            held = self.index.entries(tenant_id)
            found = compare(self.leg, expected, held)
            wanted = tuple(expected) if place.behind else found.missing + found.stale
            events = [self._event(tenant_id, key, expected[key]) for key in wanted]
            events += [self._event(tenant_id, key, held[key], gone=True) for key in found.extra]
            self._apply(tenant_id, events, tell)
        return len(events)

    def _apply(self, tenant_id: TenantId, events: Sequence[ChangeEvent], tell: Tell) -> None:
        tell(0, len(events))
        for at in range(0, len(events), self.follower.batch):
            part = events[at : at + self.follower.batch]
            # What the engine cannot hold is missing when both are compared.
            refused(self.follower, tenant_id, part)
            tell(at + len(part), len(events))

    def _equal(self, tenant_id: TenantId, place: Place) -> bool:
        """Say whether a place holds exactly what it should, by its own count and hash."""
        expected = self.expected(tenant_id)
        with self.index.only(tenant_id, place):
            state = self.index.state(tenant_id)
        return (state.count, state.digest) == (len(expected), digest(expected))

    def _event(
        self, tenant_id: TenantId, key: str, version: int, *, gone: bool = False
    ) -> ChangeEvent:
        return ChangeEvent(Position(0, 0), tenant_id, self.follower.kind, key, version, gone)


def _silent(_done: int, _all: int) -> None:
    """Tell nobody."""
