"""The best hits read again by a model that sees the question and a passage side by side.

Off by default: a cross-encoder is an extra, and takes tens of milliseconds a passage. What it adds
is one more contribution, so that a score still is the sum of its parts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from msgspec import structs

from indexing.access import Access
from indexing.ports import Derived, Documents, Reranker
from rankers.explain import Fused, Signal, ranked

NAME = "rerank"
DEPTH = 30  # hits read again; those below keep their order and stay below
# What a full point of the model is worth beside the fused score, whose best hit has about 1.
WEIGHT = 1.0
LONGEST = 2_000  # code points of a passage: more than any such model reads


class Reordering(Protocol):
    """What orders fused hits anew by their signals; contributions still sum to the score."""

    def reordered(self, question: str, fused: Sequence[Fused]) -> Sequence[Fused]: ...


class Reranking:
    """One model over the notes of one installation; safe to share between threads."""

    def __init__(self, reranker: Reranker, documents: Documents) -> None:
        self._reranker, self._documents = reranker, documents

    def reordered(
        self,
        access: Access,
        question: str,
        fused: Sequence[Fused],
        passages: Mapping[str, int | None],
    ) -> tuple[Fused, ...]:
        """Score the best hits again by their best passage; contributions still sum to the score.

        `passages` names each hit's nearest passage, where the vector leg found one. A hit whose
        note is gone or closed keeps its score.
        """
        head, tail = list(fused[:DEPTH]), fused[DEPTH:]
        notes = self._documents.fetch(access, [hit.doc_id for hit in head])
        read = [hit for hit in head if hit.doc_id in notes]
        if not read or not question.strip():
            return tuple(fused)
        texts = [_passage(notes[hit.doc_id], passages.get(hit.doc_id)) for hit in read]
        points = self._reranker.score(question, texts)
        order = np.argsort(-points, kind="stable")
        rank_of = {read[at].doc_id: place for place, at in enumerate(order.tolist(), 1)}
        given = {
            hit.doc_id: Signal(rank_of[hit.doc_id], float(point), WEIGHT * float(point))
            for hit, point in zip(read, points, strict=True)
        }
        ordered = sorted(
            (_with(hit, given.get(hit.doc_id)) for hit in head),
            key=lambda hit: (-hit.score, hit.doc_id),
        )
        return ranked((*ordered, *tail))


def _with(hit: Fused, signal: Signal | None) -> Fused:
    if signal is None:
        return hit
    return structs.replace(
        hit, score=hit.score + signal.contribution, signals={**hit.signals, NAME: signal}
    )


def _passage(note: Derived, number: int | None) -> str:
    """Return the passage nearest in meaning, else the note's beginning, under its title."""
    text = note.document.text
    found = next((p for p in note.passages if p.number == number), None)
    part = text[found.start : found.end] if found else text
    return f"{note.document.title}\n{part[:LONGEST]}".strip()
