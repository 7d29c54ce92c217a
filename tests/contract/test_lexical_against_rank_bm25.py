"""Our lexical scores against rank-bm25's, on the same terms and with Lucene's idf."""

from __future__ import annotations

import math
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rank_bm25 import BM25Okapi

from indexing.access import Access
from indexing.analysis import stems
from indexing.backends.memory.lexical import MemoryLexicalIndex
from indexing.backends.tantivy import TantivyLexicalIndex
from indexing.clauses import Ranked, Word
from indexing.filters import Filters
from indexing.model import Document, TenantId
from indexing.ports import LexicalEntry, LexicalIndex

WORDS = ["fever", "cough", "pain", "chest", "rash", "edema", "nausea", "anemia"]
# Below 40 terms Tantivy keeps a field's length exactly; longer ones it rounds to about 10 %.
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=35).map(" ".join)


def reference(texts: list[str], asked: list[str]) -> list[float]:
    every = [stems(text) for text in texts]
    model = BM25Okapi(every, k1=1.2, b=0.75)
    for term in model.idf:
        n = sum(term in one for one in every)
        model.idf[term] = math.log(1 + (len(every) - n + 0.5) / (n + 0.5))
    found: list[float] = np.asarray(model.get_scores([stems(word)[0] for word in asked])).tolist()
    return found


def agree(index: LexicalIndex, texts: list[str], asked: list[str]) -> None:
    tenant_id = TenantId(uuid4())
    documents = [Document(tenant_id, f"{i:03}", 1, text) for i, text in enumerate(texts)]
    index.upsert(tenant_id, [LexicalEntry(document) for document in documents])
    clause = Ranked(tuple(Word(word) for word in asked))
    access = Access(tenant_id, "dr", frozenset())
    found = index.search(access, clause, Filters(), len(texts), "any")
    ours = {hit.doc_id: hit.score for hit in found.hits}
    theirs = reference(texts, asked)
    assert {f"{i:03}" for i, score in enumerate(theirs) if score > 0} == set(ours)
    for doc_id, score in ours.items():
        assert score == pytest.approx(theirs[int(doc_id)], rel=1e-4)


ASKED = st.lists(st.sampled_from(WORDS), min_size=1, max_size=4, unique=True)


@settings(max_examples=40, deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=12), ASKED)
def test_the_reference_engine_scores_as_rank_bm25(texts: list[str], asked: list[str]) -> None:
    agree(MemoryLexicalIndex(title_weight=0), texts, asked)


@pytest.mark.parametrize("seed", range(4))
def test_tantivy_scores_as_rank_bm25(tmp_path: Path, seed: int) -> None:
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, rng.integers(1, 35))) for _ in range(60)]
    agree(TantivyLexicalIndex(tmp_path), texts, list(rng.choice(WORDS, 3, replace=False)))
