"""Who was erased is not taken in again until that is lifted."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from indexing.backends.postgres.connect import Connection
from indexing.erasure import Erased, Marks
from indexing.model import TenantId
from indexing.records import Incoming


def refuse_erased(
    conn: Connection, tenant_id: TenantId, marks: Marks, batch: Sequence[Incoming]
) -> None:
    """Refuse what is of an erased patient or names one, in the transaction that would store it.

    Raises: Erased.
    """
    people = {item.patient_id for item in batch if item.patient_id}
    people |= {item.resource_id for item in batch if item.resource_type == "Patient"}
    people |= {own for item in batch for own in _named(item)}
    if people:
        # Shared with other writers; who begins an erasure waits for them, and they see its row.
        conn.execute(
            "SELECT pg_advisory_xact_lock_shared(hashtextextended('erase:' || %s, 0))",
            (str(tenant_id),),
        )
        refuse(conn, tenant_id, marks, people)


def refuse(conn: Connection, tenant_id: TenantId, marks: Marks, people: Iterable[str]) -> None:
    """Refuse if one of these was erased. Raises: Erased."""
    rows = conn.execute(
        "SELECT marks FROM erasure WHERE tenant_id = %s AND lifted_at IS NULL", (tenant_id,)
    ).fetchall()
    if rows:
        barred = {mark for row in rows for mark in row[0]}
        if not barred.isdisjoint(marks(tenant_id, people)):
            raise Erased


def _named(item: Incoming) -> Iterable[str]:
    """Yield the patients whom a resource refers to, as it would be found by them."""
    for row in item.rows:
        if row.table == "resource_link" and row.values[-2] == "Patient":
            yield str(row.values[-1])
