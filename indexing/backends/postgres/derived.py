"""Documents with what was derived from them, as followers read and write them: whole tenants."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from indexing.backends.postgres import copies
from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.packed import pack, unpack
from indexing.codes import Codes, none
from indexing.copies import Kept, Outcome
from indexing.model import Annotation, Document, Kind, Passage, TenantId
from indexing.ports import Derived, VectorEntry, Vectors

DOCUMENT = (
    "d.doc_id, d.version, d.text, d.title, d.patient_id, d.encounter_id, d.date_start, d.date_end, "
    "d.type, d.specialty, d.author, d.labels, d.resource_type, d.resource_id, d.date_until"
)


class PostgresDerived:
    """What followers read and write: every document of a tenant, no `Access` in between."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def documents(self, tenant_id: TenantId, doc_ids: Sequence[str]) -> list[Document]:
        """Return the live ones among `doc_ids` as they stand now."""
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(
                f"SELECT {DOCUMENT} FROM document d WHERE d.tenant_id = %s "
                "AND d.doc_id = ANY(%s) AND d.live",
                (tenant_id, list(doc_ids)),
            ).fetchall()
        return [document_of(tenant_id, row) for row in rows]

    def derived(self, tenant_id: TenantId, doc_ids: Sequence[str]) -> list[Derived]:
        """Return those among `doc_ids` that are live and whose language stands at their version."""
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(
                f"SELECT {DOCUMENT}, a.language_version, a.found FROM document d "
                "JOIN annotation a ON a.tenant_id = d.tenant_id AND a.doc_id = d.doc_id "
                "AND a.version = d.version WHERE d.tenant_id = %s AND d.doc_id = ANY(%s) "
                "AND d.live",
                (tenant_id, list(doc_ids)),
            ).fetchall()
        return [derived_of(tenant_id, row) for row in rows]

    def vectors(
        self,
        tenant_id: TenantId,
        doc_ids: Sequence[str],
        model: str,
        dimension: int,
        codes: Codes = none,
    ) -> list[VectorEntry]:
        """Return the stored vectors of the live ones among `doc_ids`, at their version; `codes`
        says what is filtered by of their mentions."""
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(
                f"SELECT {DOCUMENT}, a.language_version, a.found, e.vectors FROM document d "
                "JOIN annotation a ON a.tenant_id = d.tenant_id AND a.doc_id = d.doc_id "
                "AND a.version = d.version JOIN embedding e ON e.tenant_id = d.tenant_id "
                "AND e.doc_id = d.doc_id AND e.version = d.version AND e.model = %s "
                "WHERE d.tenant_id = %s AND d.doc_id = ANY(%s) AND d.live",
                (model, tenant_id, list(doc_ids)),
            ).fetchall()
        entries = []
        for row in rows:
            found = derived_of(tenant_id, row[:-1])
            matrix = np.frombuffer(row[-1], dtype=np.float32).reshape(-1, dimension)
            told = codes(found.mentions)
            entries.append(VectorEntry(found.document, model, found.passages, matrix, told))
        return entries

    def live(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {doc_id: version} of every live document: what each index should hold."""
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(
                "SELECT doc_id, version FROM document WHERE tenant_id = %s AND live", (tenant_id,)
            ).fetchall()
        return {row[0]: row[1] for row in rows}

    def indexable(self, tenant_id: TenantId, model: str | None = None) -> Mapping[str, int]:
        """Return {doc_id: version} of the live documents that are annotated at their version, and
        embedded by `model` where one is named: what an index can hold now."""
        embedded = (
            "JOIN embedding e ON e.tenant_id = d.tenant_id AND e.doc_id = d.doc_id "
            "AND e.version = d.version AND e.model = %s"
        )
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(
                "SELECT d.doc_id, d.version FROM document d JOIN annotation a "
                "ON a.tenant_id = d.tenant_id AND a.doc_id = d.doc_id AND a.version = d.version "
                f"{embedded if model else ''} WHERE d.tenant_id = %s AND d.live",
                (*([model] if model else []), tenant_id),
            ).fetchall()
        return dict(rows)

    def lacks(self, tenant_id: TenantId, model: str) -> bool:
        """Say whether a live document has vectors of other models and none of `model`."""
        with self._database.tenant(tenant_id) as conn:
            row = conn.execute(
                "SELECT EXISTS (SELECT FROM document d JOIN embedding o ON o.tenant_id = "
                "d.tenant_id AND o.doc_id = d.doc_id AND o.version = d.version "
                "WHERE d.tenant_id = %s AND d.live AND o.model <> %s AND NOT EXISTS (SELECT "
                "FROM embedding e WHERE e.tenant_id = d.tenant_id AND e.doc_id = d.doc_id "
                "AND e.version = d.version AND e.model = %s))",
                (tenant_id, model, model),
            ).fetchone()
        return bool(row and row[0])

    def annotated(self, tenant_id: TenantId, language_version: str) -> Mapping[str, int]:
        """Return {doc_id: version} of every annotation made by that language version."""
        return self._entries(tenant_id, "annotation", "language_version", language_version)

    def outdated(
        self, tenant_id: TenantId, language_version: str, limit: int
    ) -> Sequence[tuple[str, int]]:
        """Return some live documents whose annotation another language version made."""
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(
                "SELECT d.doc_id, d.version FROM annotation a JOIN document d "
                "ON d.tenant_id = a.tenant_id AND d.doc_id = a.doc_id AND d.live "
                "WHERE a.tenant_id = %s AND a.language_version <> %s "
                "ORDER BY d.doc_id LIMIT %s",
                (tenant_id, language_version, limit),
            ).fetchall()
        return [(row[0], row[1]) for row in rows]

    def embedded(self, tenant_id: TenantId, model: str) -> Mapping[str, int]:
        """Return {doc_id: version} of every stored embedding of `model`."""
        return self._entries(tenant_id, "embedding", "model", model)

    def _entries(
        self, tenant_id: TenantId, table: str, column: str, value: str
    ) -> Mapping[str, int]:
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(
                f"SELECT doc_id, version FROM {table} WHERE tenant_id = %s AND {column} = %s",
                (tenant_id, value),
            ).fetchall()
        return {row[0]: row[1] for row in rows}

    def kept(self, tenant_id: TenantId, documents: Sequence[Document], keys: Sequence[str]) -> Kept:
        """Return the prints of the charts that a change of these notes may touch."""
        with self._database.tenant(tenant_id) as conn:
            return copies.read(conn, tenant_id, documents, keys)

    def store_language(
        self,
        tenant_id: TenantId,
        found: Sequence[tuple[Document, Annotation]],
        copied: Outcome | None = None,
    ) -> None:
        """Keep annotations and announce them; one that is older than the stored one is dropped."""
        with self._database.tenant(tenant_id, derived=True) as conn:
            _upsert(
                conn,
                "INSERT INTO annotation AS a (tenant_id, doc_id, version, language_version, found) "
                "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (tenant_id, doc_id) DO UPDATE SET "
                "version = excluded.version, language_version = excluded.language_version, "
                "found = excluded.found WHERE a.version <= excluded.version",
                [(tenant_id, d.doc_id, d.version, a.language_version, pack(a)) for d, a in found],
            )
            if copied is not None:
                copies.write(conn, tenant_id, copied)
            announce(
                conn, tenant_id, Kind.LANGUAGE, [(d.doc_id, d.version, False) for d, _ in found]
            )

    def store_vectors(
        self,
        tenant_id: TenantId,
        model: str,
        found: Sequence[tuple[Document, Vectors]],
        *,
        announced: bool = True,
    ) -> None:
        """Keep vectors, rows in the order of the document's passages, and announce them."""
        with self._database.tenant(tenant_id, derived=True) as conn:
            _upsert(
                conn,
                "INSERT INTO embedding AS e (tenant_id, doc_id, model, version, vectors) "
                "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (tenant_id, doc_id, model) DO UPDATE SET "
                "version = excluded.version, vectors = excluded.vectors "
                "WHERE e.version <= excluded.version",
                [
                    (tenant_id, d.doc_id, model, d.version, np.asarray(v, np.float32).tobytes())
                    for d, v in found
                ],
            )
            if announced:
                # Of the same documents another model's may be of other passages by now: whoever
                # switches to it encodes these again.
                conn.execute(
                    "DELETE FROM embedding WHERE tenant_id = %s AND doc_id = ANY(%s) "
                    "AND model <> %s",
                    (tenant_id, [d.doc_id for d, _ in found], model),
                )
                announce(
                    conn, tenant_id, Kind.VECTORS, [(d.doc_id, d.version, False) for d, _ in found]
                )

    def forget_model(self, tenant_id: TenantId, model: str) -> int:
        """Drop every vector of a model; return of how many documents."""
        with self._database.tenant(tenant_id, derived=True) as conn:
            return conn.execute(
                "DELETE FROM embedding WHERE tenant_id = %s AND model = %s", (tenant_id, model)
            ).rowcount

    def forget(self, tenant_id: TenantId, kind: Kind, gone: Sequence[tuple[str, int]]) -> None:
        """Drop what was derived from deleted documents and announce that to the indexes."""
        table = "annotation" if kind is Kind.LANGUAGE else "embedding"
        with self._database.tenant(tenant_id, derived=True) as conn:
            _upsert(
                conn,
                f"DELETE FROM {table} WHERE tenant_id = %s AND doc_id = %s AND version <= %s",
                [(tenant_id, doc_id, version) for doc_id, version in gone],
            )
            if kind is Kind.LANGUAGE:
                copies.forget(conn, tenant_id, gone)
            announce(conn, tenant_id, kind, [(doc_id, version, True) for doc_id, version in gone])


def announce(
    conn: Connection, tenant_id: TenantId, kind: Kind, events: Iterable[tuple[str, int, bool]]
) -> None:
    """Append events to the feed in the caller's transaction, and wake the followers."""
    _upsert(
        conn,
        "INSERT INTO outbox (tenant_id, kind, key, version, deleted) VALUES (%s, %s, %s, %s, %s)",
        [(tenant_id, kind.value, *event) for event in events],
    )
    conn.execute("NOTIFY anamnesis_feed")


def _upsert(conn: Connection, statement: str, rows: Sequence[tuple[object, ...]]) -> None:
    if rows:
        with conn.cursor() as cursor:
            cursor.executemany(statement, rows)


def document_of(tenant_id: TenantId, row: Sequence[Any]) -> Document:
    """Return the document of a row of `DOCUMENT`."""
    (
        doc_id, version, text, title, patient_id, encounter_id, start, end, type_, specialty,
        author, labels, kind, resource_id, until,
    ) = row  # fmt: skip
    return Document(
        tenant_id, doc_id, version, text, title, patient_id, encounter_id, start, end, type_,
        specialty, author, frozenset(labels), kind, resource_id, until,
    )  # fmt: skip


def derived_of(tenant_id: TenantId, row: tuple[Any, ...]) -> Derived:
    """Return the note of a row of `DOCUMENT`, its language version and what was found in it."""
    *columns, version, packed = row
    document = document_of(tenant_id, columns)
    if packed is None:  # not annotated yet: one unnamed section
        return Derived(document, "", (), (Passage(0, 0, len(document.text)),), ())
    found = unpack(version, packed)
    return Derived(document, version, found.sections, found.passages, found.mentions)
