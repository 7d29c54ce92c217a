"""Language and vectors of a document, once per (version, language version, model)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from indexing.codes import Codes, none
from indexing.copies import Kept, Outcome, settle
from indexing.model import Annotation, ChangeEvent, Document, Kind, TenantId
from indexing.ports import Derived, Encoder, VectorEntry, Vectors


class DerivedStore(Protocol):
    """Where documents are read from and what is derived from them is kept, with its event."""

    def documents(self, tenant_id: TenantId, doc_ids: Sequence[str]) -> list[Document]: ...
    def derived(self, tenant_id: TenantId, doc_ids: Sequence[str]) -> list[Derived]: ...
    def vectors(
        self,
        tenant_id: TenantId,
        doc_ids: Sequence[str],
        model: str,
        dimension: int,
        codes: Codes = none,
    ) -> list[VectorEntry]: ...
    def live(self, tenant_id: TenantId) -> Mapping[str, int]: ...
    def kept(self, tenant_id: TenantId, documents: Sequence[Document], keys: Sequence[str]) -> Kept:
        """Return what stands there of the patients of `documents`, and of those in whose charts
        the notes of `keys` were."""
        ...

    def store_language(
        self, tenant_id: TenantId, found: Sequence[tuple[Document, Annotation]], copied: Outcome
    ) -> None: ...
    def store_vectors(
        self,
        tenant_id: TenantId,
        model: str,
        found: Sequence[tuple[Document, Vectors]],
        *,
        announced: bool = True,
    ) -> None:
        """Keep vectors; `announced` tells the feed, unless no index is to take them yet."""
        ...

    def forget(self, tenant_id: TenantId, kind: Kind, gone: Sequence[tuple[str, int]]) -> None: ...


class LanguageFollower:
    """Documents in, sections and mentions out."""

    name = "language"
    kind = Kind.DOCUMENT
    batch = 64

    def __init__(
        self,
        store: DerivedStore,
        annotate: Callable[[TenantId, str, Sequence[tuple[int, int]]], Annotation],
    ) -> None:
        self._store, self._annotate = store, annotate

    def apply(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        """Annotate what the events name as it stands now, and announce it; and other notes of the
        same patients, where what is copied in them changed by it."""
        documents = self._store.documents(tenant_id, [e.key for e in events if not e.deleted])
        keys = [event.key for event in events]
        left = set(keys) - {document.doc_id for document in documents}
        copies = settle(documents, left, self._store.kept(tenant_id, documents, keys))
        if copies.touched:
            others = self._store.documents(tenant_id, list(copies.touched))
            # One that changed meanwhile has an event of its own on the way.
            documents += [d for d in others if d.version == copies.touched[d.doc_id]]
        if documents:
            found = [(d, self._annotated(d, copies)) for d in documents]
            self._store.store_language(tenant_id, found, copies)
        if gone := [(e.key, e.version) for e in events if e.deleted]:
            self._store.forget(tenant_id, Kind.LANGUAGE, gone)

    def _annotated(self, document: Document, copies: Outcome) -> Annotation:
        stretches = [(each.start, each.end) for each in copies.copied[document.doc_id]]
        return self._annotate(document.tenant_id, document.text, stretches)


class EmbedFollower:
    """Passages in, vectors out. The title goes in front of each passage, as the tuning found."""

    name = "embed"
    kind = Kind.LANGUAGE
    batch = 32

    def __init__(self, store: DerivedStore, encoder: Encoder) -> None:
        self._store, self._encoder = store, encoder

    def apply(self, tenant_id: TenantId, events: Sequence[ChangeEvent]) -> None:
        """Encode what the events name as it stands now, and announce it."""
        derived = self._store.derived(tenant_id, [e.key for e in events if not e.deleted])
        if derived:
            found = embedded(self._encoder, derived)
            self._store.store_vectors(tenant_id, self._encoder.model, found)
        if gone := [(e.key, e.version) for e in events if e.deleted]:
            self._store.forget(tenant_id, Kind.VECTORS, gone)


def embedded(encoder: Encoder, derived: Sequence[Derived]) -> list[tuple[Document, Vectors]]:
    """Encode every passage of some documents."""
    vectors = encoder.encode([text for each in derived for text in passage_texts(each)])
    found, at = [], 0
    for each in derived:
        n = len(each.passages)
        found.append((each.document, vectors[at : at + n]))
        at += n
    return found


def passage_texts(derived: Derived) -> list[str]:
    """Return what is encoded for each passage."""
    document = derived.document
    prefix = f"{document.title}. " if document.title else ""
    return [prefix + document.text[p.start : p.end] for p in derived.passages]
