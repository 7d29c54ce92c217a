"""Reading series in PostgreSQL: points, hours, windows; marked hours are counted on the spot."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

import numpy as np

from indexing.access import Access
from indexing.backends.postgres.connect import Connection
from indexing.backends.postgres.vital_rows import KEY_COLUMNS, array, key_of
from indexing.model import TenantId
from indexing.vitals.anomaly import THRESHOLD
from indexing.vitals.model import (
    HOUR_US,
    PATIENTS,
    Extent,
    Points,
    Rollups,
    SeriesKey,
    Span,
    Window,
    micros,
    moment_of,
)

_MICROS = "(extract(epoch FROM {}) * 1000000)::bigint"
_SUMS = (
    "count(*), avg(value), min(value), max(value), coalesce(stddev_pop(value), 0), "
    f"count(*) FILTER (WHERE abs(score) >= {THRESHOLD})"
)
_EARLIEST = datetime(1, 1, 2, tzinfo=UTC)
_MOST_KNOWN = 200_000  # keys in memory, some 100 MB
_LATEST = datetime(9999, 12, 30, tzinfo=UTC)


class VitalReads:
    """Reads inside the caller's transaction; `counted` counts the hours of two arrays (series
    numbers, hours; then the tenant)."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._known: dict[tuple[TenantId, int], SeriesKey] = {}
        # Lateral: hour by hour by the key, however few statistics there are.
        self.counted = (
            f"SELECT p.* FROM unnest(%s::bigint[], %s::timestamptz[]) AS wanted(s, h) "
            f"CROSS JOIN LATERAL (SELECT tenant_id, series_id, h, {_SUMS} FROM {table} "
            "WHERE tenant_id = %s AND series_id = s AND at >= h AND at < h + interval '1 hour' "
            "GROUP BY tenant_id, series_id) AS p"
        )

    def series(
        self, conn: Connection, access: Access, subjects: Sequence[str] | None, span: Span
    ) -> dict[int, SeriesKey]:
        """Return the series that `access` opens; None of `subjects` means all of them."""
        opened, values = _opened(access, subjects, span)
        rows = conn.execute(
            f"SELECT series_id, {KEY_COLUMNS} {opened} ORDER BY kind, series_id", values
        ).fetchall()
        return {row[0]: key_of(row[1:]) for row in rows}

    def _keys(self, conn: Connection, access: Access, ids: Sequence[int]) -> list[SeriesKey]:
        """Return the keys of series that the caller was shown. A series never changes and its
        number is never used again: what was read once is remembered."""
        tenant_id = access.tenant_id
        known = {number: self._known.get((tenant_id, number)) for number in ids}
        if new := [number for number, key in known.items() if key is None]:
            rows = conn.execute(
                f"SELECT series_id, {KEY_COLUMNS} FROM vital_series WHERE tenant_id = %s "
                "AND series_id = ANY(%s)",
                (tenant_id, new),
            ).fetchall()
            found = {row[0]: key_of(row[1:]) for row in rows}
            if len(self._known) + len(found) > _MOST_KNOWN:  # while others read from it, too
                self._known.clear()
            self._known.update({(tenant_id, number): key for number, key in found.items()})
            known |= found
        return [key for number in ids if (key := known[number]) is not None]

    def extents(self, conn: Connection, access: Access, subjects: Sequence[str]) -> list[Extent]:
        """Count each series' points."""
        own = self.series(conn, access, subjects, Span())
        rows = conn.execute(
            f"SELECT series_id, count(*), min(at), max(at) FROM {self._table} "
            "WHERE tenant_id = %s AND series_id = ANY(%s) GROUP BY series_id ORDER BY series_id",
            (access.tenant_id, list(own)),
        ).fetchall()
        return [Extent(own[row[0]], *row[1:]) for row in rows]

    def points(
        self, conn: Connection, access: Access, subjects: Sequence[str], span: Span
    ) -> list[Points]:
        """Read the points themselves."""
        own = self.series(conn, access, subjects, span)
        rows = conn.execute(
            f"SELECT series_id, {_MICROS.format('at')}, value, coalesce(score, 'NaN'), flag, "
            f"coalesce(quality, 'NaN'), coalesce(battery, 'NaN') FROM {self._table} "
            "WHERE tenant_id = %s AND series_id = ANY(%s) AND at >= %s AND at < %s "
            "ORDER BY series_id, at",
            (access.tenant_id, list(own), *_limits(span)),
        ).fetchall()
        return [
            Points(
                own[number],
                *_columns(list(group), (np.int64, float, float, np.int16, float, float)),
            )
            for number, group in groupby(rows, key=lambda row: row[0])
        ]

    def rollups(
        self, conn: Connection, access: Access, subjects: Sequence[str], span: Span
    ) -> list[Rollups]:
        """Read what is rolled up, and count what is marked."""
        own = self.series(conn, access, subjects, span)
        start, end = _limits(span)
        stale = self._stale(conn, access, array(own), start, end)
        rows = conn.execute(
            f"SELECT series_id, {_MICROS.format('hour')}, count, mean, low, high, deviation, "
            "anomalies FROM vital_rollup WHERE tenant_id = %s AND series_id = ANY(%s) "
            "AND hour >= %s AND hour < %s",
            (access.tenant_id, list(own), start, end),
        ).fetchall()
        marked = {(number, micros(hour)) for number, hour in stale}
        rows = [row for row in rows if (row[0], row[1]) not in marked] if marked else rows
        if stale:
            columns = ([number for number, _ in stale], [hour for _, hour in stale])
            rows += [
                (row[1], micros(row[2]), *row[3:])
                for row in conn.execute(self.counted, (*columns, access.tenant_id)).fetchall()
            ]
        rows.sort(key=lambda row: (row[0], row[1]))
        kinds = (np.int64, np.int64, float, float, float, float, np.int64)
        return [
            Rollups(own[number], *_columns(list(group), kinds))
            for number, group in groupby(rows, key=lambda row: row[0])
        ]

    def _stale(
        self, conn: Connection, access: Access, ids: str, start: datetime, end: datetime
    ) -> list[tuple[int, datetime]]:
        rows = conn.execute(
            "SELECT DISTINCT series_id, hour FROM vital_stale WHERE tenant_id = %s "
            "AND series_id = ANY(%s::bigint[]) AND hour >= %s AND hour < %s",
            (access.tenant_id, ids, start, end),
        ).fetchall()
        return [(row[0], row[1]) for row in rows]

    def opened(self, conn: Connection, access: Access, kind: str) -> list[int]:
        """Return the numbers of the series of a kind that `access` opens, in order."""
        opened, values = _opened(access, None, Span(kinds=[kind]))
        query = f"SELECT coalesce(array_agg(series_id ORDER BY series_id), '{{}}') {opened}"
        [(found,)] = conn.execute(query, values).fetchall()
        return list(found)

    def window(
        self, conn: Connection, access: Access, numbers: Sequence[int], start: datetime,
        end: datetime,
    ) -> list[Window]:  # fmt: skip
        """Take whole hours from what is rolled up, the ends and marked hours from the points.

        The series go back to the database as an array: of a subquery the planner may believe that
        it holds one row, and then looks at the whole hour for each of 10,000.
        """
        ids = array(numbers)
        first = moment_of(-(-micros(start) // HOUR_US) * HOUR_US)
        last = max(first, moment_of(micros(end) // HOUR_US * HOUR_US))
        stale = self._stale(conn, access, ids, first, last) if first < last else []
        if first >= last:  # it begins and ends within one hour, or holds one end of an hour
            edges = [(start, end)]
        else:
            edges = [(a, b) for a, b in ((start, first), (last, end)) if a < b]
        marked = [[s for s, _ in stale], [h for _, h in stale]]
        asked = (access.tenant_id, ids)
        ends = [value for edge in edges for value in (ids, access.tenant_id, *edge)]
        rows = conn.execute(
            self._windowed(len(edges)),
            (*asked, first, last, *marked, *marked, access.tenant_id, *ends),
        ).fetchall()
        keys = self._keys(conn, access, [row[0] for row in rows])
        return [Window(key, *row[1:]) for key, row in zip(keys, rows, strict=True)]

    def _windowed(self, edges: int) -> str:
        sums = (
            "count(*) AS n, sum(value) AS total, min(value) AS low, max(value) AS high, "
            f"count(*) FILTER (WHERE abs(score) >= {THRESHOLD}) AS bad FROM {self._table}"
        )
        # Series by series along the key, however few statistics there are.
        ends = (
            f" UNION ALL SELECT s, p.* FROM unnest(%s::bigint[]) AS own(s) CROSS JOIN LATERAL "
            f"(SELECT {sums} WHERE tenant_id = %s AND series_id = s AND at >= %s AND at < %s "
            "HAVING count(*) > 0) p"
        )
        return (
            "SELECT series_id, sum(n)::bigint, sum(total) / sum(n), min(low), max(high), "
            "sum(bad)::bigint FROM (SELECT series_id, count AS n, mean * count AS total, low, "
            "high, anomalies AS bad FROM vital_rollup r WHERE tenant_id = %s "
            "AND series_id = ANY(%s::bigint[]) AND hour >= %s AND hour < %s AND NOT EXISTS ("
            "SELECT FROM unnest(%s::bigint[], %s::timestamptz[]) m(s, h) WHERE m.s = r.series_id "
            "AND m.h = r.hour) UNION ALL SELECT s, p.* FROM unnest(%s::bigint[], "
            f"%s::timestamptz[]) AS wanted(s, h) CROSS JOIN LATERAL (SELECT {sums} "
            "WHERE tenant_id = %s AND series_id = s AND at >= h AND at < h + interval '1 hour' "
            f"HAVING count(*) > 0) p{ends * edges}) AS parts GROUP BY series_id ORDER BY series_id"
        )


def _opened(access: Access, subjects: Sequence[str] | None, span: Span) -> tuple[str, list[Any]]:
    """Return FROM and WHERE of the series that `access` opens, and what is bound in them."""
    where = "FROM vital_series WHERE tenant_id = %s AND measurement = ANY(%s) AND NOT labels && %s"
    values = [access.tenant_id, sorted(span.measurements), sorted(access.closed_labels)]
    if subjects is not None:
        where, values = where + " AND subject = ANY(%s)", [*values, list(subjects)]
    if span.kinds is not None:
        where, values = where + " AND kind = ANY(%s)", [*values, list(span.kinds)]
    if access.patients is not None:
        where += " AND (measurement <> ALL(%s) OR subject = ANY(%s))"
        values += [sorted(PATIENTS), sorted(access.patients)]
    return where, values


def _limits(span: Span) -> tuple[datetime, datetime]:
    return span.start or _EARLIEST, span.end or _LATEST


def _columns(rows: list[tuple[Any, ...]], kinds: Sequence[Any]) -> list[Any]:
    """Turn rows, their first value aside, into arrays."""
    turned = list(zip(*rows, strict=True))[1:]
    return [np.array(column, kind) for column, kind in zip(turned, kinds, strict=True)]
