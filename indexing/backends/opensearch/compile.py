"""The query tree, filters and access as OpenSearch queries: the one place that builds them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from indexing.access import Access
from indexing.analysis import fold, stem
from indexing.backends.opensearch.schema import KEYS, micros, spelled, stemmed
from indexing.clauses import Clause, Word
from indexing.compiling import TITLE_WEIGHT, Context, QueryCompiler, rarity
from indexing.filters import Filters, whose
from indexing.ports import AssertionMode
from indexing.spaces import CLINICAL_NOTES, Space, filtered_by

Query = dict[str, Any]

NOTHING: Query = {"match_none": {}}

_WILD = re.compile(r"([\\*?])")


@dataclass(frozen=True, slots=True)
class Statistics:
    """How many documents a field has, and how many of them hold each term, by field."""

    documents: Mapping[str, int] = field(default_factory=dict)
    holding: Mapping[str, Mapping[str, int]] = field(default_factory=dict)


def guard(
    access: Access, filters: Filters, space: Space = CLINICAL_NOTES
) -> dict[str, list[Query]]:
    """Compile what this access and these filters let through, as parts of a boolean query."""
    let: list[Query] = [_term("live", True), _term("tenant", access.tenant_id.hex)]
    closed: list[Query] = []
    if "label" in space.schema:
        closed.append(_terms("label", sorted(access.closed_labels)))
    if access.patients is not None and "patient_id" in space.schema:
        let.append(_terms("patient_id", sorted(access.patients)))
    let += [_within(space, name, values) for name, values in filters.only.items()]
    closed += [_within(space, name, values) for name, values in filters.without.items()]
    let += [{"range": {name: {"gte": least}}} for name, least in filters.at_least.items()]
    let += [{"range": {name: {"lte": most}}} for name, most in filters.at_most.items()]
    let += _overlapping(filters.date_from, filters.date_to)
    return {"filter": let, "must_not": closed}


@dataclass(frozen=True, slots=True)
class Compiler(QueryCompiler[Query]):
    """Compiles clauses. A view is a field of exact terms with one of stems beside it. `asked`
    gathers the words, by view, whose rarity the scores depend on."""

    title_weight: float = TITLE_WEIGHT
    statistics: Statistics = field(default_factory=Statistics)
    asked: dict[str, set[str]] = field(default_factory=dict)

    def guarded(
        self, clause: Clause | None, access: Access, filters: Filters, mode: AssertionMode
    ) -> Query:
        """Compile a search: `clause` scores, access and filters only let through."""
        return {"bool": {"must": [self.matched(clause, mode)], **guard(access, filters)}}

    def matched(self, clause: Clause | None, mode: AssertionMode) -> Query:
        """Compile what a document is held against, whoever may see it; None matches all."""
        return self.every() if clause is None else self.clause(clause, Context(mode))

    def every(self) -> Query:
        """Match all; the guard leaves the living."""
        return self.unscored({"match_all": {}})

    def some(self, queries: Sequence[Query]) -> Query:
        """Match any and add the scores."""
        if not queries:
            return NOTHING
        return {"bool": {"should": [*queries], "minimum_should_match": 1}}

    def all_of(self, kept: Sequence[Query], out: Sequence[Query] = ()) -> Query:
        """Match all of `kept` and none of `out`."""
        return {"bool": {"must": [*kept], "must_not": [*out]}}

    def best(self, queries: Sequence[Query]) -> Query:
        """Match any and take the best score."""
        return {"dis_max": {"queries": [*queries]}}

    def boosted(self, query: Query, factor: float) -> Query:
        """Multiply the score."""
        return {"bool": {"must": [query], "boost": factor}}

    def worth(self, query: Query, score: float) -> Query:
        """Match for this score."""
        return {"constant_score": {"filter": query, "boost": score}}

    def term(self, field: str, word: str) -> Query:
        """Match what has the same stem."""
        return {"term": {stemmed(field): {"value": stem(word)}}}

    def sequence(self, field: str, words: Sequence[str], slop: int) -> Query:
        """Match words in this order."""
        return {"match_phrase": {field: {"query": " ".join(words), "slop": slop}}}

    def pattern(self, word: Word, context: Context) -> Query:
        """Match words with a wildcard."""
        folded = "*".join(_WILD.sub(r"\\\1", fold(part)) for part in word.text.split("*"))

        def build(field: str) -> Query:
            return {"wildcard": {field: {"value": folded}}}

        return self.in_section(build, context) if context.section else build(context.view)

    def any_of(self, name: str, values: Iterable[str]) -> Query:
        """Match documents by a field of theirs."""
        if name == "section":
            return _terms(name, sorted(set(values)))
        return _within(CLINICAL_NOTES, name, values) if name in KEYS else NOTHING

    def during(self, start: datetime | None, end: datetime | None) -> Query:
        """Match documents whose interval overlaps."""
        return {"bool": {"filter": _overlapping(start, end) or [{"match_all": {}}]}}

    def rarity(self, view: str, words: Sequence[str], *, exact: bool) -> float:
        """Return how rare the words are by the statistics; ask for them where there are none."""
        self.asked.setdefault(view, set()).update(words)
        name = view if exact else stemmed(view)
        held = self.statistics.holding.get(name, {})
        holding = [held.get(word if exact else stem(word), 0) for word in words]
        return rarity(self.statistics.documents.get(name, 0), holding)


def among(doc_ids: Sequence[str]) -> Query:
    """Match any of these documents."""
    return _terms("doc_id", doc_ids)


def _overlapping(start: datetime | None, end: datetime | None) -> list[Query]:
    bounds: list[Query] = []
    if start is not None:
        bounds.append({"range": {"end": {"gt": micros(start)}}})
    if end is not None:
        bounds.append({"range": {"start": {"lt": micros(end)}}})
    return bounds


def _within(space: Space, name: str, values: Iterable[str]) -> Query:
    if name not in filtered_by(space):
        return NOTHING
    if name == "patient":
        ids, nobodys = whose(values)
        told = [_terms("patient_id", [spelled(space, "patient_id", each) for each in ids])]
        told += [_term(name, "")] if nobodys else []
        return {"bool": {"should": told, "minimum_should_match": 1}}
    return _terms(name, sorted({spelled(space, name, value) for value in values}))


def _term(field: str, value: str | bool) -> Query:
    return {"term": {field: value}}


def _terms(field: str, values: Sequence[str]) -> Query:
    return {"terms": {field: list(values)}} if values else NOTHING
