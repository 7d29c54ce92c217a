"""A benchmark of servers says at once which of them it does not know or does not reach."""

from __future__ import annotations

import socket

import pytest

from app.cli.bench_engines import engines_command
from app.cli.bench_outage import outage_command
from app.cli.bench_servers import ADDRESSES, reach
from app.settings import Settings
from eval.bench.relay import free_ports
from indexing.errors import EngineUnavailable, InvalidInput

COMMANDS = pytest.mark.parametrize("command", [outage_command, engines_command])


@COMMANDS
def test_an_engine_that_nobody_knows_is_named_before_anything_is_made(command) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(InvalidInput, match="foo") as caught:
        command(10, ["opensearch", "foo"], True)
    assert "opensearch, weaviate" in caught.value.hint


@COMMANDS
def test_a_server_that_is_not_there_is_named_before_anything_is_made(  # type: ignore[no-untyped-def]
    command, monkeypatch: pytest.MonkeyPatch
) -> None:
    [port] = free_ports(1)
    monkeypatch.setenv("ANAMNESIS_OPENSEARCH_URL", f"http://jane:secret@127.0.0.1:{port}")
    with pytest.raises(EngineUnavailable, match="ANAMNESIS_OPENSEARCH_URL") as caught:
        command(10, ["opensearch"], True)
    assert "secret" not in f"{caught.value} {caught.value.hint}"


def test_who_listens_is_reached_with_a_scheme_and_without() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        at = f"127.0.0.1:{server.getsockname()[1]}"
        urls = {"weaviate_url": f"http://{at}", "weaviate_grpc": at}
        reach(Settings(**urls), ["weaviate"], tuple(ADDRESSES))  # type: ignore[arg-type]
