"""Read a compiled terminology: immutable, shared between threads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from indexing.language.terminology.model import (
    Addition,
    Concept,
    Edge,
    EdgeKind,
    Name,
)


class Terminology:
    """One version of the terminology. Unknown concept ids raise `NotFound`."""

    version: str  # content hash of the seed and of every loaded source

    def __len__(self) -> int:
        """Count the concepts."""
        raise NotImplementedError

    def __contains__(self, concept_id: object) -> bool:
        raise NotImplementedError

    def concept_ids(self) -> Sequence[str]:
        """Return every concept id, in a fixed order (row i of anything computed per concept)."""
        raise NotImplementedError

    def concept(self, concept_id: str) -> Concept:
        raise NotImplementedError

    def names(self, concept_id: str) -> tuple[Name, ...]:
        """Return every wording, preferred first, then synonyms, lay names, abbreviations."""
        raise NotImplementedError

    def by_code(self, system: str, code: str) -> tuple[str, ...]:
        """Return the ids of the concepts that carry the code; the best fit first."""
        raise NotImplementedError

    def find(self, name: str) -> tuple[str, ...]:
        """Return the concepts of this name (case, inflection, hyphens and word order ignored), the
        likeliest first. More than one: the name is ambiguous."""
        raise NotImplementedError

    def search(self, text: str, limit: int = 20) -> list[tuple[str, float]]:
        """Return (concept id, score in (0, 1]) of the names most like `text`, best first: exact,
        then all words, then prefix and near spelling."""
        raise NotImplementedError

    def parents(self, concept_id: str) -> tuple[str, ...]:
        raise NotImplementedError

    def children(self, concept_id: str) -> tuple[str, ...]:
        raise NotImplementedError

    def ancestors(self, concept_id: str) -> Mapping[str, int]:
        """Return {ancestor: fewest is-a steps}, the concept itself left out."""
        raise NotImplementedError

    def descendants(self, concept_id: str, limit: int = 500) -> Mapping[str, int]:
        """Return {descendant: fewest is-a steps}, nearest first, at most `limit`."""
        raise NotImplementedError

    def edges(self, concept_id: str, kinds: Iterable[EdgeKind] | None = None) -> tuple[Edge, ...]:
        """Return the edges at a concept, both directions, heaviest first within a kind."""
        raise NotImplementedError

    def information_content(self, concept_id: str) -> float:
        """Return the intrinsic information content in [0, 1]: 0 at a root of everything, 1 at a
        leaf. Source: Seco, Veale & Hayes 2004, equation 3."""
        raise NotImplementedError

    def neighbourhood(
        self,
        weights: Mapping[str, float],
        hops: int = 2,
        *,
        decay: float = 0.5,
        kinds: Mapping[EdgeKind, float] | None = None,
        limit: int = 200,
    ) -> dict[str, float]:
        """Spread `weights` over the graph and return {concept: weight}, the seeds included.

        A step multiplies by `decay`, by the edge's weight and by the edge kind's factor
        (`kinds`, default `graph.KIND_FACTORS`; is-a downwards loses less than upwards); hub
        concepts pass on to their heaviest edges only. A concept keeps the best weight that
        reaches it. `hops` in 0..3; at most `limit` concepts, heaviest first.
        """
        raise NotImplementedError

    def with_additions(self, additions: Sequence[Addition]) -> Terminology:
        """Return this terminology with a tenant's own names and concepts laid over it."""
        raise NotImplementedError
