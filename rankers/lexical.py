"""The lexical leg: what of the query tree is asked of the full-text index, and how."""

from __future__ import annotations

from dataclasses import replace

from indexing.access import Access
from indexing.analysis import STOP_WORDS
from indexing.clauses import And, Clause, Expansion, Not, Or, Phrase, Ranked, Scoped, Word
from indexing.filters import Filters
from indexing.ports import AssertionMode, LexicalIndex, Ranking
from rankers.asking import asking_words
from rankers.latest import ordering_of

MOST_RANKED_WORDS = 128  # of a pasted note: the rarest would do, but only the index knows them


def rank(
    index: LexicalIndex,
    access: Access,
    clause: Clause,
    filters: Filters,
    k: int,
    assertion: AssertionMode,
) -> Ranking:
    """Rank by words."""
    return index.search(access, prepared(clause), filters, k, assertion)


def prepared(clause: Clause) -> Clause:
    """Make the tree ready for an engine: without stop words and words that only order its notes,
    and with its phrases required.

    Beside other words a quoted phrase must still occur, so "a b" c becomes ("a b") AND ("a b" c):
    the second part scores, the first only has to hold.
    """
    if isinstance(clause, Ranked):
        return _ranked(clause)
    if isinstance(clause, And | Or):
        return replace(clause, clauses=tuple(prepared(part) for part in clause.clauses))
    if isinstance(clause, Not | Scoped):
        return replace(clause, clause=prepared(clause.clause))
    return clause


def _ranked(clause: Ranked) -> Clause:
    order, asks = ordering_of(clause), asking_words(clause)
    kept = [
        part
        for at, part in enumerate(clause.clauses)
        if at >= asks and at not in order and not _is_stop_word(part)
    ] or list(clause.clauses)
    distinct = _counted_once([prepared(part) for part in kept])[:MOST_RANKED_WORDS]
    inner: Clause = replace(clause, clauses=tuple(distinct)) if len(distinct) > 1 else distinct[0]
    required = [part for part in distinct if isinstance(part, Phrase)]
    if not required or len(distinct) == 1:
        return inner
    return And((*required, inner), clause.start, clause.end)


def _is_stop_word(clause: Clause) -> bool:
    if isinstance(clause, Expansion):
        return _is_stop_word(clause.clause)
    return isinstance(clause, Word) and clause.text.lower() in STOP_WORDS


def _counted_once(parts: list[Clause]) -> list[Clause]:
    """Drop a word's repetitions: a question is not about a thing more for saying it twice."""
    seen: set[str] = set()
    kept = []
    for part in parts:
        if isinstance(part, Word):
            if part.text.lower() in seen:
                continue
            seen.add(part.text.lower())
        kept.append(part)
    return kept
