"""Which names of a terminology are linked by meaning, in which order, and whose they are."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from indexing.language.terminology import NameKind, SemanticType, Terminology
from indexing.language.terminology.compile import NAME_KINDS, TYPES

# Symbols and pathways are looked up by name: no note and no question describes them.
_NOT_DESCRIBED: Final = frozenset({SemanticType.GENE, SemanticType.PROCESS})
# An abbreviation's letters mean nothing to the model; a loose name is a common word.
_NOT_WORDS: Final = frozenset({NameKind.ABBREVIATION, NameKind.LOOSE})


class LinkableNames:
    """The names of a terminology, of which `only` are the rows that count; None: all of them."""

    def __init__(self, terminology: Terminology, only: Sequence[int] | None) -> None:
        self._terminology, self._only = terminology, only

    @cached_property
    def rows(self) -> NDArray[np.int64]:
        """The rows of the names that are linked, in the order of their vectors: first those of
        the concepts that the seed knows, `common` of them. A concept's own lie side by side."""
        kept = self._kept
        return np.concatenate(
            [np.flatnonzero(kept & self._known), np.flatnonzero(kept & ~self._known)]
        )

    @cached_property
    def common(self) -> int:
        """How many of `rows` belong to concepts that the shipped seed knows."""
        return int(self._known[self.rows].sum())

    @cached_property
    def owners(self) -> NDArray[np.int64]:
        """The concept row of every name."""
        compiled = self._terminology.compiled
        return np.repeat(np.arange(len(compiled.ids)), np.diff(compiled.name_ptr))

    @cached_property
    def concepts(self) -> Sequence[str]:
        """The ids of the concepts that have linked names, in the order of the names."""
        ids = self._terminology.compiled.ids
        return [ids[owner] for owner in self.owners[self.rows[self._starts]].tolist()]

    @cached_property
    def unlinked(self) -> Sequence[str]:
        """The ids of the concepts none of whose names that count are linked: words find them."""
        ids, owners = self._terminology.compiled.ids, self.owners
        counted = slice(None) if self._only is None else np.array(self._only, np.int64)
        others = np.setdiff1d(owners[counted], owners[self.rows])
        return [ids[owner] for owner in others.tolist()]

    @cached_property
    def ends(self) -> NDArray[np.int64]:
        """Where the names of each of `concepts` end among `rows`."""
        return np.append(self._starts[1:], len(self.rows)) if len(self.rows) else self._starts

    def texts(self, start: int, stop: int) -> list[str]:
        """Return the names of `rows[start:stop]`."""
        texts = self._terminology.compiled.name_texts
        return [texts[row] for row in self.rows[start:stop]]

    def counted(self, concept_id: str) -> list[int]:
        """Return the rows of a concept's names that count, linked or not."""
        compiled, row = self._terminology.compiled, self._terminology.row(concept_id)
        rows = range(compiled.name_ptr[row], compiled.name_ptr[row + 1])
        return [each for each in rows if self._only is None or each in self._chosen]

    @cached_property
    def _chosen(self) -> frozenset[int]:
        return frozenset(self._only or ())

    def name(self, concept_id: str, number: int) -> str:
        """Return a concept's linked name of that number."""
        compiled, row = self._terminology.compiled, self._terminology.row(concept_id)
        first, last = compiled.name_ptr[row], compiled.name_ptr[row + 1]
        rows = first + np.flatnonzero(self._kept[first:last])
        return compiled.name_texts[int(rows[number])]

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        owners = self.owners[self.rows]
        return np.flatnonzero(np.append(True, owners[1:] != owners[:-1])[: len(owners)])

    @cached_property
    def _kept(self) -> NDArray[np.bool_]:
        """Whether a name is linked, by name row."""
        compiled = self._terminology.compiled
        described = np.array([kind not in _NOT_DESCRIBED for kind in TYPES])
        wording = np.array([kind not in _NOT_WORDS for kind in NAME_KINDS])
        kept: NDArray[np.bool_] = (
            described[compiled.types[self.owners]] & wording[compiled.name_kinds]
        )
        if self._only is not None:
            kept &= np.isin(np.arange(len(kept)), self._only)
        return kept

    @cached_property
    def _known(self) -> NDArray[np.bool_]:
        """Whether a name's concept is one of the seed's, by name row."""
        compiled = self._terminology.compiled
        concepts = np.zeros(len(compiled.ids), dtype=bool)
        concepts[self.owners[np.asarray(compiled.name_trusted, dtype=bool)]] = True
        known: NDArray[np.bool_] = concepts[self.owners]
        return known
