"""A client of a Weaviate server, and its errors as ours. Nothing here quotes a text."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar
from urllib.parse import urlsplit

import httpx
import weaviate
from grpc import RpcError, ssl_channel_credentials
from weaviate.classes.init import AdditionalConfig, Auth, Timeout
from weaviate.config import GrpcConfig
from weaviate.connect import ConnectionParams
from weaviate.exceptions import (
    AuthenticationFailedError,
    InsufficientPermissionsError,
    UnexpectedStatusCodeError,
    WeaviateBaseError,
    WeaviateClosedClientError,
    WeaviateConnectionError,
    WeaviateDeleteManyError,
    WeaviateGRPCUnavailableError,
    WeaviateQueryError,
    WeaviateRetryError,
    WeaviateStartUpError,
    WeaviateTimeoutError,
)

from indexing.backends.weaviate import once
from indexing.breaker import PATIENCE_S, Breaker, Unreachable
from indexing.certificates import standing
from indexing.errors import EngineUnavailable

NAME = "Weaviate"
CONNECT_S = 1.0
READ_S = 120.0  # of a batch
ASKED_S = 5.0  # of a question to a server that shows that it lives

SIDE_BY_SIDE = 4  # requests of one write

Kind = Literal["hnsw", "flat"]
"""How a tenant's vectors are searched: by a graph, which answers large ones as quickly as small
ones, or one by one at a byte a number and the best of them again in full. The latter is exact, and
a filling takes two fifths of the work: 41,756 passages took the server .8 ms a note and 15 ms a
question, against 2.5 ms and 5."""

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server is and how to get in: by a key, or by user and password. `grpc` is
    "host:port"; `ca` is a file of certificates, None for the system's; `secret` makes the names of
    tenants unguessable."""

    url: str
    grpc: str
    secret: str
    key: str | None = None
    user: str | None = None
    password: str | None = None
    ca: Path | None = None
    patience_s: float = PATIENCE_S
    prefix: str = "Anamnesis"
    kind: Kind = "hnsw"


class Connection:
    """One client for a process, made when first used and anew after an outage."""

    def __init__(self, server: Server) -> None:
        standing(server.ca, "ANAMNESIS_WEAVIATE_CA")
        once.install()
        self.server = server
        self._client: weaviate.WeaviateClient | None = None
        self._lock, self._closed = threading.Lock(), False
        self._pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="weaviate")
        self._breaker = Breaker(NAME, self.ping, sign=self._sign, patience_s=server.patience_s)

    def ping(self) -> str:
        """Connect anew and return the server's version. Raises: EngineUnavailable."""
        with self._lock:
            return self._connected_anew()

    def _connected(self) -> None:
        """Connect, if nobody has. Those behind who tries find, when their turn comes, a server that
        was given up, and do not try again."""
        with self._lock:
            if self._closed or self._breaker.open:
                raise Unreachable("Weaviate does not answer")
            if self._client is None:
                self._connected_anew()

    def _connected_anew(self) -> str:
        with mapped_errors("answer"):
            self._reached()
            fresh = _client(self.server)
            try:
                fresh.connect()
                version = str(fresh.get_meta()["version"])
                if not fresh.is_ready():
                    raise Unreachable("Weaviate is not ready yet")
            except BaseException:
                with suppress(Exception):
                    fresh.close()
                raise
            old, self._client = self._client, fresh
        if old is not None:
            old.close()
        return version

    @contextmanager
    def calling(self, what: str) -> Iterator[weaviate.WeaviateClient]:
        """Give the client for one call; at fault it is `what` that failed."""
        with self._breaker.guard(), self._lent(what) as client:
            yield client

    def ask(self, what: str, work: Callable[[weaviate.WeaviateClient], T]) -> T:
        """Return what `work` asks of the client, for as long as the server shows that it lives.

        Raises: EngineUnavailable, Missing.
        """

        def asked() -> T:
            with self._lent(what) as client:
                return work(client)

        return self._breaker.ask(asked)

    @contextmanager
    def _lent(self, what: str) -> Iterator[weaviate.WeaviateClient]:
        if self._client is None:
            self._connected()
        with mapped_errors(what):
            self._reached()
            client = self._client
            assert client is not None  # just made
            yield client

    def _sign(self) -> None:
        """Return once the server says anything. Raises: EngineUnavailable."""
        if (client := self._client) is None:
            self._connected()
            return
        with mapped_errors("answer"):
            client.get_meta()

    def side_by_side(self, work: Callable[[S], None], parts: Iterable[S]) -> None:
        """Do some work for each part, several at a time; none goes on when this has ended."""
        sent: list[Future[None]] = []
        try:
            sent.extend(self._pool.submit(work, part) for part in parts)
        finally:
            wait(sent)
        for each in sent:
            each.result()

    def close(self) -> None:
        """Close the client."""
        self._closed = True
        self._breaker.close()
        self._pool.shutdown(wait=False)
        with self._lock:
            if self._client is not None:
                self._client.close()
                self._client = None

    def _reached(self) -> None:
        """Touch the port: the client itself would try for half a minute before it says so."""
        host, _, port = self.server.grpc.rpartition(":")
        try:
            socket.create_connection((host.strip("[]"), int(port)), CONNECT_S).close()
        except OSError as exc:
            raise Unreachable("Weaviate does not answer", hint="Look at the server.") from exc


def _client(server: Server) -> weaviate.WeaviateClient:
    http, (host, _, port) = urlsplit(server.url), server.grpc.rpartition(":")
    secure = http.scheme == "https"
    grpc = None
    if secure and server.ca is not None:
        # The client has no other way to be told for its plain requests.
        os.environ["SSL_CERT_FILE"] = str(server.ca)
        grpc = GrpcConfig(credentials=ssl_channel_credentials(server.ca.read_bytes()))
    auth: object = None
    if server.key:
        auth = Auth.api_key(server.key)
    elif server.user:
        auth = Auth.client_password(server.user, server.password or "")
    return weaviate.WeaviateClient(
        ConnectionParams.from_params(
            http.hostname or "", http.port or (443 if secure else 80), secure,
            host.strip("[]"), int(port), secure,
        ),
        auth_client_secret=auth,  # type: ignore[arg-type]  # one of the client's own
        additional_config=AdditionalConfig(
            timeout=Timeout(init=2, query=ASKED_S, insert=READ_S), trust_env=server.ca is not None,
            grpc_config=grpc,
        ),
        skip_init_checks=True,  # they ask the registry of packages on the internet
    )  # fmt: skip


LOGIN = (
    "The key or the password is wrong or has expired: set ANAMNESIS_WEAVIATE_KEY, or "
    "ANAMNESIS_WEAVIATE_USER and ANAMNESIS_WEAVIATE_PASSWORD."
)


class Missing(EngineUnavailable):
    """A collection or a tenant that is not there: the caller makes it, or finds nothing."""


@contextmanager
def mapped_errors(what: str) -> Iterator[None]:
    """Turn the driver's errors into ours. Their texts may quote what was sent and are left out."""
    try:
        yield
    except (WeaviateTimeoutError, httpx.TimeoutException) as exc:
        raise Unreachable(f"Weaviate took too long to {what}") from exc
    except (
        WeaviateConnectionError, WeaviateGRPCUnavailableError, WeaviateRetryError,
        WeaviateClosedClientError, WeaviateStartUpError, httpx.TransportError, RpcError, OSError,
    ) as exc:  # fmt: skip
        raise Unreachable("Weaviate does not answer", hint=f"Look at the server: {what}.") from exc
    except (AuthenticationFailedError, InsufficientPermissionsError) as exc:
        raise EngineUnavailable("Weaviate refuses the login", hint=LOGIN) from exc
    except (WeaviateQueryError, WeaviateDeleteManyError, UnexpectedStatusCodeError) as exc:
        raise told(str(exc), what) from exc
    except WeaviateBaseError as exc:
        raise EngineUnavailable(f"Weaviate failed to {what}: {type(exc).__name__}") from exc
    except ValueError as exc:
        # gRPC's own word to a call that waits between its tries when `ping` replaces its client.
        if "closed channel" not in str(exc):
            raise
        raise Unreachable("Weaviate does not answer", hint=f"Look at the server: {what}.") from exc


def told(message: str, what: str) -> EngineUnavailable:
    """Read what a server's message means."""
    low = message.lower()
    if "tenant not found" in low or "could not find class" in low or "not found in schema" in low:
        return Missing("there is no such tenant or collection")
    if "unauthenticated" in low or "401" in low or "unauthorized" in low:
        return EngineUnavailable("Weaviate refuses the login", hint=LOGIN)
    if "read-only" in low or "readonly" in low or "disk usage" in low or "memory usage" in low:
        return EngineUnavailable("Weaviate refuses to write: it is read-only", hint=READ_ONLY)
    if "deadline" in low or "unavailable" in low:
        return Unreachable(f"Weaviate took too long to {what}")
    return EngineUnavailable(f"Weaviate failed to {what}", hint="Look at its log.")


READ_ONLY = (
    "A disk or the memory is nearly full: make room, then set the shards to READY again "
    "(PUT /v1/schema/{collection}/shards/{shard})."
)
