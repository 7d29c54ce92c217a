"""`VectorIndex` over Weaviate: an object for each passage with its vector, and one for each note
that says at which version it is held."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Any
from uuid import UUID, uuid5

import numpy as np
from weaviate.classes.data import DataObject
from weaviate.classes.query import Filter, MetadataQuery

from indexing.access import Access
from indexing.backends.weaviate import schema
from indexing.backends.weaviate.compile import guard
from indexing.backends.weaviate.connect import NAME, Connection, Kind, Missing
from indexing.backends.weaviate.held import Notes, insert, note_id
from indexing.backends.weaviate.names import Shelf
from indexing.errors import EngineUnavailable, EventRejected
from indexing.filters import Filters
from indexing.model import IndexState, TenantId, Tombstone
from indexing.ports import Ranking, Scored, VectorEntry, Vectors
from indexing.reconcile import digest
from indexing.spaces import CLINICAL_NOTES, Space, near
from indexing.strays import own

_PER_DOCUMENT = 2  # passages looked at per document asked for, at first
_SPARE = 16  # to see whether a tie goes on
_MOST = 10_000  # objects that one search may ask for: Weaviate's QUERY_MAXIMUM_RESULTS
_AT_ONCE = 200  # objects in one request; what is made is sent while the next is being made
_GIVEN_BACK = 50  # documents whose vectors one request gives back


class WeaviateVectorIndex:
    """Vectors of one model and dimension; both are part of the collection's name."""

    def __init__(
        self, connection: Connection, model: str, dimension: int, space: Space = CLINICAL_NOTES
    ) -> None:
        self._connection, self._dimension, self._space = connection, dimension, space
        name = f"{space.physical(model, dimension)}-{schema.LAYOUT}"
        self._kind = connection.server.kind
        names: dict[Kind, str] = {"hnsw": name, "flat": f"{name}-flat"}
        self._passages = Shelf(connection, names[self._kind], schema.passages(space, self._kind))
        self._notes = Notes(connection, f"{names[self._kind]}-notes")
        # Of the kind that the site had set before: nothing is asked there, nothing may stay.
        self._others = [
            Shelf(connection, own, {})
            for kind, before in names.items() if kind != self._kind
            for own in (before, f"{before}-notes")
        ]  # fmt: skip
        self._alone: set[TenantId] = set()

    def upsert(self, tenant_id: TenantId, entries: Sequence[VectorEntry]) -> None:
        """Replace each document's passages unless a newer version or its tombstone stands."""
        newest: dict[str, tuple[VectorEntry, dict[str, Any]]] = {}
        for entry in entries:
            laid = entry, self._laid(entry)  # all of them before anything is marked
            old = newest.get(entry.document.doc_id)
            if old is None or old[0].document.version <= entry.document.version:
                newest[entry.document.doc_id] = laid
        stones = [Tombstone(key, each.document.version) for key, (each, _) in newest.items()]
        taken = self._opened(tenant_id, stones, live=True)
        objects = (each for stone in taken for each in _objects(*newest[stone.key]))
        put = partial(insert, self._connection, self._passages, tenant_id)
        batches = iter(lambda: list(islice(objects, _AT_ONCE)), [])
        self._connection.side_by_side(put, batches)
        if taken:
            self._notes.write(tenant_id, taken, live=True, settled=True)

    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None:
        """Take documents out and keep the version at which they went."""
        newest = {t.key: t for t in sorted(tombstones, key=lambda t: t.version)}
        if taken := self._opened(tenant_id, list(newest.values()), live=False):
            self._notes.write(tenant_id, taken, live=False, settled=True)

    def search(self, access: Access, vector: Vectors, filters: Filters, k: int) -> Ranking:
        """Rank documents by their best passage."""
        guarded = guard(access, filters, self._space)
        if k < 1 or guarded is None:
            return Ranking(())
        row = np.asarray(vector, dtype=np.float32).reshape(-1)
        if len(row) != self._dimension:
            raise EngineUnavailable(
                f"the question has {len(row)} dimensions, the vectors {self._dimension}",
                hint="Run `anamnesis index rebuild` after a change of model.",
            )
        wanted = min(_PER_DOCUMENT * k + _SPARE, _MOST)
        while True:
            seen, best = self._nearest(access.tenant_id, row, guarded, wanted)
            if len(best) > k or seen < wanted or wanted == _MOST:
                break
            wanted = min(4 * wanted, _MOST)
        ordered = sorted((-score, doc_id, number) for doc_id, (score, number) in best.items())
        return Ranking(
            tuple(
                Scored(doc_id, -score, rank, passage=number)
                for rank, (score, doc_id, number) in enumerate(ordered[:k], 1)
            )
        )

    def passages(self, access: Access, doc_ids: Sequence[str]) -> Mapping[str, Vectors]:
        """Return the vectors of the visible ones of these documents."""
        guarded, wanted = guard(access, Filters(), self._space), sorted(set(doc_ids))
        found: dict[str, dict[int, Any]] = {}
        if guarded is None:
            return {}
        for at in range(0, len(wanted), _GIVEN_BACK):
            some = [schema.identity(doc_id) for doc_id in wanted[at : at + _GIVEN_BACK]]
            among = Filter.by_property("doc_id").contains_any(some)
            for hit in self._fetched(access.tenant_id, Filter.all_of([guarded, among])):
                p: Any = hit.properties
                rows = found.setdefault(schema.named(p["doc_id"]), {})
                rows[int(p["number"])] = hit.vector[schema.VECTOR]
        return {
            doc_id: np.array([rows[number] for number in sorted(rows)], np.float32)
            for doc_id, rows in found.items()
        }

    def _fetched(self, tenant_id: TenantId, chosen: Any) -> list[Any]:
        try:
            answer = self._connection.ask(
                "give vectors back",
                lambda client: self._passages.of(client, tenant_id).query.fetch_objects(
                    filters=chosen, limit=_MOST, include_vector=True,
                    return_properties=["tenant", "doc_id", "number"],
                ),
            )  # fmt: skip
        except Missing:
            return []
        return own(NAME, "vectors", tenant_id, answer.objects, lambda hit: hit.properties["tenant"])

    def state(self, tenant_id: TenantId) -> IndexState:
        """Count the live documents and fold their versions."""
        entries = self.entries(tenant_id)
        return IndexState(len(entries), digest(entries), {"search": self._kind})

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {doc_id: version} of every live document."""
        return self._notes.entries(tenant_id)

    def drop(self, tenant_id: TenantId) -> None:
        """Forget the tenant's vectors, tombstones too."""
        for shelf in (self._passages, self._notes.shelf, *self._others):
            shelf.drop(tenant_id)

    def rest(self, tenant_id: TenantId) -> None:
        """Put a tenant's shards away; the next question brings them back."""
        for shelf in (self._passages, self._notes.shelf):
            shelf.rest(tenant_id)

    def _laid(self, entry: VectorEntry) -> dict[str, Any]:
        """Lay out what a document's passages share. Raises: EventRejected."""
        count, rows = len(entry.passages), entry.vectors
        if count != len(rows) or (count and rows.shape[1] != self._dimension):
            raise EventRejected(
                f"document {entry.document.doc_id!r}: {count} passages, vectors of shape "
                f"{rows.shape}, the index has {self._dimension} dimensions"
            )
        return schema.filtered(entry.document, self._space, entry.metadata)

    def _opened(
        self, tenant_id: TenantId, stones: Sequence[Tombstone], *, live: bool
    ) -> list[Tombstone]:
        """Mark those that may change, take their passages out, and return them."""
        if not stones:
            return []
        if tenant_id not in self._alone:
            for other in self._others:
                other.drop(tenant_id)
            self._alone.add(tenant_id)
        for shelf in (self._passages, self._notes.shelf):
            shelf.make(tenant_id)
        try:
            known = self._notes.known(tenant_id, [stone.key for stone in stones])
        except Missing:  # another process dropped the tenant
            for shelf in (self._passages, self._notes.shelf):
                shelf.forget(tenant_id)
            raise
        taken = [
            stone
            for stone in stones
            if stone.key not in known or known[stone.key].gives_way(stone.version, live=live)
        ]
        if taken:
            self._notes.write(tenant_id, taken, live=live, settled=False)
        if old := [stone.key for stone in taken if stone.key in known]:
            with self._connection.calling("take passages out") as client:
                chosen = Filter.by_property("doc_id").contains_any(
                    [schema.identity(key) for key in old]
                )
                self._passages.of(client, tenant_id).data.delete_many(where=chosen)
        return taken

    def _nearest(
        self, tenant_id: TenantId, vector: Vectors, guarded: Any, n: int
    ) -> tuple[int, dict[str, tuple[float, int]]]:
        """Look at the n nearest passages; return how many there were, and (cosine, passage) of
        each document's best, the first where two are equal."""
        try:
            answer = self._connection.ask(
                "search",
                lambda client: self._passages.of(client, tenant_id).query.near_vector(
                    near_vector=vector.tolist(), target_vector=schema.VECTOR, limit=n,
                    filters=guarded, return_properties=["tenant", "doc_id", "number"],
                    return_metadata=MetadataQuery(distance=True),
                ),
            )  # fmt: skip
        except Missing:
            return 0, {}
        kept = own(NAME, "vectors", tenant_id, answer.objects, lambda hit: hit.properties["tenant"])
        best: dict[str, tuple[float, int]] = {}
        for hit in kept:
            p: Any = hit.properties
            score = near(self._space.metric, float(hit.metadata.distance or 0.0))
            number = int(p["number"])
            doc_id = schema.named(p["doc_id"])
            known = best.get(doc_id)
            if known is None or (-score, number) < (-known[0], known[1]):
                best[doc_id] = score, number
        return len(answer.objects), best


def _objects(entry: VectorEntry, shared: dict[str, Any]) -> list[DataObject[Any, Any]]:
    base: UUID = note_id(entry.document.doc_id)
    return [
        DataObject(
            properties=shared | {"number": passage.number},
            uuid=uuid5(base, str(passage.number)),
            vector={schema.VECTOR: row.tolist()},
        )
        for passage, row in zip(entry.passages, entry.vectors, strict=True)
    ]
