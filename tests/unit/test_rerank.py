"""A second reading reorders the best hits, and every score still is the sum of its parts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from indexing.access import Access
from indexing.errors import ConfigurationError
from indexing.model import Document, Passage, TenantId
from indexing.ports import Derived, Freshness
from rankers.explain import Fused, Signal
from rankers.rerank import DEPTH, NAME, Reranking

TENANT = TenantId(uuid4())
ACCESS = Access(TENANT, "dr", frozenset())


class Counting:
    """A model that likes what it has been told to like, and remembers what it read."""

    def __init__(self, likes: Mapping[str, float]) -> None:
        self.likes, self.read = likes, []  # type: ignore[var-annotated]

    def score(self, question: str, texts: Sequence[str]) -> NDArray[np.float32]:
        self.read += texts
        points = [max((p for w, p in self.likes.items() if w in t), default=0.0) for t in texts]
        return np.array(points, np.float32)


class Shelf:
    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts

    def fetch(self, access: Access, doc_ids: Sequence[str]) -> Mapping[str, Derived]:
        return {d: _note(d, self.texts[d]) for d in doc_ids if d in self.texts}

    def freshness(self, access: Access) -> Freshness:
        return Freshness(None, {})

    def total(self, access: Access) -> int:
        return len(self.texts)

    def values(self, access: Access, name: str) -> Sequence[str]:
        return ()


def _note(doc_id: str, text: str) -> Derived:
    half = len(text) // 2
    passages = (Passage(0, 0, half), Passage(1, half, len(text)))
    return Derived(Document(TENANT, doc_id, 1, text, title="T"), "1", (), passages, ())


def _fused(doc_ids: Sequence[str]) -> list[Fused]:
    """Scores fall from 1 by a hundredth; the words gave all of it."""
    return [
        Fused(d, rank, 1 - rank / 100, {"lexical": Signal(rank, 3.0, 1 - rank / 100)})
        for rank, d in enumerate(doc_ids, 1)
    ]


def test_what_the_model_likes_comes_first() -> None:
    shelf = Shelf({"a": "cough", "b": "cough", "c": "fits best"})
    ranked = Reranking(Counting({"best": 0.9}), shelf).reordered(
        ACCESS, "what fits", _fused("abc"), {"c": 1}
    )
    assert [hit.doc_id for hit in ranked] == ["c", "a", "b"]
    assert [hit.rank for hit in ranked] == [1, 2, 3]
    assert ranked[0].signals[NAME].rank == 1


def test_the_nearest_passage_is_read_and_the_beginning_where_none_is() -> None:
    model = Counting({})
    shelf = Shelf({"a": "first half|second one", "b": "whole note"})
    Reranking(model, shelf).reordered(ACCESS, "q", _fused("ab"), {"a": 1})
    assert model.read == ["T\n|second one", "T\nwhole note"]


def test_a_note_that_is_gone_keeps_its_score() -> None:
    ranked = Reranking(Counting({"b": 1.0}), Shelf({"b": "b"})).reordered(
        ACCESS, "q", _fused("ab"), {}
    )
    assert [hit.doc_id for hit in ranked] == ["b", "a"]
    assert NAME not in ranked[1].signals


@given(st.lists(st.floats(0, 1, width=32), max_size=DEPTH + 12))
def test_contributions_sum_scores_fall_and_nothing_is_lost(points: list[float]) -> None:
    names = [f"n{at:02}" for at in range(len(points))]
    likes = dict(zip(names, points, strict=True))
    ranked = Reranking(Counting(likes), Shelf({n: n for n in names})).reordered(
        ACCESS, "q", _fused(names), {}
    )
    assert sorted(hit.doc_id for hit in ranked) == names
    assert [hit.rank for hit in ranked] == list(range(1, len(names) + 1))
    for hit in ranked:
        parts = math.fsum(signal.contribution for signal in hit.signals.values())
        assert math.isclose(hit.score, parts, abs_tol=1e-9)
    scores = [hit.score for hit in ranked]
    assert scores == sorted(scores, reverse=True)


def test_a_missing_extra_says_which_to_install() -> None:
    from indexing.encoders import CrossEncoderReranker

    with pytest.raises(ConfigurationError):
        CrossEncoderReranker("no-such-folder")
