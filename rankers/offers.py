"""Concepts offered by their meaning where no name of the terminology stands in a question.

Only offered: nothing is searched by them until somebody takes the offer up.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from indexing.analysis import STOP_WORDS, terms
from indexing.clauses import And, Clause, Or, Phrase, Ranked, Scoped, Word
from indexing.language.linking import Link
from indexing.language.matcher import Matcher
from indexing.language.terminology import Terminology

MOST_RUNS = 3  # of one question
MOST_NAMES = 16  # of one concept, to count the notes that name it
_PREFIX = "near:"


class Links(Protocol):
    """What names a concept that a text describes, or nothing."""

    def sure(self, text: str) -> Link | None: ...


@dataclass(frozen=True, slots=True)
class Offer:
    """What `query[start:end]` most likely means. Of the kind "near", a concept: `clause` counts the
    notes that name it, and `id` takes it up in a later request. Of the kinds "spelling" and "time",
    `respelled` is the query as it is most likely spelled, or with its time as a date: asking that
    takes it up."""

    id: str
    asked: str
    text: str
    start: int
    end: int
    clause: Clause
    respelled: str = ""
    kind: str = "near"


@dataclass(frozen=True, slots=True)
class Run:
    """Words beside each other, `query[start:end]`, in which no name was found."""

    start: int
    end: int
    text: str


def offer_id(concept_id: str, text: str) -> str:
    """Name an offer in later requests; it stands for those words alone."""
    return f"{_PREFIX}{concept_id}/{' '.join(text.split()).casefold()}"


def taken(text: str, accepted: Iterable[str]) -> str | None:
    """Return the concept that was taken up for these words, None for none."""
    words = "/" + " ".join(text.split()).casefold()
    for each in accepted:
        if each.startswith(_PREFIX) and each.endswith(words):
            return each.removeprefix(_PREFIX).removesuffix(words)
    return None


def runs(query: str, clause: Clause, matcher: Matcher) -> Iterator[Run]:
    """Yield the stretches of plain words of a tree parsed from `query` that hold no name."""
    words: tuple[Clause, ...] = (clause,)
    if isinstance(clause, Ranked):
        words = clause.clauses
    if all(isinstance(part, Word) and not part.pattern for part in words):
        run = Run(words[0].start, words[-1].end, query[words[0].start : words[-1].end])
        said = [part for part in words if isinstance(part, Word)]
        content = any(word.text.lower() not in STOP_WORDS for word in said)
        if content and not matcher.find(run.text):
            yield run
    elif isinstance(clause, Ranked | And | Or):
        for part in clause.clauses:
            yield from runs(query, part, matcher)
    elif isinstance(clause, Scoped):
        yield from runs(query, clause.clause, matcher)


def offered(
    query: str, clause: Clause, terminology: Terminology, matcher: Matcher, links: Links,
    settled: Iterable[str] = (),
) -> list[Offer]:  # fmt: skip
    """Return the concepts to offer; `settled` are ids that were taken up or waved away."""
    known = frozenset(settled)
    found = []
    for run, _ in zip(runs(query, clause, matcher), range(MOST_RUNS), strict=False):
        link = links.sure(run.text)
        if link is None:
            continue
        own = offer_id(link.concept_id, run.text)
        if own not in known:
            name = terminology.concept(link.concept_id).name
            names = [each.text for each in terminology.names(link.concept_id)]
            found.append(Offer(own, run.text, name, run.start, run.end, _any_of(names)))
    return found


def _any_of(names: Sequence[str]) -> Clause:
    kept = [tuple(terms(name)) for name in names[:MOST_NAMES]]
    return Or(tuple(Word(w[0]) if len(w) == 1 else Phrase(w) for w in kept if w))
