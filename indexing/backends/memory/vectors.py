"""The reference vector index: dicts and loops, what the others must agree with."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from indexing.access import Access
from indexing.errors import EventRejected
from indexing.filters import Filters
from indexing.model import Document, IndexState, TenantId, Tombstone
from indexing.ports import NameHit, Ranking, Scored, VectorEntry, Vectors, Worded
from indexing.reconcile import digest
from indexing.spaces import CLINICAL_NOTES, Space, amounts, passes, texts


@dataclass(frozen=True, slots=True)
class _Stacked:
    """Every passage's vector as a row; document i's begin at `starts[i]`."""

    rows: Vectors
    starts: NDArray[np.intp]
    entries: Sequence[VectorEntry]

    def best_rows(self, scores: Vectors, best: Vectors) -> list[int]:
        """Return where each document's first best passage lies among its own."""
        lengths = np.diff(self.starts, append=len(self.rows))
        equal = np.flatnonzero(scores == np.repeat(best, lengths))
        first = equal[np.searchsorted(equal, self.starts)]
        return [int(row) for row in first - self.starts]


class MemoryVectorIndex:
    """Everything in dictionaries of this process."""

    def __init__(self, space: Space = CLINICAL_NOTES) -> None:
        self._space = space
        self._live: dict[TenantId, dict[str, VectorEntry]] = {}
        self._gone: dict[TenantId, dict[str, int]] = {}
        self._stacked: dict[TenantId, _Stacked] = {}

    def upsert(self, tenant_id: TenantId, entries: Sequence[VectorEntry]) -> None:
        """Keep each document unless a newer version or its tombstone stands."""
        for entry in entries:
            if len(entry.passages) != len(entry.vectors):
                raise EventRejected(f"document {entry.document.doc_id!r}: passages and vectors")
            texts(self._space, entry.document, entry.metadata)
            amounts(self._space, entry.document, entry.metadata)
        self._stacked.pop(tenant_id, None)
        live, gone = self._live.setdefault(tenant_id, {}), self._gone.setdefault(tenant_id, {})
        for entry in entries:
            key, version = entry.document.doc_id, entry.document.version
            if version <= gone.get(key, -1):
                continue
            if key not in live or live[key].document.version <= version:
                live[key] = entry
                gone.pop(key, None)

    def delete(self, tenant_id: TenantId, tombstones: Sequence[Tombstone]) -> None:
        """Take documents out and keep the version at which they went."""
        self._stacked.pop(tenant_id, None)
        live, gone = self._live.setdefault(tenant_id, {}), self._gone.setdefault(tenant_id, {})
        for tombstone in tombstones:
            held = live.get(tombstone.key)
            if held is not None and held.document.version > tombstone.version:
                continue
            live.pop(tombstone.key, None)
            gone[tombstone.key] = max(tombstone.version, gone.get(tombstone.key, -1))

    def search(self, access: Access, vector: Vectors, filters: Filters, k: int) -> Ranking:
        """Rank visible documents by the cosine of their best passage."""
        stacked = self._stack(access.tenant_id)
        if not stacked.entries:
            return Ranking(())
        scores = self._scores(stacked.rows, vector.reshape(-1))
        best = np.maximum.reduceat(scores, stacked.starts)
        order = np.argsort(-best, kind="stable")  # they lie by doc_id, and ties stay so
        found = [int(i) for i in islice(self._open(stacked, order, access, filters), max(k, 0))]
        entries, values, rows = stacked.entries, best.tolist(), stacked.best_rows(scores, best)
        return Ranking(
            tuple(
                Scored(
                    entries[i].document.doc_id,
                    values[i],
                    rank,
                    passage=entries[i].passages[rows[i]].number,
                )
                for rank, i in enumerate(found, 1)
            )
        )

    def passages(self, access: Access, doc_ids: Sequence[str]) -> Mapping[str, Vectors]:
        """Return the vectors of the visible ones of these documents."""
        live = self._live.get(access.tenant_id, {})
        found = {doc_id: live[doc_id] for doc_id in doc_ids if doc_id in live}
        return {
            doc_id: each.vectors
            for doc_id, each in found.items()
            if each.passages and access.opens(each.document.patient_id, each.document.labels)
        }

    def spread(self, access: Access, words: Sequence[str]) -> Mapping[str, int]:
        """Count the names that hold each of these words."""
        wanted, found = frozenset(words), Counter[str]()
        for _, name in self._worded(access.tenant_id):
            found.update(wanted.intersection(name.words))
        return found

    def vocabulary(self, access: Access) -> frozenset[str]:
        """Return every word of the names."""
        return frozenset(w for _, name in self._worded(access.tenant_id) for w in name.words)

    def named(self, access: Access, weights: Mapping[str, float], k: int) -> Sequence[NameHit]:
        """Rank names by the weights of the words that they hold; ties stand by row."""
        found = []
        for doc_id, name in self._worded(access.tenant_id):
            score = sum(weights.get(word, 0.0) for word in set(name.words))
            if score > 0:
                found.append(NameHit(doc_id, name.row, len(name.words), round(score, 9)))
        return sorted(found, key=lambda hit: (-hit.score, hit.row))[:k]

    def texts(self, tenant_id: TenantId) -> Sequence[str]:
        """Return every name."""
        return [name.text for _, name in self._worded(tenant_id)]

    def _worded(self, tenant_id: TenantId) -> Iterator[tuple[str, Worded]]:
        for doc_id, entry in self._live.get(tenant_id, {}).items():
            yield from ((doc_id, name) for name in entry.worded)

    def _scores(self, rows: Vectors, vector: Vectors) -> Vectors:
        if self._space.metric == "cosine":
            return np.asarray(rows @ vector)
        return np.asarray(1 / (1 + ((rows - vector) ** 2).sum(axis=1)), dtype=np.float32)

    def _open(
        self, stacked: _Stacked, order: NDArray[np.intp], access: Access, filters: Filters
    ) -> Iterator[np.intp]:
        """Yield those that this access and these filters let through."""
        nobodys = "patient_id" not in self._space.schema
        for i in order:
            each = stacked.entries[i]
            d = each.document
            if not (nobodys or access.opens(d.patient_id, d.labels)):
                continue
            if filters.empty or (
                _dated(d, filters) and passes(self._space, d, each.metadata, filters)
            ):
                yield i

    def _stack(self, tenant_id: TenantId) -> _Stacked:
        """Lay every passage below the other, once between two changes."""
        if (known := self._stacked.get(tenant_id)) is not None:
            return known
        live = self._live.get(tenant_id, {})
        entries = [each for _, each in sorted(live.items()) if each.passages]
        starts = np.cumsum([0, *(len(each.passages) for each in entries)])[:-1]
        rows = np.concatenate([each.vectors for each in entries] or [np.empty((0, 0), np.float32)])
        self._stacked[tenant_id] = _Stacked(rows, starts, entries)
        return self._stacked[tenant_id]

    def state(self, tenant_id: TenantId) -> IndexState:
        """Count the live documents and fold their versions."""
        held = self.entries(tenant_id)
        passages = sum(len(e.passages) for e in self._live.get(tenant_id, {}).values())
        return IndexState(len(held), digest(held), {"passages": str(passages), "search": "exact"})

    def entries(self, tenant_id: TenantId) -> Mapping[str, int]:
        """Return {doc_id: version} of every live document."""
        return {k: e.document.version for k, e in self._live.get(tenant_id, {}).items()}

    def drop(self, tenant_id: TenantId) -> None:
        """Forget the tenant's vectors, tombstones too."""
        self._stacked.pop(tenant_id, None)
        self._live.pop(tenant_id, None)
        self._gone.pop(tenant_id, None)


def _dated(document: Document, filters: Filters) -> bool:
    if filters.date_from is not None and (
        document.date_end is None or document.date_end <= filters.date_from
    ):
        return False
    return filters.date_to is None or (
        document.date_start is not None and document.date_start < filters.date_to
    )
