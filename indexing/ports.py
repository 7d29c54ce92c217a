"""What the product asks of its engines. Ports are synchronous; every read takes an `Access`.

Delivery to an index is at least once: `upsert` is idempotent, an older version never overwrites a
newer one, and a tombstone keeps its version so that a late upsert loses. Engines raise
`EngineUnavailable` when they cannot answer and `EventRejected` when an entry itself is at fault.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol, runtime_checkable

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexing.access import Access
from indexing.clauses import Clause
from indexing.filters import Filters
from indexing.model import (
    Assertion,
    Copied,
    Document,
    IndexState,
    Mention,
    Passage,
    Repeat,
    Section,
    TenantId,
    Tombstone,
)
from indexing.spaces import Metadata

Vectors = NDArray[np.float32]  # (n, d) float32, rows of norm 1
AssertionMode = Literal["present", "negated", "any"]


@dataclass(frozen=True, slots=True)
class LexicalEntry:
    """A document as the lexical index takes it, with its language, so that it can index an
    asserted view beside the whole text."""

    document: Document
    sections: tuple[Section, ...] = ()
    mentions: tuple[Mention, ...] = ()


@dataclass(frozen=True, slots=True)
class Worded:
    """A name as its words find it: its row among its terminology's names, its folded tokens."""

    row: int
    text: str
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class VectorEntry:
    """A document's passages and their vectors, row i for passage i; `model` names the space.
    `metadata` are the fields of its space that a document has not, `worded` what a `WordIndex`
    holds beside the vectors and other engines leave."""

    document: Document
    model: str
    passages: tuple[Passage, ...]
    vectors: Vectors
    metadata: Metadata = field(default_factory=dict)
    worded: tuple[Worded, ...] = ()


@dataclass(frozen=True, slots=True)
class GraphEntry:
    """A document and the concepts it mentions, every assertion."""

    document: Document
    mentions: tuple[Mention, ...] = ()


class Scored(msgspec.Struct, frozen=True):
    """One document as one leg sees it; ranks from 1, scores fall, ties stand by doc_id.

    `passage` is the best passage's number (vector leg). `concepts` maps concept id to its share
    of the score (graph leg). `terms` maps matched index terms to their share (lexical leg).
    """

    doc_id: str
    score: float
    rank: int
    passage: int | None = None
    concepts: Mapping[str, float] = {}
    terms: Mapping[str, float] = {}


@dataclass(frozen=True, slots=True)
class Ranking:
    """One leg's answer; `total` counts every match where the engine knows it, else None. `beyond`
    names matches past the hits, all of them where `total` is small (lexical leg)."""

    hits: tuple[Scored, ...]
    total: int | None = None
    beyond: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class FacetCount:
    """How many matching documents carry `value`."""

    value: str
    count: int


class LexicalIndex(Protocol):
    """BM25 over a tenant's documents; statistics are never shared between tenants."""

    def upsert(self, tenant_id: TenantId, entries: Sequence[LexicalEntry]) -> None: ...
    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None: ...
    def search(
        self, access: Access, clause: Clause, filters: Filters, k: int, assertion: AssertionMode
    ) -> Ranking:
        """Rank the documents that satisfy `clause`; `total` is exact."""
        ...

    def matching(
        self,
        access: Access,
        clause: Clause,
        filters: Filters,
        assertion: AssertionMode,
        doc_ids: Iterable[str],
    ) -> frozenset[str]:
        """Return those of `doc_ids` that satisfy `clause` and `filters`."""
        ...

    def scores(
        self,
        access: Access,
        clause: Clause,
        filters: Filters,
        assertion: AssertionMode,
        doc_ids: Iterable[str],
    ) -> Mapping[str, float]:
        """Return what those of `doc_ids` that satisfy `clause` and `filters` score."""
        ...

    def facets(
        self, access: Access, clause: Clause, filters: Filters, assertion: AssertionMode, size: int
    ) -> Mapping[str, tuple[FacetCount, ...]]:
        """Count the matches by each of `indexing.filters.FACETS`, most frequent first."""
        ...

    def counts(
        self, access: Access, clauses: Sequence[Clause | None], filters: Filters
    ) -> tuple[int, ...]:
        """Count the visible documents of each clause, all of them for None; the whole text counts,
        asserted or not. Asked together: a server answers all of them in one trip."""
        ...

    def state(self, tenant_id: TenantId) -> IndexState: ...
    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {doc_id: version} of every live document, for reconcile."""
        ...

    def drop(self, tenant_id: TenantId) -> None: ...


class VectorIndex(Protocol):
    """Nearest passages by the space's measure, at most one hit per document (its best passage)."""

    def upsert(self, tenant_id: TenantId, entries: Sequence[VectorEntry]) -> None: ...
    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None: ...
    def search(self, access: Access, vector: Vectors, filters: Filters, k: int) -> Ranking:
        """Rank documents by their best passage's nearness to `vector`, (d,) float32: the cosine
        where rows have norm 1, `indexing.spaces.near` else."""
        ...

    def state(self, tenant_id: TenantId) -> IndexState: ...
    def entries(self, tenant_id: TenantId) -> Mapping[str, int]: ...
    def drop(self, tenant_id: TenantId) -> None: ...


@runtime_checkable
class PassageVectors(Protocol):
    """What some vector indexes can give back: the vectors that they hold."""

    def passages(self, access: Access, doc_ids: Sequence[str]) -> Mapping[str, Vectors]:
        """Return the vectors of the visible ones of these documents' passages, (n, d) in order;
        documents that have none are absent."""
        ...


class NameHit(msgspec.Struct, frozen=True):
    """A name that holds words that were asked for: whose it is, its row, how many words it has, and
    the sum of what those that it holds weigh."""

    doc_id: str
    row: int
    size: int
    score: float


@runtime_checkable
class WordIndex(Protocol):
    """What some vector indexes can do besides: find the names of their entries by words."""

    def spread(self, access: Access, words: Sequence[str]) -> Mapping[str, int]:
        """Count the names that hold each of these words; one that none holds may be absent."""
        ...

    def vocabulary(self, access: Access) -> frozenset[str]:
        """Return every word of the names."""
        ...

    def named(self, access: Access, weights: Mapping[str, float], k: int) -> Sequence[NameHit]:
        """Rank names by the weights of the words that they hold; ties stand by row."""
        ...

    def texts(self, tenant_id: TenantId) -> Sequence[str]:
        """Return every name, for a scan."""
        ...


@runtime_checkable
class Settling(Protocol):
    """What some indexes want when they have been filled and are not asked yet."""

    def settle(self, tenant_id: TenantId) -> bool:
        """Go on laying what is held out for questions; say whether that is done. Called until it
        is: one call takes a second at most."""
        ...


class GraphIndex(Protocol):
    """Which documents and patients mention which concepts."""

    def upsert(self, tenant_id: TenantId, entries: Sequence[GraphEntry]) -> None: ...
    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None: ...
    def search(
        self,
        access: Access,
        weights: Mapping[str, float],
        filters: Filters,
        k: int,
        assertion: AssertionMode,
    ) -> Ranking:
        """Rank documents by the weighted concepts they mention (idf and saturated frequency).

        Only mentions whose `status` the mode asks for are walked: present takes present and
        uncertain and historical at a discount; negated takes negated; any takes all.
        """
        ...

    def assertions(
        self, access: Access, concept_ids: Iterable[str], filters: Filters
    ) -> Mapping[str, int]:
        """Count visible documents by the best status that any of the concepts has in them."""
        ...

    def standings(
        self, access: Access, doc_ids: Sequence[str], concept_ids: Sequence[str]
    ) -> Mapping[str, Mapping[str, Assertion]]:
        """Return what the visible ones of these documents say of these concepts, by document and
        concept; what a document does not mention is absent."""
        ...

    def state(self, tenant_id: TenantId) -> IndexState: ...
    def entries(self, tenant_id: TenantId) -> Mapping[str, int]: ...
    def drop(self, tenant_id: TenantId) -> None: ...


class Encoder(Protocol):
    """Text to unit vectors. `model` is part of every physical name the vectors live under."""

    @property
    def model(self) -> str: ...
    @property
    def dimension(self) -> int: ...
    def encode(self, texts: Sequence[str]) -> Vectors: ...


class Reranker(Protocol):
    """A model that reads a question and a text side by side."""

    def score(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (n,) float32 in 0..1: how well each text answers the question."""
        ...


@dataclass(frozen=True, slots=True)
class Derived:
    """A document with everything derived from it, as the store keeps it. `copied` and `repeats`
    are told to readers alone, as far as they may see the other notes."""

    document: Document
    language_version: str
    sections: tuple[Section, ...]
    passages: tuple[Passage, ...]
    mentions: tuple[Mention, ...]
    copied: tuple[Copied, ...] = ()
    repeats: tuple[Repeat, ...] = ()


@dataclass(frozen=True, slots=True)
class Freshness:
    """Up to when the indexes are complete; `pending` counts documents of this access still to
    be indexed, by index name; `lingering_s` is the age of the oldest writing transaction when it
    holds the feed back."""

    complete_to: datetime | None
    pending: Mapping[str, int]
    lingering_s: float = 0.0


class Documents(Protocol):
    """The notes themselves, as stored in the source of truth."""

    def fetch(self, access: Access, doc_ids: Sequence[str]) -> Mapping[str, Derived]:
        """Return the visible ones among `doc_ids`; the rest are absent from the mapping."""
        ...

    def freshness(self, access: Access) -> Freshness: ...
    def total(self, access: Access) -> int: ...
    def values(self, access: Access, name: str) -> Sequence[str]:
        """Return what the visible ones carry in `type`, `specialty` or `author`, each once."""
        ...


class Cache(Protocol):
    """Values kept for a while; a failure is a miss, never an error."""

    def get(self, tenant_id: TenantId, key: bytes) -> bytes | None: ...
    def put(self, tenant_id: TenantId, key: bytes, value: bytes) -> None: ...
    def forget(self, tenant_id: TenantId) -> None:
        """Remove everything of a tenant."""
        ...

    def shut(self, tenant_id: TenantId) -> None:
        """Remove everything of a tenant that leaves, and keep no more of it."""
        ...

    def values(self, tenant_id: TenantId) -> Iterable[bytes]:
        """Yield everything that is kept for a tenant. Raises: EngineUnavailable: this once a
        failure is one, since what is not read proves nothing."""
        ...
