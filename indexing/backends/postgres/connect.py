"""Connections: one pool per role, a tenant set in each transaction, errors mapped by SQLSTATE."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, LiteralString, TypeAlias
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from psycopg.rows import TupleRow
from psycopg_pool import ConnectionPool, PoolTimeout

from indexing.errors import (
    AnamnesisError,
    ConfigurationError,
    Conflict,
    EngineUnavailable,
    EventRejected,
    Forbidden,
    IntegrityFault,
    TenantErased,
)
from indexing.model import TenantId
from indexing.silence import silence

Connection: TypeAlias = psycopg.Connection[TupleRow]

# Where a block fails by itself, what the server refused beside it is logged, values and all.
silence("psycopg")

# After which a pool stops trying to connect until somebody asks again: it waits twice as long each
# time, so that an outage of a minute was felt for up to another one.
GIVEN_UP_S = 1.5
MOMENT_S = 0.02  # a question takes no longer, and news may take five times as long

# What `tenant_gate` raises: nobody gets in to a tenant that is being erased, or was.
_ERASED: Final = "AN410"

# SQLSTATE class or code -> what it means to us. Source: PostgreSQL manual, appendix A.
_BY_STATE: dict[str, type[AnamnesisError]] = {
    "08": EngineUnavailable,
    "28": ConfigurationError,  # invalid authorization
    "3D": ConfigurationError,  # no such database
    "42": ConfigurationError,  # a missing table or column: migrations have not run
    "42501": Forbidden,
    "22": EventRejected,  # data exception
    "23": Conflict,
    "40": EngineUnavailable,  # serialization failure, deadlock
    "53": EngineUnavailable,  # out of disk, memory, connections
    "54": EventRejected,  # program limit exceeded
    "55": EngineUnavailable,
    "57": EngineUnavailable,  # shutdown, cancelled
    "58": EngineUnavailable,
    "XX": IntegrityFault,
}

# What the operator can mend, in words: (what, what to do). Same source.
_IN_WORDS: Final = {
    "53100": ("the disk of the database is full", "make room, and do it again"),
    "53200": ("the database has no memory left", "free some, or give it more"),
    "53300": ("the database has no connection left", "raise its max_connections"),
}

_UNSTORABLE: Final = ("22021", "22P05")  # U+0000 as a byte, and as \u0000 of JSON

# No result comes with a refused login, and so no SQLSTATE; nothing but the role stands in it.
_LOGIN: Final = re.compile(r'authentication failed for user "([^"]+)"')


def login_refused(exc: BaseException) -> tuple[str, str]:
    """Say whose login is refused and what to do, ("", "") where it is another error. PostgreSQL
    tells nobody but its log whether the password is wrong or has expired."""
    found = _LOGIN.search(str(exc))
    if found is None:
        return "", ""
    role = found[1]
    kept = f"ALTER ROLE {role} PASSWORD '…', as secrets.json of the home folder has it"
    right = kept if role.startswith("anamnesis_") else "set ANAMNESIS_DATABASE_URL to the right one"
    expired = f"ALTER ROLE {role} VALID UNTIL 'infinity', as a super-user"
    advice = f"Its password has expired ({expired}) or is wrong ({right})."
    return f"PostgreSQL refuses the login of {role}", advice


def mapped(exc: psycopg.Error) -> AnamnesisError:
    """Return our error for the driver's, with its SQLSTATE and none of its words."""
    state = exc.sqlstate
    if state == _ERASED:
        return TenantErased()
    if (state is None and isinstance(exc, psycopg.DataError)) or state in _UNSTORABLE:
        return EventRejected("a value holds what PostgreSQL does not store, such as U+0000")
    if state is None:
        what, advice = login_refused(exc)
        what, advice = what or "PostgreSQL does not answer", advice or "see `anamnesis doctor`"
        return EngineUnavailable(what, hint=advice)
    kind = _BY_STATE.get(state) or _BY_STATE.get(state[:2], EngineUnavailable)
    what, advice = _IN_WORDS.get(state, ("PostgreSQL refused", ""))
    return kind(f"{what} (SQLSTATE {state})", hint=advice)


@contextmanager
def errors_mapped() -> Iterator[None]:
    """Turn driver errors into ours. `from None`: the driver's own words quote patients."""
    try:
        yield
    except PoolTimeout:
        raise EngineUnavailable("no database connection came free in time") from None
    except psycopg.Error as exc:
        raise mapped(exc) from None
    except UnicodeEncodeError:
        raise EventRejected("a value holds half a surrogate pair, which is no text") from None


# When each connection was last seen alive. A question borrows some ten times: asking first each
# time would cost a tenth of its answer.
_SEEN: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()
_CHECK_S = 1.0

# Since when a connection's kept plans are kept. One that was made while a table was nearly empty
# may read all of it, so none outlives this, in which followers take in some thousand notes.
_PLANNED: WeakKeyDictionary[Connection, float] = WeakKeyDictionary()
_REPLAN_S = 30.0


def _checked(conn: Connection) -> None:
    now = time.monotonic()
    if now - _SEEN.get(conn, -_CHECK_S) < _CHECK_S:
        return
    if now - _PLANNED.setdefault(conn, now) < _REPLAN_S:
        ConnectionPool.check_connection(conn)
    else:
        conn.execute("DISCARD PLANS")  # a check too
        _PLANNED[conn] = now
    _SEEN[conn] = now


@dataclass(frozen=True, slots=True)
class _Lately:
    """What a tenant's statements were answered `at` (monotonic seconds), after so many writes."""

    writes: int
    at: float
    answers: Mapping[LiteralString, list[TupleRow]]


class Database:
    """A pool of one role's connections to one database."""

    def __init__(
        self, conninfo: str, *, size: int = 8, name: str = "anamnesis", direct: str | None = None
    ) -> None:
        """`direct` leads past a pooler that lends a server for one transaction at a time: LISTEN
        and locks that outlive a transaction need it. Through such a pooler nothing is prepared: the
        next transaction may run on another server, which knows of no such statement."""
        self._conninfo = conninfo
        self._pool = ConnectionPool(
            conninfo,
            min_size=0,
            max_size=size,
            timeout=3,
            reconnect_timeout=GIVEN_UP_S,
            open=False,
            name=name,
            check=_checked,
            kwargs={
                "autocommit": True,
                "application_name": name,
                "prepare_threshold": 5 if direct is None else None,
            },
        )
        self._lately: dict[TenantId, _Lately] = {}
        self._asked: dict[LiteralString, None] = {}  # statements, in order
        self._asking = threading.Lock()
        self._writes: dict[TenantId, int] = {}
        self._let_in: set[UUID] = set()
        self.direct = direct or conninfo

    def close(self) -> None:
        """Close every connection; a closed database cannot be used again."""
        self._pool.close(timeout=1)

    @contextmanager
    def _lent(self) -> Iterator[Connection]:
        """Lend a connection of the pool, committed at its end, rolled back on an error."""
        with errors_mapped():
            self._pool.open()
            try:
                with self._pool.connection() as conn:
                    yield conn
            except PoolTimeout:
                # The pool tries again and again in the background: what it met it tells nobody.
                psycopg.connect(self._conninfo, connect_timeout=1).close()
                raise

    @contextmanager
    def let_in(self, tenant_id: TenantId) -> Iterator[None]:
        """Pass the gate of a tenant that is being erased: for whoever erases it, in this process,
        while the block runs."""
        own = UUID(str(tenant_id))
        self._let_in.add(own)
        try:
            yield
        finally:
            self._let_in.discard(own)

    def _bound(self, tenant_id: TenantId) -> str:
        """Return what binds a transaction to a tenant; a UUID needs no quoting. The gate is passed
        in the same trip. It ends with the transaction, so that no connection carries it on."""
        own = UUID(str(tenant_id))
        value = f"'{own}'" if own in self._let_in else f"tenant_gate('{own}')"
        return f"set_config('app.tenant', {value}, true)"

    @contextmanager
    def tenant(
        self,
        tenant_id: TenantId,
        *,
        timeout_ms: int = 0,
        derived: bool = False,
        snapshot: bool = False,
    ) -> Iterator[Connection]:
        """Open a transaction that sees and writes that tenant's rows alone.

        Raises: TenantErased.

        `timeout_ms` bounds each statement; 0 leaves it unbounded. What is `derived` from durable
        rows is not waited for to reach the disk: the log keeps the order of commits, so a crash
        loses a follower's last writes together with its cursor's move, and it makes them again.
        A `snapshot` only reads, and all its statements see one moment.
        """
        begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY" if snapshot else "BEGIN"
        durable = "off" if derived else "on"
        with self._lent() as conn:
            conn.execute(
                f"{begin}; SELECT {self._bound(tenant_id)}, "
                f"set_config('statement_timeout', '{int(timeout_ms)}', true), "
                f"set_config('synchronous_commit', '{durable}', true)",
                prepare=False,
            )
            yield conn
        if derived:
            self.renew(tenant_id)

    @contextmanager
    def piped(self, tenant_id: TenantId) -> Iterator[Connection]:
        """Open a transaction as `tenant` does, none of whose statements waits for the one before:
        a read takes one trip of four. Whoever fetches waits for what was sent; the end of the
        block, where it is committed, for everything.

        Who has more to do meanwhile says "BEGIN" first and "COMMIT" when it is done: what the block
        does after that runs beside the server and its disk.
        """
        with self._lent() as conn:
            try:
                with conn.pipeline():
                    # A record is waited for until it is on the disk. What is prepared is planned
                    # once: to plan the reads of an answer anew took longer than to run them.
                    conn.execute(
                        f"SELECT {self._bound(tenant_id)}, "
                        "set_config('synchronous_commit', 'on', true), "
                        "set_config('plan_cache_mode', 'force_generic_plan', true)"
                    )
                    yield conn
            except AnamnesisError:  # the block's own, of what it has fetched
                raise
            except BaseException:
                # What was to be prepared behind an error never was, and the driver takes it for
                # prepared (psycopg 3.3): later statements would fail here with SQLSTATE 26000.
                conn.close()
                raise

    def rows(self, tenant_id: TenantId, *statements: LiteralString) -> list[list[TupleRow]]:
        """Answer statements without values in one transaction and one round trip.

        `tenant()` takes three trips, which is most of what a small read costs. `%(tenant)s` stands
        for the tenant in each; a UUID needs no quoting, and nothing else may stand there.
        """
        own = f"'{UUID(str(tenant_id))}'"
        joined = ";".join(each.replace("%(tenant)s", own) for each in statements)
        with self._lent() as conn:
            whole = f"SELECT {self._bound(tenant_id)};{joined}"
            cursor = conn.execute(whole, prepare=False)
            found = []
            while cursor.nextset():
                found.append(cursor.fetchall())
        return found

    def lately(self, tenant_id: TenantId, statement: LiteralString) -> list[TupleRow]:
        """Answer a statement as `rows` does, or as it was answered a moment ago.

        One question asks several times how far each index is, within milliseconds: all that is
        ever asked this way is asked in one trip. What this process writes to an index is seen at
        once, what others write a moment later.
        """
        found = self._known_lately(tenant_id, statement)
        if found is None:
            with self._asking:  # who waited for another's trip finds what it brought
                found = self._known_lately(tenant_id, statement)
                if found is None:
                    self._asked[statement] = None
                    every, now, writes = [*self._asked], time.monotonic(), self._written(tenant_id)
                    answers = dict(zip(every, self.rows(tenant_id, *every), strict=True))
                    self._lately[tenant_id] = _Lately(writes, now, answers)
                    found = answers[statement]
        return found

    def _known_lately(self, tenant_id: TenantId, statement: LiteralString) -> list[TupleRow] | None:
        held = self._lately.get(tenant_id)
        if held is None or held.writes != self._written(tenant_id):
            return None
        return held.answers.get(statement) if time.monotonic() - held.at < MOMENT_S else None

    def _written(self, tenant_id: TenantId) -> int:
        return self._writes.get(tenant_id, 0)

    def renew(self, tenant_id: TenantId) -> None:
        """Let nothing that was answered before now be answered again."""
        self._writes[tenant_id] = self._written(tenant_id) + 1

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """Open a transaction without a tenant: registry functions, the feed, cursors."""
        with self._lent() as conn, conn.transaction():
            yield conn

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """Lend a connection in autocommit, for LISTEN and for locks that outlive a transaction."""
        with errors_mapped(), psycopg.connect(self.direct, autocommit=True) as conn:
            yield conn
