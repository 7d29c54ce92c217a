"""Who was erased is not taken in again until that is lifted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import orjson

from indexing.backends.postgres.connect import Connection, Database
from indexing.erasure import Erased, Marks
from indexing.fhir.held import patients_of
from indexing.model import TenantId
from indexing.records import Incoming


class PostgresErased:
    """Who was erased, for whoever stores beside the records."""

    def __init__(self, database: Database, marks: Marks) -> None:
        self._database, self._marks = database, marks

    def among(self, tenant_id: TenantId, people: Collection[str]) -> frozenset[str]:
        """Return those of these who were erased."""
        with self._database.tenant(tenant_id) as conn:
            barred = _barred(conn, tenant_id)
        if not barred:
            return frozenset()
        marked = zip(sorted(people), self._marks(tenant_id, people), strict=True)
        return frozenset(own for own, mark in marked if mark in barred)


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
        if not _barred(conn, tenant_id).isdisjoint(marks(tenant_id, people)):
            raise Erased


def _barred(conn: Connection, tenant_id: TenantId) -> frozenset[str]:
    rows = conn.execute(
        "SELECT marks FROM erasure WHERE tenant_id = %s AND lifted_at IS NULL", (tenant_id,)
    ).fetchall()
    return frozenset(mark for row in rows for mark in row[0])


def _named(item: Incoming) -> Iterable[str]:
    """Yield the patients whom a resource refers to, as it would be found by them."""
    if item.resource_type == "Bundle" and item.received:
        yield from patients_of(orjson.loads(item.received))
    for row in item.rows:
        if row.table == "resource_link" and row.values[-2] == "Patient":
            yield str(row.values[-1])
