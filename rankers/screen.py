"""A question held against what a view shows: a word that no shown note shows matches nothing.

Without it a hidden name could be asked for, and the hits, counts and facets would answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from indexing.analysis import stems
from indexing.clauses import And, Clause, Expansion, Not, Or, Phrase, Ranked, Scoped, Word

Unit = Word | Phrase


def units(clause: Clause) -> Iterator[Unit]:
    """Yield every word and phrase of a tree, those under NOT too."""
    if isinstance(clause, Word | Phrase):
        yield clause
    elif isinstance(clause, Not | Scoped | Expansion):
        yield from units(clause.clause)
    elif isinstance(clause, Ranked | And | Or):
        for part in clause.clauses:
            yield from units(part)


def screened(clause: Clause, kept: Callable[[Unit], bool]) -> Clause | None:
    """Return the tree without the units that are not kept, as if no note held them: None where
    nothing can match."""
    if isinstance(clause, Word | Phrase):
        return clause if kept(clause) else None
    if isinstance(clause, Not):
        inner = screened(clause.clause, kept)
        return None if inner is None else replace(clause, clause=inner)
    if isinstance(clause, Scoped):
        inner = screened(clause.clause, kept)
        return None if inner is None else replace(clause, clause=inner)
    if isinstance(clause, Ranked | Or):
        parts = [part for part in (screened(p, kept) for p in clause.clauses) if part is not None]
        if len(parts) < 2:
            return parts[0] if parts else None
        return replace(clause, clauses=tuple(parts))
    if isinstance(clause, And):
        return _every(clause, kept)
    return clause


def _every(clause: And, kept: Callable[[Unit], bool]) -> Clause | None:
    """A part that matches nothing leaves nothing; one that excludes nothing is dropped."""
    parts: list[Clause] = []
    for part in clause.clauses:
        inner = screened(part, kept)
        if inner is not None:
            parts.append(inner)
        elif not isinstance(part, Not):
            return None
    if len(parts) < 2:
        return parts[0] if parts else None
    return replace(clause, clauses=tuple(parts))


def shows(text: str, unit: Unit) -> bool:
    """Say whether a text that a reader sees holds the unit, as the words' leg would match it."""
    if isinstance(unit, Phrase) and not unit.slop:
        return _spelled(unit.words, r"[\W_]+").search(text) is not None
    if isinstance(unit, Word) and unit.pattern:
        return _spelled(unit.text.split("*"), r"\w*").search(text) is not None
    words = unit.words if isinstance(unit, Phrase) else (unit.text,)
    held = set(stems(text))
    return all(stem in held for word in words for stem in stems(word))


def _spelled(parts: Iterable[str], between: str) -> re.Pattern[str]:
    joined = between.join(map(re.escape, parts))
    return re.compile(rf"(?<!\w){joined}(?!\w)", re.IGNORECASE)
