"""What Weaviate's driver raises, told in our words."""

from __future__ import annotations

import pytest

grpc = pytest.importorskip("grpc", reason="the extra weaviate is not installed")
pytest.importorskip("weaviate", reason="the extra weaviate is not installed")

from indexing.backends.weaviate.connect import mapped_errors  # noqa: E402
from indexing.errors import EngineUnavailable  # noqa: E402


def test_a_call_on_a_channel_that_was_replaced_meanwhile_is_an_outage() -> None:
    channel = grpc.insecure_channel("127.0.0.1:1")
    channel.close()
    with pytest.raises(EngineUnavailable, match="does not answer"), mapped_errors("search"):
        channel.unary_unary("/weaviate.v1.Weaviate/Search")(b"")


def test_a_fault_of_our_own_is_not_taken_for_an_outage() -> None:
    with pytest.raises(ValueError, match="not ours"), mapped_errors("search"):
        raise ValueError("not ours")
