"""What each tenant calls things: its additions over the terminology, for annotation, search, the
medical graph and likeness.

A tenant without additions shares everything with the others. One with additions has a terminology,
a matcher and all that is made of them over the same engines; the last few that were asked are kept.
Nothing of it reaches another tenant: what is kept is found by the tenant of the question.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from indexing.access import Access
from indexing.errors import EngineUnavailable
from indexing.language.concept_space import ConceptFollower
from indexing.language.linking import Linker
from indexing.language.matcher import Matcher
from indexing.language.own_links import OwnLinks
from indexing.language.pipeline import LANGUAGE_VERSION, Language
from indexing.language.placing import follower_of
from indexing.language.terminology import Addition, Terminology, open_overlaid
from indexing.language.terminology.additions import standing
from indexing.language.terminology.overlay import overlaid_version
from indexing.model import Annotation, TenantId
from indexing.ports import Derived
from rankers.answer import Answer, Hit, Mark, SearchRequest, Sentence
from rankers.explain import Reasons
from rankers.search import Found, Search

if TYPE_CHECKING:  # loaded when first used
    from app.medical_terms import MedicalTerms

LOOK_EVERY_S = 2.0
MOST_KEPT = 4  # tenants with additions whose terminology is kept: each takes what the whole takes


def language_version(terminology: str) -> str:
    """Return what annotations name that were made by that version of a terminology."""
    return f"{LANGUAGE_VERSION}+{terminology}"


class Additions(Protocol):
    """Where additions are kept."""

    def of(self, tenant_id: TenantId) -> Sequence[Addition]: ...


class Makers(Protocol):
    """What is made of a terminology."""

    def search_over(self, terminology: Terminology, matcher: Matcher) -> Search: ...
    def medical_over(self, terminology: Terminology, matcher: Matcher) -> MedicalTerms: ...
    def links_over(
        self, tenant_id: TenantId, terminology: Terminology, additions: Sequence[Addition]
    ) -> OwnLinks: ...


_State = tuple[str, Sequence[Addition]]  # the base's version, and what is added to it


@dataclass(frozen=True)
class Terms:
    """One terminology with what is made of it, each when first used.

    Who uses two of these takes them from one object: another thread may load another terminology
    at any time, which then stands in another object.
    """

    terminology: Terminology
    makers: Makers

    @property
    def language_version(self) -> str:
        """What annotations name: the pipeline and the terminology that it ran with."""
        return language_version(self.terminology.version)

    def annotate(self, text: str, copied: Sequence[tuple[int, int]] = ()) -> Annotation:
        """Run the language pipeline; the result names the terminology's version as well."""
        found = self.language.annotate(text, copied)
        return replace(found, language_version=self.language_version)

    @cached_property
    def language(self) -> Language:
        """Sections, mentions, assertion."""
        return Language(self.terminology)

    @cached_property
    def matcher(self) -> Matcher:
        """Finds its names."""
        return Matcher(self.terminology)

    @cached_property
    def search(self) -> Search:
        """The hybrid search by it."""
        return self.makers.search_over(self.terminology, self.matcher)

    @cached_property
    def medical(self) -> MedicalTerms:
        """What the medical graph and likeness make of it."""
        return self.makers.medical_over(self.terminology, self.matcher)


@dataclass(frozen=True)
class Everybody(Terms):
    """The terms of whoever added nothing, found by meaning as well."""

    linker_over: Callable[[Terminology], Linker]

    @cached_property
    def own_linker(self) -> Linker:
        """Finds the concepts by meaning, as far as their names have their vectors."""
        return self.linker_over(self.terminology)

    @property
    def linker(self) -> Linker:
        """The same: nothing was added."""
        return self.own_linker

    @cached_property
    def placing(self) -> ConceptFollower | None:
        """Brings the names into their vector space, where an engine holds it."""
        return follower_of(self.own_linker, self.terminology)


@dataclass(frozen=True)
class OwnTerms(Terms):
    """The terms of a tenant that added `additions`, all of which its terminology holds."""

    tenant_id: TenantId
    additions: Sequence[Addition]

    @cached_property
    def linker(self) -> OwnLinks:
        """Finds everybody's concepts and the tenant's own by meaning."""
        return self.makers.links_over(self.tenant_id, self.terminology, self.additions)

    @property
    def own_linker(self) -> Linker:
        """Finds what was added alone."""
        return self.linker.own

    @cached_property
    def placing(self) -> ConceptFollower | None:
        """Brings what was added into its vector space, where an engine holds it."""
        return follower_of(self.own_linker, self.terminology)


class TenantTerms:
    """The terms of every tenant; safe to share between threads. `base` are everybody's."""

    def __init__(
        self,
        home: Path,
        additions: Additions,
        base: Callable[[], Terminology],
        makers: Makers,
    ) -> None:
        self._home, self._additions, self._base = home, additions, base
        self._makers = makers
        self._looked: dict[TenantId, tuple[float, Sequence[Addition]]] = {}
        self._kept: OrderedDict[TenantId, tuple[_State, OwnTerms]] = OrderedDict()
        self._versions: dict[TenantId, tuple[_State, str]] = {}
        self._lock = threading.Lock()
        self._making: dict[TenantId, threading.Lock] = {}
        self._linked: dict[TenantId, str] = {}  # the version whose names all have their vectors

    def of(self, tenant_id: TenantId) -> OwnTerms | None:
        """Return a tenant's own terms; None where it added nothing. Looks every two seconds."""
        additions, base = self._added(tenant_id), self._base()
        if not additions:
            return None
        state = (base.version, additions)
        with self._lock:
            making = self._making.setdefault(tenant_id, threading.Lock())
        # Compiling takes a while: who asks for another tenant's does not wait for it.
        with making:
            found = self._held(tenant_id, state)
            if found is None:
                kept = standing(additions, base)
                made = open_overlaid(self._home, base, kept)
                own = OwnTerms(made, self._makers, tenant_id, kept)
                found = self._keep(tenant_id, state, own)
        return found

    def version_of(self, tenant_id: TenantId) -> str | None:
        """Return the version of a tenant's own terminology without making it; None where it added
        nothing."""
        additions, base = self._added(tenant_id), self._base()
        if not additions:
            return None
        state = (base.version, additions)
        known = self._versions.get(tenant_id)
        if known is None or known[0] != state:
            version = overlaid_version(base.version, standing(additions, base))
            known = self._versions[tenant_id] = (state, version)
        return known[1]

    def grow(self, tenant_id: TenantId, names: int) -> int:
        """Make the vectors of some more of a tenant's own names; return how many, 0 when all are
        made. Nothing is opened for that which was found made before."""
        version = self.version_of(tenant_id)
        if version is None or self._linked.get(tenant_id) == version:
            return 0
        own = self.of(tenant_id)
        grew = 0 if own is None else own.linker.own.grow(names)
        if not grew:
            self._linked[tenant_id] = version
        return grew

    def _held(self, tenant_id: TenantId, state: _State) -> OwnTerms | None:
        with self._lock:
            held = self._kept.get(tenant_id)
            if held is None or held[0] != state:
                return None
            self._kept.move_to_end(tenant_id)
            return held[1]

    def _keep(self, tenant_id: TenantId, state: _State, terms: OwnTerms) -> OwnTerms:
        with self._lock:
            self._kept[tenant_id] = (state, terms)
            self._kept.move_to_end(tenant_id)
            while len(self._kept) > MOST_KEPT:
                self._kept.popitem(last=False)
        return terms

    def renew(self) -> None:
        """Forget everything: another encoder or other settings make other searches."""
        with self._lock:
            self._looked.clear()
            self._kept.clear()
            self._linked.clear()

    def let_go(self, tenant_id: TenantId) -> None:
        """Keep nothing of a tenant in this process."""
        with self._lock:
            for kept in (self._looked, self._kept, self._versions, self._making, self._linked):
                kept.pop(tenant_id, None)

    def _added(self, tenant_id: TenantId) -> Sequence[Addition]:
        now = time.monotonic()
        known = self._looked.get(tenant_id)
        if known is None or now - known[0] > LOOK_EVERY_S:
            found = self._additions.of(tenant_id)
            if known is not None and known[1] == found:
                found = known[1]  # the same object compares at once; 20,000 anew take 6 ms
            known = self._looked[tenant_id] = (now, found)
        return known[1]


class TenantSearch:
    """The search of whichever tenant asks."""

    def __init__(self, base: Search, terms: TenantTerms) -> None:
        self._base, self._terms = base, terms

    def rank(self, access: Access, request: SearchRequest) -> Found:
        """Rank by the tenant's own terms. Raises: as `Search.rank`."""
        return self._of(access.tenant_id).rank(access, request)

    def answer(self, access: Access, request: SearchRequest) -> Answer:
        """Rank and describe. Raises: as `Search.rank`."""
        return self._of(access.tenant_id).answer(access, request)

    def found(self, access: Access, request: SearchRequest, answer: Answer) -> Found:
        """Return an answer that was ranked earlier as `rank` returned it."""
        return self._of(access.tenant_id).found(access, request, answer)

    def describe(
        self, access: Access, request: SearchRequest, hits: Sequence[Hit],
        notes: Mapping[str, Derived],
    ) -> tuple[tuple[Hit, ...], tuple[Sentence, ...]]:  # fmt: skip
        """Say what is at hits that were ranked earlier."""
        return self._of(access.tenant_id).describe(access, request, hits, notes)

    def why_not(self, access: Access, request: SearchRequest, doc_id: str) -> Reasons:
        """Say where each leg has a note, or what removed it."""
        return self._of(access.tenant_id).why_not(access, request, doc_id)

    def marks(
        self, request: SearchRequest, derived: Derived, passage: int | None = None
    ) -> tuple[Mark, ...]:
        """Mark what answers the question in the whole of a note."""
        return self._of(derived.document.tenant_id).marks(request, derived, passage)

    def close(self) -> None:
        """Let the threads end."""
        self._base.close()

    def _of(self, tenant_id: TenantId) -> Search:
        try:
            own = self._terms.of(tenant_id)
        except EngineUnavailable:  # the database is away: what needs none of it still answers
            return self._base
        return self._base if own is None else own.search
