"""Similar patients and cohorts of an installation."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from indexing.backends.postgres.cohort_records import PostgresCohortRecords
from indexing.backends.postgres.features import PostgresFeatures
from rankers.cohorts import Cohorts
from rankers.hierarchy import Hierarchy
from rankers.neighbours import Neighbours

if TYPE_CHECKING:
    from app.wiring import Installation


class PatientsWiring:
    """Everything about likeness and cohorts, built when first used."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._hierarchy: Hierarchy | None = None

    def hierarchy(self) -> Hierarchy:
        """Features and the terminology as it is loaded now."""
        terminology = self._installation.terminology
        if self._hierarchy is None or self._hierarchy.version != terminology.version:
            self._hierarchy = Hierarchy(terminology)
        return self._hierarchy

    @cached_property
    def features(self) -> PostgresFeatures:
        """What is known of each patient."""
        return PostgresFeatures(self._installation.database)

    @cached_property
    def neighbours(self) -> Neighbours:
        """Similar patients."""
        own = self._installation
        return Neighbours(self.features, self.hierarchy, own.annotate, own.lexical)

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
