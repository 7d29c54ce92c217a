"""Words by which a question asks for the newest of what it names ("latest hemoglobin", "most recent
echo", "last seizure"): they order its notes, and no note has to hold them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from indexing.clauses import And, Clause, Or, Ranked, Scoped, Word
from indexing.errors import InvalidQuery
from rankers.query import parse

MOST_WORDS: Final = 24  # of a question; a longer text tells of what is latest, and asks for nothing
# Behind "last" these tell a time or a name: "last year", "last 3 weeks", "last name".
_NO_ORDER: Final = frozenset(
    "name night few couple several day days week weeks month months year years two three four five "
    "six seven eight nine ten eleven twelve known seen hour hours minute minutes weekend decade "
    "morning evening afternoon spring summer autumn winter christmas thanksgiving monday tuesday "
    "wednesday thursday friday saturday sunday january february march april may june july august "
    "september october november december trimester stage rites resort".split()
)

_WHOSE: Final[tuple[list[str], ...]] = ([], ["her"], ["his"], ["their"])


def ordering(words: Sequence[str]) -> frozenset[int]:
    """Return which of a question's words ask for the newest; none where there is nothing else. What
    is no word of its own stands as ""."""
    if len(words) > MOST_WORDS:
        return frozenset()
    found: set[int] = set()
    for at, word in enumerate(words):
        following = words[at + 1 : at + 2]
        if word in ("latest", "newest"):
            found.add(at)
        elif word == "most" and following == ["recent"]:
            found |= {at, at + 1}
        elif word == "last" and words[at - 1 : at] in _WHOSE and following:
            behind = following[0]
            if not behind[:1].isdigit() and behind not in _NO_ORDER:
                found.add(at)
    return frozenset(found) if len(found) < len(words) else frozenset()


def ordering_of(clause: Ranked) -> frozenset[int]:
    """Return which of the parts of words beside each other ask for the newest; what is quoted, or
    is a field, is looked for as it stands."""
    words = (each.text.lower() if isinstance(each, Word) else "" for each in clause.clauses)
    return ordering(list(words))


def asks_for_latest(query: str, *, plain: bool = False) -> bool:
    """Say whether a question asks for the newest of what it names; one that cannot be read does
    not."""
    try:
        clause = parse(query, plain=plain).clause
    except InvalidQuery:
        return False
    return any(map(ordering_of, _ranked(clause)))


def _ranked(clause: Clause) -> Iterator[Ranked]:
    if isinstance(clause, Ranked):
        yield clause
    if isinstance(clause, Scoped):
        yield from _ranked(clause.clause)
    elif isinstance(clause, Ranked | And | Or):
        for part in clause.clauses:
            yield from _ranked(part)
