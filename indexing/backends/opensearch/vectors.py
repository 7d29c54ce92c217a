"""`VectorIndex` over OpenSearch: a note is one document with its passages nested in it, so that a
note changes as a whole and k counts notes. Engine `lucene` alone, which needs no native library."""

from __future__ import annotations

from base64 import b64encode, urlsafe_b64decode
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

import numpy as np

from indexing.access import Access
from indexing.backends.opensearch import schema
from indexing.backends.opensearch.bulk import SMILE, Item, Make, item, write
from indexing.backends.opensearch.compile import Query, among, guard
from indexing.backends.opensearch.connect import NAME, UNSTORED, Connection, Kind, Missing
from indexing.backends.opensearch.held import held, id_of, spelled, stones
from indexing.backends.opensearch.names import Names
from indexing.errors import EngineUnavailable, EventRejected
from indexing.filters import Filters
from indexing.model import IndexState, TenantId, Tombstone
from indexing.ports import Ranking, Scored, VectorEntry, Vectors
from indexing.reconcile import digest
from indexing.spaces import CLINICAL_NOTES, Metric, Space
from indexing.strays import own

LOOKED_AT = 150  # candidates of a search at least: recall@10 grows with it
_LEAN = {
    "filter_path": "hits.hits.sort,hits.hits.inner_hits.passages.hits.hits.fields",
    "allow_partial_search_results": "false",
}

_ROWS = {**_LEAN, "filter_path": "hits.hits.sort,hits.hits.fields"}


class OpenSearchVectorIndex:
    """Vectors of one model and dimension; both are part of every index's name."""

    def __init__(
        self, connection: Connection, model: str, dimension: int, space: Space = CLINICAL_NOTES
    ) -> None:
        self._connection, self._dimension, self._space = connection, dimension, space
        self._kind, shards = connection.cluster.kind, connection.cluster.shards
        name = f"{space.physical(model, dimension)}-{schema.VECTORS_LAYOUT}"
        names: dict[Kind, str] = {"hnsw": name, "flat": f"{name}-flat"}
        body = schema.vectors_body(shards, dimension, space, self._kind)
        self._names = Names(connection, names.pop(self._kind), body)
        # Of the kind that the site had set before: nothing is asked there, nothing may stay.
        [before] = names.values()
        self._other = Names(connection, before, {})
        self._alone: set[TenantId] = set()

    def upsert(self, tenant_id: TenantId, entries: Sequence[VectorEntry]) -> None:
        """Replace each document's passages unless a newer version or its tombstone stands."""
        if entries:
            newest = {e.document.doc_id: e for e in sorted(entries, key=_version)}
            self._write(tenant_id, partial(map, self._item, list(newest.values())))

    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None:
        """Take documents out and keep the version at which they went."""
        if tombstones:
            self._write(tenant_id, partial(stones, tenant_id, tombstones))

    def fresh(self, tenant_id: TenantId) -> AbstractContextManager[None]:
        """Send this tenant's writes to a new index while the block runs; it counts afterwards."""
        return self._names.fresh(tenant_id)

    def search(self, access: Access, vector: Vectors, filters: Filters, k: int) -> Ranking:
        """Rank documents by their best passage."""
        if k < 1:
            return Ranking(())
        row = np.asarray(vector, dtype=np.float32).reshape(-1)
        if len(row) != self._dimension:
            raise EngineUnavailable(
                f"the question has {len(row)} dimensions, the vectors {self._dimension}",
                hint="Run `anamnesis index rebuild` after a change of model.",
            )
        let = guard(access, filters, self._space)
        body = {
            "size": k, "query": self._nearest(row, max(k, LOOKED_AT), let),
            "sort": [{"_score": "desc"}, {"doc_id": "asc"}, {"tenant": "asc"}], **UNSTORED,
        }  # fmt: skip
        try:
            alias = self._names.alias(access.tenant_id)
            answer = self._connection.search("search", alias, body, _LEAN)
        except Missing:
            return Ranking(())
        hits = answer.get("hits", {}).get("hits", ())
        kept = own(NAME, "vectors", access.tenant_id, hits, lambda hit: hit["sort"][2])
        scored = (_scored(hit, rank, self._space.metric) for rank, hit in enumerate(kept, 1))
        return Ranking(tuple(scored))

    def passages(self, access: Access, doc_ids: Sequence[str]) -> Mapping[str, Vectors]:
        """Return the vectors of the visible ones of these documents."""
        wanted = sorted({each for each in doc_ids if spelled(each)})
        query = {"bool": guard(access, Filters(), self._space)}
        query["bool"]["filter"].append(among(wanted))
        body = {
            "size": min(len(wanted), schema.DEEPEST), "query": query, **UNSTORED,
            "sort": [{"doc_id": "asc"}, {"tenant": "asc"}], "docvalue_fields": ["rows"],
        }  # fmt: skip
        try:
            alias = self._names.alias(access.tenant_id)
            answer = self._connection.search("give vectors back", alias, body, _ROWS)
        except Missing:
            return {}
        hits = answer.get("hits", {}).get("hits", ())
        kept = own(NAME, "vectors", access.tenant_id, hits, lambda hit: hit["sort"][1])
        return {
            hit["sort"][0]: _rows(hit["fields"]["rows"][0], self._dimension)
            for hit in kept
            if "fields" in hit
        }

    def state(self, tenant_id: TenantId) -> IndexState:
        """Count the live documents and fold their versions."""
        entries = self.entries(tenant_id)
        return IndexState(len(entries), digest(entries), {"search": self._kind})

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {doc_id: version} of every live document."""
        return held(self._connection, self._names, tenant_id)

    def drop(self, tenant_id: TenantId) -> None:
        """Forget the tenant's vectors, tombstones too."""
        self._names.drop(tenant_id)
        self._other.drop(tenant_id)

    def _write(self, tenant_id: TenantId, make: Make) -> None:
        if tenant_id not in self._alone:
            self._other.drop(tenant_id)
            self._alone.add(tenant_id)
        write(self._connection, self._names, tenant_id, make)

    def _nearest(self, vector: Vectors, k: int, let: dict[str, list[Query]]) -> Query:
        """Ask for the passages nearest to `vector`, as far as the guard lets through."""
        if self._kind == "hnsw":
            knn = {"vector": vector.tolist(), "k": k, "filter": {"bool": let}}
            return _best({"knn": {"passages.vector": knn}})
        params = {
            "field": "passages.vector", "query_value": vector.tolist(),
            "space_type": schema.measure(self._space),
        }  # fmt: skip
        script = {"lang": "knn", "source": "knn_score", "params": params}
        scored = {"script_score": {"query": {"match_all": {}}, "script": script}}
        return {"bool": {"must": [_best(scored)], **let}}

    def _item(self, entry: VectorEntry) -> Item:
        d = entry.document
        if len(entry.passages) != len(entry.vectors):
            raise EventRejected(
                f"document {d.doc_id!r}: {len(entry.passages)} passages, "
                f"{len(entry.vectors)} vectors"
            )
        if len(entry.vectors) and entry.vectors.shape[1] != self._dimension:
            raise EventRejected(
                f"document {d.doc_id!r}: {entry.vectors.shape[1]} dimensions, "
                f"the index has {self._dimension}"
            )
        rows = np.ascontiguousarray(entry.vectors, dtype=np.float32)
        nested = [
            {"number": passage.number, "vector": row}
            for passage, row in zip(entry.passages, rows, strict=True)
        ]
        body = schema.filtered(d, self._space, entry.metadata) | {"passages": nested}
        if nested:
            body["rows"] = b64encode(rows.tobytes()).decode()
        return item(d.doc_id, id_of(d.doc_id), 2 * d.version, body, SMILE)


def _version(entry: VectorEntry) -> int:
    return entry.document.version


def _rows(packed: str, dimension: int) -> Vectors:
    """Read the vectors of a document, in order: (n, d); OpenSearch leaves the padding out."""
    return np.frombuffer(urlsafe_b64decode(f"{packed}=="), np.float32).reshape(-1, dimension)


def _best(passages: Query) -> Query:
    """Score documents by their best passage, and tell which one it is."""
    return {
        "nested": {
            "path": "passages", "score_mode": "max", "query": passages,
            "inner_hits": {
                "size": 1, "docvalue_fields": ["passages.number"], **UNSTORED,
            },
        }
    }  # fmt: skip


def _scored(hit: Mapping[str, Any], rank: int, metric: Metric) -> Scored:
    score, doc_id, _ = hit["sort"]
    inner = hit["inner_hits"]["passages"]["hits"]["hits"][0]["fields"]["passages.number"][0]
    if metric == "cosine":
        score = 2 * score - 1  # Lucene's is (1 + cosine) / 2
    return Scored(doc_id, score, rank, passage=int(inner))
