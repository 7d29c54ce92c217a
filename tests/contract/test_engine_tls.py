"""Every engine behind TLS whose certificate a site's own authority signed: trusted by the file that
the settings name, refused without it."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from indexing.backends.neo4j.connect import Neo4j
from indexing.backends.opensearch.connect import Cluster
from indexing.backends.opensearch.connect import Connection as OpenSearch
from indexing.backends.redis.connect import Connection as Redis
from indexing.backends.weaviate.connect import Connection as Weaviate
from indexing.backends.weaviate.connect import Server
from indexing.errors import EngineUnavailable
from tests.authority import Authority, authority_in
from tests.engines import EngineServer, neo4j_address

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = authority_in(tmp_path_factory.mktemp("authority"))
    made.context.set_alpn_protocols(["h2", "http/1.1"])
    return made


async def _pass(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    except (OSError, asyncio.CancelledError):
        pass  # one side hung up, or the test is over
    finally:
        writer.close()
        with suppress(OSError, asyncio.CancelledError):
            await writer.wait_closed()


async def _relay(
    host: str, port: str, context: ssl.SSLContext, ready: Future[tuple[int, Callable[[], None]]]
) -> None:
    async def one(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(_pass(reader, far_writer), _pass(far_reader, writer))

    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    loop.set_exception_handler(lambda *_: None)  # a client that does not trust it hangs up
    server = await asyncio.start_server(one, "127.0.0.1", 0, ssl=context)
    end = partial(loop.call_soon_threadsafe, stop.set)
    ready.set_result((server.sockets[0].getsockname()[1], end))
    await stop.wait()
    server.close()  # what still passes is ended with the loop


@contextmanager
def ending_tls(address: str, context: ssl.SSLContext) -> Iterator[str]:
    """Give "host:port" where TLS ends before a plain server at `address`."""
    host, _, port = address.rpartition(":")
    ready: Future[tuple[int, Callable[[], None]]] = Future()
    thread = threading.Thread(target=lambda: asyncio.run(_relay(host, port, context, ready)))
    thread.start()
    own, end = ready.result()
    try:
        yield f"127.0.0.1:{own}"
    finally:
        end()
        thread.join()


Look = Callable[[Path | None], object]


@contextmanager
def opensearch_by(own: EngineServer, by: Callable[[str], str]) -> Iterator[Look]:
    address = by(urlsplit(own.settings["opensearch_url"]).netloc)

    def look(ca: Path | None) -> object:
        with closing(OpenSearch(Cluster(f"https://{address}", "secret", ca=ca))) as connection:
            return connection.ping()["version"]

    yield look


@contextmanager
def weaviate_by(own: EngineServer, by: Callable[[str], str]) -> Iterator[Look]:
    http = by(urlsplit(own.settings["weaviate_url"]).netloc)
    grpc = by(own.settings["weaviate_grpc"])

    def look(ca: Path | None) -> object:
        server = Server(f"https://{http}", grpc, "secret", ca=ca, prefix="AnamnesisTls")
        with closing(Weaviate(server)) as connection:
            connection.ping()
            with connection.calling("look") as client:  # by gRPC
                return client.collections.list_all()

    yield look


@contextmanager
def neo4j_by(own: EngineServer, by: Callable[[str], str]) -> Iterator[Look]:
    address = by(urlsplit(own.settings["neo4j_url"]).netloc)

    def look(ca: Path | None) -> object:
        scheme = "bolt" if ca else "bolt+s"  # with a file of one's own, the plain scheme
        at = replace(neo4j_address(own.settings), url=f"{scheme}://{address}", ca=ca)
        with closing(Neo4j(at)) as server:
            return server.about()

    yield look


@contextmanager
def redis_by(own: EngineServer, by: Callable[[str], str]) -> Iterator[Look]:
    address = by(urlsplit(own.settings["redis_url"]).netloc)

    def look(ca: Path | None) -> object:
        with closing(Redis(f"rediss://{address}/0", str(ca) if ca else None)) as connection:
            patient = {"socket_timeout": 10, "socket_connect_timeout": 10}
            connection.client.connection_pool.connection_kwargs |= patient
            return connection.version()

    yield look


ENGINES = {
    "opensearch": opensearch_by, "weaviate": weaviate_by, "neo4j": neo4j_by, "redis": redis_by,
}  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES)
def test_only_what_the_named_file_signs_is_trusted(
    request: pytest.FixtureRequest, authority: Authority, engine: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    own: EngineServer = request.getfixturevalue(engine)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.certificate))  # put back afterwards
    monkeypatch.delenv("SSL_CERT_FILE")
    with ExitStack() as stack:
        look = stack.enter_context(
            ENGINES[engine](own, lambda at: stack.enter_context(ending_tls(at, authority.context)))
        )
        with pytest.raises(EngineUnavailable):
            look(None)
        assert look(authority.certificate) is not None
