"""Words by which a question asks for the newest of what it names ("latest hemoglobin", "most recent
echo", "last seizure", "when was insulin last given"): they order its notes, and no note has to hold
them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from indexing.analysis import TOKEN
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

_WHOSE: Final = frozenset(("her", "his", "their", "your", "my"))
# "What was the last echo", "show last echo", "value of last INR".
_BEFORE: Final = frozenset(
    "of was is are what what's whats show find get give list see me any".split()
)
_MOMENT: Final = frozenset(("date", "dates", "day", "time", "when"))  # "date of last echo"


def ordering(words: Sequence[str]) -> frozenset[int]:
    """Return which of a question's words ask for the newest; none where there is nothing else. What
    is no word of its own stands as ""."""
    if len(words) > MOST_WORDS:
        return frozenset()
    found: set[int] = set()
    for at, word in enumerate(words):
        following = words[at + 1] if at + 1 < len(words) else ""
        recent = ("recent", "recently") if "when" in words[:at] else ("recent",)
        newest = at + 1 if word == "most" and following in recent else at
        if newest > at or word in ("latest", "newest") or (word == "last" and _orders(words, at)):
            found |= {at, newest, *_asking(words, at)}
    return frozenset(found) if len(found) < len(words) else frozenset()


def _orders(words: Sequence[str], at: int) -> bool:
    """Say whether the "last" at a place asks for the newest: not in "last year", nor in "pain since
    last visit"."""
    before, behind = words[at - 1] if at else "", "".join(words[at + 1 : at + 2])
    if behind[:1].isdigit() or behind in _NO_ORDER:
        return False
    if "when" in words[:at]:
        return True  # "when did he last fall"
    if before == "the":
        at -= 1
        before = words[at - 1] if at else ""
    owned = before in _WHOSE or before.endswith(("'s", "’s"))
    return bool(behind) and (at == 0 or owned or before in _BEFORE)


def _asking(words: Sequence[str], at: int) -> Iterator[int]:
    """Yield which words around one that orders only ask with it: "when was her …", "date of the …",
    "… time"."""
    if words[at] == "last" and words[at + 1 : at + 2] == ["time"]:
        yield at + 1
    if at and words[at - 1] in _WHOSE:
        yield at - 1
    for place in range(at):
        rest = set(words[place + 1 : at]) - _WHOSE - _BEFORE - {"the"}
        if words[place] == "when" or (words[place] in _MOMENT and not rest):
            yield place


@lru_cache(maxsize=64)  # a question is read several times
def newest_words(text: str) -> tuple[tuple[int, int], ...]:
    """Return where the words of a text stand that ask for the newest."""
    every = list(TOKEN.finditer(text))
    newest = ordering([match.group().lower() for match in every])
    return tuple(every[at].span() for at in sorted(newest))


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
