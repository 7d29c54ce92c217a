"""Similar patients and cohorts of an installation."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from indexing.backends.postgres.cohort_records import PostgresCohortRecords
from indexing.backends.postgres.features import PostgresFeatures
from indexing.model import TenantId
from rankers.cohorts import Cohorts
from rankers.hierarchy import Hierarchy
from rankers.neighbours import Neighbours

if TYPE_CHECKING:
    from app.wiring import Installation


class PatientsWiring:
    """Everything about likeness and cohorts, built when first used."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

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
        return Neighbours(self.features, self.hierarchy, own.annotate_for, own.lexical)

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
