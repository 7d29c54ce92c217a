"""What is OpenSearch's own: it splits what was cut and stemmed here, and changes nothing."""

from __future__ import annotations

from uuid import uuid4

import pytest

from indexing.analysis import stem, terms
from indexing.backends.opensearch.connect import Connection
from indexing.backends.opensearch.lexical import OpenSearchLexicalIndex
from indexing.language.terminology.store import seed_terminology
from indexing.model import Document, TenantId
from indexing.ports import LexicalEntry

pytestmark = pytest.mark.engines


@pytest.mark.parametrize("analyzer", ["stems", "terms"])
def test_it_takes_the_terms_as_they_are(opensearch_connection: Connection, analyzer: str) -> None:
    index, tenant_id = OpenSearchLexicalIndex(opensearch_connection), TenantId(uuid4())
    index.upsert(tenant_id, [LexicalEntry(Document(tenant_id, "a", 1, "fever"))])
    seed = seed_terminology()
    words = sorted({term for text in seed.compiled.name_texts for term in terms(text)})
    sent = words if analyzer == "terms" else [stem(word) for word in words]
    with opensearch_connection.calling("analyse") as client:
        [name] = client.indices.get(index=f"{opensearch_connection.cluster.prefix}-*")
        answer = client.indices.analyze(
            index=name, body={"analyzer": analyzer, "text": " ".join(sent)}
        )
    assert [token["token"] for token in answer["tokens"]] == sent
