"""Series in PostgreSQL: points partitioned by time, roll-ups of our own, all under row security.

A write is one transaction: many points through a staging table (COPY is refused under row
security), and a mark on every hour that they touch. `settle` counts marked hours anew and takes
the marks out in one transaction, so that a crash between the two leaves the mark. A reader counts
marked hours from the points, so that what it is told is right before anybody settled.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray
from psycopg.errors import UniqueViolation

from indexing.access import Access
from indexing.backends.postgres.connect import Connection, Database
from indexing.backends.postgres.vital_reads import VitalReads
from indexing.backends.postgres.vital_rows import array, given, latest, marked, series_ids
from indexing.model import TenantId
from indexing.vitals.anomaly import MOST, baselines
from indexing.vitals.model import (
    Baseline,
    Batch,
    Extent,
    Points,
    Rollups,
    SeriesKey,
    Span,
    Window,
    last_of_each,
    moment_of,
)

_MOST_REMEMBERED = 500_000  # series
_LOT = 2_000  # series that are not worth a second connection
# Series whose past goes in one transaction: a day of minutes of 10,000 patients at once would hold
# back the feed for as long as its deletion takes.
_RETAINED_AT_ONCE = 100
_SETTLE_AT_ONCE = 20_000  # marks taken by one transaction
# Whoever claims a place that some origins claim. Place by place by the index, however few
# statistics there are: OFFSET keeps the planner from drawing both into one join.
_CLAIMED = (
    "SELECT own.series_id, own.at, o.origin FROM (SELECT DISTINCT series_id, at FROM vital_origin "
    "WHERE tenant_id = %s AND origin = ANY(%s)) own CROSS JOIN LATERAL (SELECT origin "
    "FROM vital_origin v WHERE tenant_id = %s AND v.series_id = own.series_id AND v.at = own.at "
    "OFFSET 0) o"
)
_Rows: TypeAlias = tuple[str, tuple[str, ...]]  # what they are read from, with its values
_Lasts: TypeAlias = Mapping[tuple[TenantId, int], tuple[int, int]]


class PostgresVitals:
    """`table` holds the points: partitions of our own, or a hypertable. `sealed` is called in each
    writing transaction, for an engine whose parts appear while it writes."""

    def __init__(
        self, database: Database, table: str = "vital_point",
        sealed: Callable[[Connection], None] = lambda _conn: None,
    ) -> None:  # fmt: skip
        self._database, self._table, self._sealed = database, table, sealed
        self._reads = VitalReads(table)
        self._insert = (
            f"INSERT INTO {table} (tenant_id, series_id, at, value, quality, battery, score, flag) "
            "SELECT %s, series_id, at, value, nullif(quality, 'NaN'), nullif(battery, 'NaN'), "
            "nullif(score, 'NaN'), flag FROM "
        )
        self._ids: dict[tuple[TenantId, SeriesKey], int] = {}
        self._newest: dict[tuple[TenantId, int], int] = {}  # as far as this process wrote
        self._lock = threading.Lock()

    def write(self, tenant_id: TenantId, batch: Batch, origins: Sequence[str] = ()) -> None:
        if not len(batch):
            return
        named = _named(batch, origins) if origins else []
        batch = last_of_each(batch)
        with self._database.tenant(tenant_id) as conn:
            ids, made = self._numbers(conn, tenant_id, batch.series)
            rows = given(conn, batch, ids)
            lasts = _lasts(tenant_id, batch, ids)
            if not (self._later(lasts, made) and self._appended(conn, tenant_id, rows)):
                self._corrected(conn, tenant_id, rows)
            marked(conn, tenant_id, batch, ids)
            if named:
                _name(conn, tenant_id, [(origin, int(ids[of]), at) for origin, of, at in named])
            self._sealed(conn)
        with self._lock:
            known = zip(batch.series, ids.tolist(), strict=True)
            if len(self._ids) + len(ids) > _MOST_REMEMBERED:
                self._ids.clear()
            self._ids.update({(tenant_id, key): number for key, number in known})
            if len(self._newest) > _MOST_REMEMBERED:
                self._newest.clear()
            newest = self._newest
            newest.update({own: max(at, newest.get(own, at)) for own, (_, at) in lasts.items()})

    def _later(self, lasts: _Lasts, made: Collection[int]) -> bool:
        """Say whether every point is later than what this process knows of its series, or its
        series new: then it is most likely new too, and looking for each one first costs a third
        of the write."""
        never = 2**63
        known = ((own, first) for own, (first, _) in lasts.items() if own[1] not in made)
        return all(first > self._newest.get(own, never) for own, first in known)

    def _appended(self, conn: Connection, tenant_id: TenantId, rows: _Rows) -> bool:
        """Insert rows; False where a point stands there already, from somebody else."""
        try:
            with conn.transaction():
                conn.execute(self._insert + rows[0], (tenant_id, *rows[1]))
        except UniqueViolation:
            return False
        return True

    def _corrected(self, conn: Connection, tenant_id: TenantId, rows: _Rows) -> None:
        conn.execute(
            f"{self._insert}{rows[0]} ON CONFLICT (tenant_id, series_id, at) DO UPDATE SET "
            "value = excluded.value, quality = excluded.quality, battery = excluded.battery, "
            "score = excluded.score, flag = excluded.flag",
            (tenant_id, *rows[1]),
        )

    def _numbers(
        self, conn: Connection, tenant_id: TenantId, keys: Sequence[SeriesKey]
    ) -> tuple[NDArray[np.int64], Collection[int]]:
        """Return the series' numbers, which stand until commit, and which were made now; what is
        remembered is looked at again."""
        # Of all series at once: to lock each of 10,000 took a fifth of what writing them takes.
        conn.execute("SELECT pg_advisory_xact_lock_shared(hashtextextended(%s, 0))",
                     (_standing(tenant_id),))  # fmt: skip
        known = [self._ids.get((tenant_id, key)) for key in keys]
        if all(number is not None for number in known):
            row = conn.execute(
                "SELECT count(*) FROM vital_series WHERE tenant_id = %s "
                "AND series_id = ANY(%s::bigint[])",
                (tenant_id, array(filter(None, known))),
            ).fetchone()
            if row is not None and row[0] == len(set(known)):
                return np.asarray(known, np.int64), ()
        found, made = series_ids(conn, tenant_id, list(dict.fromkeys(keys)), make=True)
        return np.asarray([found[key] for key in keys], np.int64), made

    def retract(self, tenant_id: TenantId, origins: Sequence[str]) -> Sequence[str]:
        wanted, gone = list(origins), set(origins)
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(_CLAIMED, (tenant_id, wanted, tenant_id)).fetchall()
            if not rows:
                return []
            places = _columns_of({(row[0], row[1]) for row in rows})
            conn.execute(
                f"DELETE FROM {self._table} p USING unnest(%s::bigint[], %s::timestamptz[]) "
                "AS gone(series_id, at) WHERE p.tenant_id = %s AND p.series_id = gone.series_id "
                "AND p.at = gone.at",
                (*places, tenant_id),
            )
            others = [row for row in rows if row[2] not in gone]
            shared = _columns_of({(row[0], row[1]) for row in others})
            conn.execute(
                "DELETE FROM vital_origin o WHERE tenant_id = %s AND origin = ANY(%s) "
                "AND NOT EXISTS (SELECT FROM unnest(%s::bigint[], %s::timestamptz[]) t(s, a) "
                "WHERE t.s = o.series_id AND t.a = o.at)",
                (tenant_id, wanted, *shared),
            )
            conn.execute(
                "INSERT INTO vital_stale (tenant_id, series_id, hour) SELECT DISTINCT %s::uuid, s, "
                "date_trunc('hour', a, 'UTC') FROM unnest(%s::bigint[], %s::timestamptz[]) t(s, a)",
                (tenant_id, *places),
            )
        return sorted({row[2] for row in others})

    def baselines(
        self, tenant_id: TenantId, keys: Sequence[SeriesKey]
    ) -> Mapping[SeriesKey, Baseline]:
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        with self._database.tenant(tenant_id) as conn:
            ids, _ = series_ids(conn, tenant_id, list(dict.fromkeys(keys)), make=False)
            if not ids:
                return {}
            numbers = list(ids.values())
            which, values = latest(conn, tenant_id, self._table, numbers, MOST, tomorrow)
        found = zip(ids, baselines(which, values, len(ids)), strict=True)
        return {key: own for key, own in found if own is not None}

    def extents(self, access: Access, subjects: Sequence[str]) -> Sequence[Extent]:
        with self._database.tenant(access.tenant_id) as conn:
            return self._reads.extents(conn, access, subjects)

    def points(self, access: Access, subjects: Sequence[str], span: Span) -> Sequence[Points]:
        with self._database.tenant(access.tenant_id) as conn:
            return self._reads.points(conn, access, subjects, span)

    def rollups(self, access: Access, subjects: Sequence[str], span: Span) -> Sequence[Rollups]:
        with self._database.tenant(access.tenant_id, snapshot=True) as conn:
            return self._reads.rollups(conn, access, subjects, span)

    def window(self, access: Access, kind: str, start: datetime, end: datetime) -> Sequence[Window]:
        """Each series is read at one moment; many of them in two halves, side by side."""
        with self._database.tenant(access.tenant_id) as conn:
            ids = self._reads.opened(conn, access, kind)
        most = max(_LOT, -(-len(ids) // 2))
        lots = [ids[at : at + most] for at in range(0, len(ids), most)]

        def read(lot: Sequence[int]) -> list[Window]:
            with self._database.tenant(access.tenant_id, snapshot=True) as conn:
                return self._reads.window(conn, access, lot, start, end)

        if len(lots) < 2:
            return [each for lot in lots for each in read(lot)]
        with ThreadPoolExecutor(len(lots)) as pool:
            return [each for found in pool.map(read, lots) for each in found]

    def settle(self, tenant_id: TenantId) -> int:
        total = 0
        while count := self._settle(tenant_id):
            total += count
        return total

    def _settle(self, tenant_id: TenantId) -> int:
        with self._database.tenant(tenant_id) as conn:
            # One at a time: of two, the one that looked first must not write last.
            conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
                         (f"vitals:{tenant_id}",))  # fmt: skip
            rows = _taken_marks(conn, tenant_id)
            if not rows:
                return 0
            hours = ([row[0] for row in rows], [row[1] for row in rows])
            conn.execute(
                "DELETE FROM vital_rollup r USING unnest(%s::bigint[], %s::timestamptz[]) t(s, h) "
                "WHERE r.tenant_id = %s AND r.series_id = t.s AND r.hour = t.h",
                (*hours, tenant_id),
            )
            conn.execute(
                "INSERT INTO vital_rollup (tenant_id, series_id, hour, count, mean, low, high, "
                f"deviation, anomalies) {self._reads.counted}",
                (*hours, tenant_id),
            )
        return len(rows)

    def retain(
        self, tenant_id: TenantId, details_from: datetime, rollups_from: datetime
    ) -> tuple[int, int]:
        self.settle(tenant_id)
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(
                "SELECT series_id FROM vital_series WHERE tenant_id = %s AND source <> 'fhir' "
                "ORDER BY series_id",
                (tenant_id,),
            ).fetchall()
        dropped = [0, 0]
        tables = ((self._table, "at", details_from), ("vital_rollup", "hour", rollups_from))
        for start in range(0, len(rows), _RETAINED_AT_ONCE):
            ids = [row[0] for row in rows[start : start + _RETAINED_AT_ONCE]]
            for place, (table, column, before) in enumerate(tables):
                with self._database.tenant(tenant_id) as conn:
                    done = conn.execute(
                        f"DELETE FROM {table} p USING unnest(%s::bigint[]) AS own(id) "
                        "WHERE p.tenant_id = %s AND p.series_id = own.id "
                        f"AND p.{column} < date_trunc('hour', %s::timestamptz, 'UTC')",
                        (ids, tenant_id, before),
                    )
                    dropped[place] += done.rowcount
        return dropped[0], dropped[1]

    def forget(self, tenant_id: TenantId, subject: str) -> None:
        self._delete(tenant_id, "AND s.subject = %s", [subject])

    def drop(self, tenant_id: TenantId) -> None:
        self._delete(tenant_id, "", [])

    def _delete(self, tenant_id: TenantId, which: str, values: Sequence[str]) -> None:
        with self._database.tenant(tenant_id) as conn:
            conn.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
                         (_standing(tenant_id),))  # fmt: skip
            rows = conn.execute(
                f"SELECT series_id FROM vital_series s WHERE tenant_id = %s {which}",
                (tenant_id, *values),
            ).fetchall()
            ids = [row[0] for row in rows]
            names = (self._table, "vital_rollup", "vital_stale", "vital_origin", "vital_series")
            for table in names:
                conn.execute(
                    # Joined: TimescaleDB 2.19 fails to plan `= ANY` under a policy (XX000).
                    f"DELETE FROM {table} p USING unnest(%s::bigint[]) AS gone(id) "
                    "WHERE p.tenant_id = %s AND p.series_id = gone.id",
                    (ids, tenant_id),
                )


def _standing(tenant_id: TenantId) -> str:
    """Name the lock that who deletes series holds alone, and who writes to them with others."""
    return f"series:{tenant_id}"


def _columns_of(places: Iterable[tuple[int, datetime]]) -> tuple[list[int], list[datetime]]:
    rows = sorted(places)
    return [row[0] for row in rows], [row[1] for row in rows]


def _lasts(tenant_id: TenantId, batch: Batch, ids: NDArray[np.int64]) -> _Lasts:
    """Return the first and the last instant of each series of a batch that is in order."""
    first = np.flatnonzero(np.diff(batch.which, prepend=-1))
    last = np.append(first[1:], len(batch)) - 1
    numbers = ids[batch.which[first]].tolist()
    instants = zip(batch.at[first].tolist(), batch.at[last].tolist(), strict=True)
    return {(tenant_id, own): each for own, each in zip(numbers, instants, strict=True)}


def _taken_marks(conn: Connection, tenant_id: TenantId) -> list[tuple[Any, ...]]:
    """Take out some marks, and return (series, hour) of each hour that they stood on.

    A range of the key: joined by their keys, 20,000 marks met each of 20,000 others wherever the
    planner knew nothing of the table yet, and one round took ten minutes.
    """
    last = conn.execute(
        "SELECT series_id, hour FROM vital_stale WHERE tenant_id = %s "
        "ORDER BY series_id, hour, mark OFFSET %s LIMIT 1",
        (tenant_id, _SETTLE_AT_ONCE),
    ).fetchone()
    until = " AND (series_id, hour) <= (%s, %s)" if last else ""
    return conn.execute(
        f"WITH taken AS (DELETE FROM vital_stale WHERE tenant_id = %s{until} "
        "RETURNING series_id, hour) SELECT DISTINCT series_id, hour FROM taken",
        (tenant_id, *(last or ())),
    ).fetchall()


def _named(batch: Batch, origins: Sequence[str]) -> list[tuple[str, int, datetime]]:
    """Return (origin, place of the series, instant) of every point that says where it is from."""
    rows = zip(origins, batch.which.tolist(), batch.at.tolist(), strict=True)
    return [(origin, which, moment_of(at)) for origin, which, at in rows if origin]


def _name(conn: Connection, tenant_id: TenantId, rows: Sequence[tuple[str, int, datetime]]) -> None:
    columns = [list(column) for column in zip(*rows, strict=True)]
    conn.execute(
        "INSERT INTO vital_origin (tenant_id, origin, series_id, at) SELECT %s, * FROM "
        "unnest(%s::text[], %s::bigint[], %s::timestamptz[]) ON CONFLICT DO NOTHING",
        (tenant_id, *columns),
    )
