"""What a field of a question means: `author:smith` is everybody of that name whose notes are there.

Words of names become whole values before any leg is asked, so that every engine filters by the
same plain field and none has to know names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TypeAlias

from indexing.analysis import terms
from indexing.clauses import And, Clause, Expansion, Field, Not, Or, Ranked
from indexing.errors import InvalidQuery
from rankers.lexer import Is, lex

NAMED = ("type", "specialty", "author")
MOST_MEANT = 400  # values of one field; OpenSearch takes 1,024 clauses of a question

Known: TypeAlias = Callable[[str], Sequence[str]]
"""The values of a field that the notes carry which somebody may read."""

Meant: TypeAlias = Mapping[tuple[str, str], tuple[str, ...]]
"""The whole values that hold every word of a field's value; what none holds is absent."""


def meant(query: str, known: Known) -> Meant:
    """Look up the fields of a question, each once.

    Raises: InvalidQuery where it does not read, or a word is of too many values.
    """
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    values: dict[str, list[tuple[str, frozenset[str]]]] = {}
    for lexeme in lex(query):
        if lexeme.kind is not Is.FIELD or lexeme.name not in NAMED:
            continue
        name, words = lexeme.name, frozenset(terms(lexeme.text))
        if name not in values:
            values[name] = [(value, frozenset(terms(value))) for value in known(name)]
        fitting = tuple(value for value, held in values[name] if words and words <= held)
        if len(fitting) > MOST_MEANT:
            raise InvalidQuery(
                f"`{name}:` fits more than {MOST_MEANT} values here: say more of it.", lexeme.start
            )
        if fitting:
            found[name, lexeme.text] = fitting
    return found


def whole(clause: Clause, found: Meant) -> Clause:
    """Put whole values in place of their words; a field that means none stays as it is."""
    if isinstance(clause, Field):
        return _either(clause, found)
    if isinstance(clause, Or):
        parts: list[Clause] = []
        for part in (whole(each, found) for each in clause.clauses):
            parts.extend(part.clauses if isinstance(part, Or) else (part,))
        return replace(clause, clauses=tuple(parts))
    if isinstance(clause, Ranked | And):
        return replace(clause, clauses=tuple(whole(each, found) for each in clause.clauses))
    if isinstance(clause, Not | Expansion):
        return replace(clause, clause=whole(clause.clause, found))
    return clause


def _either(field: Field, found: Meant) -> Clause:
    values = found.get((field.name, field.value), (field.value,))
    fields = tuple(replace(field, value=value) for value in values)
    return fields[0] if len(fields) == 1 else Or(fields, field.start, field.end)
