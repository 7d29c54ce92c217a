"""The query tree: what `rankers.query` parses into and every engine compiles from.

Every node carries `start`/`end`, code points of the query it came from, so that errors, chips and
explanations can point at it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Word:
    """One word. `pattern` is True when it holds `*`, the only wildcard (any run of characters)."""

    text: str
    start: int = 0
    end: int = 0
    pattern: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words in this order within `slop` extra positions; 0 means literally adjacent."""

    words: tuple[str, ...]
    slop: int = 0
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Scoped:
    """`section:` before a word or phrase: the clause must stand in that section."""

    section: str
    clause: Clause
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Field:
    """`type:` `specialty:` `author:` `patient:` equal the value, ignoring case.

    `date:` holds "FROM/TO", two ISO instants with ".." for an open end (see `interval`).
    `section:` alone means that the note has such a section.
    """

    name: str
    value: str
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Ranked:
    """Adjacent clauses: none is required, more and rarer matches rank higher."""

    clauses: tuple[Clause, ...]
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class And:
    """Every clause must hold."""

    clauses: tuple[Clause, ...]
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Or:
    """At least one clause must hold."""

    clauses: tuple[Clause, ...]
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Not:
    """The clause must not hold; it looks at every word of the note, asserted or not."""

    clause: Clause
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Expansion:
    """A clause and the other wordings that may stand for it, each weighted in (0, 1]."""

    clause: Clause
    others: tuple[tuple[Clause, float], ...] = field(default=())
    start: int = 0
    end: int = 0


@dataclass(frozen=True, slots=True)
class Held:
    """What a document holds of these words, phrases and expansions: each counts once, as rare as it
    is, however often it stands there. Who holds all that any document holds scores 1."""

    clauses: tuple[Clause, ...]
    start: int = 0
    end: int = 0


Clause: TypeAlias = Word | Phrase | Scoped | Field | Ranked | And | Or | Not | Expansion | Held


def interval(value: str) -> tuple[datetime | None, datetime | None]:
    """Read the value of a `date` field: [from, to), None for an open end."""
    first, _, last = value.partition("/")
    start = None if first == ".." else datetime.fromisoformat(first)
    return start, None if last == ".." else datetime.fromisoformat(last)


def spell_interval(start: datetime | None, end: datetime | None) -> str:
    """Write the value of a `date` field."""
    return "/".join(".." if instant is None else instant.isoformat() for instant in (start, end))
