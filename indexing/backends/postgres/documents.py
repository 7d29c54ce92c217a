"""Notes read by access, with what was derived from them: for pages and rankers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final

from indexing.access import Access
from indexing.audit import AuditRow
from indexing.backends.postgres import audit, copies, note_values
from indexing.backends.postgres.arrays import array
from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.derived import DOCUMENT, derived_of
from indexing.orders import NoteHead
from indexing.ports import Derived, Freshness

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
    rows = conn.execute(
        f"SELECT {DOCUMENT}, a.language_version, a.found FROM document d "
        "LEFT JOIN annotation a ON a.tenant_id = d.tenant_id AND a.doc_id = d.doc_id "
        "AND a.version = d.version WHERE d.tenant_id = %s AND d.doc_id = ANY(%s) "
        "AND d.live",
        (access.tenant_id, array(doc_ids)),
        binary=True,  # as text, PostgreSQL spells each byte of what was found as two letters
    ).fetchall()
    asked = copies.ask(conn, access, doc_ids)  # on a piped connection it works while these are read
    found = (derived_of(access.tenant_id, row) for row in rows)
    opened = {
        each.document.doc_id: each
        for each in found
        if access.opens(each.document.patient_id, each.document.labels)
    }
    copied, repeats = copies.told(asked, opened.keys())
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
