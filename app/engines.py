"""The engines of the three legs and the clients of servers that a site runs, made when first used:
one `match` per port."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, assert_never
from zoneinfo import ZoneInfo

from pydantic import SecretStr

from app.settings import GraphBackend, LexicalBackend, Settings, SpaceBackend, VectorBackend
from indexing.backends.postgres.connect import Database
from indexing.backends.postgres.installation import Secrets
from indexing.errors import ConfigurationError
from indexing.model import TenantId
from indexing.ports import Encoder, GraphIndex, LexicalIndex, VectorIndex
from indexing.spaces import CLINICAL_NOTES, Space

if TYPE_CHECKING:  # loaded when first used
    from indexing.backends.influxdb import connect as influxdb
    from indexing.backends.neo4j.connect import Neo4j
    from indexing.backends.opensearch import connect as opensearch
    from indexing.backends.redis import connect as redis
    from indexing.backends.weaviate import connect as weaviate


class Fields(TypedDict, total=False):
    """The fields' weights that a site has set, as full-text engines take them."""

    title_weight: float


class Engines(ABC):
    """What an installation asks for its answers; `Installation` says where everything else is."""

    settings: Settings

    @property
    @abstractmethod
    def home(self) -> Path:
        """The folder that holds all embedded state."""

    @property
    @abstractmethod
    def secrets(self) -> Secrets:
        """The installation's secrets."""

    @property
    @abstractmethod
    def database(self) -> Database:
        """The application's role."""

    @property
    @abstractmethod
    def encoder(self) -> Encoder:
        """Text to vectors."""

    @abstractmethod
    def zone_of(self, tenant_id: TenantId) -> ZoneInfo:
        """Return a tenant's time zone."""

    @cached_property
    def opensearch(self) -> opensearch.Connection:
        """The client of the site's OpenSearch."""
        from indexing.backends.opensearch.connect import Cluster, Connection

        own = self.settings
        return Connection(
            Cluster(
                own.opensearch_url, self.secrets.pepper, own.opensearch_user,
                told(own.opensearch_password), own.opensearch_ca, own.opensearch_shards,
                own.leg_patience_s, kind=own.opensearch_index,
            )
        )  # fmt: skip

    @cached_property
    def weaviate(self) -> weaviate.Connection:
        """The client of the site's Weaviate."""
        from indexing.backends.weaviate.connect import Connection, Server

        own = self.settings
        return Connection(
            Server(
                own.weaviate_url, own.weaviate_grpc, self.secrets.pepper, told(own.weaviate_key),
                own.weaviate_user, told(own.weaviate_password), own.weaviate_ca,
                own.leg_patience_s, kind=own.weaviate_index,
            )
        )  # fmt: skip

    @cached_property
    def neo4j(self) -> Neo4j:
        """The client of the site's Neo4j."""
        from indexing.backends.neo4j.connect import Address, Neo4j

        own = self.settings
        return Neo4j(
            Address(
                own.neo4j_url, own.neo4j_user, told(own.neo4j_password), own.neo4j_database,
                own.neo4j_ca, own.leg_patience_s,
            )
        )  # fmt: skip

    @cached_property
    def influxdb(self) -> influxdb.Connection:
        """The client of the site's InfluxDB."""
        from indexing.backends.influxdb.connect import Connection, Server

        own = self.settings
        return Connection(
            Server(
                own.influxdb_url, self.secrets.pepper, own.influxdb_user,
                told(own.influxdb_password), own.influxdb_ca,
            )
        )  # fmt: skip

    @cached_property
    def redis(self) -> redis.Connection:
        """The client of the site's Redis.

        Raises:
            ConfigurationError: it has no address.
        """
        from indexing.backends.redis.connect import Connection

        url, ca = told(self.settings.redis_url), self.settings.redis_ca
        if url is None:
            raise ConfigurationError(
                "the cache is on and Redis has no address",
                hint="set ANAMNESIS_REDIS_URL, such as redis://127.0.0.1:6379/0",
            )
        return Connection(url, str(ca) if ca else None)

    @cache  # noqa: B019 - as long-lived as the process
    def lexical_engine(self, name: LexicalBackend) -> LexicalIndex:
        """Return the engine of that name. Raises: ConfigurationError."""
        require(name)
        fields = self.fields
        match name:
            case "tantivy":
                from indexing.backends.tantivy import TantivyLexicalIndex

                return TantivyLexicalIndex(self.home / "tantivy", zone_of=self.zone_of, **fields)
            case "opensearch":
                from indexing.backends.opensearch.lexical import OpenSearchLexicalIndex

                return OpenSearchLexicalIndex(self.opensearch, zone_of=self.zone_of, **fields)
            case "memory":
                from indexing.backends.memory.lexical import MemoryLexicalIndex

                return MemoryLexicalIndex(**fields)
            case other:
                assert_never(other)

    @property
    def fields(self) -> Fields:
        """Return the fields' weights that the site has set, as the engines take them."""
        from rankers.fusion import read_title_weight

        own = self.settings.shares
        weight = None if own is None else read_title_weight(own)
        return {} if weight is None else {"title_weight": weight}

    @cache  # noqa: B019 - as long-lived as the process
    def vector_engine(self, name: VectorBackend) -> VectorIndex:
        """Return the engine of that name for the notes. Raises: ConfigurationError."""
        if name == "postgres":
            from indexing.backends.postgres.vectors import PostgresVectorIndex

            return PostgresVectorIndex(self.database, model=lambda: self.encoder.model)
        if name == "memory":  # asks for no model, which an evaluation may do without
            from indexing.backends.memory.vectors import MemoryVectorIndex

            return MemoryVectorIndex()
        require(name)
        return self.space_engine(name, CLINICAL_NOTES, self.encoder.model, self.encoder.dimension)

    @cache  # noqa: B019 - as long-lived as the process
    def space_engine(
        self, name: SpaceBackend, space: Space, model: str, dimension: int
    ) -> VectorIndex:
        """Return the engine of that name for a vector space. Raises: ConfigurationError."""
        require(name)
        match name:
            case "postgres":
                from indexing.backends.postgres.space_vectors import PostgresSpaceIndex

                return PostgresSpaceIndex(self.database, model, dimension, space)
            case "opensearch":
                from indexing.backends.opensearch.vectors import OpenSearchVectorIndex

                return OpenSearchVectorIndex(self.opensearch, model, dimension, space)
            case "weaviate":
                from indexing.backends.weaviate.vectors import WeaviateVectorIndex

                return WeaviateVectorIndex(self.weaviate, model, dimension, space)
            case "neo4j":
                from indexing.backends.neo4j.vectors import Neo4jVectorIndex

                pepper = self.secrets.pepper
                return Neo4jVectorIndex(self.neo4j, model, dimension, space, pepper)
            case "memory":
                from indexing.backends.memory.vectors import MemoryVectorIndex

                return MemoryVectorIndex(space)
            case other:
                assert_never(other)

    @cache  # noqa: B019 - as long-lived as the process
    def graph_engine(self, name: GraphBackend) -> GraphIndex:
        """Return the engine of that name. Raises: ConfigurationError."""
        require(name)
        match name:
            case "postgres":
                from indexing.backends.postgres.graph import PostgresGraphIndex

                return PostgresGraphIndex(self.database)
            case "neo4j":
                from indexing.backends.neo4j.graph import Neo4jGraphIndex

                return Neo4jGraphIndex(self.neo4j)
            case "memory":
                from indexing.backends.memory.graph import MemoryGraphIndex

                return MemoryGraphIndex()
            case other:
                assert_never(other)


_CLIENTS = {
    "opensearch": "opensearchpy",
    "weaviate": "weaviate",
    "neo4j": "neo4j",
    "influxdb": "httpx",
    "redis": "redis",
}


def require(engine: str) -> None:
    """See that the client of an engine is installed. Raises: ConfigurationError."""
    if engine in _CLIENTS and find_spec(_CLIENTS[engine]) is None:
        raise ConfigurationError(
            f"the client of {engine} is not installed", hint=f"pip install 'anamnesis[{engine}]'"
        )


def told(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
