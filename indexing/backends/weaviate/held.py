"""At which version each note is held. Weaviate has no versions of its own: this collection keeps
them, and a note whose passages are being changed is marked until they are whole."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID, uuid5

from weaviate.classes.data import DataObject
from weaviate.classes.query import Filter
from weaviate.exceptions import WeaviateInsertManyAllFailedError

from indexing.backends.weaviate import schema
from indexing.backends.weaviate.connect import NAME, Connection, Missing, told
from indexing.backends.weaviate.names import Shelf
from indexing.errors import EngineUnavailable, EventRejected
from indexing.model import TenantId, Tombstone
from indexing.strays import own

BACK_OFF_S = (0.05, 0.2, 0.8, 1.6)
UNSETTLED = -1  # the version of a note whose passages are not whole: reconcile writes it again
_NOTE = UUID("6b1f1d52-8c0a-4f0e-9a55-3a7c5f0c9e11")
_PAGE = 1_000


@dataclass(frozen=True, slots=True)
class Held:
    """A note as the index has it."""

    version: int
    live: bool
    settled: bool

    def gives_way(self, version: int, *, live: bool) -> bool:
        """Say whether `version` may replace it: a deletion wins over an upsert of its version."""
        if version == self.version:
            return self.live or not live
        return version > self.version


@lru_cache(maxsize=2_000)  # of each note, what it is held at is read once and written twice
def note_id(doc_id: str) -> UUID:
    """Return the id of a note's object. Raises: EventRejected."""
    try:
        doc_id.encode()
    except UnicodeEncodeError as exc:
        raise EventRejected("a document's id holds an unpaired surrogate") from exc
    return uuid5(_NOTE, doc_id)


class Notes:
    """The collection of notes beside one of passages."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self.shelf = Shelf(connection, name, schema.notes())

    def known(self, tenant_id: TenantId, doc_ids: Sequence[str]) -> dict[str, Held]:
        """Return those of the notes that the index has ever heard of."""
        wanted = [note_id(doc_id) for doc_id in doc_ids]
        found: dict[str, Held] = {}
        with self._connection.calling("read versions") as client:
            query = self.shelf.of(client, tenant_id).query
            for at in range(0, len(wanted), _PAGE):
                some = wanted[at : at + _PAGE]
                answer = query.fetch_objects(
                    filters=Filter.by_id().contains_any(some), limit=len(some)
                )
                for each in answer.objects:
                    p: Any = each.properties
                    found[schema.named(p["doc_id"])] = Held(
                        int(p["version"]), p["live"], p["settled"]
                    )
        return found

    def write(
        self, tenant_id: TenantId, stones: Sequence[Tombstone], *, live: bool, settled: bool
    ) -> None:
        """Say at which version notes are held."""
        objects = [
            DataObject(
                properties=schema.note(tenant_id.hex, stone, live=live, settled=settled),
                uuid=note_id(stone.key),
            )
            for stone in stones
        ]
        insert(self._connection, self.shelf, tenant_id, objects)

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {doc_id: version} of every live note."""
        try:
            with self._connection.calling("list documents") as client:
                rows = [
                    each.properties
                    for each in self.shelf.of(client, tenant_id).iterator(cache_size=_PAGE)
                ]
        except Missing:
            return {}
        kept = own(NAME, "entries", tenant_id, rows, lambda row: row["tenant"])
        return {
            schema.named(row["doc_id"]): int(row["version"]) if row["settled"] else UNSETTLED
            for row in kept
            if row["live"]
        }


def insert(
    connection: Connection,
    shelf: Shelf,
    tenant_id: TenantId,
    objects: Sequence[DataObject[Any, Any]],
) -> None:
    """Write objects, each judged by itself: what failed is tried again.

    Raises:
        EngineUnavailable: it keeps failing, or refuses to write at all.
        EventRejected: some objects are at fault; the others are written.
    """
    waiting = list(objects)
    for pause in (*BACK_OFF_S, None):
        if not waiting:
            return
        failed = _failed(connection, shelf, tenant_id, waiting)
        if not failed:
            return
        if any(map(_at_fault, failed.values())):
            raise EventRejected(f"Weaviate refuses {len(failed)} objects")
        waiting = [waiting[at] for at in sorted(failed)]
        if pause is None:
            raise told(next(iter(failed.values())), "write")
        time.sleep(pause)
    raise EngineUnavailable("Weaviate is overloaded", hint="It is tried again.")


def _failed(
    connection: Connection,
    shelf: Shelf,
    tenant_id: TenantId,
    objects: Sequence[DataObject[Any, Any]],
) -> Mapping[int, str]:
    """Write objects; return what the server said of those that it did not take, by place."""
    with connection.calling("write") as client:
        try:
            answer = shelf.of(client, tenant_id).data.insert_many(objects)
        except WeaviateInsertManyAllFailedError as exc:  # the driver's word for: none was taken
            return dict.fromkeys(range(len(objects)), str(exc))
    return {at: error.message for at, error in answer.errors.items()}


def _at_fault(message: str) -> bool:
    """Say whether an object will never be taken as it is."""
    low = message.lower()
    return any(sign in low for sign in ("invalid", "dimension", "length", "not a valid"))
