"""The same question by the same view at the same epoch is ranked once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

import orjson

from indexing.access import Access
from indexing.errors import EngineUnavailable
from indexing.model import TenantId
from indexing.ports import Cache, Derived, Documents
from rankers.answer import Answer, Hit, Mark, SearchRequest, Sentence
from rankers.explain import Reasons
from rankers.search import Found

_SPELLED = orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z


class Searching(Protocol):
    """What is asked where the cache has no answer."""

    def rank(self, access: Access, request: SearchRequest) -> Found: ...
    def found(self, access: Access, request: SearchRequest, answer: Answer) -> Found: ...
    def describe(
        self, access: Access, request: SearchRequest, hits: Sequence[Hit],
        notes: Mapping[str, Derived],
    ) -> tuple[tuple[Hit, ...], tuple[Sentence, ...]]: ...  # fmt: skip
    def why_not(self, access: Access, request: SearchRequest, doc_id: str) -> Reasons: ...
    def marks(
        self, request: SearchRequest, derived: Derived, passage: int | None = None
    ) -> tuple[Mark, ...]: ...


class CachedSearch:
    """A search that looks in a cache first. `epoch(tenant)` changes with whatever may change an
    answer, `version` names the code, the models and the settings that made it.

    What is kept is where each hit stands and why, never a note's text; a hit's note is read when
    it is shown, with its audit row, and left out where it may not be seen.
    """

    def __init__(
        self, search: Searching, cache: Cache, documents: Documents,
        epoch: Callable[[TenantId], bytes], version: str,
    ) -> None:  # fmt: skip
        self._search, self._cache, self._documents = search, cache, documents
        self._epoch, self._version = epoch, version

    def rank(self, access: Access, request: SearchRequest) -> Found:
        """Rank, or say how the same was ranked. Raises: as `Search.rank`."""
        key = self._key(access, request)
        if key is None:
            return self._search.rank(access, request)
        kept = self._cache.get(access.tenant_id, key)
        if kept is not None and (answer := _read(kept)) is not None:
            fresh = self._documents.freshness(access)
            return self._search.found(access, request, replace(answer, freshness=fresh))
        found = self._search.rank(access, request)
        # A proof of absence says up to when was looked, and a missing leg may be back in a moment.
        if not (found.answer.missing or found.answer.absence):
            self._cache.put(access.tenant_id, key, orjson.dumps(found.answer.to_json()))
        return found

    def describe(
        self, access: Access, request: SearchRequest, hits: Sequence[Hit],
        notes: Mapping[str, Derived],
    ) -> tuple[tuple[Hit, ...], tuple[Sentence, ...]]:  # fmt: skip
        """Say what is at hits that were ranked earlier."""
        return self._search.describe(access, request, hits, notes)

    def why_not(self, access: Access, request: SearchRequest, doc_id: str) -> Reasons:
        """Say where each leg has a note, or what removed it."""
        return self._search.why_not(access, request, doc_id)

    def marks(
        self, request: SearchRequest, derived: Derived, passage: int | None = None
    ) -> tuple[Mark, ...]:
        """Mark what answers the question in the whole of a note."""
        return self._search.marks(request, derived, passage)

    def _key(self, access: Access, request: SearchRequest) -> bytes | None:
        """Fold everything that an answer depends on; None when the epoch cannot be read."""
        try:
            epoch = self._epoch(access.tenant_id)
        except EngineUnavailable:
            return None
        patients = None if access.patients is None else sorted(access.patients)
        view = [
            str(access.tenant_id), sorted(access.roles), access.purpose, patients,
            sorted(access.labels), access.time_zone,
        ]  # fmt: skip
        try:
            spelled = orjson.dumps([self._version, view, request], option=_SPELLED)
        except orjson.JSONEncodeError:
            return None  # half a surrogate pair in a question: no text
        return hashlib.blake2b(epoch + spelled, digest_size=32).digest()


def _read(kept: bytes) -> Answer | None:
    try:
        return Answer.from_json(orjson.loads(kept))
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        return None  # an older release wrote it
