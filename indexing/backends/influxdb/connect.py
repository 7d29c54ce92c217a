"""The HTTP interface of InfluxDB 1.x: values bound, errors mapped, a dead server left alone.

By httpx, since the client of InfluxDB 1.x is no longer looked after. Nothing here quotes what was
sent: lines and questions travel in bodies, and the server's words about them are left out.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import orjson

from indexing.breaker import Breaker, Unreachable
from indexing.certificates import standing
from indexing.errors import EngineUnavailable, EventRejected
from indexing.silence import silence

NAME: Final = "InfluxDB"
CONNECT_S: Final = 1.0
READ_S: Final = 30.0
PROBE_S: Final = 2.0
CONNECTIONS: Final = 16

# An address holds the name of a tenant's database, which only this installation can spell.
silence("httpx", "httpcore")


@dataclass(frozen=True, slots=True)
class Server:
    """Where it is and how to get in. `ca` is a file of certificates, None for the system's;
    `secret` makes the names of tenants' databases unguessable."""

    url: str
    secret: str
    user: str | None = None
    password: str | None = None
    ca: Path | None = None
    prefix: str = "anamnesis"


class Missing(EngineUnavailable):
    """A database that is not there: the writer makes it, the reader finds nothing."""


class Connection:
    """One client for a process; safe to share between threads."""

    def __init__(self, server: Server) -> None:
        """Raises: ConfigurationError: the file of certificates is not there."""
        self.server = server
        login = (server.user, server.password or "") if server.user else None
        self._client = httpx.Client(
            base_url=server.url, auth=login, verify=_trusted(server), trust_env=False,
            timeout=httpx.Timeout(READ_S, connect=CONNECT_S),
            limits=httpx.Limits(max_connections=CONNECTIONS),
        )  # fmt: skip
        self._breaker = Breaker(NAME, self.ping)

    def ping(self) -> str:
        """Return the version that the server tells of. Raises: EngineUnavailable."""
        with mapped_errors("answer"):
            answer = self._client.get("/ping", timeout=PROBE_S)
            return str(answer.headers.get("x-influxdb-version", ""))

    def ask(
        self, what: str, database: str, statements: Sequence[str], bound: Mapping[str, Any]
    ) -> list[list[dict[str, Any]]]:
        """Run InfluxQL statements; return each one's series. At fault it is `what` that failed.

        Raises:
            EngineUnavailable: the server is away or refuses; Missing where the database is not.
        """
        sent = {
            "db": database, "epoch": "u", "q": ";".join(statements),
            "params": orjson.dumps(bound).decode(),
        }  # fmt: skip
        with self._breaker.guard(), mapped_errors(what):
            answer = self._client.post("/query", data=sent)
            _checked(answer, what)
            results = orjson.loads(answer.content)["results"]
        for each in results:
            if (said := each.get("error")) is not None:
                raise _failed(said, what)
        return [each.get("series", []) for each in results]

    def write(self, database: str, lines: str, precision: str = "u") -> None:
        """Write line protocol with times in microseconds, durably.

        Raises:
            EventRejected: the server will never take these lines.
            EngineUnavailable: as `ask`.
        """
        place = {"db": database, "precision": precision}
        with self._breaker.guard(), mapped_errors("write points"):
            answer = self._client.post("/write", params=place, content=lines.encode())
            _checked(answer, "write points")

    def close(self) -> None:
        """Close every connection."""
        self._breaker.close()
        self._client.close()


def _trusted(server: Server) -> ssl.SSLContext | bool:
    ca = standing(server.ca, "ANAMNESIS_INFLUXDB_CA")
    return True if ca is None else ssl.create_default_context(cafile=str(ca))


@contextmanager
def mapped_errors(what: str) -> Iterator[None]:
    """Turn the client's errors into ours."""
    try:
        yield
    except httpx.TimeoutException as exc:
        raise Unreachable(f"InfluxDB took too long to {what}") from exc
    except httpx.TransportError as exc:
        if isinstance(exc.__cause__, ssl.SSLError) or "CERTIFICATE" in str(exc):
            raise EngineUnavailable(
                "the certificate of InfluxDB is not trusted",
                hint="Set ANAMNESIS_INFLUXDB_CA to the file of certificates that signs it.",
            ) from exc
        raise Unreachable("InfluxDB does not answer", hint=f"Look at the server: {what}.") from exc
    except (httpx.HTTPError, httpx.InvalidURL, orjson.JSONDecodeError, KeyError) as exc:
        raise EngineUnavailable(f"InfluxDB failed to {what}: {type(exc).__name__}") from exc


_FULL = "Set max-values-per-tag and max-series-per-database to 0 in its configuration."


def _checked(answer: httpx.Response, what: str) -> None:
    if answer.status_code < 300:
        return
    if answer.status_code in (401, 403):
        raise EngineUnavailable(
            "InfluxDB refuses the login, or the user may not make databases",
            hint="Set ANAMNESIS_INFLUXDB_USER and ANAMNESIS_INFLUXDB_PASSWORD to an admin's.",
        )
    raise _failed(answer.text, what, answer.status_code)


def _failed(said: str, what: str, status: int = 200) -> EngineUnavailable | EventRejected:
    """Tell refusals apart by the server's words, which are not passed on: they quote."""
    if "database not found" in said:
        return Missing("there is no such database")
    if "limit exceeded" in said:
        return EngineUnavailable("InfluxDB takes no more series", hint=_FULL)
    if status == 400:
        return EventRejected(f"InfluxDB refuses to {what}")
    return EngineUnavailable(f"InfluxDB failed to {what}", hint="Look at its log.")
