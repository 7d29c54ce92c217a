"""One index of each engine for the contract suites, empty, and gone afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from app.settings import Settings
from app.wiring import Installation
from indexing.backends.memory.lexical import MemoryLexicalIndex
from indexing.backends.memory.vectors import MemoryVectorIndex
from indexing.backends.neo4j.connect import Neo4j
from indexing.backends.neo4j.vectors import Neo4jVectorIndex
from indexing.backends.opensearch.connect import Cluster, Connection
from indexing.backends.opensearch.lexical import OpenSearchLexicalIndex
from indexing.backends.opensearch.vectors import OpenSearchVectorIndex
from indexing.backends.postgres.space_vectors import PostgresSpaceIndex
from indexing.backends.postgres.vectors import PostgresVectorIndex
from indexing.backends.tantivy import TantivyLexicalIndex
from indexing.backends.weaviate.connect import Connection as WeaviateConnection
from indexing.backends.weaviate.connect import Server
from indexing.backends.weaviate.vectors import WeaviateVectorIndex
from indexing.errors import EngineUnavailable
from indexing.ports import LexicalIndex, VectorIndex
from indexing.spaces import Space
from tests.engines import PATIENT_S, EngineServer, neo4j_address


@pytest.fixture
def opensearch_connection(opensearch: EngineServer) -> Iterator[Connection]:
    """A client whose indexes are this test's alone."""
    given = opensearch.settings
    prefix = f"anamnesis-test-{secrets.token_hex(6)}"
    cluster = Cluster(
        given["opensearch_url"], secrets.token_hex(16), given.get("opensearch_user"),
        given.get("opensearch_password"), patience_s=PATIENT_S, prefix=prefix,
        kind=Settings().opensearch_index,
    )  # fmt: skip
    connection = Connection(cluster)
    yield connection
    with suppress(EngineUnavailable), connection.calling("clean up") as client:
        client.indices.delete(index=f"{prefix}-*")
    connection.close()


@pytest.fixture
def weaviate_connection(weaviate: EngineServer) -> Iterator[WeaviateConnection]:
    """A client whose collections are this test's alone."""
    given = weaviate.settings
    prefix = f"AnamnesisTest{secrets.token_hex(6)}"
    server = Server(
        given["weaviate_url"], given["weaviate_grpc"], secrets.token_hex(16),
        given.get("weaviate_key"), patience_s=PATIENT_S, prefix=prefix,
        kind=Settings().weaviate_index,
    )  # fmt: skip
    connection = WeaviateConnection(server)
    yield connection
    with suppress(EngineUnavailable), connection.calling("clean up") as client:
        client.collections.delete(
            [n for n in client.collections.list_all() if n.startswith(prefix)]
        )
    connection.close()


@pytest.fixture
def neo4j_connection(neo4j: EngineServer) -> Iterator[Neo4j]:
    """A client whose vector spaces are gone afterwards."""
    with closing(Neo4j(neo4j_address(neo4j.settings))) as server:
        before = {name for names, _ in server.spaces() for name in names}
        yield server
        made = [name for names, _ in server.spaces() for name in names if name not in before]
        server.undefine(made)
        with server._driver().session(database=server.address.database) as session:
            session.run(
                "MATCH (s:VectorSpace) WHERE s.indexes[0] IN $made "
                "OPTIONAL MATCH (e:VectorEntry {tenant: s.tenant, space: s.space}) "
                "OPTIONAL MATCH (e)-[:HOLDS]->(r) DETACH DELETE r, e, s",
                made=made,
            ).consume()


@pytest.fixture
def lexical_index(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], LexicalIndex]:
    """Build an empty full-text index of the named engine."""

    def build(name: str) -> LexicalIndex:
        if name == "memory":
            return MemoryLexicalIndex()
        if name == "opensearch":
            return OpenSearchLexicalIndex(request.getfixturevalue("opensearch_connection"))
        assert name == "tantivy"
        return TantivyLexicalIndex(tmp_path)

    return build


@pytest.fixture
def vector_index(request: pytest.FixtureRequest) -> Callable[[str, str, int], VectorIndex]:
    """Build an empty vector index of the named engine for vectors of a model and dimension."""

    def build(name: str, model: str, dimension: int) -> VectorIndex:
        if name == "memory":
            return MemoryVectorIndex()
        if name == "opensearch":
            connection: Connection = request.getfixturevalue("opensearch_connection")
            return OpenSearchVectorIndex(connection, model, dimension)
        if name == "weaviate":
            served: WeaviateConnection = request.getfixturevalue("weaviate_connection")
            return WeaviateVectorIndex(served, model, dimension)
        assert name == "postgres"
        installation: Installation = request.getfixturevalue("installation")
        return PostgresVectorIndex(installation.database)

    return build


@pytest.fixture
def space_index(request: pytest.FixtureRequest) -> Callable[[str, str, int, Space], VectorIndex]:
    """Build an empty index of the named engine for a vector space beside the notes'."""
    secret = secrets.token_hex(16)

    def build(name: str, model: str, dimension: int, space: Space) -> VectorIndex:
        if name == "memory":
            return MemoryVectorIndex(space)
        if name == "opensearch":
            connection: Connection = request.getfixturevalue("opensearch_connection")
            return OpenSearchVectorIndex(connection, model, dimension, space)
        if name == "weaviate":
            served: WeaviateConnection = request.getfixturevalue("weaviate_connection")
            return WeaviateVectorIndex(served, model, dimension, space)
        if name == "neo4j":
            graph: Neo4j = request.getfixturevalue("neo4j_connection")
            return Neo4jVectorIndex(graph, model, dimension, space, secret)
        assert name == "postgres"
        installation: Installation = request.getfixturevalue("installation")
        return PostgresSpaceIndex(installation.database, model, dimension, space)

    return build
