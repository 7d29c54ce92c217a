"""Write the projections of resources, in place of those of their versions before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from indexing.backends.postgres.bulk import insert_rows
from indexing.backends.postgres.connect import Connection
from indexing.fhir.projections import COLUMNS, Row, tables_of
from indexing.model import TenantId


def write_projected(
    conn: Connection, tenant_id: TenantId, rows: Iterable[Row], stale: Mapping[str, Sequence[str]]
) -> None:
    """Write rows in the caller's transaction, in place of those that `stale` resources, ids by
    type, have."""
    for resource_type, ids in stale.items():
        for table in tables_of(resource_type):
            shared = "resource_type" in COLUMNS[table]
            conn.execute(
                f"DELETE FROM {table} WHERE tenant_id = %s AND resource_id = ANY(%s)"
                + (" AND resource_type = %s" if shared else ""),
                (tenant_id, list(ids), *([resource_type] if shared else [])),
            )
    by_table: dict[str, list[tuple[object, ...]]] = {}
    for row in rows:
        by_table.setdefault(row.table, []).append((tenant_id, *row.values))
    for table, values in by_table.items():
        insert_rows(conn, table, ("tenant_id", *COLUMNS[table]), values)
