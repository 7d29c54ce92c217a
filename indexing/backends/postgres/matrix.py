"""A tenant's vectors in this process: what is asked often is scanned here, exactly.

Scanning 41,000 passages took PostgreSQL 13 ms of processor time, a coarse scan and the exact scores
of what may be among the best take one and a half. The table stays the index; this is a reader's
memory of it. Every write numbers itself in `vector_size.epoch`, so one small row tells whether
anything changed, and the documents written since then are all that is read again.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import Any, Final
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from indexing.backends.postgres.coarse import Coarse, coarse_of
from indexing.backends.postgres.connect import Connection, Database
from indexing.errors import AnamnesisError
from indexing.model import TenantId
from indexing.ports import Vectors

WORTH_KEEPING = 3  # questions to a tenant: a command that asks once does not read every vector
MOST_BYTES = 512 << 20  # of all tenants; the one asked for longest ago goes, a larger one stays out
MOST_STALE = 0.2  # of the rows: beyond it, reading everything again costs less
WORTH_COARSE = 4_000  # rows: fewer are scanned as they are
MOST_FINE = 2_000  # rows written since, scanned as they are until all are made coarse again
REST_S = 300.0  # before what could not be made coarse is tried again

_EVERY = 16  # rows
_AT_ONCE = 5_000  # rows read from the table: their bytes stand beside what is made of them
_BYTES = 5  # a number: a float and its coarse code
_HEADER = 4  # bytes before the floats, which are big-endian. Source: pgvector, vector_send
_SIZE: Final = "SELECT era, epoch, model FROM vector_size WHERE tenant_id = %(tenant)s"
_NOWHERE = (UUID(int=0), 0, "")


@dataclass(slots=True)
class _Tenant:
    """Row i is passage `passages[i]` of document `names[documents[i]]`, open to whoever may see the
    labels `kinds[closed[i]]`; a changed document gets a new number and new rows, the old rows are
    dead. The first `len(coarse)` rows are held coarse too. `asked`: a question brought it up to
    date since it was read."""

    era: UUID
    epoch: int
    matrix: Vectors
    documents: NDArray[np.int32]
    passages: NDArray[np.int32]
    alive: NDArray[np.bool_]
    closed: NDArray[np.int32]
    count: int = 0
    dead: int = 0
    names: list[str] = field(default_factory=list)
    rows: dict[str, tuple[int, int]] = field(default_factory=dict)
    labels: dict[str, frozenset[str]] = field(default_factory=dict)
    kinds: list[frozenset[str]] = field(default_factory=lambda: [frozenset()])
    coarse: Coarse | None = None
    asked: bool = False
    coarsen_at: float = 0.0  # not before: that is under way, or failed

    @property
    def nbytes(self) -> int:
        return self.matrix.nbytes + (self.coarse.nbytes if self.coarse else 0)

    @classmethod
    def empty(cls, era: UUID, capacity: int, dimension: int) -> _Tenant:
        return cls(
            era, 0, np.empty((capacity, dimension), np.float32), np.empty(capacity, np.int32),
            np.empty(capacity, np.int32), np.ones(capacity, np.bool_),
            np.zeros(capacity, np.int32),
        )  # fmt: skip

    def forget(self, doc_id: str) -> None:
        start, end = self.rows.pop(doc_id, (0, 0))
        self.alive[start:end] = False
        self.dead += end - start

    def add(self, found: Sequence[tuple[Any, ...]]) -> None:
        """Append passages, ordered by document; columns as in `_SELECT`."""
        end = self.count + len(found)
        if end > len(self.matrix):
            self._grow(_room(end))
        self.matrix[self.count : end] = floats([row[3] for row in found])
        self.passages[self.count : end] = [row[1] for row in found]
        for at, (doc_id, _, labels, _) in enumerate(found, self.count):
            start, _ = self.rows.get(doc_id, (at, at))
            if start == at:
                self.names.append(doc_id)
                if labels is not None:
                    self.labels[doc_id] = frozenset(labels)
            self.rows[doc_id] = (start, at + 1)
            self.documents[at] = len(self.names) - 1
            if labels is not None:
                self.closed[at] = self._kind(frozenset(labels))
        self.count = end

    def to_coarsen(self) -> Vectors | None:
        """Return all rows where many are not coarse yet. They stay as they are: what is written
        anew gets new rows, and a matrix that grows is another."""
        most = len(self.coarse) + MOST_FINE if self.coarse else WORTH_COARSE
        return self.matrix[: self.count] if self.count > most else None

    def _kind(self, labels: frozenset[str]) -> int:
        if labels not in self.kinds:
            self.kinds.append(labels)
        return self.kinds.index(labels)

    def open_to(self, labels: frozenset[str]) -> NDArray[np.bool_]:
        """Say of each row whether it is alive and open to these labels."""
        alive = self.alive[: self.count]
        opened = np.array([own <= labels for own in self.kinds], np.bool_)
        if opened.all():
            return alive.copy()
        found: NDArray[np.bool_] = alive & opened[self.closed[: self.count]]
        return found

    def _grow(self, capacity: int) -> None:
        """Copy into larger arrays: questions under way keep the old ones."""
        more = _Tenant.empty(self.era, capacity, self.matrix.shape[1])
        for name in ("matrix", "documents", "passages", "alive", "closed"):
            array = getattr(more, name)
            array[: self.count] = getattr(self, name)[: self.count]
            setattr(self, name, array)


def _room(count: int) -> int:
    """Return for how many rows there is to be room: not every write copies all that is there."""
    return count * 5 // 4 + 1000


_SELECT = (
    "SELECT doc_id, number, labels, vector_send(embedding) FROM vector_passage "
    "WHERE tenant_id = %s "
)


class MatrixReader:
    """Keeps the vectors of tenants that are asked often; safe to share between threads."""

    def __init__(
        self,
        database: Database,
        own: Callable[[str], None] = lambda _: None,
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """`own` raises where vectors are of a model that is not this process's."""
        self._database, self._own, self._most_bytes = database, own, most_bytes
        self._outside: dict[TenantId, UUID] = {}  # too large to be kept, until built anew: its era
        self._tenants: OrderedDict[TenantId, _Tenant] = OrderedDict()
        self._asked: dict[TenantId, int] = {}
        self._reading: set[TenantId] = set()
        self._lock = threading.Lock()

    def nearest(
        self, tenant_id: TenantId, vector: Vectors, labels: frozenset[str], k: int
    ) -> list[tuple[str, float, int]] | None:
        """Return (doc_id, cosine, passage) of the k nearest documents open to these labels, in no
        order; None while the tenant is not worth keeping here, or is not read yet."""
        with self._lock:
            asked = self._asked[tenant_id] = self._asked.get(tenant_id, 0) + 1
        if asked < WORTH_KEEPING:
            return None
        sizes = self._database.lately(tenant_id, _SIZE)
        era, epoch, model = sizes[0] if sizes else _NOWHERE
        self._own(model)
        if self._outside.get(tenant_id) == era:
            return None
        with self._lock:
            held = self._tenants.get(tenant_id)
            if held is not None and (held.era, held.epoch) != (era, epoch):
                held = self._caught_up(tenant_id, held)
            elif held is not None:
                self._tenants.move_to_end(tenant_id)
            if held is None:
                self._read_beside(tenant_id, len(vector))
                return None
            held.asked = True
            scan = Scan(held.matrix[: held.count], held.coarse, vector, held.open_to(labels))
            documents, passages, names = held.documents, held.passages, held.names
        if scan.matrix.shape[1] != len(vector):
            return None  # another model's space: the caller's scan says so
        rows, cosines = scan.best(documents, k)
        of, numbers = documents[rows].tolist(), passages[rows].tolist()
        found = zip(of, cosines.tolist(), numbers, strict=True)
        return [(names[document], cosine, number) for document, cosine, number in found]

    def passages(
        self, tenant_id: TenantId, doc_ids: Sequence[str], labels: frozenset[str]
    ) -> dict[str, Vectors] | None:
        """Return the rows of the documents that are open to these labels, as the last question
        found them; None while the tenant is not kept here."""
        with self._lock:
            held = self._tenants.get(tenant_id)
            if held is None or not held.asked:
                return None
            found = [
                (doc_id, place)
                for doc_id in doc_ids
                if (place := held.rows.get(doc_id)) is not None
                and ((own := held.labels.get(doc_id)) is None or own <= labels)
            ]
            matrix = held.matrix
        return {doc_id: matrix[start:end] for doc_id, (start, end) in found}

    def forget(self, tenant_id: TenantId) -> None:
        """Drop what is kept of a tenant."""
        self._database.renew(tenant_id)
        with self._lock:
            self._tenants.pop(tenant_id, None)

    def _keep(self, tenant_id: TenantId, held: _Tenant) -> None:
        """Keep a tenant; one that has grown too large goes, and reading it anew finds that."""
        if held.nbytes > self._most_bytes:
            self._tenants.pop(tenant_id, None)
            return
        self._tenants[tenant_id] = held
        self._tenants.move_to_end(tenant_id)
        while len(self._tenants) > 1:
            if sum(each.nbytes for each in self._tenants.values()) <= self._most_bytes:
                return
            self._tenants.popitem(last=False)

    def _read_beside(self, tenant_id: TenantId, dimension: int) -> None:
        """Start to read a tenant, unless that is under way: it takes longer than a question may,
        and the table answers meanwhile."""
        if tenant_id not in self._reading:
            self._reading.add(tenant_id)
            work = partial(self._read, tenant_id, dimension)
            threading.Thread(target=work, name="read-vectors", daemon=True).start()

    def _read(self, tenant_id: TenantId, dimension: int) -> None:
        """Read every vector of a tenant; where that fails, a later question starts again and
        its own answer tells."""
        try:
            with suppress(AnamnesisError):
                held = self._whole(tenant_id, dimension)
                if held is not None:
                    with self._lock:
                        self._keep(tenant_id, held)
        finally:
            with self._lock:
                self._reading.discard(tenant_id)

    def _whole(self, tenant_id: TenantId, dimension: int) -> _Tenant | None:
        """Read a tenant; None where it is too large, and so stays out."""
        with self._database.tenant(tenant_id, snapshot=True) as conn:
            era, epoch, model = _size(conn, tenant_id)
            self._own(model)
            counted = conn.execute(
                "SELECT count(*) FROM vector_passage WHERE tenant_id = %s", (tenant_id,)
            ).fetchone()
            capacity = _room(counted[0] if counted else 0)
            if capacity * dimension * _BYTES > self._most_bytes:
                self._outside[tenant_id] = era
                return None
            held = _Tenant.empty(era, capacity, dimension)
            with conn.cursor(name="vectors", binary=True) as cursor:
                cursor.execute(f"{_SELECT} ORDER BY doc_id, number", (tenant_id,))
                while rows := cursor.fetchmany(_AT_ONCE):
                    if len(rows[0][3]) == _HEADER + 4 * dimension:
                        held.add(rows)
        if (wanted := held.to_coarsen()) is not None:
            held.coarse = coarse_of(wanted)
        held.epoch = epoch
        return held

    def _coarsen(self, tenant_id: TenantId, held: _Tenant) -> None:
        """Start to make rows coarse where many are not yet, unless that is under way: it takes
        longer than a question may, and would hold up every tenant's. Called under the lock."""
        rows = held.to_coarsen()
        if rows is not None and time.monotonic() >= held.coarsen_at:
            held.coarsen_at = inf
            work = partial(self._coarsened, tenant_id, held, rows)
            threading.Thread(target=work, name="coarsen-vectors", daemon=True).start()

    def _coarsened(self, tenant_id: TenantId, held: _Tenant, rows: Vectors) -> None:
        made = coarse_of(rows)
        with self._lock:
            held.coarsen_at = time.monotonic() + (REST_S if made is None else 0.0)
            if made is not None and self._tenants.get(tenant_id) is held:
                held.coarse = made
                self._keep(tenant_id, held)

    def _caught_up(self, tenant_id: TenantId, held: _Tenant) -> _Tenant | None:
        """Bring what is kept up to one snapshot of the tables; None, and nothing is kept, where
        it is to be read anew."""
        with self._database.tenant(tenant_id, snapshot=True) as conn:
            era, epoch, model = _size(conn, tenant_id)
            self._own(model)
            if held.era != era or held.dead > MOST_STALE * held.count + 1000:
                del self._tenants[tenant_id]
                return None
            if held.epoch != epoch:
                _catch_up(conn, tenant_id, held)
            held.epoch = epoch
        self._keep(tenant_id, held)
        self._coarsen(tenant_id, held)
        return held


def floats(sent: Sequence[bytes]) -> Vectors:
    """Read what `vector_send` wrote, a row for each."""
    joined = b"".join(row[_HEADER:] for row in sent)
    return np.frombuffer(joined, dtype=">f4").reshape(len(sent), -1).astype(np.float32)


def _size(conn: Connection, tenant_id: TenantId) -> tuple[UUID, int, str]:
    row = conn.execute(_SIZE, {"tenant": tenant_id}).fetchone()
    return _NOWHERE if row is None else (row[0], row[1], row[2])


def _catch_up(conn: Connection, tenant_id: TenantId, held: _Tenant) -> None:
    changed = conn.execute(
        "SELECT doc_id FROM vector_document WHERE tenant_id = %s AND epoch > %s",
        (tenant_id, held.epoch),
    ).fetchall()
    names = [doc_id for (doc_id,) in changed]
    for name in names:
        held.forget(name)
        held.labels.pop(name, None)
    rows = conn.execute(
        f"{_SELECT} AND doc_id = ANY(%s) ORDER BY doc_id, number", (tenant_id, names), binary=True
    ).fetchall()
    if rows:
        held.add(rows)


@dataclass(frozen=True, slots=True)
class Scan:
    """One question to the rows of a matrix that are `opened`."""

    matrix: Vectors
    coarse: Coarse | None
    vector: Vectors
    opened: NDArray[np.bool_]

    def best(self, documents: NDArray[np.int32], k: int) -> tuple[NDArray[np.intp], Vectors]:
        """Return the best row of each document, the first one where two are equal, and its cosine,
        for the k best documents and all that tie with the last of them."""
        if self.coarse is None:
            rows = np.flatnonzero(self.opened)
            return _firsts(rows, self._cosines(rows), documents, k)
        bounds = self.coarse.bounds(self.vector)
        fine = np.arange(len(self.coarse), len(self.matrix))
        likely = np.concatenate([bounds.likely, self._cosines(fine)])
        likely[~self.opened] = -np.inf
        wanted = 2 * k
        while wanted < len(likely) // 2:
            reached = _reached(likely, wanted)
            rows = np.flatnonzero(likely >= reached)
            rows = rows[self.opened[rows]]
            cosines = self._cosines(rows)
            best = _firsts(rows, cosines, documents, k)
            if len(best[1]) >= k:  # as many documents lie as near as this, or nearer
                least = best[1].min() - bounds.slack
                if least >= reached:
                    return best
                more = np.flatnonzero((likely >= least) & (likely < reached))
                cosines = np.concatenate([cosines, self._cosines(more)])
                return _firsts(np.concatenate([rows, more]), cosines, documents, k)
            wanted *= 2
        rows = np.flatnonzero(self.opened)
        return _firsts(rows, self._cosines(rows), documents, k)

    def _cosines(self, rows: NDArray[np.intp]) -> Vectors:
        # Row by row: BLAS takes rows in blocks, so that equal vectors get scores that differ in the
        # last digit by where they lie.
        some = self.matrix if len(rows) == len(self.matrix) else self.matrix[rows]
        found: Vectors = np.einsum("ij,j->i", some, self.vector)
        return found


def _reached(likely: Vectors, wanted: int) -> float:
    """Return what about so many of these reach, going by every 16th: to find the very one takes as
    long as half the scan."""
    some = likely[::_EVERY]
    place = len(some) - max(wanted // _EVERY, 1)
    return float(np.partition(some, place)[place])


def _firsts(
    rows: NDArray[np.intp], cosines: Vectors, documents: NDArray[np.int32], k: int
) -> tuple[NDArray[np.intp], Vectors]:
    """Keep the best row of each document, of the k best documents and what ties with the last."""
    order = np.lexsort((rows, -cosines))
    rows, cosines = rows[order], cosines[order]
    _, first = np.unique(documents[rows], return_index=True)
    first.sort()
    if len(first) > k:
        first = first[cosines[first] >= cosines[first[k - 1]]]
    return rows[first], cosines[first]
