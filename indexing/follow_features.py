"""Followers that keep the features of patients in step with notes and records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from indexing.derive import DerivedStore
from indexing.features import Profile
from indexing.follow import tombstones
from indexing.model import Assertion, ChangeEvent, Document, Kind, Mention, TenantId, Tombstone
from indexing.ports import Derived

# What a note says of its patient: a doubt is neither found nor absent.
FOUND = frozenset({Assertion.PRESENT, Assertion.HISTORICAL})
# Resources whose change may change what is known of a patient.
TYPES = frozenset(
    {
        "Patient",
        "Condition",
        "MedicationRequest",
        "MedicationStatement",
        "Medication",
        "Procedure",
        "RiskAssessment",
    }
)


MEASURED = "Observation"  # where its value lies outside its range


@dataclass(frozen=True, slots=True)
class NoteFeatures:
    """What one note tells of its patient."""

    doc_id: str
    version: int
    patient_id: str | None
    at: datetime | None
    profile: Profile


class FeatureIndex(Protocol):
    """Where features are kept."""

    def upsert(self, tenant_id: TenantId, notes: Sequence[NoteFeatures]) -> None: ...
    def delete(self, tenant_id: TenantId, gone: Sequence[Tombstone]) -> None: ...
    def changed(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        """Note that these resources changed, and at which version they stand."""
        ...


def profile_of(mentions: Iterable[Mention]) -> Profile:
    """Return what mentions tell by their note-level status; ambiguous ones tell nothing."""
    sure = [each for each in mentions if not each.ambiguous]
    return Profile.of(
        (each.concept_id for each in sure if each.status in FOUND),
        (each.concept_id for each in sure if each.status is Assertion.NEGATED),
    )


class NoteFeatureFollower:
    """Keeps what notes tell in step."""

    name = "features"
    kind = Kind.LANGUAGE
    batch = 500

    def __init__(self, store: DerivedStore, index: FeatureIndex) -> None:
        self._store, self._index = store, index

    def apply(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        """Upsert what lives, delete what is gone."""
        derived = self._store.derived(tenant_id, [e.key for e in events if not e.deleted])
        if derived:
            self._index.upsert(tenant_id, [_features(each) for each in derived])
        if gone := tombstones(events):
            self._index.delete(tenant_id, gone)


class RecordFeatureFollower:
    """Notes which patients' records changed."""

    name = "record-features"
    kind = Kind.RESOURCE
    batch = 2_000

    def __init__(self, index: FeatureIndex) -> None:
        self._index = index

    def apply(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        """Number the change of each patient concerned."""
        told = TYPES | {MEASURED}
        if found := [event for event in events if event.key.partition("/")[0] in told]:
            self._index.changed(tenant_id, found)


def _features(derived: Derived) -> NoteFeatures:
    document: Document = derived.document
    profile = Profile.of(()) if document.labels else profile_of(derived.mentions)
    return NoteFeatures(
        document.doc_id, document.version, document.patient_id, document.date_start, profile
    )
