"""Prints of paragraphs and origins of copied ones, beside the annotations."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from psycopg import Cursor
from psycopg.rows import TupleRow

from indexing.access import Access
from indexing.backends.postgres.arrays import array
from indexing.backends.postgres.connect import Connection
from indexing.copies import Kept, Outcome, Printed
from indexing.language.copyforward import PERMUTATIONS
from indexing.model import Copied, Document, Repeat, TenantId

_PRINTED = "p.doc_id, p.version, p.patient_id, d.date_start, p.places, p.marks"


def read(
    conn: Connection, tenant_id: TenantId, documents: Sequence[Document], keys: Sequence[str]
) -> Kept:
    """Return the prints of the charts that a change of these notes may touch."""
    rows = conn.execute(
        f"SELECT {_PRINTED} FROM copy_print p JOIN document d ON d.tenant_id = p.tenant_id "
        "AND d.doc_id = p.doc_id WHERE p.tenant_id = %s AND p.doc_id = ANY(%s)",
        (tenant_id, list(keys)),
    ).fetchall()
    former = [_printed(row) for row in rows]
    charts = {document.patient_id for document in documents}
    charts |= {note.patient_id for note in former}
    rows = conn.execute(
        f"SELECT {_PRINTED} FROM copy_print p JOIN document d ON d.tenant_id = p.tenant_id "
        "AND d.doc_id = p.doc_id AND d.version = p.version AND d.live "
        "WHERE p.tenant_id = %s AND p.patient_id = ANY(%s)",
        (tenant_id, sorted(filter(None, charts))),
    ).fetchall()
    notes = {row[0]: _printed(row) for row in rows}
    return Kept(notes, former, _copied(conn, tenant_id, list(notes)))


def _printed(row: tuple[str, int, str | None, object, list[int], bytes]) -> Printed:
    doc_id, version, patient_id, date, flat, packed = row
    places = tuple(zip(flat[::2], flat[1::2], strict=True))
    marks = np.frombuffer(packed, dtype=np.uint8).reshape(-1, PERMUTATIONS)
    return Printed(doc_id, version, patient_id, date, places, marks)  # type: ignore[arg-type]


def _copied(
    conn: Connection, tenant_id: TenantId, doc_ids: Sequence[str]
) -> dict[str, tuple[Copied, ...]]:
    found: dict[str, list[Copied]] = {}
    for doc_id, *place in conn.execute(
        "SELECT doc_id, start_at, end_at, first_id, first_start, first_end FROM copied_paragraph "
        "WHERE tenant_id = %s AND doc_id = ANY(%s) ORDER BY doc_id, start_at",
        (tenant_id, list(doc_ids)),
    ).fetchall():
        found.setdefault(doc_id, []).append(Copied(*place))
    return {doc_id: tuple(each) for doc_id, each in found.items()}


def write(conn: Connection, tenant_id: TenantId, copies: Outcome) -> None:
    """Keep what was found, in the transaction that keeps the annotations."""
    conn.execute(
        "DELETE FROM copied_paragraph WHERE tenant_id = %s AND doc_id = ANY(%s)",
        (tenant_id, list(copies.copied)),
    )
    with conn.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO copy_print AS p (tenant_id, doc_id, version, patient_id, places, marks) "
            "VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (tenant_id, doc_id) DO UPDATE SET "
            "version = excluded.version, patient_id = excluded.patient_id, "
            "places = excluded.places, marks = excluded.marks WHERE p.version <= excluded.version",
            [
                (
                    tenant_id, key, note.version, note.patient_id,
                    [at for place in note.places for at in place], note.marks.tobytes(),
                )
                for key, note in copies.printed.items()
            ],
        )  # fmt: skip
        cursor.executemany(
            "INSERT INTO copied_paragraph VALUES (%s, %s, %s, %s, %s, %s, %s)",
            [
                (tenant_id, key, c.start, c.end, c.first_id, c.first_start, c.first_end)
                for key, found in copies.copied.items()
                for c in found
            ],
        )


def forget(conn: Connection, tenant_id: TenantId, gone: Sequence[tuple[str, int]]) -> None:
    """Drop what is kept of deleted notes."""
    for doc_id, version in gone:
        dropped = conn.execute(
            "DELETE FROM copy_print WHERE tenant_id = %s AND doc_id = %s AND version <= %s",
            (tenant_id, doc_id, version),
        )
        if dropped.rowcount:
            conn.execute(
                "DELETE FROM copied_paragraph WHERE tenant_id = %s AND doc_id = %s",
                (tenant_id, doc_id),
            )


# Those pairs of which the reader may see the other note, and whether that is the first one; what
# concerns no opened note of %(ids)s is left out by who reads the answer. One join for both: to plan
# two took longer than to answer them.
_SEEN = """
WITH pair AS (
    SELECT true AS first_is_other, c.* FROM copied_paragraph c
    WHERE c.tenant_id = %(tenant)s AND c.doc_id = ANY(%(ids)s)
    UNION ALL
    SELECT false, c.* FROM copied_paragraph c
    WHERE c.tenant_id = %(tenant)s AND c.first_id = ANY(%(ids)s))
SELECT first_is_other, p.doc_id, start_at, end_at, first_id, first_start, first_end
FROM pair p JOIN document d ON d.doc_id = CASE WHEN first_is_other THEN first_id ELSE p.doc_id END
WHERE d.tenant_id = %(tenant)s AND d.live AND NOT d.labels && %(closed)s
    AND (%(patients)s::text[] IS NULL OR d.patient_id = ANY(%(patients)s))
"""


def ask(conn: Connection, access: Access, doc_ids: Sequence[str]) -> Cursor[TupleRow]:
    """Ask what is copied in these notes and what later notes repeat of them, both as far as
    `access` opens the other note; `told` reads the answer."""
    return conn.execute(
        _SEEN,
        {
            "tenant": access.tenant_id, "ids": array(doc_ids),
            "closed": array(sorted(access.closed_labels)),
            "patients": None if access.patients is None else array(sorted(access.patients)),
        },
    )  # fmt: skip


def told(
    answer: Cursor[TupleRow], opened: Collection[str]
) -> tuple[Mapping[str, tuple[Copied, ...]], Mapping[str, tuple[Repeat, ...]]]:
    """Return, by note of `opened`, what is copied in it and what later notes repeat of it."""
    copied: dict[str, list[Copied]] = {}
    later: dict[tuple[str, int, int], set[str]] = {}
    for first_is_other, doc_id, *place in sorted(answer.fetchall()):
        found = Copied(*place)
        if first_is_other and doc_id in opened:
            copied.setdefault(doc_id, []).append(found)
        if not first_is_other and found.first_id in opened:
            key = (found.first_id, found.first_start, found.first_end)
            later.setdefault(key, set()).add(doc_id)
    repeats: dict[str, list[Repeat]] = {}
    for (doc_id, start, end), notes in sorted(later.items()):
        repeats.setdefault(doc_id, []).append(Repeat(start, end, len(notes)))
    return (
        {doc_id: tuple(each) for doc_id, each in copied.items()},
        {doc_id: tuple(each) for doc_id, each in repeats.items()},
    )
