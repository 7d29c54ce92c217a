"""The vector leg: what of a question is encoded, and the notes whose passages lie nearest."""

from __future__ import annotations

from indexing.access import Access
from indexing.filters import Filters
from indexing.ports import Encoder, Ranking, VectorIndex


def rank(
    index: VectorIndex, encoder: Encoder, access: Access, text: str, filters: Filters, k: int
) -> Ranking:
    """Rank by meaning; each hit names its best passage. Nothing is nearest to an empty text."""
    if not text.strip():
        return Ranking((), 0)
    return index.search(access, encoder.encode([text])[0], filters, k)
