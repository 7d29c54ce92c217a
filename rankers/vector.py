"""The vector leg: what of a question is encoded, and the notes whose passages lie nearest."""

from __future__ import annotations

from collections.abc import Iterable

from indexing.access import Access
from indexing.filters import Filters
from indexing.language.terminology import Terminology
from indexing.ports import Encoder, Ranking, VectorIndex
from rankers.graph import Concepts

LEAST_COVERED = 0.7  # of a question's words: below it they say more than their concepts' names


def meant(
    text: str, about: Concepts, terminology: Terminology, rejected: Iterable[str] = ()
) -> str:
    """Return what is encoded for a question: where it is about what it names, the names that notes
    have for it, except `rejected` wordings. A small model knows little of "heart racing"."""
    if about.covered < LEAST_COVERED:
        return text
    if not about.spans:  # words without a name, for which a concept was taken up
        return ", ".join(terminology.concept(seed).name for seed in about.seeds)
    gone = frozenset(rejected)
    for span in reversed(about.spans):
        name = terminology.concept(span.concept_id).name
        if not span.ambiguous and f"{span.concept_id}/{name}" not in gone:
            text = text[: span.start] + name + text[span.end :]
    return text


def rank(
    index: VectorIndex, encoder: Encoder, access: Access, text: str, filters: Filters, k: int
) -> Ranking:
    """Rank by meaning; each hit names its best passage. Nothing is nearest to an empty text."""
    if not text.strip():
        return Ranking((), 0)
    return index.search(access, encoder.encode([text])[0], filters, k)
