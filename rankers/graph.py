"""The graph leg: a question's concepts, their neighbourhood, the notes that mention them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from indexing.access import Access
from indexing.analysis import STOP_WORDS, terms
from indexing.filters import Filters
from indexing.language.matcher import Matcher, Span
from indexing.language.terminology import EdgeKind, Terminology
from indexing.ports import AssertionMode, GraphIndex, Ranking

# What a step adds to the question's own concepts. Narrower concepts are the thing asked for; what
# treats or presents it is a hint; genes and pathways say nothing of a patient's notes.
KINDS: Mapping[EdgeKind, float] = {
    EdgeKind.IS_A: 1.0,
    EdgeKind.TREATS: 0.5,
    EdgeKind.PRESENTS: 0.4,
    EdgeKind.ASSOCIATES: 0.3,
    EdgeKind.INTERACTS: 0.2,
}
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


def concepts(matcher: Matcher, terminology: Terminology, text: str) -> Concepts:
    """Find a question's concepts and walk from them."""
    spans = tuple(matcher.find(text))
    certain = [span for span in spans if not span.ambiguous]
    words = [word for word in terms(text) if word not in STOP_WORDS]
    named = sum(len(terms(text[span.start : span.end])) for span in certain)
    covered = min(1.0, named / len(words)) if words else 0.0
    seeds = tuple(dict.fromkeys(span.concept_id for span in certain))
    if not seeds:
        return Concepts(spans, covered=covered)
    start = dict.fromkeys(seeds, 1.0)
    weights = terminology.neighbourhood(start, HOPS, kinds=KINDS, limit=MOST_CONCEPTS)
    return Concepts(spans, seeds, weights, covered)


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
