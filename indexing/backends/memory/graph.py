"""The reference graph engine: dicts and loops."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from indexing.access import Access
from indexing.backends.memory.lexical import visible
from indexing.filters import Filters
from indexing.model import Assertion, Document, IndexState, TenantId, Tombstone
from indexing.ports import AssertionMode, GraphEntry, Ranking, Scored
from indexing.reconcile import digest
from indexing.statuses import BEST_FIRST, COUNTED, SATURATION, standings


@dataclass(frozen=True, slots=True)
class _Held:
    """A document and {concept: (status, mentions)}; `document` None for a tombstone."""

    version: int
    document: Document | None
    concepts: Mapping[str, tuple[Assertion, int]]


class MemoryGraphIndex:
    """Keeps everything in this process."""

    def __init__(self) -> None:
        self._tenants: dict[TenantId, dict[str, _Held]] = {}
        self._inverted: dict[TenantId, Mapping[str, Sequence[str]]] = {}

    def upsert(self, tenant_id: TenantId, entries: Sequence[GraphEntry]) -> None:
        """Keep every entry that is not older than what is there."""
        self._inverted.pop(tenant_id, None)
        held = self._tenants.setdefault(tenant_id, {})
        for entry in entries:
            document = entry.document
            known = held.get(document.doc_id)
            if known is None or _gives_way(known, document.version):
                held[document.doc_id] = _Held(document.version, document, _concepts(entry))

    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None:
        """Forget documents, and remember at which version."""
        self._inverted.pop(tenant_id, None)
        held = self._tenants.setdefault(tenant_id, {})
        for stone in tombstones:
            known = held.get(stone.key)
            if known is None or known.version <= stone.version:
                held[stone.key] = _Held(stone.version, None, {})

    def search(
        self,
        access: Access,
        weights: Mapping[str, float],
        filters: Filters,
        k: int,
        assertion: AssertionMode,
    ) -> Ranking:
        """Rank documents by the weighted concepts they mention."""
        live, holders = self._live(access.tenant_id), self._holders(access.tenant_id)
        shares: dict[str, dict[str, float]] = {}
        for concept, weight in weights.items():
            holding = holders.get(concept, ())
            idf = math.log(1 + len(live) / len(holding)) if holding else 0.0
            for doc_id in holding:
                held = live[doc_id]
                status, mentions = held.concepts[concept]
                counted = COUNTED[assertion].get(status, 0.0)
                assert held.document is not None  # only live ones are here
                if counted and weight > 0 and visible(held.document, access, filters):
                    saturated = mentions / (mentions + SATURATION)
                    share = weight * counted * idf * saturated
                    shares.setdefault(doc_id, {})[concept] = share
        ordered = sorted((-sum(share.values()), doc_id) for doc_id, share in shares.items())
        hits = (
            Scored(doc_id, -score, rank, concepts=shares[doc_id])
            for rank, (score, doc_id) in enumerate(ordered[: max(k, 0)], 1)
        )
        return Ranking(tuple(hits), len(ordered))

    def assertions(
        self, access: Access, concept_ids: Iterable[str], filters: Filters
    ) -> Mapping[str, int]:
        """Count visible documents by the best status that any of the concepts has in them."""
        wanted = frozenset(concept_ids)
        counts: Counter[str] = Counter()
        for held in self._live(access.tenant_id).values():
            assert held.document is not None  # only live ones are here
            found = [status for concept, (status, _) in held.concepts.items() if concept in wanted]
            if found and visible(held.document, access, filters):
                counts[min(found, key=BEST_FIRST.index).value] += 1
        return dict(counts)

    def standings(
        self, access: Access, doc_ids: Sequence[str], concept_ids: Sequence[str]
    ) -> Mapping[str, Mapping[str, Assertion]]:
        """Return what the visible ones of these documents say of these concepts."""
        wanted, nothing = frozenset(concept_ids), Filters()
        live = self._tenants.get(access.tenant_id, {})
        found: dict[str, dict[str, Assertion]] = {}
        for doc_id in doc_ids:
            held = live.get(doc_id)
            if held is None or held.document is None or not visible(held.document, access, nothing):
                continue
            said = {c: status for c, (status, _) in held.concepts.items() if c in wanted}
            if said:
                found[doc_id] = said
        return found

    def state(self, tenant_id: TenantId) -> IndexState:
        """Count what is held, and fold it into one digest."""
        held = self.entries(tenant_id)
        return IndexState(len(held), digest(held))

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {doc_id: version} of every live document."""
        return {doc_id: held.version for doc_id, held in self._live(tenant_id).items()}

    def drop(self, tenant_id: TenantId) -> None:
        """Forget a tenant."""
        self._inverted.pop(tenant_id, None)
        self._tenants.pop(tenant_id, None)

    def _holders(self, tenant_id: TenantId) -> Mapping[str, Sequence[str]]:
        """Return the documents that mention each concept, gathered once between two changes."""
        if (known := self._inverted.get(tenant_id)) is not None:
            return known
        found: dict[str, list[str]] = {}
        for doc_id, held in self._live(tenant_id).items():
            for concept in held.concepts:
                found.setdefault(concept, []).append(doc_id)
        self._inverted[tenant_id] = found
        return found

    def _live(self, tenant_id: TenantId) -> dict[str, _Held]:
        held = self._tenants.get(tenant_id, {})
        return {doc_id: each for doc_id, each in held.items() if each.document is not None}


def _concepts(entry: GraphEntry) -> dict[str, tuple[Assertion, int]]:
    return {each.concept_id: (each.status, each.mentions) for each in standings(entry)}


def _gives_way(known: _Held, version: int) -> bool:
    """A deletion wins over an upsert of its own version."""
    least = known.version + (known.document is None)
    return version >= least
