"""The medical graph of an installation: its engine, its facts, and who asks it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING, assert_never

from app.engines import require
from indexing.backends.postgres.medical_facts import PostgresFacts
from indexing.follow import Follower
from indexing.medical_follow import MedicalFollower
from indexing.medical_graph import MedicalGraph
from indexing.model import Kind, TenantId

if TYPE_CHECKING:  # loaded when first used, as in `app.wiring`
    from app.medical_terms import MedicalTerms
    from app.wiring import Installation
    from indexing.language.matcher import Matcher
    from indexing.language.terminology import Terminology
    from rankers.options import TreatmentOptions


class MedicalWiring:
    """Everything about the graph, built when first used."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        # What each tenant's graph was found to be made by whole, which is asked every second.
        self.made_by: dict[TenantId, str] = {}

    @cached_property
    def graph(self) -> MedicalGraph:
        """Who has what, and was treated with what."""
        match self._installation.settings.medical:
            case "postgres":
                from indexing.backends.postgres.medical import PostgresMedicalGraph

                return PostgresMedicalGraph(self._installation.database)
            case "neo4j":
                require("neo4j")
                from indexing.backends.neo4j.medical import Neo4jMedicalGraph

                return Neo4jMedicalGraph(self._installation.neo4j)
            case "memory":
                from indexing.backends.memory.medical import MemoryMedicalGraph

                return MemoryMedicalGraph()
            case other:
                assert_never(other)

    @cached_property
    def facts(self) -> PostgresFacts:
        """What the records say."""
        return PostgresFacts(self._installation.database)

    def over(self, terminology: Terminology, matcher: Matcher) -> MedicalTerms:
        """Return what is made of a terminology."""
        from app.medical_terms import MedicalTerms

        return MedicalTerms(terminology, matcher, self.graph, self._installation.home)

    def of(self, tenant_id: TenantId) -> MedicalTerms:
        """Return what is made of a tenant's own terms, or of everybody's where it added none."""
        own = self._installation.terms.of(tenant_id) or self._installation.everybody
        return own.medical

    def version_of(self, tenant_id: TenantId) -> str:
        """Return what a tenant's entries are made by now, without opening its terms."""
        from indexing.medical_entries import made_by

        return made_by(self._installation.terminology_version_of(tenant_id))

    def current(self, tenant_id: TenantId) -> MedicalTerms:
        """Return what is made of a tenant's terms over the terminology as it is loaded now."""
        self._installation.look_at_terminology()
        return self.of(tenant_id)

    @cached_property
    def treatments(self) -> TreatmentOptions:
        """Treatment options as patients alike fared."""
        from indexing.backends.postgres.treatments import PostgresTreatments
        from rankers.options import TreatmentOptions

        records = PostgresTreatments(self._installation.database)
        alike = self._installation.patients.neighbours
        return TreatmentOptions(records, alike, lambda own: self.current(own).pharmacy)

    def followers(self) -> Sequence[Follower]:
        """Return what keeps the graph in step with resources and with notes."""
        return tuple(
            MedicalFollower(kind, self.facts, self.graph, lambda own: self.of(own).maker)
            for kind in (Kind.RESOURCE, Kind.LANGUAGE)
        )
