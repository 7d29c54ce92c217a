"""A tenant's books for commands: from its tables to a book of the lab, and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from app.cli.output import operator
from app.services import services_of
from app.settings import load
from app.wiring import Installation
from eval.judgements import Book, Judgement
from indexing.access import Access
from indexing.backends.postgres.books import PostgresBooks
from indexing.errors import InvalidInput
from indexing.judging import BookHead, TenantBook, Word


def tenant_book(home: Path, tenant: str, name: str) -> Book:
    """Read a tenant's book. Raises: NotFound."""
    with _books(home, tenant) as (books, access):
        found = books.book(access, name)
    words = tuple(
        Judgement(
            w.topic_id, w.doc_id, w.judge, w.grade, w.at.isoformat(), w.guideline_version,
            w.comment,
        )
        for w in found.words
    )  # fmt: skip
    return Book(
        name, found.topics, found.pooled, words, tenant=tenant,
        guideline=found.head.guideline, guideline_version=found.head.guideline_version,
    )  # fmt: skip


def store_tenant_book(home: Path, tenant: str, book: Book) -> None:
    """Put a book among a tenant's; of one judge's two words the later counts."""
    words = tuple(
        Word(j.topic_id, j.doc_id, j.judge, j.grade, _instant(j.at), j.guideline, j.comment)
        for j in book.judgements
    )
    head = BookHead(book.name, book.guideline, book.guideline_version)
    pooled = {topic: tuple(docs) for topic, docs in book.pooled.items()}
    with _books(home, tenant) as (books, access):
        books.store(access, TenantBook(head, book.topics, pooled, words))


def _instant(at: str) -> datetime:
    try:
        found = datetime.fromisoformat(at) if at else datetime.min
    except ValueError as exc:
        raise InvalidInput(f"{at[:40]!r} is no instant of a judgement") from exc
    return found if found.tzinfo else found.replace(tzinfo=UTC)


@contextmanager
def _books(home: Path, tenant: str) -> Iterator[tuple[PostgresBooks, Access]]:
    installation = Installation(load().model_copy(update={"home": home}))
    try:
        yield services_of(installation).books, operator(installation.tenants.by_code(tenant))
    finally:
        installation.close()
