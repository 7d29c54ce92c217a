"""Other ways to answer, on the same corpus: what a team would build in an afternoon."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import numpy as np

from eval.bench.clock import Ask
from indexing.ports import Encoder, Vectors

K = 10
_WORD = re.compile(r"\w+")


def _tokens(text: str) -> list[str]:
    return _WORD.findall(text.lower())


def rank_bm25(texts: Sequence[str]) -> Ask | None:
    """Return rank-bm25's answer to a question, None where it is not installed."""
    try:
        from rank_bm25 import BM25Okapi
    except ImportError:
        return None
    index = BM25Okapi([_tokens(text) for text in texts])

    def ask(question: str) -> object:
        scores = index.get_scores(_tokens(question))
        return np.argsort(-scores)[:K]

    return ask


def bm25s(texts: Sequence[str]) -> Ask | None:
    """Return bm25s's answer to a question, None where it is not installed."""
    try:
        import bm25s as library
    except ImportError:
        return None
    index = library.BM25()
    index.index([_tokens(text) for text in texts], show_progress=False)
    k = min(K, len(texts))

    def ask(question: str) -> object:
        return index.retrieve([_tokens(question)], k=k, show_progress=False, n_threads=1)

    return ask


def brute_force(encoder: Encoder, matrix: Vectors) -> Ask:
    """Return MiniLM against every passage: one matrix product, no filter, no database."""

    def ask(question: str) -> object:
        scores = matrix @ encoder.encode([question])[0]
        best = np.argpartition(-scores, min(K, len(scores) - 1))[:K]
        return best[np.argsort(-scores[best])]

    return ask


def nearest(encoder: Encoder, search: Callable[[Vectors], object]) -> Ask:
    """Return a vector store's own answer, with the question's encoding in the time."""
    return lambda question: search(encoder.encode([question])[0])
