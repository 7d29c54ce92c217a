"""Concepts by meaning for a tenant: everybody's names, and beside them the tenant's own."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from indexing.language.linking import Link, Linker
from indexing.language.placed_names import PlacedNames
from indexing.language.terminology import Addition, Terminology
from indexing.language.terminology.nearest import NameIndex


def own_names(terminology: Terminology, additions: Sequence[Addition]) -> list[int]:
    """Return the rows of the names that additions made, in a terminology that lies over them."""
    compiled = terminology.compiled
    return sorted(
        {
            row
            for each in additions
            for place in [terminology.row(each.concept_id)]
            for row in range(compiled.name_ptr[place], compiled.name_ptr[place + 1])
            if compiled.name_texts[row] == each.name
        }
    )


class OwnLinks:
    """Both linkers asked as one; `own` is over the tenant's terminology and its own names alone."""

    def __init__(self, terminology: Terminology, everybody: Linker, own: Linker) -> None:
        self._terminology, self._everybody, self.own = terminology, everybody, own

    def named(self, text: str, limit: int) -> list[tuple[str, float]]:
        """Return (concept, score in (0, 1]) of the names most like a text by their words.

        Raises:
            EngineUnavailable: an engine holds them and does not answer.
        """
        worded = self._everybody.worded and self.own.worded
        return self._terminology.search(text, limit, self._wordings if worded else None)

    @cached_property
    def _wordings(self) -> NameIndex:
        spaces = [each.space for each in (self._everybody, self.own) if each.space is not None]
        return NameIndex(PlacedNames(self._terminology, spaces))

    @property
    def made(self) -> int:
        """How many names have their vector."""
        return self._everybody.made + self.own.made

    def nearest(self, text: str, limit: int = 10) -> list[Link]:
        """Return the concepts whose names are nearest in meaning, best first.

        Raises:
            EngineUnavailable: an engine holds them and does not answer.
        """
        vector = self._everybody.vector(text)
        if vector is None:
            return []
        best = dict[str, Link]()
        # Everybody's may be of another version by now: a concept that is gone is not named.
        found = (
            *self.own.nearest_to(vector, limit),
            *(
                each for each in self._everybody.nearest_to(vector, limit)
                if each.concept_id in self._terminology
            ),
        )  # fmt: skip
        for link in found:
            held = best.get(link.concept_id)
            if held is None or link.cosine > held.cosine:
                best[link.concept_id] = link
        return sorted(best.values(), key=lambda link: -link.cosine)[:limit]
