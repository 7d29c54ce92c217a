"""A linker's names as their vector space takes them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import pairwise

import numpy as np

from indexing.language.concept_space import ConceptFollower, NamedConcept
from indexing.language.linking import Linker
from indexing.language.terminology import Terminology
from indexing.language.terminology.words import tokens
from indexing.ports import Worded


class LinkerNames:
    """The `Names` of a linker."""

    def __init__(self, linker: Linker, terminology: Terminology) -> None:
        self._linker, self._terminology = linker, terminology

    def concepts(self) -> Sequence[str]:
        """Return the concepts all of whose names have their vectors, in the order of the names;
        last, where words find them too, those none of whose names has any."""
        linked = self._linker.linked
        made = linked.concepts[: int(np.searchsorted(linked.ends, self._linker.made, "right"))]
        return [*made, *linked.unlinked] if self._worded and self.finished else made

    def named(self, concept_ids: Sequence[str]) -> Sequence[NamedConcept]:
        """Return concepts with the vectors of their names; what is none of them is left out."""
        return [self._named(each) for each in concept_ids if each in self._places]

    @property
    def _worded(self) -> bool:
        """Whether the space finds them by words too."""
        return self._linker.space is not None and self._linker.space.words is not None

    @property
    def total(self) -> int:
        """Count the concepts that there are when every name has its vector."""
        linked = self._linker.linked
        return len(linked.concepts) + (len(linked.unlinked) if self._worded else 0)

    @property
    def finished(self) -> bool:
        """Say whether every name has its vector."""
        return self._linker.made >= len(self._linker.names)

    @cached_property
    def _places(self) -> dict[str, tuple[int, int]]:
        """From where to where the vectors of each concept's names lie."""
        linked = self._linker.linked
        starts = [0, *linked.ends.tolist()]
        found = dict.fromkeys(linked.unlinked if self._worded else (), (0, 0))
        return found | dict(zip(linked.concepts, pairwise(starts), strict=True))

    def _named(self, concept_id: str) -> NamedConcept:
        concept = self._terminology.concept(concept_id)
        return NamedConcept(
            concept.id, concept.semantic_type.value,
            concept.codes[0].system if concept.codes else "",
            self._linker.vectors(*self._places[concept_id]),
            tuple(self._words(concept_id)) if self._worded else (),
        )  # fmt: skip

    def _words(self, concept_id: str) -> Iterator[Worded]:
        texts = self._terminology.compiled.name_texts
        for row in self._linker.linked.counted(concept_id):
            yield Worded(row, texts[row], tuple(tokens(texts[row])))


def follower_of(linker: Linker, terminology: Terminology) -> ConceptFollower | None:
    """Return what brings a linker's names into their space; None where they have none."""
    names = LinkerNames(linker, terminology)
    return None if linker.space is None else ConceptFollower(names, linker.space)
