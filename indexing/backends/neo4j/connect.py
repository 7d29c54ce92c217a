"""The driver: one pool, one transaction per call, the tenant bound in each, errors mapped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from neo4j import Driver, GraphDatabase, ManagedTransaction, TrustCustomCAs
from neo4j import Transaction as Neo4jTransaction
from neo4j.exceptions import (
    ClientError,
    DriverError,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
)
from neo4j.exceptions import (
    ConfigurationError as DriverConfigurationError,
)
from neo4j.exceptions import (
    ConnectionAcquisitionTimeoutError as NoConnection,
)

from indexing.backends.neo4j.compile import scoped
from indexing.backends.neo4j.schema import PREFIX, STATEMENTS
from indexing.breaker import PATIENCE_S, Breaker, Unreachable
from indexing.errors import ConfigurationError, EngineUnavailable, EventRejected
from indexing.model import TenantId

POOL: Final = 24
SIGNS: Final = 4  # one that a broken network swallowed holds its connection for minutes
CONNECT_S: Final = 2.0
WRITE_RETRY_S: Final = 5.0  # deadlocks and elections; an outage is the follower's to wait for
# What lies in the statement or its values: sent again it fails again.
_REFUSED: Final = "Neo.ClientError.Security."
_AT_FAULT: Final = ("Neo.ClientError.Statement.", "Neo.ClientError.Request.")

_ABOUT: Final = (
    "CALL dbms.components() YIELD name, versions, edition WHERE name = 'Neo4j Kernel' "
    "RETURN versions[0] AS version, edition"
)

_LOCKED: Final = (
    "Neo.ClientError.General.WriteOnReadOnlyAccessDatabase",
    "Neo.ClientError.General.ForbiddenOnReadOnlyDatabase",
)
REFILL: Final = "see `anamnesis doctor`; `anamnesis index reconcile` makes what is missing"
READ_ONLY: Final = (
    "Take it out of server.databases.read_only in neo4j.conf and restart: questions are answered "
    "meanwhile, and what changes waits."
)
# An index that is not there, or not yet, or a vector of another length: what is asked of one.
_UNASKED: Final = "Neo.ClientError.Procedure.ProcedureCallFailed"
_NOT_YET: Final = "Neo.ClientError.Procedure.ProcedureTimedOut"
_ABSENT: Final = "Neo.ClientError.Database.DatabaseNotFound"

_DATABASE: Final = "SHOW DATABASES YIELD name, access WHERE name = $name RETURN access"
_INDEXES: Final = (
    "SHOW INDEXES YIELD name, state, options WHERE name STARTS WITH $prefix "
    "RETURN name, state, options ORDER BY name"
)
_SPACES: Final = (
    "MATCH (s:VectorSpace) RETURN s.indexes AS indexes, s.dimension AS dimension "
    "ORDER BY indexes[0]"
)
_MADE: Final = "CALL db.awaitIndex($name, $within_s)"

_AWAY: Final = (ServiceUnavailable, SessionExpired, NoConnection)

Row = Mapping[str, Any]
T = TypeVar("T")


class IndexFault(EngineUnavailable):
    """An index cannot be asked."""


@dataclass(frozen=True, slots=True)
class Index:
    """One of our indexes; `dimension` of its vectors, None where it holds none."""

    name: str
    online: bool
    dimension: int | None


@dataclass(frozen=True, slots=True)
class Address:
    """Where a Neo4j is and who we are there. `url` bolt:// or neo4j://, +s for TLS by the system's
    authorities; `ca` the file of a site's own authority, with the plain schemes. `password` None: a
    server without login."""

    url: str
    user: str = "neo4j"
    password: str | None = None
    database: str = "neo4j"
    ca: Path | None = None
    patience_s: float = PATIENCE_S


def mapped(exc: Neo4jError | DriverError) -> EngineUnavailable | EventRejected:
    """Return our error for the driver's, by its code and with none of its words: they quote."""
    code = getattr(exc, "code", None) or type(exc).__name__
    if code.startswith(_REFUSED):
        return EngineUnavailable(
            f"Neo4j refuses this user ({code})",
            hint="set ANAMNESIS_NEO4J_USER and ANAMNESIS_NEO4J_PASSWORD to one that is not expired",
        )
    if code in _LOCKED:
        return EngineUnavailable(
            f"Neo4j refuses to write: it is read-only ({code})", hint=READ_ONLY
        )
    if code == _ABSENT:
        return EngineUnavailable(
            f"Neo4j has no such database ({code})",
            hint="set ANAMNESIS_NEO4J_DATABASE to one that it has",
        )
    if code == _UNASKED:
        return IndexFault(f"an index of Neo4j cannot be asked ({code})", hint=REFILL)
    if isinstance(exc, ClientError) and code.startswith(_AT_FAULT):
        return EventRejected(f"Neo4j refuses what it was given ({code})")
    if isinstance(exc, _AWAY):
        return Unreachable("Neo4j does not answer", hint="see `anamnesis doctor`")
    return EngineUnavailable(f"Neo4j does not take it now ({code})", hint="see `anamnesis doctor`")


@contextmanager
def errors_mapped() -> Iterator[None]:
    """Turn driver errors into ours."""
    try:
        yield
    except (Neo4jError, DriverError) as exc:
        raise mapped(exc) from None
    except UnicodeEncodeError:
        raise EventRejected("a value holds half a surrogate pair, which is no text") from None
    except OverflowError:
        raise EventRejected("a number is larger than Neo4j holds") from None
    except OSError as exc:  # a socket that died under the driver
        raise Unreachable(f"Neo4j does not answer ({type(exc).__name__})") from None


class Transaction:
    """Statements of one tenant in one transaction."""

    def __init__(self, inner: ManagedTransaction | Neo4jTransaction, tenant_id: TenantId) -> None:
        self._inner, self._tenant = inner, tenant_id.hex

    def run(self, statement: str, **values: Any) -> list[Row]:
        """Run one statement, the tenant bound in all its nodes, and fetch every row."""
        values["tenant"] = self._tenant
        return [row.data() for row in self._inner.run(scoped(statement), values)]


class Neo4j:
    """One database of one server; connects and makes the schema when first used."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._lock, self._signing = threading.Lock(), threading.Lock()
        self._opened: Driver | None = None
        # With connections and a lock of its own: no queue before it, no index that is being made.
        self._probing: Driver | None = None
        self._closed = self._ready = False
        self._breaker = Breaker("Neo4j", self.about, sign=self._sign, patience_s=address.patience_s)

    def close(self) -> None:
        """Close every connection, for good."""
        self._closed = True  # at once: who stands in line for the lock asks nothing any more
        self._breaker.close()
        with self._lock, self._signing:
            drivers = (self._opened, self._probing)
            self._opened = self._probing = None
        for driver in drivers:
            if driver is not None:
                driver.close()

    def ask(self, tenant_id: TenantId, work: Callable[[Transaction], T]) -> T:
        """Return what `work` reads for a question, which has other legs to go by: a server that
        gives no sign of life is not waited for. Raises: EngineUnavailable."""
        return self._breaker.ask(partial(self._again, tenant_id, work))

    def read(self, tenant_id: TenantId, work: Callable[[Transaction], T]) -> T:
        """Return what `work` reads for upkeep, which nobody waits for and which may take long.

        Raises:
            EngineUnavailable: after the driver's own deadlines; at once while the breaker is open.
        """
        with self._breaker.guard():
            return self._again(tenant_id, work)

    def _again(self, tenant_id: TenantId, work: Callable[[Transaction], T]) -> T:
        """Read; a pooled connection that died is replaced at once."""
        with errors_mapped():
            try:
                return self._read(tenant_id, work)
            except (ServiceUnavailable, SessionExpired):
                return self._read(tenant_id, work)

    def _read(self, tenant_id: TenantId, work: Callable[[Transaction], T]) -> T:
        with (
            self._driver().session(database=self.address.database) as session,
            session.begin_transaction() as inner,
        ):
            return work(Transaction(inner, tenant_id))

    def write(self, tenant_id: TenantId, work: Callable[[Transaction], None]) -> None:
        """Do `work` in one transaction; once more after a deadlock or an election."""
        with (
            self._breaker.guard(),
            errors_mapped(),
            self._driver().session(database=self.address.database) as session,
        ):
            session.execute_write(lambda inner: work(Transaction(inner, tenant_id)))

    def about(self) -> tuple[str, str]:
        """Return the server's version and edition. Raises: EngineUnavailable."""
        with (
            errors_mapped(),
            self._driver(probe=True).session(database=self.address.database) as session,
        ):
            row = session.run(_ABOUT).single(strict=True)
            return str(row["version"]), str(row["edition"])

    def locked(self) -> bool:
        """Say whether the database takes no writes. Raises: EngineUnavailable."""
        with errors_mapped(), self._driver().session(database="system") as session:
            rows = session.run(_DATABASE, name=self.address.database).values()
            return any(access == "read-only" for [access] in rows)

    def indexes(self, prefix: str = PREFIX) -> list[Index]:
        """Return our indexes whose names begin so. Raises: EngineUnavailable."""
        with errors_mapped(), self._driver().session(database=self.address.database) as session:
            rows = session.run(_INDEXES, prefix=prefix).values()
        return [
            Index(name, state == "ONLINE", _dimension(options)) for name, state, options in rows
        ]

    def spaces(self) -> list[tuple[Sequence[str], int]]:
        """Return the indexes that each partition of a vector space must have, and its dimension.

        Raises: EngineUnavailable.
        """
        with errors_mapped(), self._driver().session(database=self.address.database) as session:
            return [(names, dimension) for names, dimension in session.run(_SPACES).values()]

    def define(self, indexes: Mapping[str, str]) -> None:
        """Run the statement that makes each of these indexes. Raises: EngineUnavailable."""
        with (
            self._breaker.guard(),
            errors_mapped(),
            self._driver().session(database=self.address.database) as session,
        ):
            for statement in indexes.values():
                session.run(statement).consume()

    def answers(self, indexes: Iterable[str], within_s: int) -> bool:
        """Say whether these indexes answer, or come to within that time for each.

        Raises: EngineUnavailable: one is not there, or could not be made.
        """
        with errors_mapped(), self._driver().session(database=self.address.database) as session:
            try:
                for name in indexes:
                    session.run(_MADE, name=name, within_s=within_s).consume()
            except ClientError as exc:
                if exc.code == _NOT_YET:
                    return False
                raise
        return True

    def undefine(self, indexes: Iterable[str]) -> None:
        """Take these indexes away, if they are there. Raises: EngineUnavailable."""
        with (
            self._breaker.guard(),
            errors_mapped(),
            self._driver().session(database=self.address.database) as session,
        ):
            for name in indexes:
                session.run(f"DROP INDEX `{name}` IF EXISTS").consume()

    def _sign(self) -> None:
        """Return once the server says anything. Raises: EngineUnavailable."""
        with errors_mapped():
            with self._signing:
                if self._closed:  # it was asked for while somebody closed
                    raise Unreachable("Neo4j is not asked any more")
                if self._probing is None:
                    self._probing = _driver_of(self.address, SIGNS)
                probing = self._probing
            with probing.session(database=self.address.database) as session:
                session.run("RETURN 1").consume()

    def _driver(self, *, probe: bool = False) -> Driver:
        """Return the open driver; whoever comes first sees to the schema. Those behind them find,
        when their turn comes, a server that was given up: only a `probe` asks it again."""
        with self._lock:
            if self._closed or (self._breaker.open and not probe):
                raise Unreachable("Neo4j does not answer")
            if self._opened is None:
                self._opened = _driver_of(self.address)
            if not self._ready:
                self._ready = self._prepared(self._opened)
            return self._opened

    def _prepared(self, driver: Driver) -> bool:
        """Make what is missing of the schema; False where nothing can be made: questions are
        answered all the same, and it is tried again."""
        with driver.session(database=self.address.database) as session:
            try:
                for statement in STATEMENTS:
                    session.run(statement).consume()
            except ClientError as exc:
                if exc.code not in _LOCKED:
                    raise
                return False
        return True


def _dimension(options: Mapping[str, Any]) -> int | None:
    found = options.get("indexConfig", {}).get("vector.dimensions")
    return None if found is None else int(found)


def _driver_of(address: Address, pool: int = POOL) -> Driver:
    more: dict[str, Any] = {}
    if address.ca is not None:
        more = {"encrypted": True, "trusted_certificates": TrustCustomCAs(str(address.ca))}
    try:
        return GraphDatabase.driver(
            address.url,
            auth=None if address.password is None else (address.user, address.password),
            user_agent="anamnesis",
            connection_timeout=CONNECT_S,
            connection_acquisition_timeout=CONNECT_S + 1,
            max_connection_pool_size=pool,
            max_transaction_retry_time=WRITE_RETRY_S,
            liveness_check_timeout=30.0,
            notifications_min_severity="OFF",  # they quote statements
            telemetry_disabled=True,
            **more,
        )
    except (DriverConfigurationError, ValueError, OSError) as exc:
        raise ConfigurationError(
            "ANAMNESIS_NEO4J_URL or ANAMNESIS_NEO4J_CA cannot be used",
            hint="bolt://host:7687 or neo4j://host:7687; with TLS bolt+s:// or neo4j+s://, or the "
            "plain ones with ANAMNESIS_NEO4J_CA",
        ) from exc
