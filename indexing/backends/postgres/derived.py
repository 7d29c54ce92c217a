"""Documents with what was derived from them, for followers (whole tenant) and reads (by access)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, TypeAlias

import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from indexing.access import Access
from indexing.audit import AuditRow
from indexing.backends.postgres import audit, copies, note_values
from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.packed import pack, unpack
from indexing.codes import Codes, none
from indexing.copies import Kept, Outcome
from indexing.model import Annotation, Document, Kind, Passage, TenantId
from indexing.orders import NoteHead
from indexing.ports import Derived, Freshness, VectorEntry, Vectors

_DOCUMENT = (
    "d.doc_id, d.version, d.text, d.title, d.patient_id, d.encounter_id, d.date_start, d.date_end, "
    "d.type, d.specialty, d.author, d.labels, d.resource_type, d.resource_id, d.date_until"
)

# Each follower waits for events of one kind; the index on (tenant, kind, position) finds them.
_PENDING: Final = """
SELECT c.follower, c.complete_to, (SELECT count(DISTINCT o.key) FROM outbox o
    WHERE o.tenant_id = %(tenant)s AND o.kind = f.kind
        AND (o.xid, o.row) > (c.xid::text::xid8, c.row))
FROM cursor_position c JOIN (VALUES ('language', 'document'), ('vector', 'vectors'),
    ('lexical', 'language'), ('graph', 'language'), ('embed', 'language')) f (follower, kind)
    ON f.follower = c.follower
"""

_LINGERING: Final = """
SELECT extract(epoch FROM clock_timestamp() - min(at))::float8 FROM outbox
WHERE tenant_id = %(tenant)s AND kind = ANY('{document,language,vectors}')
    AND xid >= pg_snapshot_xmin(pg_current_snapshot())
"""


_Rows: TypeAlias = Cursor[TupleRow]


class PostgresDerived:
    """What followers read and write: every document of a tenant, no `Access` in between."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def documents(self, tenant_id: TenantId, doc_ids: Sequence[str]) -> list[Document]:
        """Return the live ones among `doc_ids` as they stand now."""
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(
                f"SELECT {_DOCUMENT} FROM document d WHERE d.tenant_id = %s "
                "AND d.doc_id = ANY(%s) AND d.live",
                (tenant_id, list(doc_ids)),
            ).fetchall()
        return [_document(tenant_id, row) for row in rows]

    def derived(self, tenant_id: TenantId, doc_ids: Sequence[str]) -> list[Derived]:
        """Return those among `doc_ids` that are live and whose language stands at their version."""
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(
                f"SELECT {_DOCUMENT}, a.language_version, a.found FROM document d "
                "JOIN annotation a ON a.tenant_id = d.tenant_id AND a.doc_id = d.doc_id "
                "AND a.version = d.version WHERE d.tenant_id = %s AND d.doc_id = ANY(%s) "
                "AND d.live",
                (tenant_id, list(doc_ids)),
            ).fetchall()
        return [_derived(tenant_id, row) for row in rows]

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
                f"SELECT {_DOCUMENT}, a.language_version, a.found, e.vectors FROM document d "
                "JOIN annotation a ON a.tenant_id = d.tenant_id AND a.doc_id = d.doc_id "
                "AND a.version = d.version JOIN embedding e ON e.tenant_id = d.tenant_id "
                "AND e.doc_id = d.doc_id AND e.version = d.version AND e.model = %s "
                "WHERE d.tenant_id = %s AND d.doc_id = ANY(%s) AND d.live",
                (model, tenant_id, list(doc_ids)),
            ).fetchall()
        entries = []
        for row in rows:
            found = _derived(tenant_id, row[:-1])
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


def heads(conn: Connection, access: Access, doc_ids: Sequence[str]) -> Mapping[str, NoteHead]:
    """Return whose notes these are and of when, to put them in order; nothing of it is shown."""
    rows = conn.execute(
        "SELECT doc_id, patient_id, date_start FROM document "
        "WHERE tenant_id = %s AND doc_id = ANY(%s)",
        (access.tenant_id, list(doc_ids)),
    ).fetchall()
    return {doc_id: NoteHead(patient_id, date) for doc_id, patient_id, date in rows}


def visible(conn: Connection, access: Access, doc_ids: Sequence[str]) -> Mapping[str, Derived]:
    """Return the visible ones among `doc_ids` in the caller's transaction, beside its audit row."""
    return _opened(access, *_asked(conn, access, doc_ids))


def _asked(conn: Connection, access: Access, doc_ids: Sequence[str]) -> tuple[_Rows, _Rows]:
    """Ask for notes, and for what is copied in them; on a piped connection in one trip."""
    notes = conn.execute(
        f"SELECT {_DOCUMENT}, a.language_version, a.found FROM document d "
        "LEFT JOIN annotation a ON a.tenant_id = d.tenant_id AND a.doc_id = d.doc_id "
        "AND a.version = d.version WHERE d.tenant_id = %s AND d.doc_id = ANY(%s) "
        "AND d.live",
        (access.tenant_id, list(doc_ids)),
        binary=True,  # as text, PostgreSQL spells each byte of what was found as two letters
    )
    return notes, copies.ask(conn, access, doc_ids)


def _opened(access: Access, notes: _Rows, copied_rows: _Rows) -> Mapping[str, Derived]:
    """Read what was asked for: the notes that `access` opens."""
    found = (_derived(access.tenant_id, row) for row in notes.fetchall())
    opened = {
        each.document.doc_id: each
        for each in found
        if access.opens(each.document.patient_id, each.document.labels)
    }
    copied, repeats = copies.told(copied_rows, opened.keys())
    for doc_id in copied.keys() | repeats.keys():
        opened[doc_id] = replace(
            opened[doc_id], copied=copied.get(doc_id, ()), repeats=repeats.get(doc_id, ())
        )
    return opened


class PostgresDocuments:
    """The `Documents` port: reads by access, for pages and rankers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def fetch(self, access: Access, doc_ids: Sequence[str]) -> Mapping[str, Derived]:
        """Return the visible ones among `doc_ids`; the rest are absent from the mapping."""
        with self._database.piped(access.tenant_id) as conn:
            return visible(conn, access, doc_ids)

    def read(
        self, access: Access, doc_ids: Sequence[str], k: int, row: AuditRow
    ) -> Mapping[str, Derived]:
        """Return the first k of `doc_ids` that are visible, and record who read them, as
        `reading` does."""
        with self.reading(access, doc_ids, k, row) as notes:
            return notes

    @contextmanager
    def reading(
        self, access: Access, doc_ids: Sequence[str], k: int, row: AuditRow
    ) -> Iterator[Mapping[str, Derived]]:
        """Lend the first k of `doc_ids` that are visible, and record who read them.

        The row names them and their patients beside what it names already, in one transaction with
        the read. Nothing may be shown before the block has ended: there the record is waited for,
        and fails the block where it is not kept.
        """
        with self._database.piped(access.tenant_id) as conn:
            conn.execute("BEGIN")  # to be ended here, so that the disk works beside the block
            notes: dict[str, Derived] = {}
            at = 0
            while len(notes) < k and at < len(doc_ids):
                batch = doc_ids[at : at + k - len(notes)]
                notes |= visible(conn, access, batch)
                at += len(batch)
            of = {note.document.patient_id for note in notes.values()}
            named = AuditRow(
                row.action, row.subtype, [*row.patient_ids, *filter(None, of)],
                [*row.entities, *(f"Document/{doc_id}" for doc_id in notes)],
                {**row.detail, "shown": len(notes)}, row.outcome,
            )  # fmt: skip
            audit.send(conn, access, named)
            conn.execute("COMMIT")
            yield notes

    def heads(self, access: Access, doc_ids: Sequence[str]) -> Mapping[str, NoteHead]:
        """Return whose notes these are and of when, to put them in order; nothing is shown."""
        with self._database.tenant(access.tenant_id) as conn:
            return heads(conn, access, doc_ids)

    def total(self, access: Access) -> int:
        """Count the documents that `access` opens."""
        with self._database.tenant(access.tenant_id) as conn:
            row = conn.execute(
                "SELECT count(*) FROM document d WHERE d.tenant_id = %s AND d.live "
                "AND NOT d.labels && %s AND (%s::text[] IS NULL OR d.patient_id = ANY(%s))",
                (
                    access.tenant_id, sorted(access.closed_labels),
                    *([None if access.patients is None else sorted(access.patients)] * 2),
                ),
            ).fetchone()  # fmt: skip
        assert row is not None
        return int(row[0])

    def values(self, access: Access, name: str) -> Sequence[str]:
        """Return what the visible notes carry in a field, each value once."""
        with self._database.tenant(access.tenant_id) as conn:
            return note_values.values(conn, access, name)

    def freshness(self, access: Access) -> Freshness:
        """Say up to when the indexes are complete for this tenant, and what is still pending."""
        rows, [held] = self._database.rows(access.tenant_id, _PENDING, _LINGERING)
        complete: list[datetime] = [row[1] for row in rows if row[1] is not None]
        return Freshness(
            complete_to=min(complete) if len(complete) == len(rows) and rows else None,
            pending={row[0]: row[2] for row in rows},
            lingering_s=float(held[0] or 0.0),
        )


def _document(tenant_id: TenantId, row: Sequence[Any]) -> Document:
    (
        doc_id, version, text, title, patient_id, encounter_id, start, end, type_, specialty,
        author, labels, kind, resource_id, until,
    ) = row  # fmt: skip
    return Document(
        tenant_id, doc_id, version, text, title, patient_id, encounter_id, start, end, type_,
        specialty, author, frozenset(labels), kind, resource_id, until,
    )  # fmt: skip


def _derived(tenant_id: TenantId, row: tuple[Any, ...]) -> Derived:
    *columns, version, packed = row
    document = _document(tenant_id, columns)
    if packed is None:  # not annotated yet: one unnamed section
        return Derived(document, "", (), (Passage(0, 0, len(document.text)),), ())
    found = unpack(version, packed)
    return Derived(document, version, found.sections, found.passages, found.mentions)
