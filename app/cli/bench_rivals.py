"""Each engine's own hybrid query, as its manual does it: measured beside ours, used nowhere else.

One object a note, its text and the vector of its first passage, no filter, ten hits.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
from weaviate.classes.config import Configure, DataType, Property, VectorDistances
from weaviate.classes.data import DataObject

from app.wiring import Installation
from eval.bench.clock import Ask
from indexing.access import Access
from indexing.ports import VectorEntry

BATCH = 500
TEN = 10


@contextmanager
def own_hybrids(beside: Mapping[str, Installation], access: Access) -> Iterator[dict[str, Ask]]:
    """Lend the hybrid query of every engine that is there, over indexes that are removed again."""
    made: dict[str, Ask] = {}
    cleaning: list[Any] = []
    makers = {"opensearch": _opensearch, "weaviate": _weaviate}
    try:
        for name, installation in beside.items():
            made[f"{name}'s own hybrid"], clean = makers[name](installation, access)
            cleaning.append(clean)
        yield made
    finally:
        for clean in cleaning:
            clean()


def _notes(installation: Installation, access: Access) -> Iterator[list[VectorEntry]]:
    derived, encoder = installation.derived, installation.encoder
    keys = sorted(derived.live(access.tenant_id))
    for at in range(0, len(keys), BATCH):
        entries = derived.vectors(
            access.tenant_id, keys[at : at + BATCH], encoder.model, encoder.dimension
        )
        yield [entry for entry in entries if len(entry.vectors)]


def _opensearch(installation: Installation, access: Access) -> tuple[Ask, Any]:
    client, name = installation.opensearch.client, f"bench-{secrets.token_hex(6)}"
    method = {"name": "hnsw", "engine": "lucene", "space_type": "cosinesimil"}
    vector = {"type": "knn_vector", "dimension": installation.encoder.dimension, "method": method}
    text = {"type": "text", "analyzer": "english"}
    body = {
        "settings": {"index.knn": True, "number_of_replicas": 0},
        "mappings": {"properties": {"text": text, "vector": vector}},
    }
    client.indices.create(index=name, body=body)
    phases = [{"normalization-processor": {"combination": {"technique": "arithmetic_mean"}}}]
    client.http.put(f"/_search/pipeline/{name}", body={"phase_results_processors": phases})
    for entries in _notes(installation, access):
        lines = b"".join(
            orjson.dumps({"index": {"_id": entry.document.doc_id}}) + b"\n"
            + orjson.dumps({"text": entry.document.text, "vector": entry.vectors[0].tolist()})
            + b"\n"
            for entry in entries
        )  # fmt: skip
        client.bulk(body=lines, index=name)
    client.indices.refresh(index=name)

    def ask(question: str) -> object:
        row = installation.encoder.encode([question])[0].tolist()
        queries = [
            {"match": {"text": question}}, {"knn": {"vector": {"vector": row, "k": 100}}},
        ]  # fmt: skip
        query = {"size": TEN, "_source": False, "query": {"hybrid": {"queries": queries}}}
        return client.search(index=name, body=query, params={"search_pipeline": name})

    return ask, lambda: client.indices.delete(index=name)


def _weaviate(installation: Installation, access: Access) -> tuple[Ask, Any]:
    name = f"Bench{secrets.token_hex(6)}"
    index = Configure.VectorIndex.hnsw(distance_metric=VectorDistances.COSINE)
    with installation.weaviate.calling("make a collection") as client:
        collection = client.collections.create(
            name, properties=[Property(name="text", data_type=DataType.TEXT)],
            vector_config=Configure.Vectors.self_provided(vector_index_config=index),
        )  # fmt: skip
        for entries in _notes(installation, access):
            collection.data.insert_many(
                [
                    DataObject(
                        properties={"text": entry.document.text}, vector=entry.vectors[0].tolist()
                    )
                    for entry in entries
                ]
            )

    def ask(question: str) -> object:
        row = installation.encoder.encode([question])[0].tolist()
        return collection.query.hybrid(
            query=question, vector=row, alpha=0.5, limit=TEN, return_properties=[]
        )

    return ask, lambda: client.collections.delete(name)
