"""What an installation makes of language: terminology, annotation, each tenant's own terms."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, assert_never

from app.engines import Engines
from indexing.codes import Codes, codes, said
from indexing.language.concept_space import EVERYBODY, ConceptSpace, Partition, Partitions
from indexing.model import Annotation, TenantId
from indexing.spaces import MEDICAL_CONCEPTS

if TYPE_CHECKING:  # loaded when first used
    from app.medical_terms import MedicalTerms
    from app.tenant_terms import Everybody, TenantTerms
    from indexing.language.linking import Linker
    from indexing.language.matcher import Matcher
    from indexing.language.own_links import OwnLinks
    from indexing.language.pipeline import Language
    from indexing.language.terminology import Addition, Terminology
    from rankers.search import Search


class LanguageWiring(Engines):
    """Built when first used; `Installation` says where everything else is."""

    @abstractmethod
    def search_over(self, terminology: Terminology, matcher: Matcher) -> Search:
        """Return the search by a terminology."""

    @abstractmethod
    def medical_over(self, terminology: Terminology, matcher: Matcher) -> MedicalTerms:
        """Return what the medical graph and likeness make of a terminology."""

    @cached_property
    def everybody(self) -> Everybody:
        """The loaded terminology, the shipped seed where none is loaded, and what is made of it."""
        from indexing.language.terminology import open_terminology

        return self._over(open_terminology(self.home))

    def speak(self, terminology: Terminology) -> None:
        """Use this terminology from now on, and whatever else was changed that searches rest on.

        What is under way goes on with what it began with."""
        self.__dict__["everybody"] = self._over(terminology)
        self.__dict__.pop("terms", None)

    def refresh_terminology(self) -> bool:
        """Open the terminology anew when another version was loaded; say whether it was."""
        from indexing.language.terminology import open_terminology

        found = open_terminology(self.home)
        if found.version == self.terminology.version:
            return False
        self.speak(found)
        return True

    def _over(self, terminology: Terminology) -> Everybody:
        from app.tenant_terms import Everybody

        return Everybody(terminology, self, self._linker_over)

    def _linker_over(self, terminology: Terminology) -> Linker:
        from indexing.language.linking import Linker

        space = self.concept_space(EVERYBODY, terminology.version)
        return Linker(terminology, self.encoder, self.home / "cache" / "concepts", space)

    @cached_property
    def partitions(self) -> Partitions:
        """The record of where concepts' names lie."""
        return Partitions(self.home / "concept-spaces.json")

    def concept_space(self, owner: str, version: str) -> ConceptSpace | None:
        """Return where an engine of the site's holds somebody's names; None where the table
        in this process is asked, which is quicker than reading them all from the database."""
        name, encoder = self.settings.concept_engine, self.encoder
        match name:
            case "postgres" | "memory":
                return None
            case "opensearch" | "weaviate" | "neo4j":
                index = self.space_engine(name, MEDICAL_CONCEPTS, encoder.model, encoder.dimension)
                own = Partition(name, encoder.model, encoder.dimension, owner, version)
                return ConceptSpace(index, self.partitions, own)
            case other:
                assert_never(other)

    def own_concepts_of(self, tenant_id: TenantId) -> Path:
        """Return the folder of the vectors of a tenant's own names."""
        return self.home / "cache" / "own-concepts" / str(tenant_id)

    def links_over(
        self, tenant_id: TenantId, terminology: Terminology, additions: Sequence[Addition]
    ) -> OwnLinks:
        """Return what finds a tenant's concepts by meaning: the vectors of everybody's names are
        everybody's, those of its own names are kept apart."""
        from indexing.language.linking import Linker
        from indexing.language.own_links import OwnLinks, own_names

        folder = self.own_concepts_of(tenant_id)
        space = self.concept_space(str(tenant_id), terminology.version)
        own = Linker(terminology, self.encoder, folder, space, own_names(terminology, additions))
        return OwnLinks(terminology, self.linker, own)

    @property
    def terminology(self) -> Terminology:
        """The concepts and their names."""
        return self.everybody.terminology

    @property
    def matcher(self) -> Matcher:
        """Finds the terminology's names in text."""
        return self.everybody.matcher

    @property
    def linker(self) -> Linker:
        """Finds the terminology's concepts by meaning."""
        return self.everybody.linker

    @property
    def language(self) -> Language:
        """Sections, mentions, assertion."""
        return self.everybody.language

    @property
    def search(self) -> Search:
        """The hybrid search by the terms of everybody."""
        return self.everybody.search

    @property
    def language_version(self) -> str:
        """What annotations name: the pipeline and the terminology that it ran with."""
        return self.everybody.language_version

    def annotate(self, text: str, copied: Sequence[tuple[int, int]] = ()) -> Annotation:
        """Run the language pipeline; the result names the terminology's version as well."""
        return self.everybody.annotate(text, copied)

    def annotate_for(
        self, tenant_id: TenantId, text: str, copied: Sequence[tuple[int, int]] = ()
    ) -> Annotation:
        """Run it by a tenant's own terms."""
        return (self.terms.of(tenant_id) or self.everybody).annotate(text, copied)

    def codes_of(self, tenant_id: TenantId) -> Codes:
        """Return what tells the conditions and drugs of a note's mentions, by a tenant's terms."""
        known = (self.terms.of(tenant_id) or self.everybody).terminology

        def kind(concept: str) -> str:
            return known.concept(concept).semantic_type.value if concept in known else ""

        return lambda mentions: codes(said(mentions), kind)

    def terminology_version_of(self, tenant_id: TenantId) -> str:
        """Return the version of what a tenant's records are read by."""
        own = self.terms.version_of(tenant_id)
        return self.terminology.version if own is None else own

    def language_version_of(self, tenant_id: TenantId) -> str:
        """Return what a tenant's annotations name."""
        from app.tenant_terms import language_version

        return language_version(self.terminology_version_of(tenant_id))

    @cached_property
    def terms(self) -> TenantTerms:
        """What tenants call things of their own."""
        from app.tenant_terms import TenantTerms
        from indexing.backends.postgres.additions import PostgresAdditions

        own = PostgresAdditions(self.database)
        return TenantTerms(self.home, own, lambda: self.terminology, self)
