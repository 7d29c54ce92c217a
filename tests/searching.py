"""A search over a few notes on the reference engines, and engines that fail."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from uuid import uuid4

import numpy as np

from indexing.access import Access
from indexing.backends.memory.graph import MemoryGraphIndex
from indexing.backends.memory.lexical import MemoryLexicalIndex
from indexing.backends.memory.vectors import MemoryVectorIndex
from indexing.errors import EngineUnavailable
from indexing.language.matcher import Matcher
from indexing.language.pipeline import Language
from indexing.language.terminology import open_terminology
from indexing.model import Document, TenantId
from indexing.ports import (
    Derived,
    Freshness,
    GraphEntry,
    LexicalEntry,
    Ranking,
    VectorEntry,
    Vectors,
)
from rankers.answer import Answer
from rankers.search import Search, SearchRequest

TENANT = TenantId(uuid4())


ACCESS = Access(TENANT, "dr", frozenset())


COMPLETE = datetime(2024, 1, 1, 14, 2, tzinfo=UTC)


NOTES = {
    "has": ("Clinic letter", "P1", "He has chest pain on exertion. Started aspirin 81 mg."),
    "denies": ("Clinic letter", "P2", "She denies chest pain. No cough."),
    "mother": ("Clinic letter", "P3", "FAMILY HISTORY: Mother had breast cancer.\nPLAN: Mammo."),
    "cough": ("Nursing", "P1", "Dry cough and fever since Monday. Lungs are clear."),
    "secret": ("Psychiatry", "P1", "Reports chest pain during panic attacks."),
}  # fmt: skip


class Letters:
    """An encoder without a model: counts letters."""

    model, dimension = "letters", 26

    def encode(self, texts: Sequence[str]) -> Vectors:
        rows = np.array([[t.lower().count(chr(97 + i)) for i in range(26)] for t in texts])
        rows = rows.astype(np.float32) + 1e-3
        found: Vectors = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        return found


class Shelf:
    """The notes themselves."""

    def __init__(self, held: Mapping[str, Derived]) -> None:
        self.held = dict(held)

    def fetch(self, access: Access, doc_ids: Sequence[str]) -> Mapping[str, Derived]:
        found = {d: self.held[d] for d in doc_ids if d in self.held}
        return {
            d: each
            for d, each in found.items()
            if access.opens(each.document.patient_id, each.document.labels)
        }

    def freshness(self, access: Access) -> Freshness:
        return Freshness(COMPLETE, {"vector": 0})

    def total(self, access: Access) -> int:
        return sum(
            access.opens(d.document.patient_id, d.document.labels) for d in self.held.values()
        )

    def values(self, access: Access, name: str) -> Sequence[str]:
        notes = [each.document for each in self.held.values()]
        return sorted({getattr(d, name) for d in notes if access.opens(d.patient_id, d.labels)})


class Down:
    """An engine that does not answer."""

    def search(self, *_: object) -> Ranking:
        raise EngineUnavailable("down")

    def assertions(self, *_: object) -> Mapping[str, int]:
        raise EngineUnavailable("down")

    matching = facets = counts = standings = assertions


class Slow(Down):
    """An engine that hangs until it is let go."""

    def __init__(self) -> None:
        self.released = threading.Event()

    def search(self, *_: object) -> Ranking:
        self.released.wait(30)
        return Ranking(())


def built() -> tuple[Search, Shelf]:
    """Make a search over the notes, for tests of what stands around it."""
    made = made_of_notes()
    shelf = made["documents"]
    assert isinstance(shelf, Shelf)
    return Search(**made), shelf  # type: ignore[arg-type]


def made_of_notes(notes: Mapping[str, tuple[str, str, str]] = NOTES) -> dict[str, object]:
    terminology = open_terminology()
    language = Language(terminology)
    encoder = Letters()
    lexical, vector, graph = MemoryLexicalIndex(), MemoryVectorIndex(), MemoryGraphIndex()
    held = {}
    for doc_id, (kind, patient, text) in notes.items():
        labels = frozenset({"PSY"}) if doc_id == "secret" else frozenset()
        day = datetime(2023, 5, 1, tzinfo=UTC)
        document = Document(
            TENANT, doc_id, 1, text, title=f"Note {doc_id}", patient_id=patient, type=kind,
            labels=labels, date_start=day, author="Dr Lee",
        )  # fmt: skip
        found = language.annotate(text)
        held[doc_id] = Derived(document, "1", found.sections, found.passages, found.mentions)
        lexical.upsert(TENANT, [LexicalEntry(document, found.sections, found.mentions)])
        graph.upsert(TENANT, [GraphEntry(document, found.mentions)])
        rows = encoder.encode([text[p.start : p.end] for p in found.passages])
        vector.upsert(TENANT, [VectorEntry(document, "letters", found.passages, rows)])
    return {
        "lexical": lexical, "vector": vector, "graph": graph, "encoder": encoder,
        "terminology": terminology, "matcher": Matcher(terminology), "documents": Shelf(held),
    }  # fmt: skip


def ask(search: Search, q: str, **more: object) -> Answer:
    return search.answer(ACCESS, SearchRequest(q, **more))  # type: ignore[arg-type]


def found(answer: Answer) -> list[str]:
    return [hit.doc_id for hit in answer.hits]


LEXICAL = ("lexical",)
