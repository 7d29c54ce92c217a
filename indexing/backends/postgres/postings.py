"""Which documents mention a concept, read from the adjacency tables once and kept as arrays.

A question walks to a hundred concepts, and common ones stand in a third of all notes: scoring that
in SQL took 38 ms at 2,000 notes, adding arrays up takes one. The tables stay the index; this is a
reader's memory of them. Every write numbers itself in `graph_size.epoch`, so one small row tells
whether anything changed, and the rows written since then are all that is read again.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from indexing.backends.postgres.connect import Connection, Database
from indexing.errors import AnamnesisError
from indexing.model import Assertion, TenantId
from indexing.statuses import BEST_FIRST

MOST_ENTRIES = 20_000_000  # of one tenant: 13 bytes each; the concepts asked for longest ago go
WORTH_ALL = 3  # readings: a command that asks once does not read every concept
MOST_ALL = 100_000  # documents: of more, the concepts asked for alone are read
MOST_OF_ALL = 20_000_000  # entries of the tenants that are read whole; beyond, no other one is
MOST_STALE = 0.2  # of the documents known: beyond it, reading everything again costs less

_SIZE: Final = "SELECT era, epoch, live FROM graph_size WHERE tenant_id = %(tenant)s"
_NOWHERE = (UUID(int=0), 0, 0)
_AT_ONCE = 100  # concepts: common ones stand in thousands of notes
_SELECT: Final = (
    "SELECT concept_id, array_agg(doc_id), array_agg(status), array_agg(mentions) "
    "FROM graph_mention WHERE tenant_id = %s "
)

_PLACE = {status.value: place for place, status in enumerate(BEST_FIRST)}


@dataclass(frozen=True, slots=True)
class Postings:
    """Of one concept, entry by entry: the document's number, its status as a place in
    `BEST_FIRST`, and how often that status is said. Numbers of changed documents are dead."""

    documents: NDArray[np.int32]
    statuses: NDArray[np.uint8]
    mentions: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Walk:
    """What a question needs of a tenant: postings by concept, `live` documents in all, which of
    the first `count` numbers are alive, their names, the labels of documents that carry any."""

    postings: Mapping[str, Postings]
    live: int
    count: int
    alive: NDArray[np.bool_]
    names: Sequence[str]
    numbers: Mapping[str, int]
    labels: Mapping[str, frozenset[str]]
    closed: dict[frozenset[str], list[int]]

    def known(self, doc_ids: Iterable[str]) -> list[int]:
        """Return the numbers of those that have one; others may have been given since."""
        found = map(self.numbers.get, doc_ids)
        return [number for number in found if number is not None and number < self.count]

    def closed_to(self, labels: frozenset[str]) -> list[int]:
        """Return the numbers of the documents that carry a label beside these; every question of
        one view asks for the same."""
        found = self.closed.get(labels)
        if found is None:
            found = self.known(doc_id for doc_id, own in self.labels.items() if not own <= labels)
            self.closed[labels] = found
        return found


_NOTHING = Postings(np.empty(0, np.int32), np.empty(0, np.uint8), np.empty(0, np.float64))


@dataclass(slots=True)
class _Tenant:
    """One tenant's documents by number, and the postings read so far: `every` says that a concept
    without any is in no note. `readings` counts how often something was missing."""

    era: UUID
    epoch: int
    live: int
    names: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    alive: NDArray[np.bool_] = field(default_factory=lambda: np.ones(1024, np.bool_))
    dead: int = 0
    labels: dict[str, frozenset[str]] = field(default_factory=dict)
    closed: dict[frozenset[str], list[int]] = field(default_factory=dict)  # until the next reading
    postings: OrderedDict[str, Postings] = field(default_factory=OrderedDict)
    entries: int = 0
    every: bool = False
    readings: int = 0

    def number(self, doc_id: str) -> int:
        found = self.numbers.get(doc_id)
        if found is None:
            found = self.numbers[doc_id] = len(self.names)
            self.names.append(doc_id)
            if found >= len(self.alive):
                more = np.ones(len(self.alive), np.bool_)
                self.alive = np.concatenate([self.alive, more])
        return found

    def forget(self, doc_id: str) -> None:
        number = self.numbers.pop(doc_id, None)
        if number is not None:
            self.alive[number] = False
            self.dead += 1

    def keep(self, concept: str, found: Postings) -> None:
        old = self.postings.pop(concept, _NOTHING)
        self.postings[concept] = found
        self.entries += len(found.documents) - len(old.documents)

    def evict(self, wanted: Iterable[str]) -> None:
        if self.entries <= MOST_ENTRIES:
            return
        kept = frozenset(wanted)
        for concept in [c for c in self.postings if c not in kept]:
            if self.entries <= MOST_ENTRIES:
                return
            self.entries -= len(self.postings.pop(concept).documents)
            self.every = False

    def holds(self, concepts: Iterable[str]) -> bool:
        return self.every or all(concept in self.postings for concept in concepts)


class PostingsReader:
    """Keeps postings of every tenant it was asked about; safe to share between threads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._tenants: dict[TenantId, _Tenant] = {}
        self._locks: dict[TenantId, threading.Lock] = {}
        self._reading: set[TenantId] = set()
        self._lock = threading.Lock()

    def walk(self, tenant_id: TenantId, concepts: Sequence[str]) -> Walk:
        """Return the postings of `concepts` as the tables hold them now."""
        with self._lock:
            lock = self._locks.setdefault(tenant_id, threading.Lock())
        rows = self._database.lately(tenant_id, _SIZE)
        size = rows[0] if rows else _NOWHERE
        with lock:
            held = self._tenants.get(tenant_id)
            if (
                held is None
                or (held.era, held.epoch, held.live) != size
                or not held.holds(concepts)
            ):
                held = self._read(tenant_id, held, concepts)
                self._tenants[tenant_id] = held
            for concept in concepts:
                if concept in held.postings:
                    held.postings.move_to_end(concept)
            found = {concept: held.postings.get(concept, _NOTHING) for concept in concepts}
            return Walk(
                found, held.live, len(held.names), held.alive, held.names, held.numbers,
                held.labels, held.closed,
            )  # fmt: skip

    def forget(self, tenant_id: TenantId) -> None:
        """Drop what is kept of a tenant."""
        self._database.renew(tenant_id)
        self._tenants.pop(tenant_id, None)

    def _read(
        self, tenant_id: TenantId, held: _Tenant | None, concepts: Sequence[str]
    ) -> _Tenant:  # fmt: skip
        """Bring what is kept up to one snapshot of the tables, with these concepts in it."""
        with self._database.tenant(tenant_id, snapshot=True) as conn:
            era, epoch, live = _size(conn, tenant_id)
            if held is None or held.era != era or held.dead > MOST_STALE * len(held.names) + 100:
                held = _Tenant(era, epoch, live)
                held.labels = _labels(conn, tenant_id)
            elif held.epoch != epoch:
                _catch_up(conn, tenant_id, held)
            held.epoch, held.live, held.closed = epoch, live, {}
            if not held.holds(concepts):
                missing = [concept for concept in concepts if concept not in held.postings]
                _load(conn, tenant_id, held, missing)
                held.readings += 1
        held.evict(concepts)
        if held.readings >= WORTH_ALL and live <= MOST_ALL:
            held.readings = 0  # where it fails, it is tried again after as many
            self._read_beside(tenant_id)
        return held

    def _read_beside(self, tenant_id: TenantId) -> None:
        """Start to read every concept of a tenant: a fifth of a second for 20,000 notes, which a
        question does not wait for."""
        with self._lock:
            whole = sum(each.entries for each in [*self._tenants.values()] if each.every)
            if tenant_id in self._reading or whole >= MOST_OF_ALL:
                return
            self._reading.add(tenant_id)
        work = partial(self._read_all, tenant_id)
        threading.Thread(target=work, name="read-postings", daemon=True).start()

    def _read_all(self, tenant_id: TenantId) -> None:
        """Put a tenant's whole graph in place of what was read so far; where that fails, questions
        go on reading what they ask for."""
        try:
            with suppress(AnamnesisError):
                found = self._whole(tenant_id)
                with self._locks[tenant_id]:
                    held = self._tenants.get(tenant_id)
                    if held is not None and held.era == found.era:
                        self._tenants[tenant_id] = found
        finally:
            with self._lock:
                self._reading.discard(tenant_id)

    def _whole(self, tenant_id: TenantId) -> _Tenant:
        with self._database.tenant(tenant_id, snapshot=True) as conn:
            found = _Tenant(*_size(conn, tenant_id), every=True)
            found.labels = _labels(conn, tenant_id)
            with conn.cursor(name="postings", binary=True) as cursor:
                cursor.execute(f"{_SELECT} GROUP BY concept_id", (tenant_id,))
                while rows := cursor.fetchmany(_AT_ONCE):
                    for concept, doc_ids, statuses, mentions in rows:
                        found.keep(concept, _postings(found, doc_ids, statuses, mentions))
        return found


def _size(conn: Connection, tenant_id: TenantId) -> tuple[UUID, int, int]:
    row = conn.execute(_SIZE, {"tenant": tenant_id}).fetchone()
    return _NOWHERE if row is None else (row[0], row[1], row[2])


def _labels(conn: Connection, tenant_id: TenantId) -> dict[str, frozenset[str]]:
    rows = conn.execute(
        "SELECT doc_id, labels FROM graph_document "
        "WHERE tenant_id = %s AND live AND labels IS NOT NULL",
        (tenant_id,),
    ).fetchall()
    return {doc_id: frozenset(labels) for doc_id, labels in rows}


def _load(conn: Connection, tenant_id: TenantId, held: _Tenant, concepts: list[str]) -> None:
    """Read whole concepts; one that no note mentions is kept as such."""
    rows = conn.execute(
        f"{_SELECT} AND concept_id = ANY(%s) GROUP BY concept_id",
        (tenant_id, concepts),
        binary=True,
    ).fetchall()
    for concept in concepts:
        held.keep(concept, _NOTHING)
    for concept, doc_ids, statuses, mentions in rows:
        held.keep(concept, _postings(held, doc_ids, statuses, mentions))


def _catch_up(conn: Connection, tenant_id: TenantId, held: _Tenant) -> None:
    """Take in what was written since: changed documents get a new number, the old one is dead."""
    changed: list[tuple[Any, ...]] = conn.execute(
        "SELECT doc_id, live, labels FROM graph_document WHERE tenant_id = %s AND epoch > %s",
        (tenant_id, held.epoch),
        binary=True,
    ).fetchall()
    now = dict(held.labels)  # a copy: questions under way go by the old one
    for doc_id, live, labels in changed:
        held.forget(doc_id)
        now.pop(doc_id, None)
        if live and labels is not None:
            now[doc_id] = frozenset(labels)
    held.labels = now
    rows = conn.execute(
        f"{_SELECT} AND doc_id = ANY(%s) AND (%s::text[] IS NULL OR concept_id = ANY(%s)) "
        "GROUP BY concept_id",
        (
            tenant_id, [row[0] for row in changed],
            *([None if held.every else list(held.postings)] * 2),
        ),
        binary=True,
    ).fetchall()  # fmt: skip
    for concept, doc_ids, statuses, mentions in rows:
        old = held.postings.get(concept, _NOTHING)
        more = _postings(held, doc_ids, statuses, mentions)
        held.keep(
            concept,
            Postings(
                np.concatenate([old.documents, more.documents]),
                np.concatenate([old.statuses, more.statuses]),
                np.concatenate([old.mentions, more.mentions]),
            ),
        )


def _postings(
    held: _Tenant, doc_ids: Sequence[str], statuses: Sequence[str], mentions: Sequence[int]
) -> Postings:
    count = len(doc_ids)
    return Postings(
        np.fromiter(map(held.number, doc_ids), np.int32, count),
        np.fromiter(map(_PLACE.__getitem__, statuses), np.uint8, count),
        np.array(mentions, np.float64),
    )


def factors(counted: Mapping[Assertion, float]) -> NDArray[np.float64]:
    """Return what each status counts for, by its place in `BEST_FIRST`."""
    return np.array([counted.get(status, 0.0) for status in BEST_FIRST], np.float64)
