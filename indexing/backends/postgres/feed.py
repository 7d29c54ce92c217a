"""The change feed: the outbox table, read by a role that sees positions and nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime

import psycopg

from indexing.backends.postgres.connect import Database, errors_mapped
from indexing.feed import Batch
from indexing.model import ChangeEvent, Kind, Position, TenantId

_READ = """
SELECT xid::text::bigint, row, tenant_id, kind, key, version, deleted FROM outbox
WHERE (xid, row) > (%s::text::xid8, %s) AND xid < pg_snapshot_xmin(pg_current_snapshot())
ORDER BY xid, row LIMIT %s
"""
# Everything committed is read except rows that an older running transaction holds back.
_COMPLETE_TO = """
SELECT coalesce(min(at), clock_timestamp()), min(at) IS NOT NULL FROM outbox
WHERE xid >= pg_snapshot_xmin(pg_current_snapshot())
"""
# What of one tenant waits for each follower, whether it ever began or not. Where each stands is
# read apart (OFFSET 0): under a policy a condition with COALESCE in it never reaches the index, and
# all of the tenant's outbox was read for each.
_WAITING = """
SELECT f.follower, (SELECT count(DISTINCT o.key) FROM outbox o
    WHERE o.tenant_id = %(tenant)s AND o.kind = f.kind AND (o.xid, o.row) > (f.xid, f.row))
FROM (SELECT w.follower, w.kind, coalesce(c.xid, 0)::text::xid8 AS xid, coalesce(c.row, 0) AS row
    FROM unnest(%(followers)s::text[], %(kinds)s::text[]) w (follower, kind)
    LEFT JOIN cursor_position c ON c.follower = w.follower OFFSET 0) f
"""
_HELD_S = 0.01  # until rows that were held back are looked for again, at first


class PostgresFeed:
    """`feed` reads and moves cursors; `app` parks, because a parked event is a tenant's row."""

    def __init__(self, feed: Database, app: Database) -> None:
        self._feed, self._app = feed, app
        self._ears: psycopg.Connection[tuple[object, ...]] | None = None
        self._held = 0  # reads in a row that an older transaction held something back from

    def read(self, follower: str, kind: Kind, limit: int) -> Batch:
        """Return the next events of `kind` past the follower's cursor."""
        with self._feed.transaction() as conn:
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            row = conn.execute(
                "SELECT xid, row FROM cursor_position WHERE follower = %s", (follower,)
            ).fetchone()
            start = Position(*row) if row else Position(0, 0)
            rows = conn.execute(_READ, (start.xid, start.row, limit)).fetchall()
            complete: datetime | None = None
            if len(rows) < limit:
                found = conn.execute(_COMPLETE_TO).fetchone()
                complete = found[0] if found else None
                self._held = self._held + 1 if found and found[1] else 0
        events = [
            ChangeEvent(Position(r[0], r[1]), r[2], Kind(r[3]), r[4], r[5], r[6])
            for r in rows
            if r[3] == kind
        ]
        end = Position(rows[-1][0], rows[-1][1]) if rows else start
        return Batch(events, end, len(rows), complete)

    def commit(self, follower: str, batch: Batch) -> None:
        """Move the follower's cursor to the end of `batch`.

        Not waited for to reach the disk: what a crash loses is read and applied again.
        """
        with self._feed.transaction() as conn:
            conn.execute("SET LOCAL synchronous_commit = off")
            conn.execute(
                "INSERT INTO cursor_position AS c (follower, xid, row, complete_to) "
                "VALUES (%s, %s, %s, %s) ON CONFLICT (follower) DO UPDATE SET "
                "xid = excluded.xid, row = excluded.row, moved_at = clock_timestamp(), "
                "complete_to = coalesce(excluded.complete_to, c.complete_to)",
                (follower, batch.end.xid, batch.end.row, batch.complete_to),
            )

    def pending(self, follower: str, kind: Kind) -> int:
        """Count the events of that kind past the cursor, uncommitted ones aside."""
        with self._feed.transaction() as conn:
            row = conn.execute(
                "SELECT count(*) FROM outbox o WHERE o.kind = %s AND (o.xid, o.row) > ("
                "coalesce((SELECT xid FROM cursor_position WHERE follower = %s), 0)::text::xid8, "
                "coalesce((SELECT row FROM cursor_position WHERE follower = %s), 0))",
                (kind.value, follower, follower),
            ).fetchone()
        assert row is not None
        return int(row[0])

    def waiting(self, tenant_id: TenantId, followers: Mapping[str, Kind]) -> Mapping[str, int]:
        """Count what of a tenant changed and has not come to each of these followers yet."""
        values = {
            "tenant": tenant_id, "followers": list(followers),
            "kinds": [kind.value for kind in followers.values()],
        }  # fmt: skip
        with self._app.tenant(tenant_id) as conn:
            return dict(conn.execute(_WAITING, values).fetchall())

    @contextmanager
    def lock(self, name: str, *, wait_s: float = 0) -> Iterator[bool]:
        """Become the one holder of `name` while the context lasts; False: somebody stays it.

        Whoever waits is seen by the holder (`wanted`), which then lets go between two batches.
        """
        key = f"anamnesis:{name}"
        with self._feed.session() as conn:
            mine = _try_lock(conn, "pg_try_advisory_lock", key)
            if not mine and wait_s:
                with suppress(psycopg.errors.LockNotAvailable):
                    conn.execute(
                        "SELECT set_config('lock_timeout', %s, false)", (f"{int(wait_s * 1000)}ms",)
                    )
                    conn.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", (key,))
                    mine = True
            try:
                yield mine
            finally:  # a server's process ends a moment after its connection, and its locks with it
                if mine:
                    with suppress(psycopg.Error):
                        conn.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", (key,))

    def wanted(self, name: str) -> bool:
        """Say whether somebody waits for the lock of that name."""
        with self._feed.transaction() as conn:
            row = conn.execute(
                "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' "
                "AND NOT granted AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) "
                "= hashtextextended(%s, 0))",
                (f"anamnesis:{name}",),
            ).fetchone()
        return bool(row and row[0])

    def wait(self, timeout_s: float) -> bool:
        """Return when something was written, or may have become readable: False after `timeout_s`
        without.

        Whoever holds rows back need not have written any: nobody tells when they are done, so
        they are looked for again soon, and less often the longer it takes.
        """
        held = self._held
        if held:
            timeout_s = min(timeout_s, _HELD_S * 2 ** min(held // 4, 5))
        with errors_mapped():
            try:
                if self._ears is None:
                    self._ears = psycopg.connect(self._feed.direct, autocommit=True)
                    self._ears.execute("LISTEN anamnesis_feed")
                heard = list(self._ears.notifies(timeout=timeout_s, stop_after=1))
            except psycopg.Error:
                self._ears = None
                raise
        return bool(heard) or held > 0

    def park(self, follower: str, event: ChangeEvent, reason: str) -> None:
        """Set an event aside; `reason` is an error's class name."""
        with self._app.tenant(event.tenant_id) as conn:
            conn.execute(
                "INSERT INTO parked (tenant_id, follower, kind, key, version, deleted, reason) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s) ON CONFLICT (tenant_id, follower, key) "
                "DO UPDATE SET version = excluded.version, deleted = excluded.deleted",
                (
                    event.tenant_id, follower, event.kind.value, event.key, event.version,
                    event.deleted, reason,
                ),
            )  # fmt: skip

    def parked(self, follower: str, tenant_id: TenantId) -> frozenset[str]:
        """Return the keys that are parked for this follower."""
        with self._app.tenant(tenant_id) as conn:
            rows = conn.execute(
                "SELECT key FROM parked WHERE tenant_id = %s AND follower = %s",
                (tenant_id, follower),
            ).fetchall()
        return frozenset(row[0] for row in rows)

    def parked_events(self, follower: str, tenant_id: TenantId) -> Sequence[ChangeEvent]:
        """Return what is parked for this follower, to be applied again."""
        with self._app.tenant(tenant_id) as conn:
            rows = conn.execute(
                "SELECT kind, key, version, deleted FROM parked "
                "WHERE tenant_id = %s AND follower = %s ORDER BY parked_at, key",
                (tenant_id, follower),
            ).fetchall()
        return [ChangeEvent(Position(0, 0), tenant_id, Kind(r[0]), *r[1:]) for r in rows]

    def unpark(self, follower: str, event: ChangeEvent) -> None:
        """Forget a parked event that was applied; one of its key that came later stays."""
        with self._app.tenant(event.tenant_id) as conn:
            conn.execute(
                "DELETE FROM parked WHERE tenant_id = %s AND follower = %s AND key = %s "
                "AND version = %s",
                (event.tenant_id, follower, event.key, event.version),
            )


def _try_lock(conn: psycopg.Connection[tuple[object, ...]], function: str, key: str) -> bool:
    row = conn.execute(f"SELECT {function}(hashtextextended(%s, 0))", (key,)).fetchone()
    return bool(row and row[0])
