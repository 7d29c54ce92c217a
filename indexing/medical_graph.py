"""The medical graph: who has what, who treated whom with what, as nodes and edges.

The engine holds what the records say; what medicine in general says (drug treats disorder, gene
acts in pathway) is laid over it from the terminology when it is walked (`rankers.medical`), so that
no tenant keeps a copy of it.

One *entry* holds all that one patient's records say, or what one practitioner, organization or
study says of itself: it is replaced as a whole, so the graph can always be made anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from indexing.access import Access
from indexing.dated import Width
from indexing.model import IndexState, TenantId, Tombstone


class NodeKind(StrEnum):
    """What a node is. The comment says where it comes from when not from FHIR."""

    TENANT = "Tenant"
    USER = "User"  # who sent what stands in a patient's record
    PATIENT = "Patient"
    PROVIDER = "Provider"
    ORGANIZATION = "Organization"
    ENCOUNTER = "Encounter"
    CONDITION = "Condition"
    MEDICATION = "Medication"
    TREATMENT = "Treatment"  # CarePlan, RiskAssessment.mitigation
    PROCEDURE = "Procedure"
    OBSERVATION = "Observation"  # one kind of observation, not one value
    DEVICE = "Device"
    RESEARCH_STUDY = "ResearchStudy"
    CLINICAL_TRIAL = "ClinicalTrial"  # a ResearchStudy with a phase
    AI_MODEL = "AIModel"  # RiskAssessment.method
    PREDICTION = "Prediction"  # RiskAssessment
    MEDICAL_CONCEPT = "MedicalConcept"  # symptoms, findings, sites: from notes and terminology
    DRUG = "Drug"  # an ingredient, from the terminology
    GENE = "Gene"  # terminology
    PATHWAY = "Pathway"  # terminology
    BIOMARKER = "Biomarker"  # the site's edges file


class Relation(StrEnum):
    """How two nodes relate; read "source relation target"."""

    OWNS = "OWNS"
    TREATED_BY = "TREATED_BY"
    TREATS = "TREATS"
    DIAGNOSED_WITH = "DIAGNOSED_WITH"
    PRESCRIBED = "PRESCRIBED"
    UNDERWENT = "UNDERWENT"
    PERFORMED_ON = "PERFORMED_ON"
    TREATED_WITH = "TREATED_WITH"
    OCCURRED_AT = "OCCURRED_AT"
    INVOLVED_PROVIDER = "INVOLVED_PROVIDER"
    INVOLVED_PATIENT = "INVOLVED_PATIENT"
    OBSERVED_IN = "OBSERVED_IN"
    MEASURED_DURING = "MEASURED_DURING"
    MEASURED_BY = "MEASURED_BY"
    MANUFACTURED_BY = "MANUFACTURED_BY"
    PARTICIPATES_IN = "PARTICIPATES_IN"
    ENROLLED_IN = "ENROLLED_IN"
    TRAINED_ON = "TRAINED_ON"
    GENERATES = "GENERATES"
    GENERATED_BY = "GENERATED_BY"
    APPLIES_TO = "APPLIES_TO"
    DERIVED_FROM = "DERIVED_FROM"
    INTERACTS_WITH = "INTERACTS_WITH"
    ASSOCIATED_WITH = "ASSOCIATED_WITH"
    AFFECTS_PATHWAY = "AFFECTS_PATHWAY"
    INDICATES = "INDICATES"
    PREDICTS = "PREDICTS"
    RECOMMENDS = "RECOMMENDS"
    SIMILAR_TO = "SIMILAR_TO"


Value = str | float


@dataclass(frozen=True, slots=True)
class GraphNode:
    """`node_id` is unique in the tenant whatever its kind: a concept id of the terminology,
    "system:code" for a code that it does not know, "Type/id" for a resource."""

    kind: NodeKind
    node_id: str
    name: str


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """`start` and `end` are the first and last time that the records say it, each as precise as
    its width; `labels` restrict it as they restrict a resource. `properties`: severity, dosage,
    frequency, outcome, confidence …"""

    source: str
    relation: Relation
    target: str
    start: datetime | None = None
    end: datetime | None = None
    properties: Mapping[str, Value] = field(default_factory=dict)
    labels: frozenset[str] = frozenset()
    start_width: Width = Width.DAY
    end_width: Width = Width.DAY


@dataclass(frozen=True, slots=True)
class MedicalEntry:
    """All that one key ("Patient/id", "Organization/id", …) says. With `patient_id` it is that
    patient's; without, it is about nobody and open to the whole tenant."""

    key: str
    version: int
    patient_id: str | None
    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]


@dataclass(frozen=True, slots=True)
class Patch:
    """A part of the graph: the nodes that its edges touch, by id."""

    nodes: Mapping[str, GraphNode]
    edges: tuple[GraphEdge, ...]


@dataclass(frozen=True, slots=True)
class Treated:
    """How often patients with a condition had one treatment, not before the condition was known:
    `patients` of them; `relation` says in which way."""

    treatment: GraphNode
    relation: Relation
    patients: int


class MedicalGraph(Protocol):
    """One graph per tenant. Upserts are idempotent and older versions lose, as in every index."""

    def upsert(self, tenant_id: TenantId, entries: Sequence[MedicalEntry]) -> None: ...
    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None: ...
    def around(self, access: Access, patient_ids: Sequence[str]) -> Patch:
        """Return all that these patients' entries say and `access` opens."""
        ...

    def named(self, access: Access, node_ids: Sequence[str]) -> Mapping[str, GraphNode]:
        """Return the nodes by these ids that an open entry holds."""
        ...

    def common(self, access: Access, node_ids: Sequence[str]) -> Patch:
        """Return the edges at these nodes that entries about nobody hold."""
        ...

    def carriers(self, access: Access, node_ids: Sequence[str]) -> int:
        """Count the open patients who are DIAGNOSED_WITH any of these conditions."""
        ...

    def treatments(self, access: Access, node_ids: Sequence[str], most: int) -> Sequence[Treated]:
        """Return what the carriers of these conditions were PRESCRIBED, UNDERWENT or were
        TREATED_WITH from the day of the diagnosis on, the most frequent first, ties by id. An
        undated treatment counts, and so does any after an undated diagnosis."""
        ...

    def state(self, tenant_id: TenantId) -> IndexState: ...
    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {key: version} of every live entry, for reconcile."""
        ...

    def drop(self, tenant_id: TenantId) -> None: ...


# What counts as a treatment of a condition.
TREATING = (Relation.PRESCRIBED, Relation.UNDERWENT, Relation.TREATED_WITH)
