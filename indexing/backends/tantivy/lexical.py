"""`LexicalIndex` over Tantivy: one folder per tenant, so that statistics are never shared."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import copy
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any

import tantivy
from tantivy import Occur, Query

from indexing.access import Access
from indexing.backends.tantivy.compile import Compiler
from indexing.backends.tantivy.names import Namespace, Shelf, mapped_errors
from indexing.backends.tantivy.schema import key
from indexing.clauses import Clause
from indexing.compiling import TITLE_WEIGHT
from indexing.filters import FACETS, Filters
from indexing.model import IndexState, TenantId, Tombstone
from indexing.ports import AssertionMode, FacetCount, LexicalEntry, Ranking, Scored
from indexing.reconcile import digest

TIE_SLACK = 16  # hits fetched past k, to see whether a tie goes on
MOST_TIED = 20_000
MOST_NAMED = (
    1_000  # matches past the hits that are named, so that another leg's are not counted twice
)
FEW_WANTED = 64  # ids, looked up one by one
_CASED = frozenset({"patient"})  # ids: two that differ in case are two patients
MOST_FACET_VALUES = 60_000  # of one facet; Tantivy stops at 65,000 buckets


class TantivyLexicalIndex:
    """BM25 with k1 1.2 and b 0.75, Tantivy's own. `zone_of` gives a tenant's time zone."""

    def __init__(
        self,
        root: Path,
        *,
        zone_of: Callable[[TenantId], tzinfo] = lambda _: UTC,
        title_weight: float = TITLE_WEIGHT,
    ) -> None:
        self._root = root
        self._zone_of = zone_of
        self._title_weight = title_weight
        self._shelves: dict[TenantId, Shelf] = {}
        self._rebuilding: dict[TenantId, Namespace] = {}
        self._lock = threading.Lock()
        self._compiled: tuple[tuple[object, ...], Query] | None = None

    def with_title_weight(self, weight: float) -> TantivyLexicalIndex:
        """Return the same index, whose titles weigh `weight`: for measuring one beside another."""
        other = copy(self)
        other._title_weight = weight
        return other

    def upsert(self, tenant_id: TenantId, entries: Sequence[LexicalEntry]) -> None:
        """Write documents with their language; durable and visible on return."""
        if entries:
            self._target(tenant_id).upsert(entries)

    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None:
        """Delete documents at versions; the unknown ones are remembered too."""
        if tombstones:
            by_version = sorted(tombstones, key=lambda stone: stone.version)
            self._target(tenant_id).delete({stone.key: stone.version for stone in by_version})

    @contextmanager
    def fresh(self, tenant_id: TenantId) -> Iterator[None]:
        """Send this tenant's writes to a new index while the block runs; it counts afterwards."""
        shelf = self._shelf(tenant_id)
        namespace = shelf.fresh()
        self._rebuilding[tenant_id] = namespace
        try:
            yield
        except BaseException:
            shelf.abandon(namespace)
            raise
        finally:
            del self._rebuilding[tenant_id]
        shelf.switch(namespace)

    def search(
        self, access: Access, clause: Clause, filters: Filters, k: int, assertion: AssertionMode
    ) -> Ranking:
        """Rank the documents that satisfy `clause`; `total` is exact."""
        namespace = self._current(access.tenant_id)
        if namespace is None:
            return Ranking((), 0)
        searcher = namespace.searcher()
        with mapped_errors("search"):
            query = self._guarded(namespace, searcher, access, clause, filters, assertion)
            if k < 1:
                return Ranking((), _count(searcher, query))
            hits, total = _with_ties(searcher, query, k)
            doc_ids = namespace.doc_ids(searcher, [address for _, address in hits])
        pairs = sorted((-float(score), d) for (score, _), d in zip(hits, doc_ids, strict=True))
        ranked = (Scored(d, -score, rank) for rank, (score, d) in enumerate(pairs[:k], 1))
        return Ranking(tuple(ranked), total, frozenset(d for _, d in pairs[k:]))

    def matching(
        self,
        access: Access,
        clause: Clause,
        filters: Filters,
        assertion: AssertionMode,
        doc_ids: Iterable[str],
    ) -> frozenset[str]:
        """Return those of `doc_ids` that satisfy `clause` and `filters`.

        Looking three hundred ids up takes four times as long as finding all that matches, where
        that is not much.
        """
        wanted = sorted(set(doc_ids))
        namespace = self._current(access.tenant_id)
        if namespace is None or not wanted:
            return frozenset()
        searcher = namespace.searcher()
        view = (access.labels, clause, assertion)
        plain = filters.empty and access.patients is None
        if plain and (known := namespace.remembered(searcher, view)) is not None:
            return known.intersection(wanted)
        with mapped_errors("match"):
            compiler = self._compiler(namespace, searcher)
            query = compiler.guarded(clause, access, filters, assertion)
            if len(wanted) > FEW_WANTED:
                found = searcher.search(query, MOST_NAMED)
                if _counted(found) <= MOST_NAMED:
                    addresses = [address for _, address in found.hits]
                    every = frozenset(namespace.doc_ids(searcher, addresses))
                    if plain:
                        namespace.remember(searcher, view, every)
                    return every.intersection(wanted)
            return frozenset(_among(namespace, searcher, compiler, query, wanted))

    def scores(
        self,
        access: Access,
        clause: Clause,
        filters: Filters,
        assertion: AssertionMode,
        doc_ids: Iterable[str],
    ) -> Mapping[str, float]:
        """Return what those of `doc_ids` that satisfy `clause` and `filters` score."""
        wanted = sorted(set(doc_ids))
        namespace = self._current(access.tenant_id)
        if namespace is None or not wanted:
            return {}
        searcher = namespace.searcher()
        with mapped_errors("score"):
            compiler = self._compiler(namespace, searcher)
            query = compiler.guarded(clause, access, filters, assertion)
            return _among(namespace, searcher, compiler, query, wanted)

    def facets(
        self, access: Access, clause: Clause, filters: Filters, assertion: AssertionMode, size: int
    ) -> Mapping[str, tuple[FacetCount, ...]]:
        """Count the matches by each facet; words that differ in case only count together."""
        namespace = self._current(access.tenant_id)
        if namespace is None:
            return dict.fromkeys(FACETS, ())
        searcher = namespace.searcher()
        with mapped_errors("count"):
            query = self._guarded(namespace, searcher, access, clause, filters, assertion)
            found = searcher.aggregate(query, {name: _terms_of(name, size) for name in FACETS})
            counted = {name: _counts(found[name]["buckets"]) for name in FACETS}
            patients = namespace.patients(searcher, counted["patient"])
        counted["patient"] = dict(zip(patients, counted["patient"].values(), strict=True))
        return {name: _shown(counted[name], name in _CASED, size) for name in FACETS}

    def counts(
        self, access: Access, clauses: Sequence[Clause | None], filters: Filters
    ) -> tuple[int, ...]:
        """Count the visible documents of each clause: all for None; the whole text counts, asserted
        or not."""
        namespace = self._current(access.tenant_id)
        if namespace is None:
            return (0,) * len(clauses)
        searcher = namespace.searcher()
        with mapped_errors("count"):
            compiler = self._compiler(namespace, searcher)
            queries = [compiler.guarded(each, access, filters, "any") for each in clauses]
            return tuple(_count(searcher, query) for query in queries)

    def state(self, tenant_id: TenantId) -> IndexState:
        """Count what is held, and fold it into one digest."""
        held = self.entries(tenant_id)
        return IndexState(len(held), digest(held))

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {doc_id: version} of every live document."""
        namespace = self._current(tenant_id)
        return {} if namespace is None else namespace.entries()

    def outdated(self, tenant_id: TenantId) -> bool:
        """Say whether another version laid a tenant's index out: it is to be filled anew."""
        return self._shelf(tenant_id).outdated()

    def drop(self, tenant_id: TenantId) -> None:
        """Remove a tenant's index altogether."""
        self._shelf(tenant_id).drop()

    def let_go(self, tenant_id: TenantId) -> None:
        """Keep no file of a tenant open in this process."""
        with self._lock:
            shelf = self._shelves.pop(tenant_id, None)
            self._compiled = None  # the last question's, with the files it was asked of
        if shelf is not None:
            shelf.close()

    def _shelf(self, tenant_id: TenantId) -> Shelf:
        with self._lock:
            shelf = self._shelves.get(tenant_id)
            if shelf is None:
                shelf = Shelf(self._root / tenant_id.hex, self._zone_of(tenant_id))
                self._shelves[tenant_id] = shelf
            return shelf

    def _current(self, tenant_id: TenantId) -> Namespace | None:
        return self._shelf(tenant_id).current()

    def _target(self, tenant_id: TenantId) -> Namespace:
        return self._rebuilding.get(tenant_id) or self._shelf(tenant_id).current_or_new()

    def _compiler(self, namespace: Namespace, searcher: tantivy.Searcher) -> Compiler:
        labels = namespace.labels(searcher)
        return Compiler(namespace.schema, searcher, self._title_weight, labels)

    def _guarded(
        self, namespace: Namespace, searcher: tantivy.Searcher, access: Access, clause: Clause,
        filters: Filters, assertion: AssertionMode,
    ) -> Query:  # fmt: skip
        """Compile a search, or take what was compiled last: a question is ranked, and then its
        facets are counted."""
        asked = (searcher, access, clause, filters, assertion)
        last = self._compiled
        if last is None or any(a is not b for a, b in zip(asked, last[0], strict=True)):
            compiler = self._compiler(namespace, searcher)
            last = self._compiled = asked, compiler.guarded(clause, access, filters, assertion)
        return last[1]


def _among(
    namespace: Namespace,
    searcher: tantivy.Searcher,
    compiler: Compiler,
    query: Query,
    wanted: Sequence[str],
) -> dict[str, float]:
    """Return what those of the wanted documents that `query` finds score."""
    listed = compiler.unscored(compiler.any_term("doc_id", wanted))
    both = Query.boolean_query([(Occur.Must, listed), (Occur.Must, query)])
    hits = searcher.search(both, len(wanted), count=False).hits
    doc_ids = namespace.doc_ids(searcher, [address for _, address in hits])
    return {d: float(score) for (score, _), d in zip(hits, doc_ids, strict=True)}


def _counted(found: tantivy.SearchResult) -> int:
    return int(found.count)  # type: ignore[attr-defined]  # the stub leaves it out


def _count(searcher: tantivy.Searcher, query: Query) -> int:
    return _counted(searcher.search(query, 1))


def _with_ties(
    searcher: tantivy.Searcher, query: Query, k: int
) -> tuple[list[tuple[float, tantivy.DocAddress]], int]:
    """Fetch all hits where they are few; else k and all that tie with the last, so that ties can
    be settled by doc_id."""
    found = searcher.search(query, max(k + TIE_SLACK, MOST_NAMED))
    every, total = found.hits, _counted(found)
    if total <= MOST_NAMED:
        return every, total
    limit = k + TIE_SLACK
    hits = every[:limit]
    while len(hits) == limit and hits[-1][0] == hits[k - 1][0] and limit < max(k, MOST_TIED):
        limit *= 8
        hits = searcher.search(query, limit, count=False).hits
    return hits, total


def _terms_of(facet: str, size: int) -> dict[str, dict[str, str | int]]:
    """Ask for all values; of patients, who may be thousands, for those that can be shown."""
    if facet in _CASED:
        return _terms("patient_number", 4 * size)
    return _terms(f"{facet}_shown", MOST_FACET_VALUES)


def _terms(field: str, most: int) -> dict[str, dict[str, str | int]]:
    return {"terms": {"field": field, "size": most, "segment_size": MOST_FACET_VALUES}}


def _counts(buckets: Iterable[Mapping[str, Any]]) -> dict[Any, int]:
    """Return how often each value occurs, the most frequent first."""
    return {bucket["key"]: bucket["doc_count"] for bucket in buckets}


def _shown(counts: Mapping[str, int], cased: bool, size: int) -> tuple[FacetCount, ...]:
    """Count values that differ in case only together, unless they are `cased`; the commonest
    spelling is the one shown."""
    together: dict[str, int] = {}
    spelled: dict[str, str] = {}
    for value, count in counts.items():
        folded = value if cased else key(value)
        together[folded] = together.get(folded, 0) + count
        spelled.setdefault(folded, value)
    ordered = sorted(together.items(), key=lambda item: (-item[1], item[0]))
    return tuple(FacetCount(spelled[value], count) for value, count in ordered[:size])
