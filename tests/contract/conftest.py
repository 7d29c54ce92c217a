"""One index of each engine for the contract suites, empty, and gone afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from indexing.backends.memory_lexical import MemoryLexicalIndex
from indexing.backends.opensearch.connect import Cluster, Connection
from indexing.backends.opensearch.lexical import OpenSearchLexicalIndex
from indexing.backends.tantivy import TantivyLexicalIndex
from indexing.ports import LexicalIndex
from tests.engines import EngineServer


@pytest.fixture
def opensearch_connection(opensearch: EngineServer) -> Iterator[Connection]:
    """A client whose indexes are this test's alone."""
    given = opensearch.settings
    prefix = f"anamnesis-test-{secrets.token_hex(6)}"
    cluster = Cluster(
        given["opensearch_url"], secrets.token_hex(16), given.get("opensearch_user"),
        given.get("opensearch_password"), prefix=prefix,
    )  # fmt: skip
    connection = Connection(cluster)
    yield connection
    connection.client.indices.delete(index=f"{prefix}-*")
    connection.close()


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
