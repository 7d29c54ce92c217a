"""The graph leg: a question's concepts, their neighbourhood, the notes that mention them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from weakref import WeakKeyDictionary

from indexing.access import Access
from indexing.analysis import STOP_WORDS, tokens
from indexing.filters import Filters
from indexing.language.bounds import parse_bounds
from indexing.language.matcher import Matcher, Span
from indexing.language.terminology import EdgeKind, Terminology
from indexing.language.values import eye_letters
from indexing.ports import AssertionMode, GraphIndex, Ranking
from rankers.cues import cues
from rankers.namesakes import namesakes
from rankers.pregnancy import counted
from rankers.short_names import measured_beside
from rankers.vaccines import vaccines

# What a step adds to the question's own concepts. Narrower concepts are the thing asked for; what
# treats or presents it is a hint; genes and pathways say nothing of a patient's notes.
KINDS: Mapping[EdgeKind, float] = {
    EdgeKind.IS_A: 1.0,
    EdgeKind.TREATS: 0.5,
    EdgeKind.PRESENTS: 0.4,
    EdgeKind.ASSOCIATES: 0.3,
    EdgeKind.INTERACTS: 0.2,
}
NAMESAKE = 0.9  # of a concept that shares a name with one of the question
HOPS = 2
MOST_CONCEPTS = 120
LEAST_COVERED = 0.3  # of a question's words: below it the concepts are not what it is about


@dataclass(frozen=True, slots=True)
class Concepts:
    """What a question is about: `spans` as found, `seeds` the concepts taken for certain,
    `weights` with their neighbourhood. `covered` is the share of its words that name them."""

    spans: tuple[Span, ...] = ()
    seeds: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    covered: float = 0.0


# What a matcher was asked last: a question is read three times for what it names.
_NAMED: WeakKeyDictionary[Matcher, tuple[str, tuple[Span, ...]]] = WeakKeyDictionary()


def named(matcher: Matcher, text: str) -> tuple[Span, ...]:
    """Return the concepts that a question names; a unit beside its number is none ("5 mg"), and a
    letter before a limit is one ("K > 6")."""
    last = _NAMED.get(matcher)
    if last is not None and last[0] == text:
        return last[1]
    numbers = parse_bounds(text)
    short = measured_beside(matcher.terminology, text, numbers)
    taken = [(bound.start, bound.end) for bound in numbers]
    taken += [(span.start, span.end) for span in short]
    taken += eye_letters(text)
    other = [
        span
        for span in matcher.find(text)
        if not any(start < span.end and span.start < end for start, end in taken)
    ]
    short += counted(matcher.terminology, text, other)
    given = vaccines(matcher.terminology, text)
    other = [s for s in other if not any(g.start < s.end and s.start < g.end for g in given)]
    short += given
    found = tuple(sorted((*other, *short), key=lambda span: span.start)) if short else tuple(other)
    _NAMED[matcher] = text, found
    return found


def concepts(
    matcher: Matcher, terminology: Terminology, text: str, taken: Sequence[str] = ()
) -> Concepts:
    """Find a question's concepts and walk from them. `taken` were chosen by hand from what was
    offered: the question is about them."""
    spans = named(matcher, text)
    certain = [span for span in spans if not span.ambiguous]
    covered = _covered(text, certain)
    covered = 1.0 if taken else covered
    seeds = tuple(dict.fromkeys([*(span.concept_id for span in certain), *taken]))
    if not seeds:
        return Concepts(spans, covered=covered)
    start = dict.fromkeys(seeds, 1.0)
    for seed in seeds:
        for other in namesakes(terminology, seed):
            start.setdefault(other, NAMESAKE)
    weights = terminology.neighbourhood(start, HOPS, kinds=KINDS, limit=MOST_CONCEPTS)
    return Concepts(spans, seeds, weights, covered)


def _covered(text: str, spans: Sequence[Span]) -> float:
    """Return the share of a question's words that name concepts. What a cue asks of them, and
    which number, is no subject of its own and is not counted."""
    aside = [(n.start, n.end) for n in parse_bounds(text)]
    aside += [(cue.start, cue.end) for cue in cues(text)]
    words = inside = 0
    for token in tokens(text):
        if token.term in STOP_WORDS:
            continue
        if any(s.start < token.end and token.start < s.end for s in spans):
            inside += 1
        elif any(start < token.end and token.start < end for start, end in aside):
            continue
        words += 1
    return inside / words if words else 0.0


def rank(
    index: GraphIndex,
    access: Access,
    about: Concepts,
    filters: Filters,
    k: int,
    assertion: AssertionMode,
) -> Ranking:
    """Rank by concepts; nothing is ranked for a question that is about something else."""
    if not about.weights or about.covered < LEAST_COVERED:
        return Ranking((), 0)
    return index.search(access, about.weights, filters, k, assertion)
