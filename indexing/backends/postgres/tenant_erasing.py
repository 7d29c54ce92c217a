"""Tenants taken out of PostgreSQL: begun by a row that closes the gate, emptied table by table.

By the role that owns the tables, held to one tenant like the application's. The row is the register
too: it stays, so that a code is never given again and an auditor finds who left, when and why.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from graphlib import TopologicalSorter
from typing import Any, Final
from uuid import UUID

from psycopg.types.json import Jsonb

from indexing.access import Access
from indexing.audit import AuditRow
from indexing.backends.postgres import audit
from indexing.backends.postgres.connect import Database
from indexing.backends.postgres.reach import tables
from indexing.backends.postgres.remains import rows_of
from indexing.erasure import TenantErasure
from indexing.errors import EngineUnavailable
from indexing.model import Tenant, TenantId

SUBTYPE: Final = "erase-tenant"
_WAIT_S: Final = 60.0  # for transactions that had passed the gate before it closed
_LOOK_S: Final = 0.05
_LOCK: Final = "300ms"  # while a partition waits to be dropped, every tenant's questions wait
_AGAIN_S: Final = 0.5  # they are let through before another attempt
_TRIES: Final = 60

_COLUMNS = (
    "code, erased_id, asked_by, reason, export_to, places, audit_rows, audit_hash, removed, "
    "began_at, exported_at, finished_at"
)
# Who may be in a transaction that passed the gate: the application's role, by the lock that every
# transaction holds on its own number, which everybody may see.
_INSIDE = """
SELECT l.virtualtransaction FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND a.datname = current_database()
    AND a.usename = %s
"""
_REFERRING = """
SELECT f.relname, t.relname FROM pg_constraint k JOIN pg_class f ON f.oid = k.conrelid
JOIN pg_class t ON t.oid = k.confrelid WHERE k.contype = 'f' AND f.oid <> t.oid
"""
# Joined: TimescaleDB 2.19 fails to plan a plain one under a policy (XX000).
_DELETE = 'DELETE FROM "{table}" t USING unnest(%s::uuid[]) AS gone(id) WHERE t.tenant_id = gone.id'
_LISTED = "SELECT partrelid::regclass::text FROM pg_partitioned_table WHERE partstrat = 'l'"
# As a row is hashed: `hash` = sha256(the hash before, `words`), as long as none of it was erased.
_CHAIN = """
SELECT jsonb_build_object('seq', e.seq, 'at', e.at, 'user_id', e.user_id, 'user_name', a.name,
    'roles', e.roles, 'purpose', e.purpose, 'action', e.action, 'subtype', e.subtype,
    'outcome', e.outcome, 'patient_ids', e.patient_ids, 'entities', e.entities,
    'detail', e.detail, 'erased_in', e.erased_in, 'words', audit_words(e),
    'hash', encode(e.hash, 'hex'))::text
FROM audit_event e LEFT JOIN account a ON a.tenant_id = e.tenant_id AND a.user_id = e.user_id
WHERE e.tenant_id = %s ORDER BY e.seq
"""


class PostgresTenantErasing:
    """`owner` owns the tables; `app` names the role whose transactions are waited for."""

    def __init__(self, owner: Database, app: str) -> None:
        self._owner, self._app = owner, app

    def all(self) -> list[TenantErasure]:
        """Return the register, by code."""
        with self._owner.transaction() as conn:
            rows = conn.execute(f"SELECT {_COLUMNS} FROM tenant_erasure ORDER BY code").fetchall()
        return [_erasure(row) for row in rows]

    def of(self, code: str) -> TenantErasure | None:
        """Return the erasure of the tenant of that code, None where none was begun."""
        return next((each for each in self.all() if each.code == code), None)

    def unfinished(self) -> list[TenantErasure]:
        """Return those that were begun and not finished."""
        return [each for each in self.all() if each.finished_at is None]

    def held(self, tenant_id: TenantId) -> dict[str, int]:
        """Return how many rows each table has of a tenant."""
        with self._owner.tenant(tenant_id) as conn:
            counts = {
                table.name: rows_of(conn, table, tenant_id)
                for table in tables(conn)
                if table.a_tenants
            }
        return {name: count for name, count in counts.items() if count}

    def begin(self, access: Access, tenant: Tenant, reason: str, export_to: str) -> None:
        """Record an erasure: from now on nobody gets in. The chain's own row says so too.

        Raises: Conflict: it was begun already.
        """
        told = AuditRow("D", SUBTYPE, [], [f"tenant/{tenant.code}"], {"reason": reason})
        with self._owner.tenant(tenant.tenant_id) as conn:
            conn.execute(
                "INSERT INTO tenant_erasure (code, erased_id, asked_by, reason, export_to) "
                "VALUES (%s, %s, %s, %s, %s)",
                (tenant.code, tenant.tenant_id, access.user_id, reason, export_to),
            )
            conn.execute(
                "UPDATE tenant SET active = false WHERE tenant_id = %s", (tenant.tenant_id,)
            )
            audit.record(conn, access, told)

    def closed(self) -> None:
        """Return when nobody is inside who had passed a gate before it closed.

        Raises: EngineUnavailable: a transaction goes on for a minute.
        """
        inside = self._inside()
        deadline = time.monotonic() + _WAIT_S
        while inside := inside & self._inside():
            if time.monotonic() > deadline:
                raise EngineUnavailable(
                    "a transaction from before is still open", hint="run the same command again"
                )
            time.sleep(_LOOK_S)

    def _inside(self) -> frozenset[str]:
        with self._owner.transaction() as conn:
            return frozenset(row[0] for row in conn.execute(_INSIDE, (self._app,)).fetchall())

    def seal(self, code: str, tenant_id: TenantId) -> None:
        """Note once how long the tenant's chain is, and how it ends."""
        with self._owner.tenant(tenant_id) as conn:
            conn.execute(
                "UPDATE tenant_erasure r SET audit_rows = e.seq, audit_hash = e.hash "
                "FROM (SELECT seq, hash FROM audit_event WHERE tenant_id = %s "
                "ORDER BY seq DESC LIMIT 1) e WHERE r.code = %s AND r.audit_hash IS NULL",
                (tenant_id, code),
            )

    def chain(self, tenant_id: TenantId) -> Iterator[str]:
        """Yield the chain's rows, the oldest first, each one line of JSON."""
        with self._owner.tenant(tenant_id) as conn, conn.cursor(name="chain") as cursor:
            for row in cursor.execute(_CHAIN, (tenant_id,)):
                yield row[0]

    def exported(self, code: str) -> None:
        """Note that the audit lies outside."""
        self._set(code, "exported_at = clock_timestamp()")

    def lay(self, code: str, places: Sequence[tuple[str, str, TenantId]]) -> None:
        """Note where the tenant's indexes lie: the record of places goes with its rows."""
        told = [[leg, engine, str(space)] for leg, engine, space in places]
        self._set(code, "places = %s", Jsonb(told))

    def finish(self, code: str) -> None:
        """Note that nothing was found."""
        self._set(code, "finished_at = clock_timestamp()")

    def _set(self, code: str, what: str, *values: object) -> None:
        with self._owner.transaction() as conn:
            conn.execute(f"UPDATE tenant_erasure SET {what} WHERE code = %s", (*values, code))

    def remove(self, erasure: TenantErasure) -> dict[str, int]:
        """Take every row of the tenant out of every table, each in a transaction of its own, and
        drop its partitions; return how many rows each table lost in all.

        Raises: EngineUnavailable: a partition is in use for too long.
        """
        removed = Counter(erasure.removed)
        for own in erasure.ids:
            for table in self._ordered(own):
                with self._owner.tenant(own) as conn:
                    gone = conn.execute(_DELETE.format(table=table), ([own],)).rowcount
                    removed[table] += gone
                    if gone:
                        conn.execute(
                            "UPDATE tenant_erasure SET removed = %s WHERE code = %s",
                            (Jsonb(+removed), erasure.code),
                        )
            self._drop_partitions(own)
        return dict(+removed)

    def _ordered(self, tenant_id: TenantId) -> list[str]:
        """Return the tenants' tables: whatever refers to another before that, the registry last."""
        with self._owner.tenant(tenant_id) as conn:
            names = {table.name for table in tables(conn) if table.a_tenants}
            referring = conn.execute(_REFERRING).fetchall()
        before: dict[str, set[str]] = {name: set() for name in names}
        for own, to in referring:
            if own in names and to in names:
                before[to].add(own)
        before["tenant"] |= names - {"tenant"}
        return list(TopologicalSorter(before).static_order())

    def _drop_partitions(self, tenant_id: TenantId) -> None:
        with self._owner.transaction() as conn:
            names = [f"{row[0]}_{tenant_id.hex}" for row in conn.execute(_LISTED).fetchall()]
        for name in names:
            for attempt in range(1, _TRIES + 1):
                try:
                    with self._owner.transaction() as conn:
                        conn.execute(f"SET LOCAL lock_timeout = '{_LOCK}'")
                        conn.execute(f'DROP TABLE IF EXISTS "{name}"')
                    break
                except EngineUnavailable:
                    if attempt == _TRIES:
                        raise
                    time.sleep(_AGAIN_S)


def _erasure(row: Sequence[Any]) -> TenantErasure:
    code, own, asked_by, reason, export_to, places, audit_rows, audit_hash, *rest = row
    laid = places and tuple((leg, engine, TenantId(UUID(space))) for leg, engine, space in places)
    return TenantErasure(
        code, own, asked_by, reason, export_to, laid, audit_rows,
        None if audit_hash is None else bytes(audit_hash), *rest,
    )  # fmt: skip
