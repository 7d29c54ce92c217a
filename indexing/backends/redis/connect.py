"""The client: short waits, errors mapped, and a server that is down left alone until it is back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import redis
from redis.backoff import NoBackoff
from redis.exceptions import (
    AuthenticationError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
)
from redis.exceptions import ConnectionError as NotConnected
from redis.exceptions import TimeoutError as TooLate
from redis.retry import Retry

from indexing.breaker import Breaker, Unreachable
from indexing.errors import ConfigurationError, EngineUnavailable

WAIT_S: Final = 0.05  # a cache that takes longer is no gain
_PROBE: Final = b"anamnesis:probe"  # holds nothing, for a second
LOGIN: Final = (
    "The password is wrong, missing or has changed: set ANAMNESIS_REDIS_URL, such as "
    "rediss://user:word@host:6379/0."
)
# The client cuts the code off where it has a class for it.
_CODES: Final = {ReadOnlyError: "READONLY", OutOfMemoryError: "OOM", NoPermissionError: "NOPERM"}
AWAY: Final = "Look at the server: until it is back every question is asked anew."


class Connection:
    """One Redis by its URL: redis://, or rediss:// for TLS; user and password stand in it."""

    def __init__(self, url: str, ca: str | None = None) -> None:
        more = {"ssl_ca_certs": ca} if ca else {}
        try:
            self.client = redis.Redis.from_url(
                url, socket_timeout=WAIT_S, socket_connect_timeout=WAIT_S,
                retry=Retry(NoBackoff(), 1, (NotConnected,)), **more,
            )  # fmt: skip
        except (ValueError, TypeError) as exc:
            raise ConfigurationError(
                "ANAMNESIS_REDIS_URL cannot be used",
                hint="redis://127.0.0.1:6379/0, or rediss:// for TLS",
            ) from exc
        self._breaker = Breaker("Redis", self.ping)

    def ping(self) -> None:
        """Return when it answers. Raises: EngineUnavailable."""
        with _mapped():
            self.client.ping()

    def version(self) -> str:
        """Return the server's version. Raises: EngineUnavailable."""
        with _mapped():
            return str(self.client.info("server")["redis_version"])

    def refusal(self) -> str:
        """Write something that is gone in a second; return the server's code for why it does not
        take it, "" where it does. Raises: EngineUnavailable."""
        with _mapped():
            try:
                self.client.set(_PROBE, b"", ex=1)
            except ResponseError as exc:
                return _CODES.get(type(exc), str(exc).partition(" ")[0])
        return ""

    @contextmanager
    def used(self) -> Iterator[redis.Redis]:
        """Lend the client. Raises: EngineUnavailable, at once while the server is away."""
        with self._breaker.guard(), _mapped():
            yield self.client

    def close(self) -> None:
        """Close every connection."""
        self._breaker.close()
        self.client.close()


@contextmanager
def _mapped() -> Iterator[None]:
    """Turn driver errors into ours, without their words."""
    try:
        yield
    except AuthenticationError:  # which the client takes for a broken connection
        raise EngineUnavailable("Redis refuses the login", hint=LOGIN) from None
    except (NotConnected, TooLate, OSError) as exc:
        raise Unreachable(f"Redis does not answer ({type(exc).__name__})", hint=AWAY) from None
    except RedisError as exc:
        raise EngineUnavailable(f"Redis refuses ({type(exc).__name__})") from None
