"""What Weaviate's driver raises, told in our words."""

from __future__ import annotations

import pytest

grpc = pytest.importorskip("grpc", reason="the extra weaviate is not installed")
pytest.importorskip("weaviate", reason="the extra weaviate is not installed")

from indexing.backends.weaviate.connect import Connection, Server, mapped_errors  # noqa: E402
from indexing.errors import EngineUnavailable  # noqa: E402


def test_a_call_on_a_channel_that_was_replaced_meanwhile_is_an_outage() -> None:
    channel = grpc.insecure_channel("127.0.0.1:1")
    channel.close()
    with pytest.raises(EngineUnavailable, match="does not answer"), mapped_errors("search"):
        channel.unary_unary("/weaviate.v1.Weaviate/Search")(b"")


class Away(grpc.RpcError):  # type: ignore[misc]
    """What gRPC raises while a server is away."""

    def __init__(self, status: object) -> None:
        self._status = status

    def code(self) -> object:
        return self._status


@pytest.mark.parametrize("status", ["UNAVAILABLE", "DEADLINE_EXCEEDED"])
def test_a_call_to_a_server_that_is_away_is_made_once(status: str) -> None:
    from weaviate.connect import v4

    Connection(Server("http://127.0.0.1:1", "127.0.0.1:1", "secret")).close()
    calls = []

    def call() -> None:
        calls.append(1)
        raise Away(grpc.StatusCode[status])

    with pytest.raises(EngineUnavailable, match="does not answer"), mapped_errors("search"):
        v4._Retry(4).with_exponential_backoff(0, "search", call)
    assert len(calls) == 1


def test_a_fault_of_our_own_is_not_taken_for_an_outage() -> None:
    with pytest.raises(ValueError, match="not ours"), mapped_errors("search"):
        raise ValueError("not ours")
