"""Each call once. The driver tries a call anew for a minute while the server is away, and has no
setting for it: a question would wait where its other legs have answered, and the breaker would
hear of the outage when it is over. What is tried again is ours to say: the followers do."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from grpc import RpcError, StatusCode
from weaviate.connect import v4
from weaviate.retry import _Retry

from indexing.breaker import Unreachable

P = ParamSpec("P")
T = TypeVar("T")

_AWAY = frozenset({StatusCode.UNAVAILABLE, StatusCode.DEADLINE_EXCEEDED})


class Once(_Retry):
    """The driver's retrying, without."""

    def with_exponential_backoff(
        self,
        count: int,  # noqa: ARG002 - the driver's words
        error: str,  # noqa: ARG002
        f: Callable[P, T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Call once. Raises: Unreachable, RpcError for what the server itself refuses."""
        try:
            return f(*args, **kwargs)
        except RpcError as exc:
            if exc.code() not in _AWAY:
                raise
            raise Unreachable("Weaviate does not answer", hint="Look at the server.") from exc


def install() -> None:
    """Let every client of this process try its calls once."""
    v4._Retry = Once  # type: ignore[attr-defined]  # the driver's only place to say it
