"""A linker's names as their vector space takes them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from indexing.language.concept_space import ConceptFollower, NamedConcept
from indexing.language.linking import Linker
from indexing.language.terminology import Terminology


class LinkerNames:
    """The `Names` of a linker."""

    def __init__(self, linker: Linker, terminology: Terminology) -> None:
        self._linker, self._terminology = linker, terminology

    def concepts(self) -> Sequence[str]:
        """Return the concepts all of whose names have their vectors, in the order of the names."""
        linked = self._linker.linked
        return linked.concepts[: int(np.searchsorted(linked.ends, self._linker.made, "right"))]

    def named(self, concept_ids: Sequence[str]) -> Sequence[NamedConcept]:
        """Return concepts with the vectors of their names; what is none of them is left out."""
        places = [self._place[each] for each in concept_ids if each in self._place]
        return [self._named(place) for place in places]

    @property
    def finished(self) -> bool:
        """Say whether every name has its vector."""
        return self._linker.made >= len(self._linker.names)

    @cached_property
    def _place(self) -> dict[str, int]:
        return {each: place for place, each in enumerate(self._linker.linked.concepts)}

    def _named(self, place: int) -> NamedConcept:
        linked = self._linker.linked
        start = int(linked.ends[place - 1]) if place else 0
        concept = self._terminology.concept(linked.concepts[place])
        return NamedConcept(
            concept.id, concept.semantic_type.value,
            concept.codes[0].system if concept.codes else "",
            self._linker.vectors(start, int(linked.ends[place])),
        )  # fmt: skip


def follower_of(linker: Linker, terminology: Terminology) -> ConceptFollower | None:
    """Return what brings a linker's names into their space; None where they have none."""
    names = LinkerNames(linker, terminology)
    return None if linker.space is None else ConceptFollower(names, linker.space)
