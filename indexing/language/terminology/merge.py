"""One concept from what several sources say: union by cross-references, then by names.

Guards: two ids of one namespace never become one concept; only sorts of thing that can be the same
thing join; a cross-reference that several ids of one namespace carry is too broad to count; a
classification's code (ICD) is never evidence, because it stands for a whole drawer.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

from indexing.language.terminology.facts import Facts, code_system, namespace
from indexing.language.terminology.lexicon import Keyer
from indexing.language.terminology.model import NameKind, SemanticType
from indexing.language.terminology.seed import NAMESPACE
from indexing.language.terminology.words import tokens

_STEM = 4  # letters by which two words count as shared
_CONDITION = frozenset([SemanticType.DISORDER, SemanticType.SYMPTOM, SemanticType.FINDING])
_SUBSTANCE = frozenset([SemanticType.DRUG, SemanticType.SUBSTANCE, SemanticType.DRUG_CLASS])
_MEASURE = frozenset([SemanticType.LAB_TEST, SemanticType.VITAL, SemanticType.FINDING])
_GROUPS = (_CONDITION, _SUBSTANCE, _MEASURE, frozenset([SemanticType.PROCEDURE]))
# Systems whose code names one idea; whichever order, the first is the strongest evidence.
EVIDENCE = ("DOID", "HP", "SYMP", "UBERON", "DRUGBANK", "ENTREZ", "RXNORM", "OMIM", "ORPHA", "MESH",
            "SNOMED", "UMLS", "NCI", "EFO")  # fmt: skip
# Whose id a merged concept keeps.
PRIORITY = (
    "anm",
    "HP",
    "DOID",
    "SYMP",
    "DRUGBANK",
    "UBERON",
    "SNOMED",
    "UMLS",
    "MESH",
    "OMIM",
    "ORPHA",
)


def compatible(left: SemanticType, right: SemanticType) -> bool:
    """Say whether two sorts of thing can be one thing."""
    return left is right or any(left in group and right in group for group in _GROUPS)


def rank(source_id: str) -> tuple[int, str]:
    """Order ids by whose id a merged concept keeps."""
    space = namespace(source_id)
    return (PRIORITY.index(space) if space in PRIORITY else len(PRIORITY), source_id)


class Clusters:
    """Union-find whose sets hold at most one id of each namespace."""

    def __init__(self, kinds: dict[str, SemanticType]) -> None:
        self._kinds = kinds
        self._parent = {i: i for i in kinds}
        self._spaces: dict[str, set[str]] = {i: {namespace(i)} for i in kinds}
        self._members: dict[str, list[str]] = {i: [i] for i in kinds}

    def find(self, source_id: str) -> str:
        """Return the root of an id's set."""
        while self._parent[source_id] != source_id:
            self._parent[source_id] = self._parent[self._parent[source_id]]
            source_id = self._parent[source_id]
        return source_id

    def join(self, left: str, right: str) -> bool:
        """Make one set of two, unless a guard forbids it."""
        a, b = self.find(left), self.find(right)
        if a == b:
            return True
        if self._spaces[a] & self._spaces[b] or not compatible(self._kinds[a], self._kinds[b]):
            return False
        if rank(b) < rank(a):
            a, b = b, a
        self._parent[b] = a
        self._spaces[a] |= self._spaces.pop(b)
        self._members[a] += self._members.pop(b)
        return True

    def sets(self) -> dict[str, list[str]]:
        """Return {kept id: members, the kept one first}."""
        return {min(m, key=rank): sorted(m, key=rank) for m in self._members.values()}


def cluster(facts: Facts, keys: Keyer) -> dict[str, list[str]]:
    """Return {concept id: source ids} over every term of `facts`."""
    kinds: dict[str, SemanticType] = {}
    for own, _, kind in facts.terms:
        kinds.setdefault(own, kind)
    clusters = Clusters(kinds)
    _by_codes(facts, clusters, kinds)
    _by_names(facts, clusters, kinds, keys)
    return clusters.sets()


def _by_codes(facts: Facts, clusters: Clusters, kinds: dict[str, SemanticType]) -> None:
    carriers: dict[tuple[str, str], set[str]] = defaultdict(set)
    for own, system, code in facts.xrefs:
        if own in kinds and system in EVIDENCE:
            carriers[system, code].add(own)
    for own in kinds:  # an id is itself a code of its own namespace
        space, _, local = own.partition(":")
        if code_system(space) in EVIDENCE:
            carriers[code_system(space), local].add(own)
    words = _words(facts)
    for key in sorted(carriers, key=lambda k: (EVIDENCE.index(k[0]), k[1])):
        _join_unique(_vouched(carriers[key], words), clusters)


def _words(facts: Facts) -> dict[str, frozenset[str]]:
    """Return the words of every name of the ids whose codes were written by hand."""
    found: dict[str, set[str]] = defaultdict(set)
    for own, name, _ in (*facts.terms, *facts.names):
        found[own].update(word[:_STEM] for word in tokens(name) if len(word) >= _STEM)
    return {own: frozenset(words) for own, words in found.items()}


def _vouched(carriers: set[str], words: dict[str, frozenset[str]]) -> set[str]:
    """Leave out an id of the seed that shares no word with the others: a mistyped code must not
    make one concept of two."""
    ours = {own for own in carriers if namespace(own) == NAMESPACE}
    others = frozenset[str]().union(*(words.get(own, frozenset()) for own in carriers - ours))
    return carriers - {own for own in ours if others and not words[own] & others}


def _join_unique(carriers: Iterable[str], clusters: Clusters) -> None:
    """Join the carriers of one piece of evidence whose namespace has no second carrier."""
    by_space: dict[str, list[str]] = defaultdict(list)
    for own in sorted(carriers, key=rank):
        by_space[namespace(own)].append(own)
    single = [own[0] for own in by_space.values() if len(own) == 1]
    for other in single[1:]:
        clusters.join(single[0], other)


def _by_names(
    facts: Facts, clusters: Clusters, kinds: dict[str, SemanticType], keys: Keyer
) -> None:
    preferred: dict[str, set[str]] = defaultdict(set)
    every: dict[str, set[str]] = defaultdict(set)
    for own, name, _ in facts.terms:
        key = _key(name, keys)
        preferred[key].add(own)
        every[key].add(own)
    for own, name, kind in facts.names:
        if kind is NameKind.SYNONYM and own in kinds and len(name) > 3:
            every[_key(name, keys)].add(own)
    apart: Callable[[str], bool] = lambda i: kinds[i] is not SemanticType.GENE  # noqa: E731
    for key in sorted(preferred):
        _join_compatible(filter(apart, preferred[key]), clusters, kinds)
    for key in sorted(every):
        if key in preferred:
            _join_compatible(filter(apart, every[key]), clusters, kinds)


def _join_compatible(
    ids: Iterable[str], clusters: Clusters, kinds: dict[str, SemanticType]
) -> None:
    """Join within each group of compatible sorts, so that a namesake of another sort stays out."""
    left = sorted(ids, key=rank)
    while left:
        first = left[0]
        group = [i for i in left if compatible(kinds[first], kinds[i])]
        _join_unique(group, clusters)
        left = [i for i in left if i not in group]


def _key(name: str, keys: Keyer) -> str:
    """Return a name's key, "Ear, Green" read as "Green Ear"."""
    last, comma, first = name.partition(", ")
    return keys.key(f"{first} {last}" if comma and "," not in first else name)
