"""The space `patients`: one vector for each patient's record, kept in step with the features.

A record's vector is the mean of the vectors of what was found, as people call it, each counted as
its kind counts for likeness: what a model told counts little, and moves it all the same. Nothing
of a labelled source is in it, as nothing of one is in the features.

An entry's version is the epoch at which the patient's features changed last, and the *generation*
of the words that they are called by: another terminology is another generation, and makes every
vector anew. So what the engine holds says how far that is, and a fill goes on where it stopped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

import numpy as np

from indexing.access import Access
from indexing.codes import codes
from indexing.features import Naming, Profile, furthest
from indexing.filters import Filters
from indexing.language.concept_space import Partition, Partitions
from indexing.model import ChangeEvent, Document, Kind, Passage, TenantId, Tombstone
from indexing.ports import Encoder, VectorEntry, VectorIndex, Vectors
from indexing.reconcile import compare
from indexing.spaces import Metric, cosine_of

RULES: Final = "1"  # how a vector is made; another number makes all of them anew
MOST_NEAR: Final = 100  # patients that one question asks for
LEAST_COSINE: Final = 0.5  # of two records: what lies farther off has nothing in common
_GENERATIONS: Final = 4096
_MOST_TEXTS: Final = 50_000  # whose vectors are kept: 75 MB
_AT_ONCE: Final = 64  # texts


class Wording(Naming, Protocol):
    """What features are called, and what they count."""

    def name(self, feature: str, held: Mapping[str, str]) -> str: ...
    def weight(self, feature: str) -> float: ...
    def kind(self, feature: str) -> str:
        """Return a concept's semantic type, "" for what is none."""
        ...


@dataclass(frozen=True, slots=True)
class PatientRecord:
    """What is known of a patient. `words` say what is no concept, `risk` is the highest that a
    model told last, None for none; `labels` restrict the chart."""

    patient_id: str
    profile: Profile
    words: Mapping[str, str]
    labels: frozenset[str] = frozenset()
    risk: float | None = None


class PatientRecords(Protocol):
    """The records, one chart for those that were merged."""

    def epoch(self, tenant_id: TenantId) -> tuple[str, int]:
        """Return what changes whenever anybody's features do."""
        ...

    def versions(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {patient id: the epoch of its last change} of everybody who is there."""
        ...

    def read(
        self, tenant_id: TenantId, naming: Naming, patient_ids: Sequence[str]
    ) -> Sequence[PatientRecord]:
        """Return these patients, those of whom nothing is known left out."""
        ...


def owner_of(tenant_id: TenantId, metric: Metric) -> str:
    """Return whose vectors a record of a fill is of, by which measure; `owned` reads it."""
    return f"{tenant_id} {metric}"


def owned(owner: str) -> tuple[TenantId, Metric]:
    """Return the tenant and the measure that `owner_of` wrote down."""
    tenant_id, _, metric = owner.partition(" ")
    return TenantId(UUID(tenant_id)), "euclidean" if metric == "euclidean" else "cosine"


def nearness(cosine: float) -> float:
    """Return what a cosine of two records counts, 0 to 1."""
    return min(1.0, max(0.0, (cosine - LEAST_COSINE) / (1.0 - LEAST_COSINE)))


class RecordEncoder:
    """Profiles to vectors; what a text's vector was is remembered."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._known: dict[str, Vectors] = {}

    def encode(
        self, profile: Profile, words: Mapping[str, str], wording: Wording
    ) -> Vectors | None:
        """Return a profile's vector, (d,) of norm 1; None where nothing was found."""
        weights: dict[str, float] = {}
        for feature in furthest(profile.observed):
            name, weight = wording.name(feature, words), wording.weight(feature)
            if name and weight > 0:
                weights[name] = max(weight, weights.get(name, 0.0))
        if not weights:
            return None
        self._learn([name for name in weights if name not in self._known])
        rows = np.stack([self._known[name] for name in sorted(weights)])
        counts = np.array([weights[name] for name in sorted(weights)], np.float32)
        mean: Vectors = counts @ rows
        length = float(np.linalg.norm(mean))
        return mean / np.float32(length) if length > 0 else None

    def _learn(self, names: Sequence[str]) -> None:
        if len(self._known) + len(names) > _MOST_TEXTS:
            self._known = {}
        for at in range(0, len(names), _AT_ONCE):
            some = names[at : at + _AT_ONCE]
            self._known.update(zip(some, self._encoder.encode(some), strict=True))


@dataclass(slots=True)
class _Held:
    """What this process knows of a tenant's vectors; `at` is the state at which all were there."""

    generation: int
    words: str
    versions: dict[str, int]
    at: tuple[str, int] | None = None


@dataclass
class PatientVectors:
    """Keeps the vectors in step and asks for the nearest. `made` records the generations. One
    thread at a time fills, whoever holds the lane; a `Follower` for reconcile and rebuild."""

    index: VectorIndex
    records: PatientRecords
    encoder: Encoder
    made: Partitions
    where: Partition  # whose `owner` and `version` are of no tenant
    metric: Metric = "cosine"
    _held: dict[TenantId, _Held] = field(default_factory=dict)

    name = "patients"
    kind = Kind.RESOURCE
    batch = 100

    def __post_init__(self) -> None:
        self._encode = RecordEncoder(self.encoder)

    def near(
        self, access: Access, profile: Profile, words: Mapping[str, str], wording: Wording
    ) -> Mapping[str, float]:
        """Return {patient id: how near, 0 to 1} of those whose records lie nearest to a profile.

        Raises: EngineUnavailable.
        """
        vector = self._encode.encode(profile, words, wording)
        if vector is None:
            return {}
        hits = self.index.search(access, vector, Filters(), MOST_NEAR).hits
        cosines = {hit.doc_id: cosine_of(self.metric, hit.score) for hit in hits}
        return {key: share for key, cosine in cosines.items() if (share := nearness(cosine)) > 0}

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {patient id: version} of what the space holds."""
        return self.index.entries(tenant_id)

    def expected(self, tenant_id: TenantId, wording: Wording) -> Mapping[str, int]:
        """Return what it should hold."""
        generation = self._of(tenant_id, wording).generation
        versions = self.records.versions(tenant_id)
        return {key: epoch * _GENERATIONS + generation for key, epoch in versions.items()}

    def some(self, tenant_id: TenantId, wording: Wording) -> bool:
        """Bring some that changed into step; say whether any were out of it.

        Raises: EngineUnavailable.
        """
        held, at = self._of(tenant_id, wording), self.records.epoch(tenant_id)
        if held.at == at:
            return False
        expected = self.expected(tenant_id, wording)
        found = compare(self.name, expected, held.versions)
        if gone := found.extra[: self.batch]:
            stones = [Tombstone(key, held.versions.pop(key)) for key in gone]
            self.index.delete(tenant_id, stones)
        some = (found.missing + found.stale)[: self.batch]
        if some:
            self._write(tenant_id, {key: expected[key] for key in some}, wording)
            held.versions.update((key, expected[key]) for key in some)
        if not gone and not some:
            held.at = at
        return bool(gone or some)

    def progress(self, tenant_id: TenantId, wording: Wording) -> tuple[int, int]:
        """Return how many are in step, and of how many."""
        expected = self.expected(tenant_id, wording)
        held = self._of(tenant_id, wording).versions
        return sum(held.get(key) == version for key, version in expected.items()), len(expected)

    def renew(self) -> None:
        """Ask the engine anew what it holds."""
        self._held.clear()

    def let_go(self, tenant_id: TenantId) -> None:
        """Keep nothing of a tenant in this process."""
        self._held.pop(tenant_id, None)

    def drop(self, tenant_id: TenantId) -> None:
        """Forget a tenant's vectors. Raises: EngineUnavailable."""
        self.index.drop(tenant_id)
        self._held.pop(tenant_id, None)

    def apply_by(
        self, tenant_id: TenantId, events: Sequence[ChangeEvent], wording: Wording
    ) -> None:
        """Write what lives, remove what is gone."""
        self._write(tenant_id, {e.key: e.version for e in events if not e.deleted}, wording)
        if gone := [Tombstone(e.key, e.version) for e in events if e.deleted]:
            self.index.delete(tenant_id, gone)

    def _write(self, tenant_id: TenantId, versions: Mapping[str, int], wording: Wording) -> None:
        if not versions:
            return
        read = self.records.read(tenant_id, wording, list(versions))
        known = {each.patient_id: each for each in read}
        entries = []
        for key, version in versions.items():
            record = known.get(key) or PatientRecord(key, Profile.of(()), {})
            entries.append(self._entry(tenant_id, record, version, wording))
        self.index.upsert(tenant_id, entries)

    def _entry(
        self, tenant_id: TenantId, record: PatientRecord, version: int, wording: Wording
    ) -> VectorEntry:
        vector = self._encode.encode(record.profile, record.words, wording)
        rows = np.empty((0, self.encoder.dimension), np.float32) if vector is None else vector[None]
        document = Document(
            tenant_id, record.patient_id, version, "", patient_id=record.patient_id,
            labels=record.labels, resource_type="Patient", resource_id=record.patient_id,
        )  # fmt: skip
        metadata = dict(codes(record.profile.observed, wording.kind))
        if record.risk is not None:
            metadata["risk"] = record.risk
        passages = tuple(Passage(number, 0, 0) for number in range(len(rows)))
        return VectorEntry(document, self.encoder.model, passages, rows, metadata)

    def _of(self, tenant_id: TenantId, wording: Wording) -> _Held:
        """Return what is known; the engine is asked once, and when the words change."""
        words = f"{RULES} {wording.version}"
        held = self._held.get(tenant_id)
        if held is None or held.words != words:
            versions = dict(self.index.entries(tenant_id))
            generation = self._generation(tenant_id, words, versions)
            held = self._held[tenant_id] = _Held(generation, words, versions)
        return held

    def _generation(self, tenant_id: TenantId, words: str, versions: Mapping[str, int]) -> int:
        """Return the generation of these words, a new one where the record does not know them."""
        own, owner = self.where, owner_of(tenant_id, self.metric)
        mine = [
            each for each in self.made.all()
            if (each.engine, each.model, each.owner) == (own.engine, own.model, owner)
        ]  # fmt: skip
        before = [int(each.version.partition(" ")[0]) for each in mine]
        for each in mine:
            told, _, known = each.version.partition(" ")
            if known == words:
                return int(told)
        newest = max(
            [*before, *(version % _GENERATIONS for version in versions.values())], default=0
        )
        for each in mine:
            self.made.forget(each)
        number = newest + 1
        self.made.put(Partition(own.engine, own.model, own.dimension, owner, f"{number} {words}"))
        return number
