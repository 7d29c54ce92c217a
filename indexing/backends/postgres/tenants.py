"""The registry of tenants in PostgreSQL."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from indexing.backends.postgres.connect import Connection, Database
from indexing.errors import Conflict, InvalidInput, NotFound, TenantErased
from indexing.model import Tenant, TenantId

_COLUMNS = "tenant_id, code, name, tier, compliance, region, key_id, active, time_zone, demo"


_STAYS = "NOT EXISTS (SELECT FROM tenant_erasure e WHERE e.erased_id = {})"
# As the table's own check has it.
_CODE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def _no_code(code: str) -> InvalidInput:
    return InvalidInput(
        f"{code[:63]!a} is no tenant code",
        hint="use a-z, 0-9 and '-', at most 63, starting with a letter or digit",
    )


def _is_zone(name: str) -> bool:
    """PostgreSQL knows more names than we do, as CEST: what only one of us knows helps nobody."""
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # a path, a folder, none of that name
        return False
    return True


def _erased(conn: Connection, code: str) -> bool:
    found = conn.execute("SELECT FROM tenant_erasure WHERE code = %s", (code,)).fetchone()
    return found is not None


def new_tenant_id() -> TenantId:
    """Return an id that nobody can guess and that is never used again."""
    return TenantId(uuid4())


def own_zone(conn: Connection) -> ZoneInfo:
    """Return the time zone of the tenant that a connection is bound to, UTC for none."""
    row = conn.execute("SELECT time_zone FROM tenant").fetchone()
    return ZoneInfo(row[0] if row else "UTC")


class PostgresTenants:
    """`app` reads by code and writes; `feed` alone may list them all; `owner` makes partitions."""

    def __init__(self, app: Database, feed: Database, owner: Database) -> None:
        self._app, self._feed, self._owner = app, feed, owner

    def create(self, tenant: Tenant) -> None:
        """Add a tenant with its partitions.

        Raises:
            Conflict: the code is taken.
            InvalidInput: the code or the time zone is not one.
        """
        if not _CODE.fullmatch(tenant.code):
            raise _no_code(tenant.code)
        if not _is_zone(tenant.time_zone):
            raise InvalidInput(
                f"{tenant.time_zone[:63]!a} is no time zone", hint="like Europe/Vienna or UTC"
            )
        try:
            with self._app.tenant(tenant.tenant_id) as conn:
                conn.execute("SELECT now() AT TIME ZONE %s", (tenant.time_zone,))
                conn.execute(
                    f"INSERT INTO tenant ({_COLUMNS}) "
                    "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                    (
                        tenant.tenant_id, tenant.code, tenant.name, tenant.tier,
                        list(tenant.compliance), tenant.region, tenant.key_id, tenant.active,
                        tenant.time_zone, tenant.demo,
                    ),
                )  # fmt: skip
                # Asked last: of an erasure that ends meanwhile, the code is free and the row there.
                if _erased(conn, tenant.code):
                    raise Conflict(f"tenant code {tenant.code!r} was that of a tenant erased here",
                                   hint="codes are not given twice: choose another")  # fmt: skip
        except Conflict as exc:
            if exc.hint:
                raise
            if self._exists(tenant.code):
                raise Conflict(f"tenant code {tenant.code!r} is taken") from None
            raise _no_code(tenant.code) from exc
        with self._owner.transaction() as conn:
            conn.execute("SELECT tenant_partitions(%s)", (tenant.tenant_id,))

    def _exists(self, code: str) -> bool:
        with self._app.transaction() as conn:
            return conn.execute("SELECT 1 FROM tenant_by_code(%s)", (code,)).fetchone() is not None

    def by_code(self, code: str) -> Tenant:
        """Return the active tenant of that code.

        Raises:
            NotFound: there is none.
            TenantErased: it is being erased, or was.
        """
        row = None
        if _CODE.fullmatch(code):
            with self._app.transaction() as conn:
                row = conn.execute(
                    f"SELECT {_COLUMNS} FROM tenant_by_code(%s) WHERE active", (code,)
                ).fetchone()
                if row is None and _erased(conn, code):
                    raise TenantErased(f"tenant {code!r} is being erased, or was erased")
        if row is None:
            name = ascii(code[:63])  # as it was typed it may hold anything
            raise NotFound(f"no tenant {name}", hint="`anamnesis tenants list` names them")
        return _tenant(row)

    def all(self) -> Sequence[Tenant]:
        """Return every tenant that is not being erased, by code."""
        with self._feed.transaction() as conn:
            rows = conn.execute(
                f"SELECT {_COLUMNS} FROM tenant_list() t WHERE {_STAYS.format('t.tenant_id')}"
            ).fetchall()
        return [_tenant(row) for row in rows]

    def erased(self) -> Sequence[TenantId]:
        """Return the ids of those that are being erased, or were."""
        with self._app.transaction() as conn:
            rows = conn.execute("SELECT erased_id FROM tenant_erasure").fetchall()
        return [TenantId(row[0]) for row in rows]

    def with_open_hours(self) -> Sequence[TenantId]:
        """Return whose series wait to be rolled up: one question, however many tenants."""
        with self._feed.transaction() as conn:
            rows = conn.execute(
                f"SELECT own FROM tenants_with_open_hours() own WHERE {_STAYS.format('own')}"
            ).fetchall()
        return [TenantId(row[0]) for row in rows]


def _tenant(row: tuple[Any, ...]) -> Tenant:
    tenant_id, code, name, tier, compliance, region, key_id, active, time_zone, demo = row
    return Tenant(
        tenant_id, code, name, tier, tuple(compliance), region, key_id, active, time_zone, demo
    )
