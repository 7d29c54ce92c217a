"""Points as PostgreSQL's binary COPY takes them, a whole batch at once, and series' rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from indexing.backends.postgres.connect import Connection
from indexing.model import TenantId
from indexing.vitals.model import HOUR_US, Batch, Floats, SeriesKey

KEY_COLUMNS = "measurement, subject, kind, unit, device, place, source, labels"
# Source: PostgreSQL manual, COPY, "Binary Format". Each field: its length, then its bytes.
_COLUMNS = (
    ("series_id", "bigint", ">i8"), ("at", "timestamptz", ">i8"), ("value", "float8", ">f8"),
    ("quality", "float4", ">f4"), ("battery", "float4", ">f4"), ("score", "float4", ">f4"),
    ("flag", "smallint", ">i2"),
)  # fmt: skip
_ROW = np.dtype(
    [("fields", ">i2")]
    + [pair for name, _, kind in _COLUMNS for pair in ((f"{name}_n", ">i4"), (name, kind))]
)
_HEADER = b"PGCOPY\n\xff\r\n\x00" + bytes(8)
_TRAILER = b"\xff\xff"
_EPOCH_US = 946_684_800_000_000  # 2000-01-01, where PostgreSQL's time begins
STAGE = ", ".join(f"{name} {kind}" for name, kind, _ in _COLUMNS)
# Below this many points their columns travel in the statement: see `bulk` for what a temporary
# table costs every later commit of its connection.
_STAGE_FROM = 500
_FEW = (
    "(SELECT s AS series_id, 'epoch'::timestamptz + t * interval '1 microsecond' AS at, value, "
    "quality, battery, score, flag FROM unnest(%s::bigint[], %s::bigint[], %s::float8[], "
    "%s::float4[], %s::float4[], %s::float4[], %s::smallint[]) "
    "AS few(s, t, value, quality, battery, score, flag)) few"
)


def given(conn: Connection, batch: Batch, ids: NDArray[np.int64]) -> tuple[str, tuple[str, ...]]:
    """Return what a statement reads a batch's rows from, and the values that stand in it: many
    points fill the connection's staging table, which is emptied at commit."""
    if len(batch) < _STAGE_FROM:
        told = (getattr(batch, name).astype(kind) for name, _, kind in _COLUMNS[2:])
        columns = (ids[batch.which], batch.at, *told)
        return _FEW, tuple(array(column.tolist()) for column in columns)
    conn.execute(
        f"CREATE TEMPORARY TABLE IF NOT EXISTS stage_vital ({STAGE}) ON COMMIT DELETE ROWS"
    )
    with conn.cursor() as cursor, cursor.copy("COPY stage_vital FROM STDIN (FORMAT BINARY)") as out:
        out.write(_HEADER)
        out.write(_rows(batch, ids))
        out.write(_TRAILER)
    return "stage_vital", ()


def marked(conn: Connection, tenant_id: TenantId, batch: Batch, ids: NDArray[np.int64]) -> None:
    """Mark the hours of a batch that is in order: found here, since the database would look at
    each point for it, a tenth of what writing them takes."""
    hours = batch.at // HOUR_US
    other = np.diff(batch.which, prepend=-1) != 0
    first = np.flatnonzero(other | (np.diff(hours, prepend=0) != 0))
    conn.execute(
        "INSERT INTO vital_stale (tenant_id, series_id, hour) SELECT %s, s, 'epoch'::timestamptz "
        "+ h * interval '1 hour' FROM unnest(%s::bigint[], %s::bigint[]) AS t(s, h)",
        (tenant_id, array(ids[batch.which[first]].tolist()), array(hours[first].tolist())),
    )


def array(numbers: Iterable[float]) -> str:
    """Write numbers as PostgreSQL's text of an array, which costs the driver nothing."""
    return f"{{{','.join(map(str, numbers))}}}"


def _rows(batch: Batch, ids: NDArray[np.int64]) -> bytes:
    rows = np.empty(len(batch), _ROW)
    rows["fields"] = len(_COLUMNS)
    for name, _, kind in _COLUMNS:
        rows[f"{name}_n"] = np.dtype(kind).itemsize
    rows["series_id"], rows["at"] = ids[batch.which], batch.at - _EPOCH_US
    for name in ("value", "quality", "battery", "score", "flag"):
        rows[name] = getattr(batch, name)
    return rows.tobytes()


def key_of(row: Sequence[Any]) -> SeriesKey:
    """Return the key of a row of KEY_COLUMNS."""
    measurement, subject, kind, unit, device, place, source, labels = row
    return SeriesKey(measurement, subject, kind, unit, device, place, source, frozenset(labels))


_WANTED = (
    "SELECT n, m, s, k, u, d, p, f, CASE l WHEN '' THEN '{}' ELSE string_to_array(l, ',') END "
    "FROM unnest(%s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], "
    "%s::text[], %s::text[]) WITH ORDINALITY AS t(m, s, k, u, d, p, f, l, n)"
)
_SAME = " AND ".join(f"v.{name} = w.{name}" for name in KEY_COLUMNS.split(", "))


def series_ids(
    conn: Connection, tenant_id: TenantId, keys: Sequence[SeriesKey], *, make: bool
) -> tuple[dict[SeriesKey, int], set[int]]:
    """Return the numbers of these series, and which are new: those are made, or left out."""
    columns = [
        [getattr(key, name) for key in keys]
        for name in ("measurement", "subject", "kind", "unit", "device", "place", "source")
    ]
    # An array of arrays cannot be ragged: labels travel as one text each.
    columns.append([",".join(sorted(key.labels)) for key in keys])
    made = []
    if make:
        made = conn.execute(
            f"INSERT INTO vital_series (tenant_id, {KEY_COLUMNS}) SELECT %s, {KEY_COLUMNS} "
            f"FROM ({_WANTED}) AS w(n, {KEY_COLUMNS}) ON CONFLICT DO NOTHING "
            "RETURNING series_id",
            (tenant_id, *columns),
        ).fetchall()
    rows = conn.execute(
        f"SELECT w.n, v.series_id FROM ({_WANTED}) AS w(n, {KEY_COLUMNS}) "
        f"JOIN vital_series v ON v.tenant_id = %s AND {_SAME}",
        (*columns, tenant_id),
    ).fetchall()
    return {keys[row[0] - 1]: row[1] for row in rows}, {row[0] for row in made}


def latest(
    conn: Connection,
    tenant_id: TenantId,
    table: str,
    ids: Sequence[int],
    most: int,
    until: datetime,
) -> tuple[NDArray[np.int64], Floats]:
    """Return the latest values before `until` of each of these series: the place of each value's
    series in `ids`, and the value. Each series' values travel as their bytes, since a row for each
    costs twenty times as much; `until` keeps the partitions of years to come from being asked."""
    query = (
        "SELECT n.place - 1, p.told FROM unnest(%s::bigint[]) WITH ORDINALITY AS n(s, place) "
        "CROSS JOIN LATERAL (SELECT string_agg(float8send(value), '') AS told FROM (SELECT value "
        f"FROM {table} WHERE tenant_id = %s AND series_id = n.s AND at < %s "
        "ORDER BY at DESC LIMIT %s) l) p WHERE p.told IS NOT NULL"
    )
    with conn.cursor(binary=True) as cursor:
        rows = cursor.execute(query, (list(ids), tenant_id, until, most)).fetchall()
    values = np.frombuffer(b"".join(row[1] for row in rows), ">f8").astype(np.float64)
    counts = np.array([len(row[1]) // 8 for row in rows], np.int64)
    return np.repeat(np.array([row[0] for row in rows], np.int64), counts), values
