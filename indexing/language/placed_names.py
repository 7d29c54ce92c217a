"""Names of concepts by their words where an engine holds them: everybody's, and a tenant's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property

from indexing.language.concept_space import ConceptSpace
from indexing.language.terminology import Terminology
from indexing.language.terminology.nearest import SHORTEST, Shared
from indexing.ports import NameHit, WordIndex


class PlacedNames:
    """The `Postings` of a terminology whose names these partitions hold between them, as one: what
    is counted in one process is counted over all of them here. Raises: EngineUnavailable."""

    def __init__(self, terminology: Terminology, spaces: Sequence[ConceptSpace]) -> None:
        self._terminology, self._spaces = terminology, spaces

    @property
    def names(self) -> int:
        """How many there are."""
        return len(self._terminology.compiled.name_texts)

    def spread(self, words: Sequence[str]) -> Mapping[str, int]:
        """Count the names that hold each word."""
        found = Counter[str]()
        for space in self._spaces:
            found.update(_words(space).spread(space.access, words))
        return found

    def spelled(self, _word: str) -> Sequence[str]:
        """Return every word: near spellings are measured here, because what an engine finds within
        two letters is neither all of them nor only those."""
        return self._vocabulary

    @cached_property
    def _vocabulary(self) -> Sequence[str]:
        """Asked for once, when a word comes that no name has: a partition's names never change."""
        found = (word for each in self._spaces for word in _words(each).vocabulary(each.access))
        return sorted({word for word in found if len(word) >= SHORTEST})

    def shared(self, weights: Mapping[str, float], most: int) -> Sequence[Shared]:
        """Return the names whose words weigh most, best first; equal ones by their row."""
        found: list[tuple[float, int, NameHit]] = []
        for space in self._spaces:
            for hit in _words(space).named(space.access, weights, most):
                # Everybody's may be of another version by now: a concept that is gone is not named.
                if hit.doc_id in self._terminology:
                    found.append((-hit.score, self._terminology.row(hit.doc_id), hit))
        found.sort(key=lambda each: (each[0], each[1], each[2].row))
        return [(owner, hit.size, hit.score) for _, owner, hit in found[:most]]


def _words(space: ConceptSpace) -> WordIndex:
    assert space.words is not None, "who made this asked whether it has some"
    return space.words
