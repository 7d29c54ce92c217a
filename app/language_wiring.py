"""What an installation makes of language: terminology, annotation, each tenant's own terms."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from app.engines import Engines
from indexing.model import Annotation, TenantId

if TYPE_CHECKING:  # loaded when first used
    from app.medical_terms import MedicalTerms
    from app.tenant_terms import TenantTerms
    from indexing.language.linking import Linker
    from indexing.language.matcher import Matcher
    from indexing.language.pipeline import Language
    from indexing.language.terminology import Terminology
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
    def terminology(self) -> Terminology:
        """The loaded terminology, the shipped seed where none is loaded."""
        from indexing.language.terminology import open_terminology

        return open_terminology(self.home)

    @cached_property
    def matcher(self) -> Matcher:
        """Finds the terminology's names in text."""
        from indexing.language.matcher import Matcher

        return Matcher(self.terminology)

    @cached_property
    def linker(self) -> Linker:
        """Finds the terminology's concepts by meaning, as far as its names have their vectors."""
        from indexing.language.linking import Linker

        return Linker(self.terminology, self.encoder, self.home / "cache" / "concepts")

    @cached_property
    def language(self) -> Language:
        """Sections, mentions, assertion."""
        from indexing.language.pipeline import Language

        return Language(self.terminology)

    @property
    def language_version(self) -> str:
        """What annotations name: the pipeline and the terminology that it ran with."""
        return _made_by(self.terminology.version)

    def annotate(self, text: str, copied: Sequence[tuple[int, int]] = ()) -> Annotation:
        """Run the language pipeline; the result names the terminology's version as well."""
        found = self.language.annotate(text, copied)
        return replace(found, language_version=self.language_version)

    def annotate_for(
        self, tenant_id: TenantId, text: str, copied: Sequence[tuple[int, int]] = ()
    ) -> Annotation:
        """Run it by a tenant's own terms."""
        own = self.terms.of(tenant_id)
        if own is None:
            return self.annotate(text, copied)
        found = own.language.annotate(text, copied)
        return replace(found, language_version=_made_by(own.terminology.version))

    def terminology_version_of(self, tenant_id: TenantId) -> str:
        """Return the version of what a tenant's records are read by."""
        own = self.terms.version_of(tenant_id)
        return self.terminology.version if own is None else own

    def language_version_of(self, tenant_id: TenantId) -> str:
        """Return what a tenant's annotations name."""
        return _made_by(self.terminology_version_of(tenant_id))

    @cached_property
    def terms(self) -> TenantTerms:
        """What tenants call things of their own."""
        from app.tenant_terms import TenantTerms
        from indexing.backends.postgres.additions import PostgresAdditions

        own = PostgresAdditions(self.database)
        return TenantTerms(self.home, own, lambda: self.terminology, self)


def _made_by(terminology: str) -> str:
    from indexing.language.pipeline import LANGUAGE_VERSION

    return f"{LANGUAGE_VERSION}+{terminology}"
