"""The space `medical_concepts` in a vector engine: each concept with the vectors of its names.

What one version of a terminology calls things lies in a partition of its own. It is filled beside
the one that serves, serves from when it is whole, and the one before it is dropped then. The record
of partitions lies in the home folder; what a partition holds, the engine itself is asked.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal, Protocol
from uuid import UUID, uuid5

import msgspec

from indexing.access import Access, Role
from indexing.filters import Filters
from indexing.model import ChangeEvent, Document, Kind, Passage, TenantId, Tombstone
from indexing.ports import Settling, VectorEntry, VectorIndex, Vectors, Worded, WordIndex
from indexing.reconcile import compare

VectorEngine = Literal["memory", "postgres", "opensearch", "weaviate", "neo4j"]
EVERYBODY: Final = "everybody"  # whose names the loaded terminology's are
_PARTITIONS: Final = UUID("7f0f8d0e-5f2c-5b43-9a37-5f0a1c9e6d21")
_LOOK_EVERY_S: Final = 2.0
_VERSION: Final = 1  # a partition's names never change: another version has another partition


@dataclass(frozen=True, slots=True)
class Partition:
    """Where the names of `owner` (everybody, or a tenant's id) lie in an engine, by a model."""

    engine: VectorEngine
    model: str
    dimension: int
    owner: str
    version: str
    whole: bool = False

    @property
    def tenant_id(self) -> TenantId:
        """The id that the engine knows it by."""
        return TenantId(uuid5(_PARTITIONS, f"{self.owner} {self.version}"))


@dataclass(frozen=True, slots=True)
class NamedConcept:
    """A concept and its names' vectors, a row each; `worded` are all of its names."""

    concept_id: str
    semantic_type: str
    system: str  # of its first code, "" for none
    vectors: Vectors
    worded: tuple[Worded, ...] = ()


@dataclass(frozen=True, slots=True)
class Near:
    """A concept near a vector by its name of that number, and how near."""

    concept_id: str
    number: int
    cosine: float


class Partitions:
    """The record of partitions; one process at a time writes, whoever holds the lane."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._read: tuple[float, tuple[Partition, ...]] = (-_LOOK_EVERY_S, ())

    def all(self) -> tuple[Partition, ...]:
        """Return what is recorded, as of two seconds ago at most."""
        at, known = self._read
        now = time.monotonic()
        if now - at >= _LOOK_EVERY_S:
            known = self._load()
            self._read = (now, known)
        return known

    def put(self, partition: Partition) -> None:
        """Record a partition, or its new state."""
        others = [each for each in self._load() if _key(each) != _key(partition)]
        self._store([*others, partition])

    def forget(self, partition: Partition) -> None:
        """Take a partition off the record; the caller has dropped it."""
        self._store([each for each in self._load() if _key(each) != _key(partition)])

    def _load(self) -> tuple[Partition, ...]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=tuple[Partition, ...])
        except (FileNotFoundError, msgspec.DecodeError):  # what is not recorded is filled again
            return ()

    def _store(self, every: Sequence[Partition]) -> None:
        with self._lock:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=".writing-")
            with os.fdopen(handle, "wb") as out:
                out.write(msgspec.json.encode(every))
            Path(name).replace(self._path)
            self._read = (time.monotonic(), tuple(every))


def _key(partition: Partition) -> tuple[VectorEngine, str, int, str, str]:
    own = partition
    return own.engine, own.model, own.dimension, own.owner, own.version


class ConceptSpace:
    """One partition as the look-up asks it and as it is filled."""

    def __init__(self, index: VectorIndex, partitions: Partitions, partition: Partition) -> None:
        self._index, self._partitions, self._partition = index, partitions, partition
        self._space = partition.tenant_id
        # Names of a terminology are about nobody: who asks was let in before.
        self.access = Access(self._space, "terminology", frozenset({Role.CLINICIAN}))

    @property
    def words(self) -> WordIndex | None:
        """What finds its names by words, asked by `access`; None where its engine does not."""
        return self._index if isinstance(self._index, WordIndex) else None

    @property
    def whole(self) -> bool:
        """Say whether it holds every name, so that it may be asked."""
        wanted = _key(self._partition)
        return any(each.whole and _key(each) == wanted for each in self._partitions.all())

    def nearest(self, vector: Vectors, limit: int) -> list[Near]:
        """Return the concepts whose names are nearest. Raises: EngineUnavailable."""
        found = self._index.search(self.access, vector, Filters(), limit).hits
        return [Near(hit.doc_id, hit.passage or 0, min(hit.score, 1.0)) for hit in found]

    def entries(self) -> Mapping[str, int]:
        """Return {concept id: version} of what it holds."""
        return self._index.entries(self._space)

    def put(self, concepts: Sequence[NamedConcept]) -> None:
        """Write concepts; twice is once."""
        model = self._partition.model
        self._index.upsert(self._space, [_entry(self._space, model, each) for each in concepts])

    def remove(self, concept_ids: Sequence[str]) -> None:
        """Take concepts out."""
        self._index.delete(self._space, [Tombstone(each, _VERSION) for each in concept_ids])

    def settle(self) -> bool:
        """Let the engine lay out what it was given; say whether it is done."""
        index = self._index
        return not isinstance(index, Settling) or index.settle(self._space)

    def declare(self, *, whole: bool) -> None:
        """Record that it is being filled, or that it is whole."""
        self._partitions.put(replace(self._partition, whole=whole))

    def drop_older(self) -> None:
        """Drop what this model held of the same owner before. Raises: EngineUnavailable."""
        own = self._partition
        for each in self._partitions.all():
            same = (each.engine, each.model, each.dimension, each.owner) == _key(own)[:4]
            if same and each.version != own.version:
                self._index.drop(each.tenant_id)
                self._partitions.forget(each)


def _entry(space: TenantId, model: str, named: NamedConcept) -> VectorEntry:
    document = Document(space, named.concept_id, _VERSION, "", resource_type="MedicalConcept")
    metadata = {
        "concept_id": named.concept_id, "semantic_type": named.semantic_type,
        "system": named.system,
    }  # fmt: skip
    passages = tuple(Passage(number, 0, 0) for number in range(len(named.vectors)))
    return VectorEntry(document, model, passages, named.vectors, metadata, named.worded)


class Names(Protocol):
    """Whose names are brought in, as far as they have their vectors."""

    def concepts(self) -> Sequence[str]:
        """Return the ids of the concepts all of whose names have theirs, in a fixed order."""
        ...

    def named(self, concept_ids: Sequence[str]) -> Sequence[NamedConcept]: ...

    @property
    def finished(self) -> bool:
        """Say whether every name has its vector."""
        ...

    @property
    def total(self) -> int:
        """Count the concepts that there are when every name has its vector."""
        ...


class ConceptFollower:
    """Brings the names of a terminology into their space: some at a time, going on where it was
    broken off, by what the engine says that it holds. A `Follower` for reconcile and rebuild."""

    name = "concepts"
    kind = Kind.VECTORS
    batch = 256

    def __init__(self, names: Names, space: ConceptSpace) -> None:
        self._names, self._space = names, space
        self._held: frozenset[str] | None = None  # when it was asked
        self._at = 0  # concepts that were looked at since

    def entries(self) -> Mapping[str, int]:
        """Return what the space holds."""
        return self._space.entries()

    def expected(self) -> Mapping[str, int]:
        """Return what it should hold by now."""
        return dict.fromkeys(self._names.concepts(), _VERSION)

    def apply(self, _tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        """Write what lives, remove what is gone."""
        if named := self._names.named([e.key for e in events if not e.deleted]):
            self._space.put(named)
        if gone := [e.key for e in events if e.deleted]:
            self._space.remove(gone)

    @contextmanager
    def fresh(self, _tenant_id: TenantId) -> Iterator[None]:
        """Let the engine lay out anew what is written while the block runs; the process's own table
        answers meanwhile."""
        yield
        if self._space.whole:
            self._space.declare(whole=False)
            while not self._space.settle():
                pass
            self._space.declare(whole=True)

    def grow(self) -> int:
        """Bring in some more; return how many concepts were looked at, 0 where none is left for
        now. Raises: EngineUnavailable.
        """
        if self._held is None:
            self._held = self._compared()
        ready = self._names.concepts()[self._at : self._at + self.batch]
        if wanted := [each for each in ready if each not in self._held]:
            self._space.put(self._names.named(wanted))
        self._at += len(ready)
        if not ready and self._names.finished:
            if not self._space.whole:
                if not self._space.settle():
                    return 1
                self._space.declare(whole=True)
            self._space.drop_older()  # what a kill or a dead engine left then, too
        return len(ready)

    def renew(self) -> None:
        """Ask the engine anew what it holds: somebody else may have filled or dropped it."""
        self._held, self._at = None, 0

    @property
    def concepts(self) -> int:
        """How many there are to be looked at when every name has its vector."""
        return self._names.total

    @property
    def progress(self) -> tuple[int, int]:
        """Return how many concepts were looked at, and of how many that have their vectors."""
        return self._at, len(self._names.concepts())

    def _compared(self) -> frozenset[str]:
        """Ask the engine what it holds, once: one that was emptied is filled again."""
        found = compare(self.name, self.expected(), self._space.entries())
        if found.extra and self._names.finished:
            self._space.remove(found.extra)
        if found.missing or not self._names.finished:
            self._space.declare(whole=False)
        return frozenset(self.expected()) - frozenset(found.missing)
