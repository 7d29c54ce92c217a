"""What is OpenSearch's own: its stems, which must be ours."""

from __future__ import annotations

from uuid import uuid4

import pytest

from indexing.analysis import stem, terms
from indexing.backends.opensearch.connect import Connection
from indexing.backends.opensearch.lexical import OpenSearchLexicalIndex
from indexing.backends.opensearch.schema import sent
from indexing.language.terminology.store import seed_terminology
from indexing.model import Document, TenantId
from indexing.ports import LexicalEntry

pytestmark = pytest.mark.engines

# On these the editions of the algorithm part.
APART = "organic organization emergency evening lateral internal universal dermatologists paste"


@pytest.mark.parametrize("analyzer", ["stems", "terms"])
def test_its_stems_are_ours(opensearch_connection: Connection, analyzer: str) -> None:
    index, tenant_id = OpenSearchLexicalIndex(opensearch_connection), TenantId(uuid4())
    index.upsert(tenant_id, [LexicalEntry(Document(tenant_id, "a", 1, "fever"))])
    seed = seed_terminology()
    words = sorted({term for text in (*seed.compiled.name_texts, APART) for term in terms(text)})
    expected = words if analyzer == "terms" else [stem(word) for word in words]
    text = " ".join(map(sent, words))
    with opensearch_connection.calling("analyse") as client:
        [name] = client.indices.get(index=f"{opensearch_connection.cluster.prefix}-*")
        answer = client.indices.analyze(index=name, body={"analyzer": analyzer, "text": text})
    assert [token["token"] for token in answer["tokens"]] == expected
