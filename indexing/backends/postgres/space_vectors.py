"""A vector space beside the notes' on pgvector: every row of it is read, so that answers are exact.

The notes, of which there are many more, have an index of their own (`vectors`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pgvector import Vector
from psycopg.types.json import Jsonb

from indexing.access import Access
from indexing.backends.postgres.bulk import insert_rows
from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.nearest import dated, know_vectors
from indexing.errors import EngineUnavailable, EventRejected
from indexing.filters import Filters
from indexing.model import IndexState, TenantId, Tombstone
from indexing.ports import Ranking, Scored, VectorEntry, Vectors
from indexing.reconcile import digest
from indexing.spaces import Space, amounts, filtered_by, folded, near, texts

_NAME = """
INSERT INTO space_document AS d (tenant_id, space, doc_id, version, live)
VALUES (%s, %s, %s, %s, %s)
ON CONFLICT (tenant_id, space, doc_id) DO UPDATE SET version = EXCLUDED.version,
    live = EXCLUDED.live
WHERE d.version < EXCLUDED.version
    OR (d.version = EXCLUDED.version AND (d.live OR NOT EXCLUDED.live))
RETURNING doc_id
"""
_COLUMNS = (
    "tenant_id", "space", "doc_id", "number", "patient_id", "date_start", "date_end", "labels",
    "texts", "amounts", "embedding",
)  # fmt: skip
# Each note by its best passage; "+ 0" keeps any index out, should a site make one.
_NEAREST = """
SELECT doc_id, distance, number FROM (
    SELECT DISTINCT ON (doc_id) doc_id, distance, number FROM (
        SELECT doc_id, number, {distance} + 0 AS distance FROM space_vector WHERE {where}
    ) AS every ORDER BY doc_id, distance, number
) AS best ORDER BY distance, doc_id LIMIT %s
"""
_DISTANCE = {"cosine": "(embedding <=> %s)", "euclidean": "(embedding <-> %s) ^ 2"}


class PostgresSpaceIndex:
    """Vectors of one space, model and dimension."""

    def __init__(self, database: Database, model: str, dimension: int, space: Space) -> None:
        self._database, self._dimension, self._space = database, dimension, space
        self._name = space.physical(model, dimension)

    def upsert(self, tenant_id: TenantId, entries: Sequence[VectorEntry]) -> None:
        """Replace each document's passages unless a newer version or its tombstone stands."""
        newest: dict[str, VectorEntry] = {}
        for entry in sorted(entries, key=lambda e: e.document.version):
            self._check(entry)
            newest[entry.document.doc_id] = entry
        rows = {key: self._rows(tenant_id, entry) for key, entry in newest.items()}
        with self._database.tenant(tenant_id, derived=True) as conn:
            know_vectors(conn)
            versions = {key: entry.document.version for key, entry in newest.items()}
            taken = self._announce(conn, tenant_id, versions, live=True)
            insert_rows(conn, "space_vector", _COLUMNS, [row for key in taken for row in rows[key]])

    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None:
        """Take documents out and keep the version at which they went."""
        newest = {t.key: t.version for t in sorted(tombstones, key=lambda t: t.version)}
        with self._database.tenant(tenant_id, derived=True) as conn:
            self._announce(conn, tenant_id, newest, live=False)

    def search(self, access: Access, vector: Vectors, filters: Filters, k: int) -> Ranking:
        """Rank documents by their best passage."""
        row = np.asarray(vector, dtype=np.float32).reshape(-1)
        if len(row) != self._dimension:
            raise EngineUnavailable(
                f"the question has {len(row)} dimensions, the vectors {self._dimension}",
                hint="Run `anamnesis index rebuild` after a change of model.",
            )
        where, values = self._conditions(access, filters)
        statement = _NEAREST.format(distance=_DISTANCE[self._space.metric], where=where)
        with self._database.tenant(access.tenant_id) as conn:
            know_vectors(conn)
            found = conn.execute(statement, [Vector(row), *values, max(k, 0)]).fetchall()
        scored = (
            Scored(doc_id, near(self._space.metric, distance), rank, passage=number)
            for rank, (doc_id, distance, number) in enumerate(found, 1)
        )
        return Ranking(tuple(scored))

    def state(self, tenant_id: TenantId) -> IndexState:
        """Count the live documents and fold their versions."""
        held = self.entries(tenant_id)
        return IndexState(len(held), digest(held), {"search": "exact"})

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {doc_id: version} of every live document."""
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(
                "SELECT doc_id, version FROM space_document "
                "WHERE tenant_id = %s AND space = %s AND live",
                (tenant_id, self._name),
            ).fetchall()
        return dict(rows)

    def drop(self, tenant_id: TenantId) -> None:
        """Forget the tenant's vectors, tombstones too."""
        with self._database.tenant(tenant_id, derived=True) as conn:
            for table in ("space_vector", "space_document"):
                conn.execute(
                    f"DELETE FROM {table} WHERE tenant_id = %s AND space = %s",
                    (tenant_id, self._name),
                )

    def _check(self, entry: VectorEntry) -> None:
        count, rows = len(entry.passages), entry.vectors
        if count != len(rows) or (count and rows.shape[1] != self._dimension):
            raise EventRejected(
                f"document {entry.document.doc_id!r}: {count} passages, vectors of shape "
                f"{rows.shape}, the index has {self._dimension} dimensions"
            )

    def _announce(
        self, conn: Connection, tenant_id: TenantId, versions: Mapping[str, int], *, live: bool
    ) -> list[str]:
        """Take the documents that are not older, in one order for everybody, and clear them."""
        taken: list[str] = []
        with conn.cursor() as cursor:
            for key in sorted(versions):
                cursor.execute(_NAME, (tenant_id, self._name, key, versions[key], live))
                taken += [doc_id for (doc_id,) in cursor.fetchall()]
        conn.execute(
            "DELETE FROM space_vector WHERE tenant_id = %s AND space = %s AND doc_id = ANY(%s)",
            (tenant_id, self._name, taken),
        )
        return taken

    def _rows(self, tenant_id: TenantId, entry: VectorEntry) -> list[tuple[object, ...]]:
        d = entry.document
        held = texts(self._space, d, entry.metadata)
        told = {name: sorted(folded(self._space, name, values)) for name, values in held.items()}
        shared = (
            d.patient_id, d.date_start, d.date_end, sorted(d.labels) or None, Jsonb(told),
            Jsonb(amounts(self._space, d, entry.metadata)),
        )  # fmt: skip
        return [
            (tenant_id, self._name, d.doc_id, passage.number, *shared, Vector(row))
            for passage, row in zip(entry.passages, entry.vectors, strict=True)
        ]

    def _conditions(self, access: Access, filters: Filters) -> tuple[str, list[Any]]:
        parts, values = ["tenant_id = %s AND space = %s"], list[Any]([access.tenant_id, self._name])
        if "patient_id" in self._space.schema:  # else it is about nobody, and open
            parts.append("(labels IS NULL OR labels <@ %s)")
            values.append(sorted(access.labels))
            if access.patients is not None:
                parts.append("patient_id = ANY(%s)")
                values.append(sorted(access.patients))
        for wanted, sign in ((filters.only, ""), (filters.without, "NOT ")):
            for name, accepted in wanted.items():
                if name == "patient" and name in filtered_by(self._space):
                    parts.append(f"{sign}coalesce(patient_id, '') = ANY(%s)")
                    values.append(sorted(accepted))
                elif name in filtered_by(self._space):
                    parts.append(f"{sign}texts -> %s ?| %s")
                    values += [name, sorted(folded(self._space, name, accepted))]
                else:
                    parts.append(f"{sign}false")
        for bounds, sign in ((filters.at_least, ">="), (filters.at_most, "<=")):
            for name, bound in bounds.items():
                parts.append(f"(amounts ->> %s)::float8 {sign} %s")
                values += [name, bound]
        for part, value in dated(filters):
            parts.append(part)
            values.append(value)
        return " AND ".join(parts), values
