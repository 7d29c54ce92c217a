"""A client of an OpenSearch cluster, and its errors as ours. Nothing here quotes a text."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeVar

import orjson
from opensearchpy import OpenSearch
from opensearchpy.exceptions import (
    AuthenticationException,
    AuthorizationException,
    ConnectionError,
    ConnectionTimeout,
    NotFoundError,
    OpenSearchException,
    SSLError,
    TransportError,
)
from opensearchpy.serializer import JSONSerializer
from urllib3 import Timeout

from indexing.breaker import PATIENCE_S, Breaker, Unreachable
from indexing.certificates import standing
from indexing.errors import EngineUnavailable, EventRejected
from indexing.silence import silence

NAME = "OpenSearch"
CONNECT_S = 1.0
READ_S = 120.0  # of a bulk: merging large vector graphs takes its time
ASKED_S = 3.0  # of a question to a server that shows that it lives
PROBE_S = 2.0  # of the thread that looks whether it is back
CONNECTIONS = 16
SIDE_BY_SIDE = 4  # requests of one bulk

# Of a hit, only what lies in columns: its stored fields (its id, and the whole note for as long as
# the server may need it for recovery) took a third of the time of a question that gives 200.
UNSTORED: Mapping[str, str] = {"stored_fields": "_none_"}

Kind = Literal["hnsw", "flat"]
"""How a tenant's vectors are searched: by Lucene's graph, or one by one by the plugin's script.
That is exact and fills for less, and costs a question more, the more passages there are."""

T = TypeVar("T")
R = TypeVar("R")

# What is in a request is a patient's or a question: the client logs both where it is let.
silence("opensearch", "opensearchpy.trace")


@dataclass(frozen=True, slots=True)
class Cluster:
    """Where a cluster is and how to get in. `ca` is a file of certificates, None for the system's;
    `secret` makes the names of tenants' indexes unguessable."""

    url: str
    secret: str
    user: str | None = None
    password: str | None = None
    ca: Path | None = None
    shards: int = 1
    patience_s: float = PATIENCE_S
    prefix: str = "anamnesis"
    kind: Kind = "hnsw"


class _Json(JSONSerializer):
    """Reads and writes ten times as fast as the client's own."""

    mimetype = "application/json"

    def dumps(self, data: Any) -> Any:
        return data if isinstance(data, str | bytes) else orjson.dumps(data)

    def loads(self, data: str) -> Any:
        return orjson.loads(data)


class Connection:
    """One client for a process; safe to share between threads."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        login = None
        if cluster.user:
            login = (cluster.user, cluster.password or "")
        options: dict[str, Any] = {}
        if cluster.url.startswith("https:") and cluster.ca is not None:
            options["ca_certs"] = str(standing(cluster.ca, "ANAMNESIS_OPENSEARCH_CA"))
        self.client = OpenSearch(
            [cluster.url], http_auth=login, serializer=_Json(), max_retries=1,
            pool_maxsize=CONNECTIONS,
            timeout=Timeout(connect=CONNECT_S, read=READ_S), **options,
        )  # fmt: skip
        self._breaker = Breaker(NAME, self.ping, patience_s=cluster.patience_s)
        self._pool = ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="opensearch")

    def ping(self) -> Mapping[str, Any]:
        """Return what the cluster says of itself. Raises: EngineUnavailable."""
        with mapped_errors("answer"):
            timeout = Timeout(connect=PROBE_S, read=PROBE_S)
            return dict(self.client.info(params={"request_timeout": timeout}))

    @contextmanager
    def calling(self, what: str) -> Iterator[OpenSearch]:
        """Give the client for one call; at fault it is `what` that failed."""
        with self._breaker.guard(), mapped_errors(what):
            yield self.client

    def search(
        self, what: str, index: str, body: Mapping[str, Any], params: Mapping[str, str]
    ) -> dict[str, Any]:
        """Ask a question. Raises: EngineUnavailable, Missing."""
        given: dict[str, Any] = {"index": index, "body": dict(body), "params": dict(params)}
        return self._ask(what, self.client.search, given)

    def terms(self, index: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for the statistics of terms. Raises: EngineUnavailable, Missing."""
        given: dict[str, Any] = {"index": index, "body": dict(body), "params": {}}
        return self._ask("tell how rare words are", self.client.termvectors, given)

    def _ask(
        self, what: str, call: Callable[..., dict[str, Any]], given: dict[str, Any]
    ) -> dict[str, Any]:
        given["params"]["request_timeout"] = Timeout(connect=CONNECT_S, read=ASKED_S)

        def asked() -> dict[str, Any]:
            try:
                with mapped_errors(what):
                    return call(**given)
            except EventRejected as exc:  # a question has no event: it is this leg that is missing
                raise EngineUnavailable(
                    str(exc), hint="Run `anamnesis doctor`: an index may be of another layout."
                ) from exc

        return self._breaker.ask(asked)

    def side_by_side(self, work: Callable[[T], R], parts: Iterable[T]) -> Iterator[R]:
        """Do some work for each part, several at a time; give the results in order."""
        return self._pool.map(work, parts)

    def close(self) -> None:
        """Close every connection."""
        self._breaker.close()
        self._pool.shutdown(wait=False)
        self.client.close()


@contextmanager
def mapped_errors(what: str) -> Iterator[None]:
    """Turn the driver's errors into ours. Their texts may quote terms and are left out; what the
    server calls the error is kept."""
    try:
        yield
    except ConnectionTimeout as exc:
        raise Unreachable(f"OpenSearch took too long to {what}") from exc
    except SSLError as exc:
        raise EngineUnavailable(
            "the certificate of OpenSearch is not trusted",
            hint="Set ANAMNESIS_OPENSEARCH_CA to the file of certificates that signs it.",
        ) from exc
    except ConnectionError as exc:
        raise Unreachable(
            "OpenSearch does not answer", hint=f"Look at the server: {what}."
        ) from exc
    except AuthenticationException as exc:
        raise EngineUnavailable("OpenSearch refuses the login", hint=LOGIN) from exc
    except AuthorizationException as exc:
        raise EngineUnavailable(*_forbidden(exc)) from exc
    except TransportError as exc:
        raise _refused(exc, what) from exc
    except (OpenSearchException, orjson.JSONDecodeError) as exc:
        raise EngineUnavailable(f"OpenSearch failed to {what}: {type(exc).__name__}") from exc


LOGIN = (
    "The user or the password is wrong or has expired: set ANAMNESIS_OPENSEARCH_USER and "
    "ANAMNESIS_OPENSEARCH_PASSWORD."
)
CROWDED = "An index is read-only, mostly because a disk is nearly full: make room"
READ_ONLY = f"{CROWDED}, then clear the setting index.blocks.read_only_allow_delete."


class Missing(EngineUnavailable):
    """An index that is not there: the caller makes it, or finds nothing."""


def error_type(exc: TransportError) -> str:
    """Return the server's name for an error, "" where it gives none."""
    info = exc.info
    error = info.get("error") if isinstance(info, Mapping) else None
    if isinstance(error, Mapping):
        return str(error.get("type", ""))
    return ""


def _refused(exc: TransportError, what: str) -> EngineUnavailable | EventRejected:
    kind = error_type(exc)
    if isinstance(exc, NotFoundError) and kind == "index_not_found_exception":
        return Missing("there is no such index")
    if kind == "cluster_block_exception":
        return EngineUnavailable("OpenSearch refuses to write", hint=READ_ONLY)
    if exc.status_code == 400:
        return EventRejected(f"OpenSearch refuses to {what}: {kind or 'bad request'}")
    hint = _HINTS.get(exc.status_code, "Look at its log.")
    return EngineUnavailable(f"OpenSearch failed to {what}: {kind or exc.status_code}", hint=hint)


# Vectors are written in a binary form; a proxy may know and let through JSON alone.
_FORM: Final = (
    "It, or a proxy before it, refuses the form of a request: it must take application/smile, "
    "OpenSearch's binary JSON, and application/json."
)
_HINTS: Final[dict[str | int, str]] = {406: _FORM, 415: _FORM, 429: "It is overloaded: try again."}


def _forbidden(exc: AuthorizationException) -> tuple[str]:
    if error_type(exc) == "cluster_block_exception":
        return (f"OpenSearch refuses to write. {READ_ONLY}",)
    return ("the user of OpenSearch may not do this: it needs to read, write and manage indexes",)
