"""The vector index on pgvector: a partition per tenant, exact while small, HNSW when large.

What fits into this process is scanned there, exactly, whatever its size: as fast as the graph, and
it misses nothing. The graph serves filters, a narrowed access, and who is larger than that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from typing import Final

import numpy as np
from pgvector import Vector

from indexing.access import Access
from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.matrix import MOST_BYTES, MatrixReader, floats
from indexing.backends.postgres.nearest import SETS, conditions, know_vectors, nearest
from indexing.errors import EngineUnavailable, EventRejected
from indexing.filters import Filters
from indexing.model import IndexState, TenantId, Tombstone
from indexing.ports import Ranking, Scored, VectorEntry, Vectors
from indexing.reconcile import digest
from indexing.spaces import CLINICAL_NOTES, folded, texts

LARGE = 50_000  # passages; below it a scan is exact
_PER_DOCUMENT = 2  # passages looked at per document asked for, at first
_NAME = """
INSERT INTO vector_document AS d (tenant_id, doc_id, version, model, live, epoch)
VALUES (%s, %s, %s, %s, %s, %s)
ON CONFLICT (tenant_id, doc_id) DO UPDATE SET version = EXCLUDED.version,
    model = EXCLUDED.model, live = EXCLUDED.live, epoch = EXCLUDED.epoch
WHERE d.version < EXCLUDED.version
    OR (d.version = EXCLUDED.version AND (d.live OR NOT EXCLUDED.live))
RETURNING doc_id
"""

_INSERT = """
INSERT INTO vector_passage (tenant_id, doc_id, number, patient_id, patient, type, specialty, author,
    date_start, date_end, labels, entity_type, conditions, medications, embedding)
VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)
"""


_HELD: Final = "SELECT model FROM vector_size WHERE tenant_id = %(tenant)s"


class PostgresVectorIndex:
    """Passages in PostgreSQL; filters and access are part of the statement."""

    def __init__(
        self,
        database: Database,
        *,
        large: int = LARGE,
        model: Callable[[], str] = lambda: "",
        most_bytes: int = MOST_BYTES,
    ) -> None:
        """`model` names the space of this process's questions; "": whatever is there. So many
        bytes of vectors are kept in this process, `large` tenants' too, if they fit."""
        self._database, self._large, self._model = database, large, model
        self._reader = MatrixReader(database, self._own, most_bytes)
        self._filling: dict[TenantId, Connection] = {}
        self._since_check: dict[TenantId, int] = {}
        self._indexed: set[TenantId] = set()

    def upsert(self, tenant_id: TenantId, entries: Sequence[VectorEntry]) -> None:
        """Replace each document's passages unless a newer version or its tombstone stands."""
        newest: dict[str, VectorEntry] = {}
        for entry in entries:
            if len(entry.passages) != len(entry.vectors):
                raise EventRejected(
                    f"document {entry.document.doc_id!r}: {len(entry.passages)} passages, "
                    f"{len(entry.vectors)} vectors"
                )
            old = newest.get(entry.document.doc_id)
            if old is None or old.document.version <= entry.document.version:
                newest[entry.document.doc_id] = entry
        with self._writing(tenant_id) as conn:
            know_vectors(conn)
            names = [
                (tenant_id, e.document.doc_id, e.document.version, e.model, True)
                for e in newest.values()
            ]
            models = {entry.model for entry in newest.values()}
            if len(models) == 1:
                self._own(_claimed(conn, tenant_id, *models))
            taken = _announce(conn, tenant_id, names)
            _forget(conn, tenant_id, taken)
            rows = [row for doc_id in taken for row in _rows(tenant_id, newest[doc_id])]
            with conn.cursor() as cursor:
                cursor.executemany(_INSERT, rows)
        self._grown(tenant_id, len(rows))

    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None:
        """Take documents out and keep the version at which they went."""
        newest = {t.key: t.version for t in sorted(tombstones, key=lambda t: t.version)}
        with self._database.tenant(tenant_id, derived=True) as conn:
            names = [(tenant_id, key, version, "", False) for key, version in newest.items()]
            _forget(conn, tenant_id, _announce(conn, tenant_id, names))

    @contextmanager
    def fresh(self, tenant_id: TenantId) -> Iterator[None]:
        """Fill a tenant anew in one transaction: readers see what was there until it commits, then
        all that came. The caller lets nothing else write meanwhile."""
        with self._database.tenant(tenant_id, derived=True) as conn:
            self._emptied(conn, tenant_id)
            self._filling[tenant_id] = conn
            try:
                yield
            finally:
                del self._filling[tenant_id]
        self._reader.forget(tenant_id)

    @contextmanager
    def _writing(self, tenant_id: TenantId) -> Iterator[Connection]:
        if (filling := self._filling.get(tenant_id)) is not None:
            yield filling
            return
        with self._database.tenant(tenant_id, derived=True) as conn:
            yield conn

    def _own(self, model: str) -> None:
        """See that an index's model is this process's. Raises: EngineUnavailable."""
        if model and (own := self._model()) and model != own:
            raise EngineUnavailable(
                f"the vectors are of the model {model}, this process asks with {own}",
                hint="`anamnesis encoder list` names the one that serves, and `anamnesis encoder "
                "switch` with its name puts them in step; a server follows by itself.",
            )

    def outdated(self, tenant_id: TenantId) -> bool:
        """Say whether another model's vectors are held than this process's."""
        [rows] = self._database.rows(tenant_id, _HELD)
        held, own = rows[0][0] if rows else "", self._model()
        return bool(held and own and held != own)

    def search(self, access: Access, vector: Vectors, filters: Filters, k: int) -> Ranking:
        """Rank documents by their best passage."""
        if k < 1:
            return Ranking(())
        row = np.asarray(vector, dtype=np.float32).reshape(-1)
        found: list[tuple[str, float, int]] | None = None
        if filters.empty and access.patients is None:
            found = self._reader.nearest(access.tenant_id, row, access.labels, k)
        if found is None:
            found = self._scanned(access, row, filters, k)
        ordered = sorted(found, key=lambda each: (-each[1], each[0]))[:k]
        return Ranking(
            tuple(
                Scored(doc_id, score, rank, passage=number)
                for rank, (doc_id, score, number) in enumerate(ordered, 1)
            )
        )

    def passages(self, access: Access, doc_ids: Sequence[str]) -> Mapping[str, Vectors]:
        """Return the vectors of the visible ones of these documents."""
        if access.patients is None:
            kept = self._reader.passages(access.tenant_id, doc_ids, access.labels)
            if kept is not None:
                return kept
        where, values = conditions(access, Filters())
        with self._database.tenant(access.tenant_id) as conn:
            rows = conn.execute(
                "SELECT doc_id, vector_send(embedding) FROM vector_passage "
                f"WHERE {where} AND doc_id = ANY(%s) ORDER BY doc_id, number",
                (*values, list(doc_ids)),
                binary=True,
            ).fetchall()
        return {
            doc_id: floats([row for _, row in group])
            for doc_id, group in groupby(rows, key=lambda row: row[0])
        }

    def _scanned(
        self, access: Access, vector: Vectors, filters: Filters, k: int
    ) -> list[tuple[str, float, int]]:
        """Let the database look: at as many passages as k documents need."""
        where, values = conditions(access, filters)
        wanted = k * _PER_DOCUMENT
        with self._database.tenant(access.tenant_id) as conn:
            know_vectors(conn)
            approximate = self._approximate(conn, access.tenant_id)
            while True:
                seen, best = nearest(conn, where, values, vector, wanted, approximate)
                if len(best) >= k or (seen < wanted and not approximate):
                    break
                if seen < wanted:  # the graph gave up under these filters: scan instead
                    approximate = False
                else:
                    wanted *= 2
            self._own(
                _model_of(conn, access.tenant_id)
            )  # after the scan: a switch may come between
        return best

    def state(self, tenant_id: TenantId) -> IndexState:
        """Count the live documents and fold their versions."""
        held = self.entries(tenant_id)
        with self._database.tenant(tenant_id) as conn:
            row = conn.execute(
                "SELECT count(*) FROM vector_passage WHERE tenant_id = %s", (tenant_id,)
            ).fetchone()
            approximate = self._approximate(conn, tenant_id)
        assert row is not None
        extra = {"passages": str(row[0]), "search": "hnsw" if approximate else "exact"}
        return IndexState(len(held), digest(held), extra)

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {doc_id: version} of every live document."""
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(
                "SELECT doc_id, version FROM vector_document WHERE tenant_id = %s AND live",
                (tenant_id,),
            ).fetchall()
        return dict(rows)

    def drop(self, tenant_id: TenantId) -> None:
        """Forget the tenant's vectors, tombstones too."""
        with self._database.tenant(tenant_id) as conn:
            self._emptied(conn, tenant_id)
        self._reader.forget(tenant_id)

    def let_go(self, tenant_id: TenantId) -> None:
        """Keep nothing of a tenant in this process."""
        self._reader.forget(tenant_id)
        self._indexed.discard(tenant_id)
        self._since_check.pop(tenant_id, None)

    def _emptied(self, conn: Connection, tenant_id: TenantId) -> None:
        for table in ("vector_passage", "vector_document", "vector_size"):
            conn.execute(f"DELETE FROM {table} WHERE tenant_id = %s", (tenant_id,))

    def _grown(self, tenant_id: TenantId, by: int) -> None:
        """Ask now and then whether the tenant has become large; counting each time would cost."""
        since = self._since_check.get(tenant_id, 0) + by
        self._since_check[tenant_id] = since
        if tenant_id in self._indexed or since < self._large // 20:
            return
        self._since_check[tenant_id] = 0
        with self._database.tenant(tenant_id) as conn:
            row = conn.execute(
                "SELECT vector_index_large(%s, %s)", (tenant_id, self._large)
            ).fetchone()
        if row is not None and row[0]:
            self._indexed.add(tenant_id)

    def _approximate(self, conn: Connection, tenant_id: TenantId) -> bool:
        if tenant_id not in self._indexed:
            name = f"vector_passage_{tenant_id.hex}_hnsw"
            row = conn.execute("SELECT to_regclass(%s) IS NOT NULL", (name,)).fetchone()
            if row is None or not row[0]:
                return False
            self._indexed.add(tenant_id)
        return True


def _announce(
    conn: Connection, tenant_id: TenantId, names: Sequence[tuple[object, ...]]
) -> list[str]:
    """Write versions; return the documents whose version was taken."""
    taken: list[str] = []
    # In order of id, so that two writers cannot wait for each other in a circle.
    epoch = _next_epoch(conn, tenant_id)
    ordered = [(*name, epoch) for name in sorted(names, key=lambda name: str(name[1]))]
    with conn.cursor() as cursor:
        cursor.executemany(_NAME, ordered, returning=True)
        while names:
            taken += [doc_id for (doc_id,) in cursor.fetchall()]
            if not cursor.nextset():
                break
    return taken


def _claimed(conn: Connection, tenant_id: TenantId, model: str) -> str:
    """Write down whose vectors an index holds, where nobody did; return whose they are."""
    row = conn.execute(
        "INSERT INTO vector_size AS s (tenant_id, epoch, model) VALUES (%s, 0, %s) "
        "ON CONFLICT (tenant_id) DO UPDATE SET "
        "model = CASE WHEN s.model = '' THEN excluded.model ELSE s.model END RETURNING model",
        (tenant_id, model),
    ).fetchone()
    assert row is not None
    return str(row[0])


def _model_of(conn: Connection, tenant_id: TenantId) -> str:
    row = conn.execute(
        "SELECT model FROM vector_size WHERE tenant_id = %s", (tenant_id,)
    ).fetchone()
    return "" if row is None else str(row[0])


def _next_epoch(conn: Connection, tenant_id: TenantId) -> int:
    """Number this write. The row stays locked until it commits: epochs commit in order."""
    row = conn.execute(
        "INSERT INTO vector_size AS s (tenant_id, epoch) VALUES (%s, 1) "
        "ON CONFLICT (tenant_id) DO UPDATE SET epoch = s.epoch + 1 RETURNING epoch",
        (tenant_id,),
    ).fetchone()
    assert row is not None
    return int(row[0])


def _forget(conn: Connection, tenant_id: TenantId, doc_ids: Sequence[str]) -> None:
    if doc_ids:
        conn.execute(
            "DELETE FROM vector_passage WHERE tenant_id = %s AND doc_id = ANY(%s)",
            (tenant_id, list(doc_ids)),
        )


def _rows(tenant_id: TenantId, entry: VectorEntry) -> list[tuple[object, ...]]:
    d = entry.document
    shared = (
        d.patient_id, (d.patient_id or "").casefold(), d.type.casefold(), d.specialty.casefold(),
        d.author.casefold(), d.date_start, d.date_end, sorted(d.labels) or None,
        d.resource_type.casefold(), *_codes(entry),
    )  # fmt: skip
    return [
        (tenant_id, d.doc_id, passage.number, *shared, Vector(row))
        for passage, row in zip(entry.passages, entry.vectors, strict=True)
    ]


def _codes(entry: VectorEntry) -> list[list[str] | None]:
    """Return each set of codes of a note as it is compared, None for none."""
    held = texts(CLINICAL_NOTES, entry.document, entry.metadata)
    return [sorted(folded(CLINICAL_NOTES, name, held[name]) - {""}) or None for name in SETS]
