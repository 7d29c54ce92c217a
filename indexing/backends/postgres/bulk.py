"""Many rows at once. COPY FROM is refused on tables with row security, so rows go through a
temporary table of the connection, which is emptied at commit, and INSERT … SELECT."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from indexing.backends.postgres.connect import Connection
from indexing.model import TenantId

# Below this many rows a prepared INSERT per row is quicker than staging (measured: they meet
# between 20 and 60 rows, depending on the width).
_STAGE_FROM = 40


def insert_rows(
    conn: Connection, table: str, columns: Sequence[str], rows: Sequence[Sequence[object]]
) -> None:
    """Insert `rows` in the caller's transaction; at most one call per table and transaction."""
    names = ", ".join(columns)
    if len(rows) < _STAGE_FROM:
        if rows:
            values = ", ".join(["%s"] * len(columns))
            with conn.cursor() as cursor:
                cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({values})", rows)
        return
    stage = f"stage_{table}"
    conn.execute(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {stage} ON COMMIT DELETE ROWS "
        f"AS SELECT {names} FROM {table} WITH NO DATA"
    )
    with conn.cursor() as cursor, cursor.copy(f"COPY {stage} ({names}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)
    conn.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {stage}")


def insert_lines(
    conn: Connection, tenant_id: TenantId, table: str, columns: Sequence[str], lines: Iterable[str]
) -> None:
    """Insert `lines`, written as COPY reads them, as the tenant's; in the order of the index, so
    that neighbours are written together."""
    names = ", ".join(columns)
    stage = f"stage_{table}"
    conn.execute(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {stage} ON COMMIT DELETE ROWS "
        f"AS SELECT {names} FROM {table} WITH NO DATA"
    )
    with conn.cursor() as cursor, cursor.copy(f"COPY {stage} ({names}) FROM STDIN") as copy:
        copy.write("\n".join([*sorted(lines), ""]))
    conn.execute(
        f"INSERT INTO {table} (tenant_id, {names}) SELECT %s, {names} FROM {stage}", (tenant_id,)
    )
