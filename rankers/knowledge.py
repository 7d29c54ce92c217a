"""Medical knowledge: concepts by name, by meaning and over the graph, as one ranking with reasons.

A concept's score is the sum of its contributions: how well a name fits, how near a name lies in
meaning, how much weight reaches it over the graph's edges from the concepts that fit best, and
whether it is what the question asks of them ("what treats gout"). No labels were at hand to fit the
shares; a name counts most, because it is what was asked, and only a named relation counts more.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

from indexing.errors import EngineUnavailable, InvalidInput
from indexing.language.linking import Link
from indexing.language.terminology import Edge, EdgeKind, SemanticType, Terminology
from indexing.language.terminology.specialties import SPECIALTIES, of_specialty
from rankers.relations import Wanted, relation_of

SHARES: Mapping[str, float] = {"name": 0.5, "meaning": 0.3, "graph": 0.2, "relation": 1.0}
# Of a question that names a relation: what fits its words is asked about, and not asked for.
_ASIDE = 0.4
DEEPEST = 3
SOUGHT = 60  # concepts by name, and by meaning
_SEEDS = 6  # of the best of these the graph is walked from
_REACHED = 160
LEAST_COSINE = 0.35  # what lies farther off shares no meaning with the question
_MOST_EDGES = 400  # a hub explains nothing: everything is two steps from it

# How an edge reads from the concept that is shown, forwards and backwards.
_READS: Mapping[EdgeKind, tuple[str, str]] = {
    EdgeKind.IS_A: ("is a kind of", "is the wider idea of"),
    EdgeKind.TREATS: ("treats", "is treated by"),
    EdgeKind.PRESENTS: ("presents with", "is a sign of"),
    EdgeKind.CAUSES: ("causes", "is caused by"),
    EdgeKind.LOCATED_IN: ("lies in", "is the place of"),
    EdgeKind.ASSOCIATES: ("goes with", "goes with"),
    EdgeKind.INTERACTS: ("interacts with", "interacts with"),
    EdgeKind.RESEMBLES: ("resembles", "resembles"),
    EdgeKind.PARTICIPATES: ("takes part in", "involves"),
    EdgeKind.REGULATES: ("regulates", "is regulated by"),
}
_ORDER = {kind: place for place, kind in enumerate(_READS)}


@dataclass(frozen=True, slots=True)
class KnowledgeRequest:
    """`types` are semantic types, all of them where empty; `depth` 0 leaves the graph out."""

    q: str
    k: int = 20
    specialty: str = ""
    types: tuple[str, ...] = ()
    depth: int = 2


@dataclass(frozen=True, slots=True)
class KnownConcept:
    """One result. `contributions` sum to the score; `reasons` say each of them in words."""

    rank: int
    concept_id: str
    name: str
    type: str
    score: float
    contributions: Mapping[str, float]
    reasons: tuple[str, ...]
    definition: str = ""
    codes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Knowledge:
    """The answer; `missing` names what could not speak: meaning before its vectors are made, words
    and meaning while their engine is down. `untold` is the relation that was asked for, in words,
    where the terminology holds none: no proof that there is none. `about` is what was asked of, the
    question itself where it names no relation."""

    concepts: tuple[KnownConcept, ...]
    version: str
    missing: tuple[str, ...] = ()
    untold: str = ""
    about: str = ""


class Meanings(Protocol):
    """What finds concepts by words and by meaning; `made` names have their vector so far."""

    @property
    def made(self) -> int: ...
    def nearest(self, text: str, limit: int) -> Sequence[Link]:
        """Raises: EngineUnavailable."""
        ...

    def named(self, text: str, limit: int) -> Sequence[tuple[str, float]]:
        """As `Terminology.search`. Raises: EngineUnavailable."""
        ...


@dataclass(slots=True)
class _Found:
    shares: dict[str, float] = field(default_factory=dict)
    reasons: list[str] = field(default_factory=list)
    related: str = ""  # the relation asked for, in words


def checked(request: KnowledgeRequest) -> KnowledgeRequest:
    """Return a request that can be answered.

    Raises:
        InvalidInput: a filter that is none, or a depth beyond the deepest.
    """
    specialty = request.specialty.strip().casefold()
    if specialty and specialty not in SPECIALTIES:
        raise InvalidInput("no such specialty", hint=f"there are {', '.join(sorted(SPECIALTIES))}")
    known = {kind.value for kind in SemanticType}
    if not set(request.types) <= known:
        raise InvalidInput("no such type", hint=f"there are {', '.join(sorted(known))}")
    if not 0 <= request.depth <= DEEPEST:
        raise InvalidInput(f"the graph is walked 0 to {DEEPEST} steps")
    if not request.q.strip():
        raise InvalidInput("ask for something")
    return KnowledgeRequest(
        " ".join(request.q.split()), request.k, specialty, request.types, request.depth
    )


def search(terminology: Terminology, linker: Meanings, request: KnowledgeRequest) -> Knowledge:
    """Rank the concepts that a question asks for.

    Raises:
        InvalidInput: as `checked`.
    """
    asked = checked(request)
    # A question that is a name asks for that: "drugs of abuse" names no relation.
    named = None if terminology.find(asked.q) or not asked.depth else relation_of(asked.q)
    about = named[1] if named else asked.q
    found: dict[str, _Found] = {}
    named_so, unworded = _named(terminology, linker, about)
    for concept, score in named_so:
        _add(found, concept, "name", score, "the name itself" if score >= 1 else "by its name")
    near, unmeant = _near(linker, about)
    for link in near:
        _add(found, link.concept_id, "meaning", link.cosine, f"near in meaning: {link.name}")
    seeds = {c: sum(each.shares.values()) for c, each in found.items()}
    seeds = dict(sorted(seeds.items(), key=lambda item: (-item[1], item[0]))[:_SEEDS])
    wanted: Wanted = named[0] if named else {}
    if wanted:
        _related(terminology, found, about, wanted, seeds)
    _spread(terminology, found, seeds, asked.depth)
    told = any(each.related for each in found.values())
    if told:
        _set_aside(found)
    ranked = sorted(found, key=lambda c: (-sum(found[c].shares.values()), c))
    kept = (c for c in ranked if _passes(terminology, c, asked))
    shown = [concept for concept, _ in zip(kept, range(asked.k), strict=False)]
    ties = _Ties(terminology, seeds)
    concepts = [
        _concept(terminology, rank, concept, found[concept], ties)
        for rank, concept in enumerate(shown, 1)
    ]
    untold = "" if told else _in_words(wanted)
    return Knowledge(tuple(concepts), terminology.version, unworded + unmeant, untold, about)


def _named(
    terminology: Terminology, linker: Meanings, q: str
) -> tuple[Sequence[tuple[str, float]], tuple[str, ...]]:
    """Return what is named so, and whether words could speak; a whole name is always known."""
    try:
        return linker.named(q, SOUGHT), ()
    except EngineUnavailable:
        return [(concept, 1.0) for concept in terminology.find(q)], ("words",)


def _near(linker: Meanings, q: str) -> tuple[list[Link], tuple[str, ...]]:
    """Return what lies near in meaning, and whether that could speak."""
    try:
        if linker.made:
            found = linker.nearest(q, SOUGHT)
            return [link for link in found if link.cosine >= LEAST_COSINE], ()
    except EngineUnavailable:
        pass
    return [], ("meaning",)


def _add(found: dict[str, _Found], concept: str, leg: str, score: float, reason: str) -> None:
    own = found.setdefault(concept, _Found())
    own.shares[leg] = SHARES[leg] * min(max(score, 0.0), 1.0)
    own.reasons.append(reason)


def _related(
    terminology: Terminology, found: dict[str, _Found], about: str, wanted: Wanted,
    seeds: Mapping[str, float],
) -> None:  # fmt: skip
    """Let what stands in the named relation to what was asked of count by its edge: to what bears
    that very name, or where nothing does to the best, by how well each fits."""
    itself = dict.fromkeys(terminology.find(about), 1.0)
    best = max(seeds.values(), default=1.0)
    for seed, fit in (itself or {c: weight / best for c, weight in seeds.items()}).items():
        for edge in terminology.edges(seed, wanted):
            own = found.setdefault(edge.other, _Found())
            share = SHARES["relation"] * fit * (1 + edge.weight) / 2
            if wanted[edge.kind] in (None, edge.inverse) and share > own.shares.get("relation", 0):
                own.shares["relation"] = share
                own.related = (
                    f"{_READS[edge.kind][not edge.inverse]} {terminology.concept(seed).name}"
                )


def _set_aside(found: Mapping[str, _Found]) -> None:
    """Let only what stands in the relation that was asked for count in full."""
    for own in found.values():
        for leg in own.shares.keys() - {"relation"}:
            own.shares[leg] *= _ASIDE


def _in_words(wanted: Wanted) -> str:
    """Say how what is wanted reads from the concept that is shown."""
    ways = ((kind, (True, False) if far is None else (far,)) for kind, far in wanted.items())
    return " or ".join(dict.fromkeys(_READS[kind][not far] for kind, fars in ways for far in fars))


def _spread(
    terminology: Terminology, found: dict[str, _Found], seeds: Mapping[str, float], depth: int
) -> None:
    """Let the graph speak of what lies within so many steps of the best."""
    if not depth or not seeds:
        return
    best = max(seeds.values())
    weights = {concept: weight / best for concept, weight in seeds.items()}
    reached = terminology.neighbourhood(weights, depth, limit=_REACHED)
    for concept, weight in reached.items():
        own = found.setdefault(concept, _Found())
        own.shares["graph"] = SHARES["graph"] * min(weight, 1.0)


def _passes(terminology: Terminology, concept: str, asked: KnowledgeRequest) -> bool:
    if asked.types and terminology.concept(concept).semantic_type.value not in asked.types:
        return False
    return not asked.specialty or of_specialty(terminology, concept, asked.specialty)


def _concept(
    terminology: Terminology, rank: int, concept: str, own: _Found, ties: _Ties
) -> KnownConcept:
    known = terminology.concept(concept)
    reasons = list(own.reasons)
    if own.related:
        reasons.append(own.related)
    elif "graph" in own.shares:
        # Nobody asked for all that the walk begins with: it may lie near in meaning alone.
        other = "the graph is walked from here" if concept in ties.seeds else "over several steps"
        reasons.append(ties.path(concept) or other)
    return KnownConcept(
        rank, concept, known.name, known.semantic_type.value,
        round(sum(own.shares.values()), 4),
        {leg: round(share, 4) for leg, share in own.shares.items()}, tuple(reasons),
        known.definition, tuple(f"{code.system}:{code.code}" for code in known.codes),
    )  # fmt: skip


class _Ties:
    """Says how concepts hang together with those that were asked for."""

    def __init__(self, terminology: Terminology, seeds: Mapping[str, float]) -> None:
        self._terminology, self.seeds = terminology, seeds

    @cached_property
    def _of_seeds(self) -> Mapping[str, Sequence[Edge]]:
        return {seed: self._terminology.edges(seed) for seed in self.seeds}

    def path(self, concept: str) -> str:
        """Say it in words, over at most two edges; "" where it takes more."""
        hub = self._terminology.degree(concept) > _MOST_EDGES
        edges = self._towards(concept) if hub else self._edges(concept)
        for edge in sorted(edges, key=lambda edge: (-edge.weight, _ORDER[edge.kind])):
            if edge.other in self.seeds and edge.other != concept:
                reads = _READS[edge.kind][edge.inverse]
                return f"{reads} {self._terminology.concept(edge.other).name}"
        middles = {edge.other for edge in edges} - set(self.seeds)
        for seed in self.seeds:
            for edge in self._of_seeds[seed][:_MOST_EDGES] if seed != concept and middles else ():
                if edge.other in middles:
                    names = (self._terminology.concept(each).name for each in (edge.other, seed))
                    return "through {}, tied to {}".format(*names)
        return ""

    def _edges(self, concept: str) -> Sequence[Edge]:
        return self._of_seeds.get(concept) or self._terminology.edges(concept)

    def _towards(self, hub: str) -> Sequence[Edge]:
        """Return a hub's edges to what was asked for, read from that end."""
        return [
            replace(edge, other=seed, inverse=not edge.inverse)
            for seed, edges in self._of_seeds.items()
            for edge in edges
            if edge.other == hub
        ]
