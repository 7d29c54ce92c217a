"""What `anamnesis doctor` finds on real servers whose login, database or room is gone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

import numpy as np
import pytest
from neo4j import GraphDatabase
from neo4j.exceptions import ClientError

from indexing.access import Access
from indexing.backends.neo4j import checks as neo4j_checks
from indexing.backends.neo4j.connect import Neo4j
from indexing.backends.opensearch import checks as opensearch_checks
from indexing.backends.opensearch.connect import Connection as OpenSearch
from indexing.backends.redis import checks as redis_checks
from indexing.backends.redis.connect import Connection as Redis
from indexing.backends.weaviate import checks as weaviate_checks
from indexing.backends.weaviate.connect import Connection as Weaviate
from indexing.errors import EngineUnavailable
from indexing.filters import Filters
from indexing.health import Health
from indexing.model import Document, Passage, TenantId
from indexing.ports import LexicalEntry, LexicalIndex, VectorEntry, VectorIndex
from tests.engines import EngineServer, neo4j_address

pytestmark = pytest.mark.engines

T = TenantId(uuid4())
ROW = np.ones((1, 4), np.float32) / 2


def hint(look: Callable[[], Health]) -> str:
    """Return what is wrong and what to do, where the server refuses to be looked at."""
    with pytest.raises(EngineUnavailable) as caught:
        look()
    return f"{caught.value} → {caught.value.hint}"


@pytest.fixture
def expired(neo4j: EngineServer) -> Iterator[str]:
    """A user of Neo4j whose password has to be changed before anything else."""
    own, name = neo4j.settings, f"expired{uuid4().hex[:8]}"
    login = (own["neo4j_user"], own["neo4j_password"])
    with GraphDatabase.driver(own["neo4j_url"], auth=login) as driver:
        driver.execute_query(
            f"CREATE USER {name} SET PASSWORD $word CHANGE REQUIRED", word=name, database_="system"
        )
        yield name
        driver.execute_query(f"DROP USER {name}", database_="system")


def test_neo4j_tells_a_login_that_expired_and_a_database_that_is_not_there(
    neo4j: EngineServer, expired: str
) -> None:
    address = neo4j_address(neo4j.settings)
    for wrong, what, advice in (
        (replace(address, user=expired, password=expired), "CredentialsExpired", "_PASSWORD"),
        (replace(address, password="not it"), "Unauthorized", "_PASSWORD"),
        (replace(address, database="nowhere"), "no such database", "ANAMNESIS_NEO4J_DATABASE"),
    ):
        server = Neo4j(wrong)
        told = hint(lambda server=server: neo4j_checks.health(server, dimension=None))
        server.close()
        assert what in told
        assert advice in told
    server = Neo4j(address)
    assert neo4j_checks.health(server, dimension=384).troubles == ()
    server.close()


def test_a_neo4j_that_takes_no_writes_is_told_and_still_asked(
    neo4j: EngineServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its edition has no switch for it while it runs: what it then says to a new index is said."""
    server, tried = Neo4j(neo4j_address(neo4j.settings)), []

    def refused(_session: object, statement: str, *_: object, **__: object) -> None:
        tried.append(statement)
        raise ClientError._hydrate_neo4j(
            code="Neo.ClientError.General.WriteOnReadOnlyAccessDatabase", message=""
        )

    with monkeypatch.context() as locked:
        locked.setattr("neo4j.Session.run", refused)
        driver = server._driver()
    assert tried
    assert server.read(T, lambda tx: tx.run("MATCH (n:Note) RETURN n.id AS id")) == []
    assert server._driver() is driver  # the schema was made as soon as it could be
    assert server._ready
    monkeypatch.setattr(Neo4j, "locked", lambda _: True)
    [trouble] = neo4j_checks.health(server, dimension=384).troubles
    assert "read-only" in trouble.what
    assert "neo4j.conf" in trouble.advice
    server.close()


@contextmanager
def configured(redis: Redis, name: str, value: str, before: str) -> Iterator[None]:
    redis.client.config_set(name, value)
    try:
        yield
    finally:
        redis.client.config_set(name, before)


def test_redis_tells_a_password_that_changed_and_why_it_keeps_nothing(redis: EngineServer) -> None:
    url = redis.settings["redis_url"]
    mine, stranger = Redis(url), Redis(url)
    for each in (mine, stranger):  # a busy machine is slow, not wrong
        each.client.connection_pool.connection_kwargs |= {"socket_timeout": 10}
    assert redis_checks.health(mine).troubles == ()
    with configured(mine, "requirepass", "changed", ""):
        told = hint(lambda: redis_checks.health(stranger))
    assert "refuses the login" in told
    assert "ANAMNESIS_REDIS_URL" in told
    mine.client.replicaof("127.0.0.1", "1")
    try:
        [trouble] = redis_checks.health(mine).troubles
    finally:
        mine.client.replicaof("NO", "ONE")
    assert "READONLY" in trouble.what
    assert "primary" in trouble.advice
    with configured(mine, "maxmemory", "1", "0"):
        [trouble] = redis_checks.health(mine).troubles
    assert "OOM" in trouble.what
    for each in (mine, stranger):
        each.close()


def test_opensearch_tells_a_read_only_index_and_answers_meanwhile(
    opensearch_connection: OpenSearch, lexical_index: Callable[[str], LexicalIndex]
) -> None:
    index = lexical_index("opensearch")
    index.upsert(T, [LexicalEntry(Document(T, "a", 1, "fever"))])
    assert opensearch_checks.health(opensearch_connection, dimension=4).troubles == ()
    opensearch_connection.client.indices.put_settings(
        index=f"{opensearch_connection.cluster.prefix}-*",
        body={"index.blocks.read_only_allow_delete": True},
    )
    [trouble] = opensearch_checks.health(opensearch_connection, dimension=4).troubles
    assert "1 indexes are read-only" in trouble.what
    assert "make room" in trouble.advice
    assert index.entries(T) == {"a": 1}


def test_weaviate_tells_a_read_only_collection_and_answers_meanwhile(
    weaviate_connection: Weaviate, vector_index: Callable[[str, str, int], VectorIndex]
) -> None:
    index = vector_index("weaviate", "m", 4)
    index.upsert(T, [VectorEntry(Document(T, "a", 1, "x"), "m", (Passage(0, 0, 1),), ROW)])
    assert weaviate_checks.health(weaviate_connection).troubles == ()
    with weaviate_connection.calling("lock") as client:
        held = client.collections.use(index._passages.name)  # type: ignore[attr-defined]
        held.config.update_shards("READONLY")
    [trouble] = weaviate_checks.health(weaviate_connection).troubles
    assert "1 collections are read-only" in trouble.what
    access = Access(T, "dr", frozenset())
    assert [hit.doc_id for hit in index.search(access, ROW[0], Filters(), 3).hits] == ["a"]
    with pytest.raises(EngineUnavailable, match="read-only"):
        index.upsert(T, [VectorEntry(Document(T, "b", 1, "x"), "m", (Passage(0, 0, 1),), ROW)])
