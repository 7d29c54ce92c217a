"""The query tree into an engine's own queries: what is the same for every engine.

An engine says how it spells a term, a phrase, a boolean query; which of them a clause becomes is
decided here, so that all engines find and rank alike.
"""

from __future__ import annotations

import math
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import lru_cache
from typing import Generic, TypeVar

from indexing.analysis import terms
from indexing.clauses import (
    And,
    Clause,
    Expansion,
    Field,
    Held,
    Not,
    Or,
    Phrase,
    Ranked,
    Scoped,
    Word,
    interval,
)
from indexing.ports import AssertionMode

# What a match in the title adds to the same match in the body, which repeats the title.
TITLE_WEIGHT = 0.3

_VIEWS: dict[AssertionMode, str] = {"present": "asserted", "any": "whole", "negated": "denied"}

Q = TypeVar("Q")


@dataclass(frozen=True, slots=True)
class Context:
    """Which view of the note a clause looks at, and the section it is scoped to ("" for all)."""

    mode: AssertionMode
    section: str = ""
    ranked: bool = False

    @property
    def view(self) -> str:
        """The view's name."""
        return _VIEWS[self.mode]


@lru_cache(maxsize=1_000)
def section_field(name: str) -> str:
    """Return a section's name as a field can carry it."""
    return re.sub(r"\W", "_", name)


def rarity(documents: int, holding: Sequence[int]) -> float:
    """Return what BM25 makes of how rare a wording's terms are, each in `holding` of `documents`;
    0 where one occurs nowhere. Never less: an engine may go on counting in `holding` what was
    replaced, and words in every note would make a note that holds them worse."""
    if not holding or not all(holding):
        return 0.0
    documents = max(documents, *holding)
    return sum(math.log(1 + (documents - n + 0.5) / (n + 0.5)) for n in holding)


def levelled(weights: Sequence[float], rarities: Sequence[float]) -> list[float]:
    """Return what each other wording's score is multiplied by; `rarities` has the asked one's
    first. A wording is one of several for the same thing: how rare it is makes it no better, so
    all are brought to the level of what was asked, where that occurs at all."""
    level = next(filter(None, rarities), 1.0)
    others = zip(weights, rarities[1:], strict=True)
    return [weight * level / (rarity or level) for weight, rarity in others]


class QueryCompiler(ABC, Generic[Q]):
    """Compiles clauses. Fields are views ("whole", "asserted", "denied"), "title", or a view's
    part "sections.NAME", "whole_sections.NAME"; words are folded terms, which are stemmed for
    `term` and stand as they are for `sequence`."""

    title_weight: float

    @abstractmethod
    def every(self) -> Q:
        """Match all documents that live, for no score."""

    @abstractmethod
    def some(self, queries: Sequence[Q]) -> Q:
        """Match any and add the scores; nothing for none."""

    @abstractmethod
    def all_of(self, kept: Sequence[Q], out: Sequence[Q] = ()) -> Q:
        """Match all of one or more, add the scores, and none of `out`."""

    @abstractmethod
    def best(self, queries: Sequence[Q]) -> Q:
        """Match any and take the best score."""

    @abstractmethod
    def boosted(self, query: Q, factor: float) -> Q:
        """Multiply the score."""

    @abstractmethod
    def worth(self, query: Q, score: float) -> Q:
        """Match for this score, whatever it would have been."""

    def unscored(self, query: Q) -> Q:
        """Match for no score."""
        return self.worth(query, 0.0)

    @abstractmethod
    def term(self, field: str, word: str) -> Q:
        """Match what has the same stem."""

    @abstractmethod
    def sequence(self, field: str, words: Sequence[str], slop: int) -> Q:
        """Match one or more words in this order."""

    @abstractmethod
    def pattern(self, word: Word, context: Context) -> Q:
        """Match words with a wildcard."""

    @abstractmethod
    def any_of(self, name: str, values: Iterable[str]) -> Q:
        """Match documents by a field of theirs, "section" too."""

    @abstractmethod
    def during(self, start: datetime | None, end: datetime | None) -> Q:
        """Match documents whose interval overlaps [start, end)."""

    @abstractmethod
    def rarity(self, view: str, words: Sequence[str], *, exact: bool) -> float:
        """Return `rarity` of a wording's terms as the index holds them, 0 where nobody knows."""

    def clause(self, clause: Clause, context: Context) -> Q:
        """Compile one clause of the tree."""
        if isinstance(clause, Word):
            return self.pattern(clause, context) if clause.pattern else self._word(clause, context)
        if isinstance(clause, Phrase):
            return self._phrase(clause.words, clause.slop, context)
        if isinstance(clause, Scoped):
            return self.clause(clause.clause, replace(context, section=clause.section))
        if isinstance(clause, Field):
            return self.unscored(self._field(clause))
        if isinstance(clause, Ranked | Or):
            inner = replace(context, ranked=isinstance(clause, Ranked))
            return self.some([self.clause(each, inner) for each in clause.clauses])
        if isinstance(clause, And):
            return self._all(clause.clauses, replace(context, ranked=False))
        if isinstance(clause, Not):
            return self._all((clause,), replace(context, ranked=False))
        if isinstance(clause, Held):
            return self._held(clause.clauses, replace(context, ranked=True))
        return self._expansion(clause, context)

    def _all(self, clauses: Sequence[Clause], context: Context) -> Q:
        # NOT looks at every word of the note, asserted or not.
        whole = replace(context, mode="any")
        kept = [self.clause(each, context) for each in clauses if not isinstance(each, Not)]
        out = [self.clause(each.clause, whole) for each in clauses if isinstance(each, Not)]
        return self.all_of(kept or [self.every()], out)

    def _expansion(self, clause: Expansion, context: Context) -> Q:
        """The best wording counts, so that a note is not ranked for saying a thing twice over."""
        plain = replace(context, ranked=False)
        wordings = [self.clause(other, plain) for other, _ in clause.others]
        rarities = [self._rarity(each, context) for each in (clause.clause, *_first(clause.others))]
        factors = levelled([weight for _, weight in clause.others], rarities)
        asked = self.clause(clause.clause, context)
        return self.best([asked, *map(self.boosted, wordings, factors)])

    def _held(self, clauses: Sequence[Clause], context: Context) -> Q:
        rarities = [self._rarity(each, context) for each in clauses]
        total = sum(rarities)
        rare = [(each, own / total) for each, own in zip(clauses, rarities, strict=True) if own]
        return self.some([self.worth(self.clause(each, context), share) for each, share in rare])

    def _rarity(self, clause: Clause, context: Context) -> float:
        if isinstance(clause, Expansion):  # as it is asked, or as anybody says it
            wordings = (clause.clause, *_first(clause.others))
            return next(filter(None, (self._rarity(each, context) for each in wordings)), 0.0)
        if isinstance(clause, Word) and not clause.pattern:
            return self.rarity(context.view, terms(clause.text), exact=False)
        if isinstance(clause, Phrase):
            return self.rarity(context.view, clause.words, exact=True)
        return 0.0

    def _word(self, word: Word, context: Context) -> Q:
        found = terms(word.text)
        if len(found) > 1 and not context.ranked:
            return self._phrase(found, 0, context)
        stems = [self._stem(term, context) for term in found]
        return stems[0] if len(stems) == 1 else self.some(stems)

    def _stem(self, word: str, context: Context) -> Q:
        if context.section:
            return self.in_section(lambda field: self.term(field, word), context)
        body = self.term(context.view, word)
        if context.mode == "negated" or not self.title_weight:
            return body
        return self.some([body, self.boosted(self.term("title", word), self.title_weight)])

    def _phrase(self, words: Sequence[str], slop: int, context: Context) -> Q:
        if not words:
            return self.some(())
        if context.section:
            return self.in_section(lambda field: self.sequence(field, words, slop), context)
        return self.sequence(context.view, words, slop)

    def in_section(self, build: Callable[[str], Q], context: Context) -> Q:
        """Compile what `build` makes of a field for the context's section."""
        name = section_field(context.section)
        asserted, whole = build(f"sections.{name}"), build(f"whole_sections.{name}")
        if context.mode == "present":
            return asserted
        if context.mode == "any":
            return self.best([asserted, whole])
        return self.all_of([whole, self.unscored(build(context.view))])

    def _field(self, field: Field) -> Q:
        if field.name == "date":
            return self.during(*interval(field.value))
        return self.any_of(field.name, (field.value,))


def _first(others: Iterable[tuple[Clause, float]]) -> Iterable[Clause]:
    return (clause for clause, _ in others)
