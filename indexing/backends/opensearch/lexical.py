"""`LexicalIndex` over OpenSearch: one index per tenant, so that statistics are never shared."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from datetime import UTC, tzinfo
from functools import partial
from typing import Any

from indexing.access import Access
from indexing.analysis import stem
from indexing.backends.opensearch import schema
from indexing.backends.opensearch.bulk import Item, item, write
from indexing.backends.opensearch.compile import (
    Compiler,
    Query,
    Statistics,
    among,
    guard,
)
from indexing.backends.opensearch.connect import NAME, UNSTORED, Connection, Missing
from indexing.backends.opensearch.held import held, id_of, spelled, stones
from indexing.backends.opensearch.names import Names
from indexing.clauses import Clause
from indexing.compiling import TITLE_WEIGHT
from indexing.errors import EngineUnavailable
from indexing.filters import FACETS, Filters
from indexing.model import IndexState, TenantId, Tombstone
from indexing.ports import AssertionMode, FacetCount, LexicalEntry, Ranking, Scored
from indexing.reconcile import digest
from indexing.strays import own

MOST_NAMED = 1_000  # matches past the hits that are named, as the embedded engine does
MOST_FACET_VALUES = 60_000
_CASED = frozenset({"patient"})  # ids: two that differ in case are two patients
_SORT = [{"_score": "desc"}, {"doc_id": "asc"}, {"tenant": "asc"}]  # gives both without a fetch
_LEAN = {
    "filter_path": "hits.total.value,hits.hits.sort,aggregations",
    "allow_partial_search_results": "false",
}


class OpenSearchLexicalIndex:
    """BM25 with k1 1.2 and b 0.75. `zone_of` gives a tenant's time zone."""

    def __init__(
        self,
        connection: Connection,
        *,
        zone_of: Callable[[TenantId], tzinfo] = lambda _: UTC,
        title_weight: float = TITLE_WEIGHT,
    ) -> None:
        self._connection, self._zone_of = connection, zone_of
        self._title_weight = title_weight
        body = schema.words_body(connection.cluster.shards)
        self._names = Names(connection, f"words-{schema.LAYOUT}", body)

    def upsert(self, tenant_id: TenantId, entries: Sequence[LexicalEntry]) -> None:
        """Write documents with their language; durable and visible on return."""
        if entries:
            newest = {e.document.doc_id: e for e in sorted(entries, key=_version)}
            make = partial(_items, list(newest.values()), self._zone_of(tenant_id))
            write(self._connection, self._names, tenant_id, make)

    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None:
        """Delete documents at versions; the unknown ones are remembered too."""
        if tombstones:
            write(self._connection, self._names, tenant_id, partial(stones, tenant_id, tombstones))

    def fresh(self, tenant_id: TenantId) -> AbstractContextManager[None]:
        """Send this tenant's writes to a new index while the block runs; it counts afterwards."""
        return self._names.fresh(tenant_id)

    def search(
        self, access: Access, clause: Clause, filters: Filters, k: int, assertion: AssertionMode
    ) -> Ranking:
        """Rank the documents that satisfy `clause`; `total` is exact."""
        query = self._scored(clause, access, filters, assertion)
        size = min(max(k, 0), schema.DEEPEST)
        found, total = self._ranked(access, query, size)
        beyond: list[tuple[str, float]] = []
        if 0 < size < total <= MOST_NAMED:
            beyond = self._ranked(access, query, total)[0][size:]
        hits = (Scored(d, score, rank) for rank, (d, score) in enumerate(found, 1))
        return Ranking(tuple(hits), total, frozenset(d for d, _ in beyond))

    def matching(
        self,
        access: Access,
        clause: Clause,
        filters: Filters,
        assertion: AssertionMode,
        doc_ids: Iterable[str],
    ) -> frozenset[str]:
        """Return those of `doc_ids` that satisfy `clause` and `filters`."""
        return frozenset(
            self._among(access, doc_ids, self._query(clause, access, filters, assertion))
        )

    def scores(
        self,
        access: Access,
        clause: Clause,
        filters: Filters,
        assertion: AssertionMode,
        doc_ids: Iterable[str],
    ) -> Mapping[str, float]:
        """Return what those of `doc_ids` that satisfy `clause` and `filters` score."""
        return self._among(access, doc_ids, self._scored(clause, access, filters, assertion))

    def _among(self, access: Access, doc_ids: Iterable[str], query: Query) -> dict[str, float]:
        """Return what those of `doc_ids` that `query` finds score."""
        wanted = sorted(each for each in set(doc_ids) if spelled(each))
        found: dict[str, float] = {}
        for at in range(0, len(wanted), schema.DEEPEST):
            some = wanted[at : at + schema.DEEPEST]
            narrowed = {"bool": {"must": [query], "filter": [among(some)]}}
            found.update(self._ranked(access, narrowed, len(some))[0])
        return found

    def facets(
        self, access: Access, clause: Clause, filters: Filters, assertion: AssertionMode, size: int
    ) -> Mapping[str, tuple[FacetCount, ...]]:
        """Count the matches by each facet; words that differ in case only count together."""
        query = self._query(clause, access, filters, assertion)
        body = {"size": 0, "query": query, "aggs": {name: _terms_of(name, size) for name in FACETS}}
        with self._absent_is_empty():
            found = self._asked(access, "count", body)["aggregations"]
            return {name: _merged(name, found[name]["buckets"], size) for name in FACETS}
        return dict.fromkeys(FACETS, ())

    def counts(
        self, access: Access, clauses: Sequence[Clause | None], filters: Filters
    ) -> tuple[int, ...]:
        """Count the visible documents of each clause: all for None; the whole text counts, asserted
        or not. One question, which fails as a whole."""
        if not clauses:
            return ()
        compiler = Compiler(self._title_weight)
        queries = [compiler.matched(each, "any") for each in clauses]
        let = guard(access, filters)
        let["filter"].append(compiler.some(queries))  # only those are held against each of them
        body = {
            "size": 0, "query": {"bool": let}, "track_total_hits": False,
            "aggs": {"each": {"filters": {"filters": queries}}},
        }  # fmt: skip
        with self._absent_is_empty():
            told = self._asked(access, "count", body).get("aggregations", {})
            counted = [
                int(bucket["doc_count"]) for bucket in told.get("each", {}).get("buckets", ())
            ]
            if len(counted) != len(clauses):  # a count that is not there is no nought
                raise EngineUnavailable("OpenSearch left counts out", hint="Look at its log.")
            return tuple(counted)
        return (0,) * len(clauses)

    def state(self, tenant_id: TenantId) -> IndexState:
        """Count what is held, and fold it into one digest."""
        entries = self.entries(tenant_id)
        return IndexState(len(entries), digest(entries))

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {doc_id: version} of every live document."""
        return held(self._connection, self._names, tenant_id)

    def drop(self, tenant_id: TenantId) -> None:
        """Remove a tenant's index altogether."""
        self._names.drop(tenant_id)

    def _query(
        self, clause: Clause | None, access: Access, filters: Filters, assertion: AssertionMode
    ) -> Query:
        return Compiler(self._title_weight).guarded(clause, access, filters, assertion)

    def _scored(
        self, clause: Clause, access: Access, filters: Filters, assertion: AssertionMode
    ) -> Query:
        """Compile, and again with the statistics where scores depend on them."""
        compiler = Compiler(self._title_weight)
        query = compiler.guarded(clause, access, filters, assertion)
        if not compiler.asked:
            return query
        known = self._statistics(access.tenant_id, compiler.asked)
        return Compiler(self._title_weight, known).guarded(clause, access, filters, assertion)

    def _statistics(self, tenant_id: TenantId, asked: Mapping[str, Iterable[str]]) -> Statistics:
        """Ask how rare words are: of a note that holds nothing else, which is never written. With
        several shards they are one shard's, as the scores are each shard's own."""
        fields = [field for view in asked for field in (view, schema.stemmed(view))]
        note = {view: " ".join(sorted(words)) for view, words in asked.items()}
        note |= {
            schema.stemmed(view): " ".join(sorted(map(stem, words)))
            for view, words in asked.items()
        }
        body = {
            "doc": note,
            "fields": fields, "term_statistics": True, "positions": False, "offsets": False,
        }  # fmt: skip
        with self._absent_is_empty():
            found = self._connection.terms(self._names.alias(tenant_id), body)["term_vectors"]
            return Statistics(
                {field: max(0, held["field_statistics"]["doc_count"])
                 for field, held in found.items()},
                {field: {term: each.get("doc_freq", 0) for term, each in held["terms"].items()}
                 for field, held in found.items()},
            )  # fmt: skip
        return Statistics()

    def _ranked(
        self, access: Access, query: Query, size: int
    ) -> tuple[list[tuple[str, float]], int]:
        """Return (doc_id, score) of the best `size` and the number of all matches."""
        body = {"size": size, "query": query, "track_total_hits": True, "sort": _SORT, **UNSTORED}
        with self._absent_is_empty():
            found = self._asked(access, "search", body)["hits"]
            hits = [hit["sort"] for hit in found.get("hits", ())]
            kept = own(NAME, "words", access.tenant_id, hits, lambda hit: hit[2])
            return [(doc_id, score) for score, doc_id, _ in kept], found["total"]["value"]
        return [], 0

    def _asked(self, access: Access, what: str, body: dict[str, Any]) -> dict[str, Any]:
        return self._connection.search(what, self._names.alias(access.tenant_id), body, _LEAN)

    @contextmanager
    def _absent_is_empty(self) -> Iterator[None]:
        """A tenant without an index has no documents."""
        with suppress(Missing):
            yield


def _version(entry: LexicalEntry) -> int:
    return entry.document.version


def _items(entries: Sequence[LexicalEntry], zone: tzinfo) -> Iterator[Item]:
    for entry in entries:
        d = entry.document
        yield item(d.doc_id, id_of(d.doc_id), 2 * d.version, schema.words(entry, zone))


def _terms_of(facet: str, size: int) -> dict[str, Any]:
    """Ask for all values; of patients, who may be thousands, for those that can be shown."""
    most = 4 * size if facet in _CASED else MOST_FACET_VALUES
    order = [{"_count": "desc"}, {"_key": "asc"}]
    return {"terms": {"field": f"{facet}_shown", "size": most, "order": order}}


def _merged(facet: str, buckets: Iterable[Mapping[str, Any]], size: int) -> tuple[FacetCount, ...]:
    counts: Counter[str] = Counter()
    shown: dict[str, str] = {}
    for bucket in buckets:  # most frequent first: the commonest spelling is the one shown
        value = str(bucket["key"])
        folded = value if facet in _CASED else schema.key(value)
        counts[folded] += int(bucket["doc_count"])
        shown.setdefault(folded, value)
    ordered = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return tuple(FacetCount(shown[value], count) for value, count in ordered[:size])
