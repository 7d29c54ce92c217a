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
from indexing.model import Kind

if TYPE_CHECKING:  # loaded when first used, as in `app.wiring`
    from app.wiring import Installation
    from indexing.medical_entries import EntryMaker
    from rankers.cautions import Pharmacy
    from rankers.medical import MedicalQuestions
    from rankers.medical_knowledge import Knowledge
    from rankers.options import TreatmentOptions


class MedicalWiring:
    """Everything about the graph, built when first used."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation

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
                from indexing.backends.memory_medical import MemoryMedicalGraph

                return MemoryMedicalGraph()
            case other:
                assert_never(other)

    @cached_property
    def facts(self) -> PostgresFacts:
        """What the records say."""
        return PostgresFacts(self._installation.database)

    @cached_property
    def maker(self) -> EntryMaker:
        """Facts to entries, by the terminology as it is loaded."""
        from indexing.medical_entries import EntryMaker

        return EntryMaker(self._installation.terminology, self._installation.matcher)

    @cached_property
    def knowledge(self) -> Knowledge:
        """What is known in general: the terminology and the site's edges."""
        from indexing.site_edges import site_edges
        from rankers.medical_knowledge import Knowledge

        return Knowledge(self._installation.terminology, site_edges(self._installation.home))

    @cached_property
    def questions(self) -> MedicalQuestions:
        """Questions to the graph, with what is known in general laid over it."""
        from rankers.medical import MedicalQuestions

        return MedicalQuestions(self.graph, self.knowledge)

    @cached_property
    def _pharmacy(self) -> Pharmacy:
        from rankers.cautions import Pharmacy

        own = self._installation
        return Pharmacy(own.terminology, own.patients.hierarchy(), own.matcher, self.knowledge)

    def pharmacy(self) -> Pharmacy:
        """Return what speaks against drugs, over the terminology as it is loaded now."""
        self._installation.look_at_terminology()
        return self._pharmacy

    @cached_property
    def treatments(self) -> TreatmentOptions:
        """Treatment options as patients alike fared."""
        from indexing.backends.postgres.treatments import PostgresTreatments
        from rankers.options import TreatmentOptions

        records = PostgresTreatments(self._installation.database)
        return TreatmentOptions(records, self._installation.patients.neighbours, self.pharmacy)

    def current(self) -> MedicalQuestions:
        """Return the questions over the terminology as it is loaded now."""
        self._installation.look_at_terminology()
        return self.questions

    def forget_terminology(self) -> None:
        """Let what was built with the terminology be built again."""
        for name in ("maker", "questions", "knowledge", "_pharmacy"):
            self.__dict__.pop(name, None)

    def followers(self) -> Sequence[Follower]:
        """Return what keeps the graph in step with resources and with notes."""
        return tuple(
            MedicalFollower(kind, self.facts, self.graph, lambda: self.maker)
            for kind in (Kind.RESOURCE, Kind.LANGUAGE)
        )
