"""Many rows at once. COPY FROM is refused on tables with row security, so rows go through a
temporary table of the connection, which is emptied at commit, and INSERT … SELECT.

Few rows go without it: once a transaction has touched one such table, its commit truncates every
one that the connection has ever made, empty or not, at a third of a millisecond and more each."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from indexing.backends.postgres.connect import Connection
from indexing.model import TenantId

# Below this many rows a prepared INSERT per row is quicker than staging (measured: they meet
# between 20 and 60 rows, depending on the width).
_STAGE_FROM = 40
_NULL = "\\N"
_ESCAPE = re.compile(r"\\(.)")
_ESCAPED = {"t": "\t", "n": "\n", "r": "\r"}


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
    ordered = sorted(lines)
    if len(ordered) < _STAGE_FROM:
        rows = [(tenant_id, *map(_field, line.split("\t"))) for line in ordered]
        insert_rows(conn, table, ("tenant_id", *columns), rows)
        return
    names = ", ".join(columns)
    stage = f"stage_{table}"
    conn.execute(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS {stage} ON COMMIT DELETE ROWS "
        f"AS SELECT {names} FROM {table} WITH NO DATA"
    )
    with conn.cursor() as cursor, cursor.copy(f"COPY {stage} ({names}) FROM STDIN") as copy:
        copy.write("\n".join([*ordered, ""]))
    conn.execute(
        f"INSERT INTO {table} (tenant_id, {names}) SELECT %s, {names} FROM {stage}", (tenant_id,)
    )


def _field(written: str) -> str | None:
    """Read a field as COPY does."""
    if written == _NULL:
        return None
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), written)
