"""The query tree, filters and access as Tantivy queries: the one place that builds them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import tantivy
from tantivy import Occur, Query

from indexing.access import Access
from indexing.analysis import fold, stem, stems, terms
from indexing.backends.tantivy.schema import KEYS, LIVE, key, micros
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

# What a match in the title adds to the same match in the body, which repeats the title.
TITLE_WEIGHT = 0.3
MOST_PATTERN_TERMS = 1_000
MOST_LISTED_TERMS = 2_000

_VIEWS: dict[AssertionMode, str] = {"present": "asserted", "any": "whole", "negated": "denied"}


@dataclass(frozen=True, slots=True)
class Context:
    """Which view of the note a clause looks at, and the section it is scoped to ("" for all)."""

    mode: AssertionMode
    section: str = ""
    ranked: bool = False

    @property
    def view(self) -> str:
        """The stemmed field; its exact twin is named with "_exact"."""
        return _VIEWS[self.mode]


@dataclass(frozen=True, slots=True)
class Compiler:
    """Compiles for one searcher."""

    schema: tantivy.Schema
    searcher: tantivy.Searcher
    title_weight: float = TITLE_WEIGHT

    def guarded(
        self, clause: Clause | None, access: Access, filters: Filters, mode: AssertionMode
    ) -> Query:
        """Compile a search: `clause` scores, access and filters only let through."""
        found = self._every() if clause is None else self.clause(clause, Context(mode))
        return Query.boolean_query([(Occur.Must, found), *self._guard(access, filters)])

    def _guard(self, access: Access, filters: Filters) -> list[tuple[Occur, Query]]:
        """Compile what this access and these filters let through. Tombstones need no word here:
        they hold no text, and what matches without any looks at live documents alone."""
        # A term each: a set of terms costs more than all else in the query.
        parts = [(Occur.MustNot, self._term("label", x)) for x in sorted(access.closed_labels)]
        if access.patients is not None:
            opened = self.any_term("patient_id", sorted(access.patients))
            parts.append((Occur.Must, _unscored(opened)))
        for name, values in filters.only.items():
            parts.append((Occur.Must, _unscored(self._any_of(name, values))))
        for name, values in filters.without.items():
            parts.append((Occur.MustNot, self._any_of(name, values)))
        if filters.date_from is not None:
            parts.append((Occur.Must, _unscored(self._after("end", micros(filters.date_from)))))
        if filters.date_to is not None:
            parts.append((Occur.Must, _unscored(self._before("start", micros(filters.date_to)))))
        return parts

    def clause(self, clause: Clause, context: Context) -> Query:
        """Compile one clause of the tree."""
        if isinstance(clause, Word):
            return self._pattern(clause, context) if clause.pattern else self._word(clause, context)
        if isinstance(clause, Phrase):
            return self._phrase(list(clause.words), clause.slop, context)
        if isinstance(clause, Scoped):
            return self.clause(clause.clause, replace(context, section=clause.section))
        if isinstance(clause, Field):
            return _unscored(self._field(clause))
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
        return Query.boolean_query([(Occur.Should, self.clause(c, context)) for c in clauses])

    def _all(self, clauses: Sequence[Clause], context: Context) -> Query:
        # NOT looks at every word of the note, asserted or not.
        whole = replace(context, mode="any")
        parts = [
            (Occur.MustNot, self.clause(c.clause, whole))
            if isinstance(c, Not)
            else (Occur.Must, self.clause(c, context))
            for c in clauses
        ]
        if all(isinstance(c, Not) for c in clauses):
            parts.append((Occur.Must, self._every()))
        return Query.boolean_query(parts)

    def _expansion(self, clause: Expansion, context: Context) -> Query:
        """The best wording counts, so that a note is not ranked for saying a thing twice over. A
        wording is one of several for the same thing: how rare it is makes it no better."""
        wordings = [self.clause(clause.clause, context)]
        rarities = [
            self._rarity(c, context) for c in (clause.clause, *(o for o, _ in clause.others))
        ]
        level = next(filter(None, rarities), 1.0)  # of what was asked, where that occurs at all
        for (other, weight), rarity in zip(clause.others, rarities[1:], strict=True):
            compiled = self.clause(other, replace(context, ranked=False))
            wordings.append(Query.boost_query(compiled, weight * level / (rarity or level)))
        return Query.disjunction_max_query(wordings)

    def _rarity(self, clause: Clause, context: Context) -> float:
        """Return what BM25 makes of how rare a wording's terms are; 0 for one that occurs nowhere,
        and for other clauses."""
        field, found = f"{context.view}_exact", list[str]()
        if isinstance(clause, Word) and not clause.pattern:
            field, found = context.view, stems(clause.text)
        elif isinstance(clause, Phrase):
            found = list(clause.words)
        n = self.searcher.num_docs
        held = [self.searcher.doc_freq(field, term) for term in found]
        return sum(math.log(1 + (n - df + 0.5) / (df + 0.5)) for df in held) if all(held) else 0.0

    def _word(self, word: Word, context: Context) -> Query:
        found = stems(word.text)
        if not found:
            return Query.empty_query()
        if len(found) == 1:
            return self._stem(found[0], context)
        if context.ranked:
            parts = [(Occur.Should, self._stem(term, context)) for term in found]
            return Query.boolean_query(parts)
        return self._phrase(terms(word.text), 0, context)

    def _stem(self, term: str, context: Context) -> Query:
        if context.section:
            return self._in_section([term], 0, context)
        body = self._term(context.view, term)
        if context.mode == "negated" or not self.title_weight:
            return body
        title = Query.boost_query(self._term("title", term), self.title_weight)
        return Query.boolean_query([(Occur.Should, body), (Occur.Should, title)])

    def _phrase(self, words: list[str], slop: int, context: Context) -> Query:
        exact = self._sequence(f"{context.view}_exact", words, slop)
        if not context.section:
            return exact
        # Sections keep stems only; the literal form must stand in the note as well.
        scoped = self._in_section([stem(word) for word in words], slop, context)
        literal = Query.const_score_query(exact, 0.0)
        if context.mode == "present":  # a section may lift what the note as a whole hides
            whole = self._sequence("whole_exact", words, slop)
            literal = Query.const_score_query(whole, 0.0)
        return Query.boolean_query([(Occur.Must, scoped), (Occur.Must, literal)])

    def _in_section(self, found: list[str], slop: int, context: Context) -> Query:
        section = re.sub(r"\W", "_", context.section)
        asserted = self._sequence(f"sections.{section}", found, slop)
        if context.mode == "present":
            return asserted
        whole = self._sequence(f"whole_sections.{section}", found, slop)
        if context.mode == "any":
            return Query.disjunction_max_query([asserted, whole])
        denied = Query.const_score_query(self._sequence(context.view + "_exact", found, slop), 0.0)
        if len(found) == 1:
            denied = Query.const_score_query(self._term(context.view, found[0]), 0.0)
        return Query.boolean_query([(Occur.Must, whole), (Occur.Must, denied)])

    def _sequence(self, field: str, words: list[str], slop: int) -> Query:
        if not words:
            return Query.empty_query()
        if len(words) == 1:  # Tantivy panics on a phrase of one word
            return self._term(field, words[0])
        return Query.phrase_query(self.schema, field, [*words], slop)

    def _pattern(self, word: Word, context: Context) -> Query:
        folded = [fold(part) for part in word.text.split("*")]
        field = f"{context.view}_exact"
        if not context.section:
            expression = ".*".join(re.escape(part) for part in folded)
            return Query.regex_query(self.schema, field, expression)
        wanted = re.compile(".*".join(re.escape(part) for part in folded))
        # A section may lift what the note as a whole hides.
        known = self.searcher.terms_with_prefix("whole_exact", folded[0])
        matches = {stem(term) for term, _ in known if wanted.fullmatch(term)}
        listed = sorted(matches)[:MOST_PATTERN_TERMS]
        parts = [(Occur.Should, self._in_section([term], 0, context)) for term in listed]
        return Query.boolean_query(parts)

    def _field(self, field: Field) -> Query:
        if field.name == "date":
            start, end = interval(field.value)
            filters = Filters(date_from=start, date_to=end)
            parts = [(Occur.Must, self._every())]
            if filters.date_from is not None:
                parts.append((Occur.Must, self._after("end", micros(filters.date_from))))
            if filters.date_to is not None:
                parts.append((Occur.Must, self._before("start", micros(filters.date_to))))
            return Query.boolean_query(parts)
        if field.name == "section":
            return self._term("section", field.value)
        return self._any_of(field.name, (field.value,))

    def _any_of(self, name: str, values: Iterable[str]) -> Query:
        if name not in KEYS:
            return Query.empty_query()
        return self.any_term(name, sorted({key(value) for value in values}))

    def any_term(self, field: str, values: Sequence[str]) -> Query:
        """Match any of the terms. One query each takes a third of the time of a set, which walks
        the dictionary of every segment; a set holds any number."""
        if len(values) > MOST_LISTED_TERMS:
            return Query.term_set_query(self.schema, field, [*values])
        return Query.boolean_query([(Occur.Should, self._term(field, value)) for value in values])

    def _every(self) -> Query:
        """Match all that is no tombstone."""
        return _unscored(self._term("life", LIVE))

    def _term(self, field: str, value: str) -> Query:
        return Query.term_query(self.schema, field, value)

    def _after(self, field: str, bound: int) -> Query:
        return Query.range_query(
            self.schema, field, tantivy.FieldType.Integer, lower_bound=bound, include_lower=False
        )

    def _before(self, field: str, bound: int) -> Query:
        return Query.range_query(
            self.schema, field, tantivy.FieldType.Integer, upper_bound=bound, include_upper=False
        )


def _unscored(query: Query) -> Query:
    return Query.const_score_query(query, 0.0)
