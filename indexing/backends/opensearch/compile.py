"""The query tree, filters and access as OpenSearch queries: the one place that builds them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from indexing.access import Access
from indexing.analysis import fold, terms
from indexing.backends.opensearch.schema import KEYS, key, micros, section_field
from indexing.clauses import (
    And,
    Clause,
    Expansion,
    Field,
    Not,
    Or,
    Phrase,
    Ranked,
    Scoped,
    Word,
    interval,
)
from indexing.filters import Filters
from indexing.ports import AssertionMode

Query = dict[str, Any]

# What a match in the title adds to the same match in the body, which repeats the title.
TITLE_WEIGHT = 0.3

NOTHING: Query = {"match_none": {}}
EVERYTHING: Query = {"constant_score": {"filter": {"match_all": {}}, "boost": 0.0}}

_VIEWS: dict[AssertionMode, str] = {"present": "asserted", "any": "whole", "negated": "denied"}
_WILD = re.compile(r"([\\*?])")


@dataclass(frozen=True, slots=True)
class Context:
    """Which view of the note a clause looks at, and the section it is scoped to ("" for all)."""

    mode: AssertionMode
    section: str = ""
    ranked: bool = False

    @property
    def view(self) -> str:
        """The field of exact terms; its stems are below it."""
        return _VIEWS[self.mode]


def guarded(
    clause: Clause | None,
    access: Access,
    filters: Filters,
    mode: AssertionMode,
    title_weight: float = TITLE_WEIGHT,
) -> Query:
    """Compile a search: `clause` scores, access and filters only let through."""
    found = EVERYTHING if clause is None else Compiler(title_weight).clause(clause, Context(mode))
    return {"bool": {"must": [found], **guard(access, filters)}}


def guard(access: Access, filters: Filters) -> dict[str, list[Query]]:
    """Compile what this access and these filters let through, as parts of a boolean query."""
    let: list[Query] = [_term("live", True), _term("tenant", access.tenant_id.hex)]
    closed: list[Query] = [_terms("label", sorted(access.closed_labels))]
    if access.patients is not None:
        let.append(_terms("patient_id", sorted(access.patients)))
    let += [_any_of(name, values) for name, values in filters.only.items()]
    closed += [_any_of(name, values) for name, values in filters.without.items()]
    if filters.date_from is not None:
        let.append({"range": {"end": {"gt": micros(filters.date_from)}}})
    if filters.date_to is not None:
        let.append({"range": {"start": {"lt": micros(filters.date_to)}}})
    return {"filter": let, "must_not": closed}


@dataclass(frozen=True, slots=True)
class Compiler:
    """Compiles clauses."""

    title_weight: float = TITLE_WEIGHT

    def clause(self, clause: Clause, context: Context) -> Query:
        """Compile one clause of the tree."""
        if isinstance(clause, Word):
            return self._pattern(clause, context) if clause.pattern else self._word(clause, context)
        if isinstance(clause, Phrase):
            return self._phrase(clause.words, clause.slop, context)
        if isinstance(clause, Scoped):
            return self.clause(clause.clause, replace(context, section=clause.section))
        if isinstance(clause, Field):
            return _unscored(_field(clause))
        if isinstance(clause, Ranked):
            return self._some(clause.clauses, replace(context, ranked=True))
        if isinstance(clause, Or):
            return self._some(clause.clauses, replace(context, ranked=False))
        if isinstance(clause, And):
            return self._all(clause.clauses, replace(context, ranked=False))
        if isinstance(clause, Not):
            return self._all((clause,), replace(context, ranked=False))
        return self._expansion(clause, context)

    def _some(self, clauses: Iterable[Clause], context: Context) -> Query:
        return _should([self.clause(each, context) for each in clauses])

    def _all(self, clauses: Sequence[Clause], context: Context) -> Query:
        # NOT looks at every word of the note, asserted or not.
        whole = replace(context, mode="any")
        kept = [self.clause(each, context) for each in clauses if not isinstance(each, Not)]
        out = [self.clause(each.clause, whole) for each in clauses if isinstance(each, Not)]
        return {"bool": {"must": kept or [EVERYTHING], "must_not": out}}

    def _expansion(self, clause: Expansion, context: Context) -> Query:
        """The best wording counts, so that a note is not ranked for saying a thing twice over."""
        wordings = [self.clause(clause.clause, context)]
        for other, weight in clause.others:
            compiled = self.clause(other, replace(context, ranked=False))
            wordings.append({"bool": {"must": [compiled], "boost": weight}})
        return {"dis_max": {"queries": wordings}}

    def _word(self, word: Word, context: Context) -> Query:
        found = terms(word.text)
        if not found:
            return NOTHING
        if len(found) == 1:
            return self._stem(found[0], context)
        if context.ranked:
            return _should([self._stem(term, context) for term in found])
        return self._phrase(tuple(found), 0, context)

    def _stem(self, term: str, context: Context) -> Query:
        """Match whatever has the same stem; OpenSearch stems what is asked as what is written."""
        if context.section:
            return self._in_section(lambda field: _match(f"{field}.stem", term), context)
        body = _match(f"{context.view}.stem", term)
        if context.mode == "negated" or not self.title_weight:
            return body
        return _should([body, _match("title.stem", term, self.title_weight)])

    def _phrase(self, words: Sequence[str], slop: int, context: Context) -> Query:
        if not words:
            return NOTHING
        if context.section:
            return self._in_section(lambda field: _sequence(field, words, slop), context)
        return _sequence(context.view, words, slop)

    def _in_section(self, build: Any, context: Context) -> Query:
        name = section_field(context.section)
        asserted, whole = build(f"sections.{name}"), build(f"whole_sections.{name}")
        if context.mode == "present":
            return asserted  # type: ignore[no-any-return]
        if context.mode == "any":
            return {"dis_max": {"queries": [asserted, whole]}}
        return {"bool": {"must": [whole], "filter": [build(context.view)]}}

    def _pattern(self, word: Word, context: Context) -> Query:
        folded = "*".join(_WILD.sub(r"\\\1", fold(part)) for part in word.text.split("*"))

        def build(field: str) -> Query:
            return {"wildcard": {field: {"value": folded}}}

        return self._in_section(build, context) if context.section else build(context.view)


def among(doc_ids: Sequence[str]) -> Query:
    """Match any of these documents."""
    return _terms("doc_id", doc_ids)


def _field(field: Field) -> Query:
    if field.name == "date":
        start, end = interval(field.value)
        bounds: list[Query] = []
        if start is not None:
            bounds.append({"range": {"end": {"gt": micros(start)}}})
        if end is not None:
            bounds.append({"range": {"start": {"lt": micros(end)}}})
        return {"bool": {"filter": bounds or [{"match_all": {}}]}}
    if field.name == "section":
        return _term("section", field.value)
    return _any_of(field.name, (field.value,))


def _any_of(name: str, values: Iterable[str]) -> Query:
    if name not in KEYS:
        return NOTHING
    return _terms(name, sorted({key(value) for value in values}))


def _should(queries: list[Query]) -> Query:
    return {"bool": {"should": queries, "minimum_should_match": 1}} if queries else NOTHING


def _match(field: str, text: str, boost: float = 1.0) -> Query:
    return {"match": {field: {"query": text, "boost": boost}}}


def _sequence(field: str, words: Sequence[str], slop: int) -> Query:
    return {"match_phrase": {field: {"query": " ".join(words), "slop": slop}}}


def _term(field: str, value: str | bool) -> Query:
    return {"term": {field: value}}


def _terms(field: str, values: Sequence[str]) -> Query:
    return {"terms": {field: list(values)}} if values else NOTHING


def _unscored(query: Query) -> Query:
    return {"constant_score": {"filter": query, "boost": 0.0}}
