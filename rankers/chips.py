"""A query shown back as pieces, each of which can be taken away; and trees spelled as queries."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from indexing.analysis import STOP_WORDS
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
)
from rankers.asking import asking_words
from rankers.kinds import is_whole
from rankers.parser import is_constraint

MOST_CHIPS = 48  # a pasted note is not taken apart word by word

_PLAIN_VALUE = re.compile(r"[^\s()\"“”„‟]+")
_SYNTAX = re.compile(r"[()]|\b(?:AND|OR|NOT)\b")
_SIGNS = re.compile(r"[+%,;.?!]*(?!\S)")
_KINDS: dict[type, str] = {
    Ranked: "words",
    And: "all",
    Or: "any",
    Not: "not",
    Scoped: "section",
    Expansion: "words",
}


@dataclass(frozen=True, slots=True)
class Chip:
    """`query[start:end]` is what it shows; `removed` is the query without it ("" when nothing is
    left). `kind`: word, wildcard, phrase, near, words, all, any, not, section, a field's name,
    assertion, or the kind of an expansion."""

    kind: str
    label: str
    start: int
    end: int
    removed: str


def chips(query: str, clause: Clause, suffix: str = "") -> tuple[Chip, ...]:
    """Take a parsed query apart; `suffix` is put back after what remains."""
    pieces = list(_pieces(clause))
    if len(pieces) > MOST_CHIPS:
        return (Chip("words", query.strip(), 0, len(query), ""),)
    found, row = [], _is_row(query, clause)
    # Behind a field's value a full stop would be part of it.
    stop = "." if is_whole(query) and isinstance(pieces[-1], Word | Phrase) else ""
    # Words that are not looked for get no chip, unless there is nothing else.
    asks = [part for each in _rows(clause) for part in each.clauses[: asking_words(each)]]
    for piece in [p for p in pieces if p not in asks and not _is_stop_word(p)] or pieces:
        rest = _without(clause, piece)
        removed = "" if rest is None else render(rest) + stop + suffix
        if rest is not None and row and isinstance(piece, Word):
            removed = _cut(query, piece) or removed
        label = query[piece.start : piece.end]
        found.append(Chip(_kind(piece), label, piece.start, piece.end, removed))
    return tuple(found)


def _is_row(query: str, clause: Clause) -> bool:
    """Say whether a query is a row of pieces, any word of which can be cut out of its text."""
    row = isinstance(clause, Ranked) or (isinstance(clause, And) and _implicit(clause))
    return row and _SYNTAX.search(query) is None


def _cut(query: str, word: Word) -> str:
    """Return a query without one of its words, "" where more than a sign hangs on it; what stands
    around it stays as typed: "latest hgb < 8" loses no sign."""
    alone = word.start == 0 or query[word.start - 1].isspace()
    behind = _SIGNS.match(query, word.end)
    if not alone or behind is None:
        return ""
    stop = "." if is_whole(query[: behind.end()]) and not query[behind.end() :].strip() else ""
    return without(query, word.start, behind.end() - len(stop))


def without(query: str, start: int, end: int) -> str:
    """Return a query without `query[start:end]`; a sign that ends it stays with what is left, so
    that a statement stays one."""
    before, after = query[:start].rstrip(), query[end:].lstrip()
    space = "" if _SIGNS.fullmatch(after) else " "
    return f"{before}{space}{after}".strip() if before else after.lstrip(" .,;")


def _is_stop_word(piece: Clause) -> bool:
    return isinstance(piece, Word) and piece.text.lower() in STOP_WORDS


def render(clause: Clause) -> str:
    """Spell a tree so that parsing it gives the same tree."""
    if isinstance(clause, Word):
        return clause.text
    if isinstance(clause, Phrase):
        slop = f"~{clause.slop}" if clause.slop else ""
        return f'"{" ".join(clause.words)}"{slop}'
    if isinstance(clause, Field):
        return f"{clause.name}:{_value(clause.value)}"
    if isinstance(clause, Not):
        return f"-{_grouped(clause.clause)}"
    if isinstance(clause, Scoped):
        return f"section:{clause.section} {_grouped(clause.clause)}"
    if isinstance(clause, Ranked | Held):
        return " ".join(_grouped(part) for part in clause.clauses)
    if isinstance(clause, Or):
        return " OR ".join(_operand(part) for part in clause.clauses)
    if isinstance(clause, And):
        return _render_and(clause)
    return render(clause.clause)


def _render_and(clause: And) -> str:
    if not _implicit(clause):
        return " AND ".join(_operand(part) for part in clause.clauses)
    first = clause.clauses[0]
    # A Ranked member is spelled without parentheses: its words stand beside the constraints.
    head = render(first) if isinstance(first, Ranked) else _grouped(first)
    return " ".join([head, *(_grouped(part) for part in clause.clauses[1:])])


def _implicit(clause: And) -> bool:
    """Say whether standing side by side already means this conjunction."""
    ranking = sum(not is_constraint(part) for part in clause.clauses)
    names = [c.name for c in clause.clauses if isinstance(c, Field) and c.name not in _REPEATABLE]
    return ranking <= 1 and len(names) == len(set(names))


_REPEATABLE = ("date", "section")


def _operand(clause: Clause) -> str:
    return f"({render(clause)})" if isinstance(clause, Ranked | And | Or) else render(clause)


def _grouped(clause: Clause) -> str:
    """Spell a member of a sequence; a bare `section:` would swallow what follows it."""
    bare = isinstance(clause, Field) and clause.name == "section"
    return f"({render(clause)})" if bare else _operand(clause)


def _value(value: str) -> str:
    return value if _PLAIN_VALUE.fullmatch(value) else f'"{value}"'


def _pieces(clause: Clause) -> Iterator[Clause]:
    if isinstance(clause, Ranked):
        yield from clause.clauses
    elif isinstance(clause, And):
        for part in clause.clauses:
            yield from part.clauses if isinstance(part, Ranked) and _implicit(clause) else (part,)
    else:
        yield clause


def _rows(clause: Clause) -> list[Ranked]:
    parts = clause.clauses if isinstance(clause, And) else (clause,)
    return [part for part in parts if isinstance(part, Ranked)]


def _without(clause: Clause, piece: Clause) -> Clause | None:
    """Drop one piece; a sequence of one becomes its only member."""
    if clause is piece:
        return None
    if not isinstance(clause, Ranked | And):
        return clause
    kept: list[Clause] = []
    for part in clause.clauses:
        rest = _without(part, piece) if part is piece or isinstance(part, Ranked) else part
        if rest is not None:
            kept.append(rest)
    if len(kept) < 2:
        return kept[0] if kept else None
    return type(clause)(tuple(kept), clause.start, clause.end)


def _kind(piece: Clause) -> str:
    if isinstance(piece, Word):
        return "wildcard" if piece.pattern else "word"
    if isinstance(piece, Phrase):
        return "near" if piece.slop else "phrase"
    if isinstance(piece, Field):
        return piece.name
    if isinstance(piece, Or) and is_constraint(piece):
        first = piece.clauses[0]
        assert isinstance(first, Field)  # what makes this Or a constraint
        return first.name
    return _KINDS[type(piece)]
