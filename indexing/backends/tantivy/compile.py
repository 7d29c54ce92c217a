"""The query tree, filters and access as Tantivy queries: the one place that builds them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import tantivy
from tantivy import Occur, Query

from indexing.access import LABELS, Access
from indexing.analysis import fold, stem
from indexing.backends.tantivy.schema import KEYS, LIVE, key, micros
from indexing.clauses import Clause, Word
from indexing.compiling import TITLE_WEIGHT, Context, QueryCompiler, rarity
from indexing.filters import Filters, whose
from indexing.ports import AssertionMode

MOST_PATTERN_TERMS = 1_000
MOST_LISTED_TERMS = 2_000


@dataclass(frozen=True, slots=True)
class Compiler(QueryCompiler[Query]):
    """Compiles for one searcher. A view is a field of stems, its exact twin named with "_exact";
    sections hold stems only. `labels` are those that some document carries: forty of the others
    would be looked for in every segment by every query."""

    schema: tantivy.Schema
    searcher: tantivy.Searcher
    title_weight: float = TITLE_WEIGHT
    labels: frozenset[str] = LABELS

    def guarded(
        self, clause: Clause | None, access: Access, filters: Filters, mode: AssertionMode
    ) -> Query:
        """Compile a search: `clause` scores, access and filters only let through."""
        found = self.every() if clause is None else self.clause(clause, Context(mode))
        return Query.boolean_query([(Occur.Must, found), *self._guard(access, filters)])

    def _guard(self, access: Access, filters: Filters) -> list[tuple[Occur, Query]]:
        """Compile what this access and these filters let through. Tombstones need no word here:
        they hold no text, and what matches without any looks at live documents alone."""
        # A term each: a set of terms costs more than all else in the query.
        closed = sorted(access.closed_labels & self.labels)
        parts = [(Occur.MustNot, self._term("label", x)) for x in closed]
        if access.patients is not None:
            opened = self.any_term("patient_id", sorted(access.patients))
            parts.append((Occur.Must, self.unscored(opened)))
        for name, values in filters.only.items():
            parts.append((Occur.Must, self.unscored(self.any_of(name, values))))
        for name, values in filters.without.items():
            parts.append((Occur.MustNot, self.any_of(name, values)))
        bounds = self._overlapping(filters.date_from, filters.date_to)
        return [*parts, *((Occur.Must, self.unscored(bound)) for bound in bounds)]

    def every(self) -> Query:
        """Match all that is no tombstone."""
        return self.unscored(self._term("life", LIVE))

    def some(self, queries: Sequence[Query]) -> Query:
        """Match any and add the scores."""
        if not queries:
            return Query.empty_query()
        return Query.boolean_query([(Occur.Should, query) for query in queries])

    def all_of(self, kept: Sequence[Query], out: Sequence[Query] = ()) -> Query:
        """Match all of `kept` and none of `out`."""
        parts = [(Occur.Must, query) for query in kept]
        return Query.boolean_query([*parts, *((Occur.MustNot, query) for query in out)])

    def best(self, queries: Sequence[Query]) -> Query:
        """Match any and take the best score."""
        return Query.disjunction_max_query([*queries])

    def boosted(self, query: Query, factor: float) -> Query:
        """Multiply the score."""
        return Query.boost_query(query, factor)

    def worth(self, query: Query, score: float) -> Query:
        """Match for this score."""
        return Query.const_score_query(query, score)

    def term(self, field: str, word: str) -> Query:
        """Match what has the same stem."""
        return self._term(field, stem(word))

    def sequence(self, field: str, words: Sequence[str], slop: int) -> Query:
        """Match words in this order. Sections keep stems only: the literal form must stand in the
        note as well, in all of it, since a section may lift what the note as a whole hides."""
        if "." not in field:
            return self._sequence(f"{field}_exact", words, slop)
        scoped = self._sequence(field, [stem(word) for word in words], slop)
        return self.all_of([scoped, self.unscored(self._sequence("whole_exact", words, slop))])

    def _sequence(self, field: str, words: Sequence[str], slop: int) -> Query:
        if len(words) == 1:  # Tantivy panics on a phrase of one word
            return self._term(field, words[0])
        return Query.phrase_query(self.schema, field, [*words], slop)

    def pattern(self, word: Word, context: Context) -> Query:
        """Match words with a wildcard; in a section, those of the dictionary one by one."""
        folded = [fold(part) for part in word.text.split("*")]
        expression = ".*".join(re.escape(part) for part in folded)
        if not context.section:
            return Query.regex_query(self.schema, f"{context.view}_exact", expression)
        wanted = re.compile(expression)
        # A section may lift what the note as a whole hides.
        known = self.searcher.terms_with_prefix("whole_exact", folded[0])
        matches = sorted({stem(term) for term, _ in known if wanted.fullmatch(term)})
        return self.some([self._stemmed(m, context) for m in matches[:MOST_PATTERN_TERMS]])

    def _stemmed(self, found: str, context: Context) -> Query:
        return self.in_section(lambda field: self._term(field, found), context)

    def any_of(self, name: str, values: Iterable[str]) -> Query:
        """Match documents by a field of theirs."""
        if name == "section":
            return self.any_term(name, sorted(set(values)))
        if name not in KEYS:
            return Query.empty_query()
        if name == "patient":
            ids, nobodys = whose(values)
            parts = [self.any_term("patient_id", ids)] if ids else []
            return self.some([*parts, self._term(name, "")] if nobodys else parts)
        return self.any_term(name, sorted({key(value) for value in values}))

    def any_term(self, field: str, values: Sequence[str]) -> Query:
        """Match any of the terms. One query each takes a third of the time of a set, which walks
        the dictionary of every segment; a set holds any number."""
        if len(values) > MOST_LISTED_TERMS:
            return Query.term_set_query(self.schema, field, [*values])
        return self.some([self._term(field, value) for value in values])

    def during(self, start: datetime | None, end: datetime | None) -> Query:
        """Match documents whose interval overlaps."""
        return self.all_of([self.every(), *self._overlapping(start, end)])

    def rarity(self, view: str, words: Sequence[str], *, exact: bool) -> float:
        """Return how rare the words are among this searcher's documents."""
        field = f"{view}_exact" if exact else view
        spelled = words if exact else [stem(word) for word in words]
        holding = [self.searcher.doc_freq(field, each) for each in spelled]
        return rarity(self.searcher.num_docs, holding)

    def _overlapping(self, start: datetime | None, end: datetime | None) -> list[Query]:
        bounds = []
        if start is not None:
            bounds.append(
                Query.range_query(
                    self.schema, "end", tantivy.FieldType.Integer, lower_bound=micros(start),
                    include_lower=False,
                )
            )  # fmt: skip
        if end is not None:
            bounds.append(
                Query.range_query(
                    self.schema, "start", tantivy.FieldType.Integer, upper_bound=micros(end),
                    include_upper=False,
                )
            )  # fmt: skip
        return bounds

    def _term(self, field: str, value: str) -> Query:
        return Query.term_query(self.schema, field, value)
