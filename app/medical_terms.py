"""What the medical graph and likeness make of one terminology: everybody's, or a tenant's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from indexing.language.matcher import Matcher
from indexing.language.terminology import Terminology
from indexing.medical_entries import EntryMaker
from indexing.medical_graph import MedicalGraph
from indexing.site_edges import site_edges
from rankers.cautions import Pharmacy
from rankers.hierarchy import Hierarchy
from rankers.medical import MedicalQuestions
from rankers.medical_knowledge import Knowledge


@dataclass(frozen=True)
class MedicalTerms:
    """Each when first used. `home` holds the site's own edges."""

    terminology: Terminology
    matcher: Matcher
    graph: MedicalGraph
    home: Path

    @cached_property
    def hierarchy(self) -> Hierarchy:
        """Features by it."""
        return Hierarchy(self.terminology)

    @cached_property
    def maker(self) -> EntryMaker:
        """Facts to entries by it."""
        return EntryMaker(self.terminology, self.matcher)

    @cached_property
    def knowledge(self) -> Knowledge:
        """What is known in general: the terminology and the site's edges."""
        return Knowledge(self.terminology, site_edges(self.home))

    @cached_property
    def questions(self) -> MedicalQuestions:
        """Questions to the graph, with what is known in general laid over it."""
        return MedicalQuestions(self.graph, self.knowledge)

    @cached_property
    def pharmacy(self) -> Pharmacy:
        """What speaks against drugs."""
        return Pharmacy(self.terminology, self.hierarchy, self.matcher, self.knowledge)
