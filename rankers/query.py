"""One parser for browser, API, command line, saved searches and evaluation.

    words  "phrases"  "near each other"~5  AND OR NOT -x  ( )  wild*  field:value

Fields: section, type, specialty, author, patient, date, assertion; an unknown one is a plain word.
Words beside each other are ranked, not required; a phrase must occur.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from indexing.analysis import TOKEN
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
from indexing.errors import InvalidQuery
from indexing.filters import Filters
from indexing.ports import AssertionMode
from rankers.chips import Chip, chips, render
from rankers.kinds import is_whole, query_class
from rankers.lexer import lex
from rankers.parser import Parser, is_constraint
from rankers.values import Meant, whole

__all__ = ["Chip", "ParsedQuery", "parse", "render"]

LONGEST_PLAIN = 100_000  # a whole note may be pasted to look for its like
_SENTENCE_ENDS = re.compile(r"[a-z)%\d][.?!]\s+\S")
_PUSHED = ("type", "specialty", "author", "patient")
_AS_SAID: Meant = {}


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """A question as every leg takes it.

    `clause` is the whole tree. `filters` are its top-level fields, pushed down to every leg;
    `constraint` is what else a hit of any leg must satisfy, None when nothing. `text` is what the
    encoder reads. `exact`: an operator asks for literal matches, so that the vector leg is off.
    `assertion` is None when the query does not say.
    """

    source: str
    clause: Clause
    filters: Filters
    constraint: Clause | None
    text: str
    exact: bool
    assertion: AssertionMode | None
    chips: tuple[Chip, ...]


def parse(
    query: str, *, plain: bool = False, zone: tzinfo = UTC, meant: Meant = _AS_SAID
) -> ParsedQuery:
    """Parse `query`; with `plain`, and in a pasted note, every character of it is text. Dates are
    read in `zone`; fields take the values that are `meant` by theirs.

    Raises: InvalidQuery, `position` in 0..len(query).
    """
    if plain or is_pasted(query):
        return _plain(query)
    lexemes = lex(query)
    parser = Parser(lexemes, zone)
    said = parser.parse()
    suffix = f" assertion:{parser.assertion}" if parser.assertion else ""
    shown = chips(query, said, suffix)
    if parser.assertion is not None:
        shown = (*shown, _assertion_chip(query, parser.assertion, said))
    clause = whole(said, meant)
    exact = _exact(clause)
    filters, rest = _push_down(clause)
    return ParsedQuery(
        source=query,
        clause=clause,
        filters=filters,
        constraint=clause if exact else rest,
        text=_encoder_text(query, clause, bare=parser.assertion is None),
        exact=exact,
        assertion=parser.assertion,
        chips=shown,
    )


def is_pasted(query: str) -> bool:
    """Say whether a text is a piece of a note rather than a question: long, and in sentences. Its
    colons, brackets and capitals are a note's; of MTSamples, one in five would not parse or would
    demand what only itself holds."""
    return len(_SENTENCE_ENDS.findall(query)) > 1 and query_class(query) == "note"


def _assertion_chip(query: str, mode: AssertionMode, clause: Clause) -> Chip:
    at = re.search(r"assertion:", query, re.IGNORECASE)
    start = at.start() if at else 0
    run = re.compile(r"\S+").match(query, start)
    end = run.end() if run else len(query)
    return Chip("assertion", f"assertion:{mode}", start, end, render(clause))


def _plain(query: str) -> ParsedQuery:
    if len(query) > LONGEST_PLAIN:
        raise InvalidQuery(f"A text has at most {LONGEST_PLAIN:,} characters.", LONGEST_PLAIN)
    words = [Word(m.group(), m.start(), m.end()) for m in TOKEN.finditer(query)]
    if not words:
        raise InvalidQuery("There is nothing to search for.", 0)
    clause = words[0] if len(words) == 1 else Ranked(tuple(words), words[0].start, words[-1].end)
    text = " ".join(query.split())
    return ParsedQuery(query, clause, Filters(), None, text, False, None, chips(query, clause))


def conjuncts(clause: Clause) -> Iterator[Clause]:
    """Yield what must all hold."""
    if isinstance(clause, And):
        for part in clause.clauses:
            yield from conjuncts(part)
    else:
        yield clause


def has_or(clause: Clause) -> bool:
    """Say whether OR stands between things that are looked for."""
    if isinstance(clause, Or):
        return not is_constraint(clause)
    parts = clause.clauses if isinstance(clause, Ranked | And) else ()
    return any(has_or(part) for part in parts)


def scopes(clause: Clause) -> Iterator[Scoped]:
    """Yield the parts that must stand in a section, those under NOT left out."""
    if isinstance(clause, Scoped):
        yield clause
    elif isinstance(clause, Ranked | And | Or):
        for part in clause.clauses:
            yield from scopes(part)


def leaves(clause: Clause) -> Iterator[Word | Phrase]:
    """Yield the words and phrases that are looked for, those under NOT left out."""
    if isinstance(clause, Word | Phrase):
        yield clause
    elif isinstance(clause, Scoped | Expansion):
        yield from leaves(clause.clause)
    elif isinstance(clause, Ranked | And | Or):
        for part in clause.clauses:
            yield from leaves(part)


def _exact(clause: Clause) -> bool:
    """Say whether any operator asks for the literal: a phrase, a wildcard, or AND."""
    if isinstance(clause, Phrase):
        return True
    if isinstance(clause, Word):
        return clause.pattern
    if isinstance(clause, And):
        ranking = [part for part in clause.clauses if not is_constraint(part)]
        return len(ranking) > 1 or any(_exact(part) for part in clause.clauses)
    if isinstance(clause, Ranked | Or):
        return any(_exact(part) for part in clause.clauses)
    return isinstance(clause, Scoped) and _exact(clause.clause)


def _holds_back(clause: Clause) -> bool:
    """Say whether a constraint stands anywhere inside."""
    if is_constraint(clause):
        return True
    parts = clause.clauses if isinstance(clause, Ranked | And | Or) else ()
    return any(_holds_back(part) for part in parts)


def _push_down(clause: Clause) -> tuple[Filters, Clause | None]:
    """Split off the fields that every leg can filter by; return the other constraints."""
    only: dict[str, tuple[str, ...]] = {}
    without: dict[str, tuple[str, ...]] = {}
    start: datetime | None = None
    end: datetime | None = None
    rest: list[Clause] = []
    for part in conjuncts(clause):
        name, values = _accepted(part)
        if name and name not in only:
            only[name] = values
        elif isinstance(part, Field) and part.name == "date":
            first, last = interval(part.value)
            start, end = _later(start, first), _earlier(end, last)
        elif isinstance(part, Not) and _accepted(part.clause)[0]:
            name, values = _accepted(part.clause)
            without[name] = (*without.get(name, ()), *values)
        elif _holds_back(part):
            rest.append(part)
    filters = Filters(only, without, start, end)
    if not rest:
        return filters, None
    return filters, rest[0] if len(rest) == 1 else And(tuple(rest), clause.start, clause.end)


def _accepted(part: Clause) -> tuple[str, tuple[str, ...]]:
    """Return the field and the values that `part` lets through, ("", ()) when it is no such."""
    fields: Iterable[Clause] = part.clauses if isinstance(part, Or) else (part,)
    found = [field for field in fields if isinstance(field, Field) and field.name in _PUSHED]
    names = {field.name for field in found}
    if len(names) != 1 or len(found) != (len(part.clauses) if isinstance(part, Or) else 1):
        return "", ()
    return names.pop(), tuple(field.value for field in found)


def _later(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else one or other


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(one, other) if one and other else one or other


def _encoder_text(query: str, clause: Clause, *, bare: bool) -> str:
    """Return the question without its syntax; untouched where it has none and is `bare` of an
    assertion, which is no part of the tree."""
    parts = clause.clauses if isinstance(clause, Ranked) else (clause,)
    if bare and all(isinstance(part, Word) and not part.pattern for part in parts):
        return " ".join(query.split())
    words = [
        leaf.text.replace("*", "") if isinstance(leaf, Word) else " ".join(leaf.words)
        for leaf in leaves(clause)
    ]
    return f"{' '.join(words)}{'.' if _told(query, clause) else ''}"


def _told(query: str, clause: Clause) -> bool:
    """Say whether it is a sentence that is asked, whatever fields stand behind its full stop."""
    end = max((leaf.end for leaf in leaves(clause)), default=0)
    return is_whole(query) or is_whole(query[:end] + query[end:].partition(" ")[0])
