"""The three index ports by tenant: each call goes to the engine and the space that the record of
places names, so that a move needs no restart.

A read looks the record up once a second at most: for a moment after a switch it may still ask the
engine that served before, which is kept in step. A write looks every time. It goes to the place
that serves, then to the others: one of those that fails is marked as behind, and delays nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from typing import Any, Generic, TypeVar

from indexing.access import Access
from indexing.clauses import Clause
from indexing.errors import AnamnesisError, ConfigurationError, EngineUnavailable
from indexing.filters import Filters
from indexing.model import Assertion, IndexState, TenantId, Tombstone
from indexing.places import Leg, Place, Places, Stage, serving
from indexing.ports import (
    AssertionMode,
    FacetCount,
    GraphEntry,
    GraphIndex,
    LexicalEntry,
    LexicalIndex,
    PassageVectors,
    Ranking,
    VectorEntry,
    VectorIndex,
    Vectors,
)

KNOWN_S = 1.0

I = TypeVar("I", LexicalIndex, VectorIndex, GraphIndex)  # noqa: E741 - an index
E = TypeVar("E", LexicalEntry, VectorEntry, GraphEntry)


class Routed(Generic[I]):
    """What the ports have in common. `engines` makes an engine of that name, or returns it."""

    def __init__(self, leg: Leg, engine: str, places: Places, engines: Callable[[Any], I]) -> None:
        self._leg: Leg = leg
        self._engine = engine
        self._places: Places = places
        self._engines: Callable[[Any], I] = engines
        self._known: dict[TenantId, tuple[float, Place]] = {}
        self._only: dict[TenantId, Place] = {}

    def places(self, tenant_id: TenantId) -> list[Place]:
        """Return every place of this leg, the one that serves first."""
        recorded: Sequence[Place] = self._places.of(tenant_id, self._leg)
        first = serving(recorded, self._engine, tenant_id)
        return [first, *(place for place in recorded if place.stage is not Stage.SERVING)]

    def at(self, place: Place) -> tuple[I, TenantId]:
        """Return the engine of a place and the id under which it knows the tenant.

        Raises:
            EngineUnavailable: this process is not set up for that engine; another one is.
        """
        try:
            return self._engines(place.engine), place.space
        except ConfigurationError as exc:
            raise EngineUnavailable(
                f"{place.engine} serves the {self._leg} leg and cannot be used from here",
                hint=exc.hint,
            ) from exc

    def let_go(self, tenant_id: TenantId) -> None:
        """Keep nothing of a tenant in this process, where its engine kept any."""
        own = Place(Stage.SERVING, self._engine, tenant_id)
        _, known = self._known.pop(tenant_id, (0.0, own))
        for place in {own, known}:
            with suppress(EngineUnavailable):
                index, space = self.at(place)
                if (let_go := getattr(index, "let_go", None)) is not None:
                    let_go(space)

    @contextmanager
    def only(self, tenant_id: TenantId, place: Place) -> Iterator[None]:
        """Send this tenant's reads and writes to one place while the block runs."""
        self._only[tenant_id] = place
        try:
            yield
        finally:
            del self._only[tenant_id]

    @contextmanager
    def fresh(self, tenant_id: TenantId) -> Iterator[None]:
        """Fill what serves anew: in a namespace of its own where the engine has them."""
        place = self.places(tenant_id)[0]
        engine, space = self.at(place)
        make = getattr(engine, "fresh", None)
        with self.only(tenant_id, place), make(space) if make is not None else nullcontext():
            yield

    def _reading(self, tenant_id: TenantId) -> tuple[I, TenantId]:
        if (only := self._only.get(tenant_id)) is not None:
            return self.at(only)
        now = time.monotonic()
        known = self._known.get(tenant_id)
        if known is None or now - known[0] > KNOWN_S:
            known = self._known[tenant_id] = (now, self.places(tenant_id)[0])
        return self.at(known[1])

    def _asked(self, access: Access) -> tuple[I, Access]:
        index, space = self._reading(access.tenant_id)
        return index, access if space == access.tenant_id else replace(access, tenant_id=space)

    def _write(self, tenant_id: TenantId, write: Callable[[I, TenantId], None]) -> None:
        if (only := self._only.get(tenant_id)) is not None:
            write(*self.at(only))
            return
        first, *others = self.places(tenant_id)
        write(*self.at(first))
        for place in others:
            try:
                write(*self.at(place))
            except AnamnesisError:
                self._places.mark(tenant_id, self._leg, place.stage, behind=True)

    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None:
        """Delete in every place."""
        self._write(tenant_id, lambda index, space: index.delete(space, tombstones))

    def state(self, tenant_id: TenantId) -> IndexState:
        """Say what the place that serves holds."""
        index, space = self._reading(tenant_id)
        return index.state(space)

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {doc_id: version} of what the place that serves holds."""
        index, space = self._reading(tenant_id)
        return index.entries(space)

    def drop(self, tenant_id: TenantId) -> None:
        """Forget a tenant in every place. Raises: EngineUnavailable, when one does not answer."""
        for place in [self._only[tenant_id]] if tenant_id in self._only else self.places(tenant_id):
            index, space = self.at(place)
            index.drop(space)


def _owned(entries: Sequence[E], space: TenantId) -> Sequence[E]:
    """Return the entries as the space's own."""
    if all(entry.document.tenant_id == space for entry in entries):
        return entries
    return [replace(entry, document=replace(entry.document, tenant_id=space)) for entry in entries]


class RoutedLexicalIndex(Routed[LexicalIndex]):
    """Full text, wherever it is."""

    def upsert(self, tenant_id: TenantId, entries: Sequence[LexicalEntry]) -> None:
        """Write in every place."""
        self._write(tenant_id, lambda index, space: index.upsert(space, _owned(entries, space)))

    def search(
        self, access: Access, clause: Clause, filters: Filters, k: int, assertion: AssertionMode
    ) -> Ranking:
        """Rank the documents that satisfy `clause`."""
        index, asked = self._asked(access)
        return index.search(asked, clause, filters, k, assertion)

    def matching(
        self,
        access: Access,
        clause: Clause,
        filters: Filters,
        assertion: AssertionMode,
        doc_ids: Iterable[str],
    ) -> frozenset[str]:
        """Return those of `doc_ids` that satisfy `clause` and `filters`."""
        index, asked = self._asked(access)
        return index.matching(asked, clause, filters, assertion, doc_ids)

    def scores(
        self,
        access: Access,
        clause: Clause,
        filters: Filters,
        assertion: AssertionMode,
        doc_ids: Iterable[str],
    ) -> Mapping[str, float]:
        """Return what those of `doc_ids` that satisfy `clause` and `filters` score."""
        index, asked = self._asked(access)
        return index.scores(asked, clause, filters, assertion, doc_ids)

    def facets(
        self, access: Access, clause: Clause, filters: Filters, assertion: AssertionMode, size: int
    ) -> Mapping[str, tuple[FacetCount, ...]]:
        """Count the matches by each facet."""
        index, asked = self._asked(access)
        return index.facets(asked, clause, filters, assertion, size)

    def counts(
        self, access: Access, clauses: Sequence[Clause | None], filters: Filters
    ) -> tuple[int, ...]:
        """Count the visible documents of each clause."""
        index, asked = self._asked(access)
        return index.counts(asked, clauses, filters)

    def outdated(self, tenant_id: TenantId) -> bool:
        """Say whether what serves was laid out by another version of ours, which this one cannot
        read; a server's names tell its layouts apart."""
        index, space = self._reading(tenant_id)
        asked = getattr(index, "outdated", None)
        return asked is not None and bool(asked(space))


class RoutedVectorIndex(Routed[VectorIndex]):
    """Nearest passages, wherever they are."""

    def upsert(self, tenant_id: TenantId, entries: Sequence[VectorEntry]) -> None:
        """Write in every place."""
        self._write(tenant_id, lambda index, space: index.upsert(space, _owned(entries, space)))

    def search(self, access: Access, vector: Vectors, filters: Filters, k: int) -> Ranking:
        """Rank documents by their best passage."""
        index, asked = self._asked(access)
        return index.search(asked, vector, filters, k)

    def outdated(self, tenant_id: TenantId) -> bool:
        """Say whether what serves was filled by another model than asks; a server's spaces are
        named by theirs."""
        index, space = self._reading(tenant_id)
        asked = getattr(index, "outdated", None)
        return asked is not None and bool(asked(space))

    def passages(self, access: Access, doc_ids: Sequence[str]) -> Mapping[str, Vectors]:
        """Return the vectors of documents; none from an engine that does not give them back."""
        index, asked = self._asked(access)
        return index.passages(asked, doc_ids) if isinstance(index, PassageVectors) else {}


class RoutedGraphIndex(Routed[GraphIndex]):
    """Which notes mention which concepts, wherever that is kept."""

    def upsert(self, tenant_id: TenantId, entries: Sequence[GraphEntry]) -> None:
        """Write in every place."""
        self._write(tenant_id, lambda index, space: index.upsert(space, _owned(entries, space)))

    def search(
        self,
        access: Access,
        weights: Mapping[str, float],
        filters: Filters,
        k: int,
        assertion: AssertionMode,
    ) -> Ranking:
        """Rank documents by the weighted concepts they mention."""
        index, asked = self._asked(access)
        return index.search(asked, weights, filters, k, assertion)

    def assertions(
        self, access: Access, concept_ids: Iterable[str], filters: Filters
    ) -> Mapping[str, int]:
        """Count visible documents by the best status that any of the concepts has in them."""
        index, asked = self._asked(access)
        return index.assertions(asked, concept_ids, filters)

    def standings(
        self, access: Access, doc_ids: Sequence[str], concept_ids: Sequence[str]
    ) -> Mapping[str, Mapping[str, Assertion]]:
        """Return what the visible ones of these documents say of these concepts."""
        index, asked = self._asked(access)
        return index.standings(asked, doc_ids, concept_ids)
