"""The servers that the other suites stand on: started once, killed and started again."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest

from tests.engines import SERVERS


def answers(url: str) -> bool:
    found = urlsplit(url)
    with socket.socket() as probe:
        probe.settimeout(5)
        return probe.connect_ex((found.hostname or "", found.port or 0)) == 0


@pytest.mark.engines
@pytest.mark.parametrize("name", ["opensearch", "weaviate", "neo4j", "redis", "pgbouncer"])
def test_every_server_of_the_suites_is_there(request: pytest.FixtureRequest, name: str) -> None:
    server = request.getfixturevalue(name)
    assert answers(next(iter(server.settings.values())))


@pytest.mark.engines
def test_a_crash_is_one_and_a_start_brings_it_back(request: pytest.FixtureRequest) -> None:
    server = request.getfixturevalue("redis")
    if server.script is None:
        pytest.skip("no test kills a site's own server")
    server.crash()
    assert not answers(server.settings["redis_url"])
    server.start()
    assert answers(server.settings["redis_url"])


def test_no_two_servers_share_a_port() -> None:
    ports = {
        (value, script.command[0])  # one script may start several, each at its own step from there
        for name, script in SERVERS.items()
        for key, value in script.variables.items()
        if key.endswith("PORT") and name != "pgbouncer"
    }
    assert len(ports) == len({value for value, _ in ports})
