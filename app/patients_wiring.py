"""Similar patients and cohorts of an installation."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import cache, cached_property
from typing import TYPE_CHECKING

from app.settings import VectorBackend
from indexing.backends.postgres.cohort_records import PostgresCohortRecords
from indexing.backends.postgres.features import PostgresFeatures
from indexing.backends.postgres.patient_records import PostgresPatientRecords
from indexing.errors import AnamnesisError
from indexing.language.concept_space import Partition, Partitions
from indexing.model import TenantId
from indexing.patient_vectors import PatientVectors, owned
from indexing.spaces import patients
from rankers.cohorts import Cohorts
from rankers.hierarchy import Hierarchy
from rankers.neighbours import Neighbours

if TYPE_CHECKING:
    from app.wiring import Installation

_log = logging.getLogger("anamnesis.follow")


class PatientsWiring:
    """Everything about likeness and cohorts, built when first used."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._unreached: set[str] = set()
        self._opened: PatientVectors | None = None  # as of the last use

    def hierarchy(self, tenant_id: TenantId) -> Hierarchy:
        """Features by a tenant's terms as they are now."""
        return self._installation.medical.of(tenant_id).hierarchy

    @cached_property
    def features(self) -> PostgresFeatures:
        """What is known of each patient."""
        return PostgresFeatures(self._installation.database)

    @cached_property
    def neighbours(self) -> Neighbours:
        """Similar patients."""
        own = self._installation
        return Neighbours(
            self.features, self.hierarchy, own.annotate_for, own.lexical, lambda: self.vectors
        )

    @property
    def vectors(self) -> PatientVectors | None:
        """The vectors of whole records, by the encoder that serves; None where none are kept."""
        own = self._installation
        engine = own.settings.vector
        if not own.settings.patient_vectors:
            return None
        self._opened = self._vectors(engine, own.encoder.model)
        return self._opened

    @cache  # noqa: B019 - as long-lived as the process
    def _vectors(self, engine: VectorBackend, model: str) -> PatientVectors:
        own = self._installation
        encoder, space = own.encoder, patients(own.settings.patient_metric)
        return PatientVectors(
            own.space_engine(engine, space, model, encoder.dimension),
            PostgresPatientRecords(own.database), encoder, self.filled,
            Partition(engine, model, encoder.dimension, "", ""), space.metric,
        )  # fmt: skip

    @cached_property
    def filled(self) -> Partitions:
        """The record of whose vectors of records lie where."""
        return Partitions(self._installation.home / "patient-spaces.json")

    def let_go(self, tenant_id: TenantId) -> None:
        """Keep nothing of a tenant in this process."""
        built = self.__dict__
        for name in ("features", "neighbours"):
            if name in built:
                built[name].let_go(tenant_id)
        if self._opened is not None:
            self._opened.let_go(tenant_id)

    def take_back(self) -> int:
        """Drop the vectors of records that the settings do not name any more: all of them, or those
        of another engine or measure. Return how many tenants lost some.

        Those of another encoder stay until `encoder forget`. What an engine that does not answer
        holds stays on the record, and is dropped when this is called again.
        """
        own, dropped = self._installation, 0
        named = own.settings.vector, own.settings.patient_metric
        for each in self.filled.all():
            tenant_id, metric = owned(each.owner)
            if own.settings.patient_vectors and (each.engine, metric) == named:
                continue
            try:
                space = patients(metric)
                own.space_engine(each.engine, space, each.model, each.dimension).drop(tenant_id)
            except AnamnesisError as exc:
                self._told(each.engine, exc)
                continue
            self.filled.forget(each)
            dropped += 1
        return dropped

    def _told(self, engine: str, exc: AnamnesisError) -> None:
        """Say once that vectors of records stay where they are not wanted."""
        if engine not in self._unreached:
            self._unreached.add(engine)
            _log.warning("vectors of records wait in %s to be dropped: %s", engine, exc)

    def vectors_in_step(self, tenants: Sequence[TenantId]) -> bool:
        """Bring some vectors of these tenants' records into step; say whether any were out of it.

        Raises: EngineUnavailable.
        """
        vectors = self.vectors
        return vectors is not None and any(
            vectors.some(each, self.hierarchy(each)) for each in tenants
        )

    @cached_property
    def cohorts(self) -> Cohorts:
        """Cohorts from their definitions."""
        own = self._installation
        return Cohorts(
            PostgresCohortRecords(own.database),
            own.graph,
            self.hierarchy,
            lambda access, request: own.current_search().rank(access, request).answer,
            self.neighbours,
        )
