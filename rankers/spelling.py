"""Words that no name has and that are spelled almost like one that a name has: offered, never
searched by themselves, and never where another drug is spelled about as much alike.

A word is one letter away (left out, too many, another), or its letters have changed places, two of
them or two pairs; it begins alike, and no second word is as near, save another form of the same:
two letters away lie cycloserine and cyclosporine. English words, what some notes hold, and another
form of a name's word are words. Numbers, short words and what stands in quotes, fields and
wildcards are left as they were typed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from rapidfuzz.distance import OSA

from indexing.analysis import STOP_WORDS, TOKEN, stem
from indexing.clauses import And, Clause, Or, Ranked, Scoped, Word
from indexing.language.matcher import Matcher
from indexing.language.terminology import NameKind, Terminology
from indexing.language.terminology.forms import english
from rankers.lookalike import drugs_spelled
from rankers.offers import Offer

SHORTEST: Final = 5  # letters; of four only two that changed places
MOST_WORDS: Final = 12  # of a question; a pasted text is not corrected
RARE: Final = 3  # notes that may share a misspelling
_NAMED: Final = 8  # concepts looked at for a word

Held = Callable[[Sequence[Word]], Sequence[int]]
"""Counts the notes that hold each word."""


def respelled(
    query: str, clause: Clause, terminology: Terminology, matcher: Matcher, held: Held
) -> Offer | None:
    """Return the query with its misspelt words as names spell them; None where none is."""
    words = list(_plain(clause))
    if not words or len(words) > MOST_WORDS:
        return None
    named = [(words[0].start + s.start, words[0].start + s.end)
             for s in matcher.find(query[words[0].start : words[-1].end])]  # fmt: skip
    odd = [
        word for word in words
        if _spellable(word.text.lower())
        and not any(start < word.end and word.start < end for start, end in named)
    ]  # fmt: skip
    counts = held(odd) if odd else ()
    meant = {
        word: other
        for word, count in zip(odd, counts, strict=True)
        if count <= RARE and (other := _meant(terminology, word.text.lower()))
    }
    if not meant:
        return None
    first, last = min(w.start for w in meant), max(w.end for w in meant)
    spelled = {word: query[word.start : word.end] for word in words} | meant
    return Offer(
        "", query[first:last], _spelled(query, spelled, first, last), first, last,
        And(tuple(map(Word, meant.values()))), _spelled(query, spelled, 0, len(query)),
        "spelling",
    )  # fmt: skip


def _plain(clause: Clause) -> Iterator[Word]:
    if isinstance(clause, Word):
        if not clause.pattern:
            yield clause
    elif isinstance(clause, Ranked | And | Or):
        for part in clause.clauses:
            yield from _plain(part)
    elif isinstance(clause, Scoped):
        yield from _plain(clause.clause)


def _spelled(query: str, words: dict[Word, str], first: int, last: int) -> str:
    parts, at = [], first
    for word, text in sorted(words.items(), key=lambda each: each[0].start):
        if first <= word.start and word.end <= last:
            parts += [query[at : word.start], text]
            at = word.end
    return "".join([*parts, query[at:last]])


def _spellable(word: str) -> bool:
    return len(word) >= SHORTEST - 1 and word.isascii() and word.isalpha() and (
        word not in STOP_WORDS and word not in english()
    )  # fmt: skip


def _meant(terminology: Terminology, word: str) -> str:
    """Return the one word of a name that is spelled almost like this one, "" for none."""
    known = {
        other.lower()
        for concept, _ in terminology.search(word, _NAMED)
        for name in terminology.names(concept)
        if name.kind is not NameKind.ABBREVIATION
        for other in TOKEN.findall(name.text)
    }
    if stem(word) in {stem(other) for other in known}:
        return ""
    near = sorted((OSA.distance(word, other), other) for other in known if _alike(word, other))
    # "Diabetes" and "diabetic" are one word.
    if len({stem(other) for far, other in near if far == near[0][0]}) != 1:
        return ""
    best = near[0][1]
    if near[0][0] > (2 if sorted(word) == sorted(best) else 1):
        return ""
    drugs = drugs_spelled(terminology, word, near[0][0] + 1)
    return "" if best in drugs and len(drugs) > 1 else best


def _alike(word: str, other: str) -> bool:
    moved = sorted(word) == sorted(other)
    return moved or (len(word) >= SHORTEST and len(other) >= SHORTEST and word[0] == other[0])
