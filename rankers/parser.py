"""Tokens to the query tree. NOT binds tightest, then standing side by side, then AND, then OR."""

from __future__ import annotations

import re
from datetime import tzinfo
from typing import get_args

from indexing.analysis import terms
from indexing.clauses import (
    And,
    Clause,
    Field,
    Not,
    Or,
    Phrase,
    Ranked,
    Scoped,
    Word,
    spell_interval,
)
from indexing.errors import InvalidQuery
from indexing.language.headings import lookup, normalise
from indexing.ports import AssertionMode
from rankers.dates import date_range
from rankers.lexer import Is, Lexeme

DEEPEST = 40  # parentheses within parentheses: the parser and every engine recurse over them
MOST_PATTERNS = 20  # each one walks the dictionary

_BEGINS = {Is.WORD, Is.PATTERN, Is.PHRASE, Is.FIELD, Is.NOT, Is.OPEN}


def section_name(value: str) -> str:
    """Spell a section's name as the index has it: "FHx" is "family_history"."""
    known = lookup(normalise(value.replace("_", " ")))
    return known or re.sub(r"[\W_]+", "_", value.casefold()).strip("_")


def is_constraint(clause: Clause) -> bool:
    """Say whether a clause only lets through or holds back, and ranks nothing."""
    if isinstance(clause, Or):
        return all(isinstance(part, Field) for part in clause.clauses)
    return isinstance(clause, Not | Field | Scoped)


class Parser:
    """One pass over the tokens of one query; `assertion` is what `assertion:` asked for."""

    def __init__(self, lexemes: list[Lexeme], zone: tzinfo) -> None:
        self._lexemes = lexemes
        self._at = 0
        self._zone = zone
        self._depth = 0
        self._patterns = 0
        self._negated = 0
        self.assertion: AssertionMode | None = None

    def parse(self) -> Clause:
        """Return the whole tree. Raises: InvalidQuery."""
        if len(self._lexemes) == 1:  # END alone
            raise InvalidQuery("There is nothing to search for.", 0)
        clause = self._either()
        if self._here.kind is not Is.END:
            raise InvalidQuery("This parenthesis was never opened.", self._here.start)
        if clause is None:
            raise InvalidQuery("`assertion:` needs words to go with it.", 0)
        return clause

    @property
    def _here(self) -> Lexeme:
        return self._lexemes[self._at]

    def _take(self) -> Lexeme:
        lexeme = self._here
        self._at += 1
        return lexeme

    def _either(self) -> Clause | None:
        first = self._here.start
        parts = [self._every()]
        while self._here.kind is Is.OR:
            self._operand_follows()
            parts.append(self._every())
        kept = [part for part in parts if part is not None]
        if len(kept) < 2:
            return kept[0] if kept else None
        return Or(tuple(kept), first, self._lexemes[self._at - 1].end)

    def _every(self) -> Clause | None:
        first = self._here.start
        parts = [self._beside()]
        while self._here.kind is Is.AND:
            self._operand_follows()
            parts.append(self._beside())
        kept = [part for part in parts if part is not None]
        if len(kept) < 2:
            return kept[0] if kept else None
        return And(_ordered(kept), first, self._lexemes[self._at - 1].end)

    def _operand_follows(self) -> None:
        operator = self._take()
        if self._here.kind not in _BEGINS:
            raise InvalidQuery(f"{operator.text} needs something after it.", operator.start)

    def _beside(self) -> Clause | None:
        if self._here.kind not in _BEGINS:
            raise self._misplaced()
        first = self._here.start
        parts: list[Clause] = []
        while self._here.kind in _BEGINS:
            part = self._one()
            if part is not None:
                parts.append(part)
        return _side_by_side(parts, first, self._lexemes[self._at - 1].end)

    def _misplaced(self) -> InvalidQuery:
        here = self._here
        if here.kind in (Is.AND, Is.OR):
            return InvalidQuery(f"{here.text} needs something before it.", here.start)
        if here.kind is Is.CLOSE and self._depth:
            return InvalidQuery("There is nothing between these parentheses.", here.start)
        if here.kind is Is.CLOSE:
            return InvalidQuery("This parenthesis was never opened.", here.start)
        return InvalidQuery("The query ends where something should follow.", here.start)

    def _one(self) -> Clause | None:
        nots: list[Lexeme] = []
        while self._here.kind is Is.NOT:
            nots.append(self._take())
        if nots and self._here.kind not in _BEGINS:
            raise InvalidQuery("NOT needs something after it.", nots[-1].start)
        self._negated += len(nots)
        clause = self._atom()
        self._negated -= len(nots)
        if clause is not None and len(nots) > DEEPEST:
            raise InvalidQuery("This is negated too often.", nots[DEEPEST].start)
        for operator in reversed(nots):
            assert clause is not None  # `assertion:` under NOT was refused
            # To the end of what was read: a group's own clause ends before its parenthesis.
            clause = Not(clause, operator.start, self._lexemes[self._at - 1].end)
        return clause

    def _atom(self) -> Clause | None:
        here = self._take()
        if here.kind is Is.OPEN:
            return self._group(here)
        if here.kind is Is.FIELD:
            return self._field(here)
        return self._leaf(here)

    def _leaf(self, here: Lexeme) -> Clause:
        if here.kind is Is.PHRASE:
            return Phrase(tuple(terms(here.text)), here.slop, here.start, here.end)
        if here.kind is Is.PATTERN:
            self._patterns += 1
            if self._patterns > MOST_PATTERNS:
                raise InvalidQuery(f"At most {MOST_PATTERNS} words may hold `*`.", here.start)
        return Word(here.text, here.start, here.end, pattern=here.kind is Is.PATTERN)

    def _group(self, opening: Lexeme) -> Clause | None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise InvalidQuery(f"Parentheses nest at most {DEEPEST} deep.", opening.start)
        clause = self._either()
        if self._here.kind is not Is.CLOSE:
            raise InvalidQuery("This parenthesis is never closed.", opening.start)
        self._take()
        self._depth -= 1
        return clause

    def _field(self, here: Lexeme) -> Clause | None:
        if here.name == "assertion":
            self._set_assertion(here)
            return None
        if here.name == "section":
            return self._scoped(here)
        value = here.text
        if here.name == "date":
            value = spell_interval(*date_range(value, here.start, self._zone))
        return Field(here.name, value, here.start, here.end)

    def _set_assertion(self, here: Lexeme) -> None:
        if self._depth or self._negated:
            raise InvalidQuery("`assertion:` applies to the whole query only.", here.start)
        if self.assertion is not None:
            raise InvalidQuery("`assertion:` is given twice.", here.start)
        for mode in get_args(AssertionMode):
            if here.text.lower() == mode:
                self.assertion = mode
                return
        choices = ", ".join(get_args(AssertionMode))
        raise InvalidQuery(f"`assertion:` takes one of {choices}.", here.start)

    def _scoped(self, here: Lexeme) -> Clause:
        name = section_name(here.text)
        if not name:
            raise InvalidQuery("`section:` needs the name of a section.", here.start)
        inner: Clause | None
        if self._here.kind is Is.OPEN:
            inner = self._group(self._take())
        else:
            first = self._here.start
            parts: list[Clause] = []
            while self._here.kind in (Is.WORD, Is.PATTERN, Is.PHRASE):
                parts.append(self._leaf(self._take()))
            inner = _side_by_side(parts, first, self._lexemes[self._at - 1].end)
        if inner is None:
            return Field("section", name, here.start, here.end)
        return Scoped(name, inner, here.start, self._lexemes[self._at - 1].end)


def _ordered(parts: list[Clause]) -> tuple[Clause, ...]:
    """What ranks stands before what only constrains."""
    return (
        *(part for part in parts if not is_constraint(part)),
        *(part for part in parts if is_constraint(part)),
    )


def _side_by_side(parts: list[Clause], start: int, end: int) -> Clause | None:
    """Words beside each other are ranked; fields and negations beside them must hold."""
    ranked = [part for part in parts if not is_constraint(part)]
    held = _one_per_field([part for part in parts if is_constraint(part)])
    if len(ranked) > 1:
        inner = Ranked(tuple(ranked), ranked[0].start, ranked[-1].end)
        ranked = [inner]
    every = [*ranked, *held]
    if len(every) < 2:
        return every[0] if every else None
    return And(tuple(every), start, end)


def _one_per_field(held: list[Clause]) -> list[Clause]:
    """Several values of one field beside each other mean any of them, except dates."""
    merged: list[Clause] = []
    places: dict[str, int] = {}
    for part in held:
        if not isinstance(part, Field) or part.name in ("date", "section"):
            merged.append(part)
            continue
        place = places.setdefault(part.name, len(merged))
        if place == len(merged):
            merged.append(part)
            continue
        known = merged[place]
        fields = known.clauses if isinstance(known, Or) else (known,)
        merged[place] = Or((*fields, part), known.start, part.end)
    return merged
