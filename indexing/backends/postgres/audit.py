"""The audit chain in PostgreSQL."""

from __future__ import annotations

from psycopg import Cursor
from psycopg.rows import TupleRow
from psycopg.types.json import Jsonb

from indexing.access import Access
from indexing.audit import AuditRow
from indexing.backends.postgres.arrays import array
from indexing.backends.postgres.connect import Connection


def record(conn: Connection, access: Access, row: AuditRow) -> int:
    """Append `row` to the tenant's chain in the caller's transaction; return its number.

    Call it last: the chain's lock is held until commit.
    """
    got = send(conn, access, row).fetchone()
    assert got is not None
    return int(got[0])


def send(conn: Connection, access: Access, row: AuditRow) -> Cursor[TupleRow]:
    """Append `row` as `record` does; on a piped connection, without waiting for its number. What a
    researcher was shown is marked as the de-identified view."""
    detail = {**row.detail, "view": "deidentified"} if access.deidentified else dict(row.detail)
    return conn.execute(
        "SELECT audit_append(%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            access.user_id, array(sorted(access.roles)), access.purpose, row.action, row.subtype,
            row.outcome, array(sorted(set(row.patient_ids))), array(row.entities), Jsonb(detail),
        ),
    )  # fmt: skip


def broken_at(conn: Connection) -> int | None:
    """Return the first number at which the tenant's chain does not hold, or None."""
    got = conn.execute("SELECT audit_broken_at()").fetchone()
    return None if got is None else got[0]
