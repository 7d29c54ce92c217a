"""Accounts, sessions, tokens and failed sign-ins in PostgreSQL."""

from __future__ import annotations

import hashlib
import math
import secrets
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, Literal

from indexing.access import Access, Role
from indexing.accounts import Account, AccountSummary
from indexing.audit import AuditRow
from indexing.backends.postgres import audit
from indexing.backends.postgres.connect import Connection, Database
from indexing.errors import Conflict, NotFound
from indexing.model import TenantId

_COLUMNS = (
    "tenant_id, tenant_code, tenant_name, demo, time_zone, user_id, name, roles, labels, "
    "password_hash, created_at, seen_at, expires_at"
)
OPERATOR = "operator"  # whom the audit names where a program, no person, keeps the accounts
_SEEN_EVERY = timedelta(seconds=30)  # a write per request would be a write too many
_FORGET_AFTER = timedelta(hours=1)
_FIRST_WAIT_S, _LONGEST_WAIT_S = 5, 900


def secret_hash(secret: str) -> bytes:
    """Return what is stored of a session or token: 256 random bits need no salt."""
    return hashlib.sha256(secret.encode()).digest()


class PostgresAccounts:
    """Looked up by one function across tenants; written under the account's own tenant.

    What is done to an account or its tokens stands in the tenant's audit, in the same transaction,
    as done by `by`.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def lookup(
        self, kind: Literal["login", "session", "token"], key: str, tenant_code: str = ""
    ) -> Account | None:
        """Return the enabled account behind a name, a session's or a token's secret."""
        if kind != "login":
            key = secret_hash(key).hex()
        with self._database.transaction() as conn:
            row = conn.execute(
                f"SELECT {_COLUMNS} FROM account_lookup(%s, %s, %s)", (kind, tenant_code, key)
            ).fetchone()
        return None if row is None else _account(row)

    def sole_tenant(self) -> tuple[str | None, bool]:
        """Return the code of the only active tenant, and whether all tenants are invented."""
        with self._database.transaction() as conn:
            row = conn.execute("SELECT tenant_sole(), tenant_all_demo()").fetchone()
        assert row is not None
        return row[0], bool(row[1])

    def create(
        self, tenant_id: TenantId, name: str, roles: Iterable[Role], password_hash: str,
        by: str = OPERATOR,
    ) -> str:  # fmt: skip
        """Add an account and return its id.

        Raises:
            Conflict: the name is taken in this tenant.
        """
        user_id, held = "u" + secrets.token_hex(10), sorted(roles)
        with self._database.tenant(tenant_id) as conn:
            done = conn.execute(
                "INSERT INTO account (tenant_id, user_id, name, roles, password_hash) "
                "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (tenant_id, name) DO NOTHING",
                (tenant_id, user_id, name.lower(), held, password_hash),
            )
            if done.rowcount == 0:
                raise Conflict(f"the user name {name.lower()!r} is taken in this tenant")
            done_to = AuditRow("C", "account", (), [_entity(user_id)], {"roles": ", ".join(held)})
            _record(conn, tenant_id, by, done_to)
        return user_id

    def accounts(self, tenant_id: TenantId) -> Sequence[AccountSummary]:
        """Return the tenant's accounts, by name."""
        with self._database.tenant(tenant_id) as conn:
            rows = conn.execute(
                "SELECT user_id, name, roles, disabled, created_at FROM account "
                "WHERE tenant_id = %s ORDER BY name",
                (tenant_id,),
            ).fetchall()
        return [AccountSummary(r[0], r[1], tuple(r[2]), r[3], r[4]) for r in rows]

    def by_name(self, tenant_id: TenantId, name: str) -> AccountSummary:
        """Return one account. Raises: NotFound."""
        for each in self.accounts(tenant_id):
            if each.name == name.lower():
                return each
        raise NotFound("no such user in this tenant", hint="`anamnesis users list` names them")

    def set_password(
        self, tenant_id: TenantId, user_id: str, password_hash: str, by: str = OPERATOR
    ) -> None:
        """Change the password and end every session of the account."""
        with self._database.tenant(tenant_id) as conn:
            conn.execute(
                "UPDATE account SET password_hash = %s WHERE tenant_id = %s AND user_id = %s",
                (password_hash, tenant_id, user_id),
            )
            conn.execute(
                "DELETE FROM account_session WHERE tenant_id = %s AND user_id = %s",
                (tenant_id, user_id),
            )
            _changed(conn, tenant_id, by, user_id, "password")

    def set_disabled(
        self, tenant_id: TenantId, user_id: str, disabled: bool, by: str = OPERATOR
    ) -> None:
        """Close the account, with its sessions at once, or open it again."""
        with self._database.tenant(tenant_id) as conn:
            conn.execute(
                "UPDATE account SET disabled = %s WHERE tenant_id = %s AND user_id = %s",
                (disabled, tenant_id, user_id),
            )
            if disabled:
                conn.execute(
                    "DELETE FROM account_session WHERE tenant_id = %s AND user_id = %s",
                    (tenant_id, user_id),
                )
            _changed(conn, tenant_id, by, user_id, "closed" if disabled else "opened")

    def open_session(self, access: Access, rehashed: str | None, longest: timedelta) -> str:
        """Start a session and return its secret; `rehashed` replaces an outdated password hash."""
        secret = secrets.token_urlsafe(32)
        with self._database.tenant(access.tenant_id) as conn:
            conn.execute(
                "DELETE FROM account_session WHERE tenant_id = %s AND created_at < now() - %s",
                (access.tenant_id, longest),
            )
            conn.execute(
                "INSERT INTO account_session (tenant_id, secret_hash, user_id) VALUES (%s, %s, %s)",
                (access.tenant_id, secret_hash(secret), access.user_id),
            )
            if rehashed is not None:
                conn.execute(
                    "UPDATE account SET password_hash = %s WHERE tenant_id = %s AND user_id = %s",
                    (rehashed, access.tenant_id, access.user_id),
                )
            audit.record(conn, access, AuditRow("E", "login"))
        return secret

    def touch_session(self, account: Account, secret: str, now: datetime) -> None:
        """Note that the session is in use, at most every half minute."""
        if now - account.seen_at < _SEEN_EVERY:
            return
        with self._database.tenant(account.tenant_id) as conn:
            conn.execute(
                "UPDATE account_session SET seen_at = clock_timestamp() "
                "WHERE tenant_id = %s AND secret_hash = %s",
                (account.tenant_id, secret_hash(secret)),
            )

    def close_session(self, access: Access, secret: str) -> None:
        """End the session."""
        with self._database.tenant(access.tenant_id) as conn:
            conn.execute(
                "DELETE FROM account_session WHERE tenant_id = %s AND secret_hash = %s",
                (access.tenant_id, secret_hash(secret)),
            )
            audit.record(conn, access, AuditRow("E", "logout"))

    def create_token(
        self, tenant_id: TenantId, user_id: str, life: timedelta, by: str = OPERATOR
    ) -> tuple[str, str, datetime]:
        """Make a bearer token; return its id, its secret (shown once) and when it expires."""
        token_id, secret = secrets.token_hex(4), "ana_" + secrets.token_urlsafe(32)
        with self._database.tenant(tenant_id) as conn:
            row = conn.execute(
                "INSERT INTO account_token (tenant_id, secret_hash, token_id, user_id, "
                "expires_at) VALUES (%s, %s, %s, %s, clock_timestamp() + %s) "
                "RETURNING expires_at",
                (tenant_id, secret_hash(secret), token_id, user_id, life),
            ).fetchone()
            made = AuditRow("C", "token", (), [_entity(user_id)], {"token": token_id})
            _record(conn, tenant_id, by, made)
        assert row is not None
        return token_id, secret, row[0]

    def revoke_tokens(
        self, tenant_id: TenantId, user_id: str, token_id: str | None, by: str = OPERATOR
    ) -> int:
        """Revoke one token of the account, or all for None; return how many."""
        with self._database.tenant(tenant_id) as conn:
            done = conn.execute(
                "UPDATE account_token SET revoked_at = clock_timestamp() "
                "WHERE tenant_id = %s AND user_id = %s AND revoked_at IS NULL "
                "AND (%s::text IS NULL OR token_id = %s)",
                (tenant_id, user_id, token_id, token_id),
            )
            ended = AuditRow("D", "token", (), [_entity(user_id)], {"revoked": done.rowcount})
            _record(conn, tenant_id, by, ended)
            return done.rowcount

    def begin_attempt(self, keys: Sequence[bytes], free: Sequence[int]) -> int:
        """Count an attempt under each key before it is judged, so that a burst cannot outrun it.

        `free[i]` failures under `keys[i]` cost nothing; each further one doubles the wait.
        Returns the seconds still to wait, 0 when the attempt may be judged; a refused attempt is
        not counted.
        """
        with self._database.transaction() as conn:
            conn.execute(
                "DELETE FROM login_failure WHERE last_at < clock_timestamp() - %s",
                (_FORGET_AFTER,),
            )
            for key in sorted(keys):
                conn.execute(
                    "INSERT INTO login_failure (key, failures) VALUES (%s, 0) "
                    "ON CONFLICT (key) DO UPDATE SET key = excluded.key",
                    (key,),
                )
            rows = conn.execute(
                "SELECT key, failures, extract(epoch FROM clock_timestamp() - last_at) "
                "FROM login_failure WHERE key = ANY(%s)",
                (list(keys),),
            ).fetchall()
            known = {bytes(key): (failures, float(ago)) for key, failures, ago in rows}
            wait = max(_wait_s(*known[k], allowed) for k, allowed in zip(keys, free, strict=True))
            if wait == 0:
                conn.execute(
                    "UPDATE login_failure SET failures = failures + 1, "
                    "last_at = clock_timestamp() WHERE key = ANY(%s)",
                    (list(keys),),
                )
        return int(wait)

    def end_attempt(self, keys: Sequence[bytes]) -> None:
        """Forget the failures under these keys: the right password was given."""
        with self._database.transaction() as conn:
            conn.execute("DELETE FROM login_failure WHERE key = ANY(%s)", (list(keys),))


def _entity(user_id: str) -> str:
    return f"account/{user_id}"


def _changed(conn: Connection, tenant_id: TenantId, by: str, user_id: str, what: str) -> None:
    _record(conn, tenant_id, by, AuditRow("U", "account", (), [_entity(user_id)], {"change": what}))


def _record(conn: Connection, tenant_id: TenantId, by: str, row: AuditRow) -> None:
    audit.record(conn, Access(tenant_id, by, frozenset(), "HOPERAT"), row)


def _wait_s(failures: int, ago_s: float, free: int) -> int:
    """Return the seconds left of the wait that this many failures cost."""
    if failures < free:
        return 0
    cost: float = min(_FIRST_WAIT_S * 2 ** min(failures - free, 20), _LONGEST_WAIT_S)
    return max(0, math.ceil(cost - ago_s))


def _account(row: tuple[Any, ...]) -> Account:
    return Account(
        row[0], row[1], row[2], row[3], row[4], row[5], row[6],
        frozenset(Role(role) for role in row[7]), frozenset(row[8]), *row[9:],
    )  # fmt: skip
