"""Notes for full-text indexes, and what is asked of them."""

from __future__ import annotations

from dataclasses import replace
from uuid import uuid4

from indexing.access import Access
from indexing.clauses import Clause
from indexing.filters import Filters
from indexing.model import Assertion, Document, Mention, TenantId
from indexing.ports import AssertionMode, LexicalEntry, LexicalIndex, Scored
from rankers.lexical import prepared
from rankers.query import parse

TENANT = TenantId(uuid4())
ACCESS = Access(TENANT, "dr", frozenset())
ALL = Filters()


def entry(doc_id: str, text: str, version: int = 1, **fields: object) -> LexicalEntry:
    document = replace(Document(TENANT, doc_id, version, text), **fields)  # type: ignore[arg-type]
    return LexicalEntry(document)


def said(base: LexicalEntry, words: str, assertion: Assertion, section: str = "") -> LexicalEntry:
    """Let a mention of `words` stand in the note with that assertion."""
    start = base.document.text.index(words)
    mention = Mention(start, start + len(words), words, words, assertion, assertion, section)
    return replace(base, mentions=(*base.mentions, mention))


def clause(query: str) -> Clause:
    return prepared(parse(query).clause)


def hits(
    index: LexicalIndex,
    query: str,
    *,
    access: Access = ACCESS,
    filters: Filters = ALL,
    k: int = 100,
    mode: AssertionMode = "present",
) -> tuple[Scored, ...]:
    ranking = index.search(access, clause(query), filters, k, mode)
    assert [hit.rank for hit in ranking.hits] == list(range(1, len(ranking.hits) + 1))
    pairs = [(-hit.score, hit.doc_id) for hit in ranking.hits]
    assert pairs == sorted(pairs)
    assert ranking.total is not None
    assert ranking.total >= len(ranking.hits)
    return ranking.hits


def ids(index: LexicalIndex, query: str, **more: object) -> set[str]:
    return {hit.doc_id for hit in hits(index, query, **more)}  # type: ignore[arg-type]
