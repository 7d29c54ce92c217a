"""Vectors of concepts' names, made and brought into their engine while there is nothing else to do:
everybody's, and what each tenant added."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence

from app.tenant_terms import Everybody, OwnTerms
from app.wiring import Installation
from indexing.errors import EngineUnavailable
from indexing.language.concept_space import EVERYBODY, ConceptFollower
from indexing.model import Tenant, TenantId
from indexing.spaces import MEDICAL_CONCEPTS

NAMES = 48  # at a time
_BACK_OFF_S = 30.0

_log = logging.getLogger("anamnesis.follow")


class Naming:
    """Goes on where it stopped; for one thread, whoever has the lane."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._placed: dict[TenantId, str] = {}  # by the version of the tenant's terms
        self._begun: dict[TenantId | None, ConceptFollower] = {}  # None: everybody's
        self._not_before = 0.0

    def some(self) -> bool:
        """Do some of what is left; say whether anything was."""
        if grow_links(self._installation, NAMES):
            return True
        if self._installation.everybody.placing is None or time.monotonic() < self._not_before:
            return False
        try:
            return self._place()
        except EngineUnavailable as exc:
            self._not_before = time.monotonic() + _BACK_OFF_S
            _log.warning("names of concepts wait for their engine: %s", exc)
            return False

    def _place(self) -> bool:
        own = self._installation
        if self._placed_some(None, own.everybody):
            return True
        added = set()
        for tenant in own.tenants.all():
            tenant_id = tenant.tenant_id
            version = own.terms.version_of(tenant_id)
            if version is None:  # what is added again later is brought in again
                self._placed.pop(tenant_id, None)
                self._begun.pop(tenant_id, None)
                continue
            added.add(str(tenant_id))
            if self._placed.get(tenant_id) == version:
                continue
            terms = own.terms.of(tenant_id)
            if terms is not None and self._placed_some(tenant_id, terms):
                return True
            self._placed[tenant_id] = version
        _drop_taken_back(own, added)
        return False

    def _placed_some(self, owner: TenantId | None, terms: Everybody | OwnTerms) -> bool:
        placing = terms.placing
        if placing is not None and self._begun.get(owner) is not placing:
            placing.renew()  # another process may have had the lane since
            self._begun[owner] = placing
        return bool(place(terms))


def grow_links(installation: Installation, names: int) -> int:
    """Make the vectors of some more names, tenants' own first; return how many, 0 when all are."""
    for tenant in installation.tenants.all():
        if made := installation.terms.grow(tenant.tenant_id, names):
            return made
    return installation.linker.grow(names)


def place(terms: Everybody | OwnTerms) -> int:
    """Make some vectors of names, or bring some in; return how many, 0 where nothing is left.

    Raises: EngineUnavailable.
    """
    made = terms.own_linker.grow(NAMES)
    return made or (terms.placing.grow() if terms.placing is not None else 0)


def forget(installation: Installation, model: str, owner: str | None = None) -> None:
    """Drop what engines hold of a model's names, of one owner or of all.

    Raises: EngineUnavailable, ConfigurationError.
    """
    for each in installation.partitions.all():
        if each.model == model and owner in (None, each.owner):
            index = installation.space_engine(
                each.engine, MEDICAL_CONCEPTS, each.model, each.dimension
            )
            index.drop(each.tenant_id)
            installation.partitions.forget(each)


def all_terms(
    installation: Installation, tenants: Sequence[Tenant]
) -> Iterator[Everybody | OwnTerms]:
    """Yield everybody's, then what each tenant added; one at a time, because each is large."""
    yield installation.everybody
    for tenant in tenants:
        if (own := installation.terms.of(tenant.tenant_id)) is not None:
            yield own


def _drop_taken_back(installation: Installation, added: set[str]) -> None:
    """Drop the names of tenants that took all of theirs back. Raises: EngineUnavailable."""
    for each in installation.partitions.all():
        if each.engine == installation.settings.concept_engine and each.owner not in {
            *added,
            EVERYBODY,
        }:
            forget(installation, each.model, each.owner)
