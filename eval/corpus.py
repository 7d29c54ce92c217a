"""A benchmark's documents into the indexes: the same language, passages and entries as ingest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

from eval.benchmark import Text, interval
from indexing.access import Access
from indexing.derive import passage_texts
from indexing.model import Annotation, Document, TenantId
from indexing.ports import (
    Derived,
    Encoder,
    Freshness,
    GraphEntry,
    GraphIndex,
    LexicalEntry,
    LexicalIndex,
    PassageVectors,
    VectorEntry,
    VectorIndex,
)

BATCH = 500


class HeldDocuments:
    """The notes of an evaluation, for questions that have the notes themselves read."""

    def __init__(self) -> None:
        self._held: dict[str, Derived] = {}

    def add(self, derived: Iterable[Derived]) -> None:
        """Keep some more."""
        self._held.update((each.document.doc_id, each) for each in derived)

    def every(self) -> Sequence[Derived]:
        """Return all of them."""
        return list(self._held.values())

    def fetch(self, access: Access, doc_ids: Sequence[str]) -> Mapping[str, Derived]:  # noqa: ARG002
        """Return those among `doc_ids` that are here; an evaluation may read them all."""
        return {doc_id: self._held[doc_id] for doc_id in doc_ids if doc_id in self._held}

    def freshness(self, access: Access) -> Freshness:  # noqa: ARG002
        """Say that nothing is pending."""
        return Freshness(None, {})

    def total(self, access: Access) -> int:  # noqa: ARG002
        """Count them."""
        return len(self._held)

    def values(self, access: Access, name: str) -> Sequence[str]:  # noqa: ARG002
        """Return what they carry in a field, each once."""
        return sorted({str(getattr(each.document, name)) for each in self._held.values()})


class HeldVectors(VectorIndex, PassageVectors, Protocol):
    """A vector index that gives back what it holds."""


@dataclass(frozen=True, slots=True)
class Indexes:
    """Where a corpus goes; the vector leg is None and costs nothing where it is not asked. The
    full text is always there, because filters and operators are checked by it; so is the graph,
    which knows what each note says of a concept, and the notes, which are read for the rest."""

    annotate: Callable[[str], Annotation]
    encoder: Encoder
    lexical: LexicalIndex
    vector: HeldVectors | None
    graph: GraphIndex
    documents: HeldDocuments


def document(tenant_id: TenantId, text: Text) -> Document:
    """Return a benchmark's text as the document that ingest would make of it."""

    def said(name: str) -> str:
        value = text.metadata.get(name)
        return value if isinstance(value, str) else ""

    start, end = interval(text)
    return Document(
        tenant_id=tenant_id,
        doc_id=text.doc_id,
        version=1,
        text=text.text,
        title=text.title,
        patient_id=said("patient_id") or None,
        date_start=start,
        date_end=end,
        type=said("note_type"),
        specialty=said("specialty"),
    )


def fill(
    indexes: Indexes, tenant_id: TenantId, corpus: Iterable[Text], each: Callable[[int], None]
) -> None:
    """Index the corpus; `each` hears how many documents more are done."""
    for texts in _batches(corpus):
        derived = [_derived(indexes, document(tenant_id, text)) for text in texts]
        indexes.lexical.upsert(
            tenant_id, [LexicalEntry(d.document, d.sections, d.mentions) for d in derived]
        )
        indexes.graph.upsert(tenant_id, [GraphEntry(d.document, d.mentions) for d in derived])
        indexes.documents.add(derived)
        if indexes.vector is not None:
            indexes.vector.upsert(tenant_id, list(encoded(indexes.encoder, derived)))
        each(len(texts))


def _derived(indexes: Indexes, found: Document) -> Derived:
    language = indexes.annotate(found.text)
    return Derived(
        found, language.language_version, language.sections, language.passages, language.mentions
    )


def encoded(encoder: Encoder, derived: Sequence[Derived]) -> Iterator[VectorEntry]:
    """Make the vectors of every document's passages."""
    texts = [passage_texts(each) for each in derived]
    rows = encoder.encode([text for some in texts for text in some])
    at = 0
    for each, some in zip(derived, texts, strict=True):
        yield VectorEntry(each.document, encoder.model, each.passages, rows[at : at + len(some)])
        at += len(some)


def _batches(corpus: Iterable[Text]) -> Iterator[list[Text]]:
    rest = iter(corpus)
    while batch := list(islice(rest, BATCH)):
        yield batch
