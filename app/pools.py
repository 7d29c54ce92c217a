"""Books of public and invented sets as the lab's pages show them: one question, its pool, grades.

A pool's order says nothing of ranks or runs, so that judging here is always blind.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from eval.archive import LAB, Archive
from eval.judgements import Book, Judgement
from eval.shelf import Shelf, Taken
from indexing.errors import NotFound
from indexing.judging import BookHead

SHOWN = 6_000  # characters of a document


@dataclass(frozen=True, slots=True)
class Pooled:
    """A document to judge; `grade` is this judge's, None where there is none yet."""

    number: int
    doc_id: str
    title: str
    text: str
    cut: bool
    grade: int | None


@dataclass(frozen=True, slots=True)
class TopicRow:
    """A topic of a book; `mine` of its `pooled` documents have this judge's grade."""

    number: int
    topic_id: str
    text: str
    pooled: int
    mine: int


class Pools:
    """The shelf of an installation, books of no tenant alone."""

    def __init__(self, home: Path) -> None:
        self._shelf, self._archive = Shelf(home / LAB / "books"), Archive(home / LAB)

    def heads(self) -> list[BookHead]:
        """List the books."""
        found = (self._shelf.open(name) for name in self._shelf.names())
        return [
            BookHead(
                book.name, book.guideline, book.guideline_version, len(book.topics),
                sum(map(len, book.pooled.values())), len(book.judgements), book.unjudged(),
            )
            for book in found
            if not book.tenant
        ]  # fmt: skip

    def book(self, name: str) -> Book:
        """Open one. Raises: NotFound."""
        found = self._shelf.open(name)
        if found.tenant:
            raise NotFound("no such book")
        return found

    def topics(self, book: Book, judge: str) -> list[TopicRow]:
        """List a book's topics, numbered from 1."""
        mine = {(j.topic_id, j.doc_id) for j in book.judgements if j.judge == judge}
        return [
            TopicRow(
                number, topic, text, len(book.pooled.get(topic, ())),
                sum((topic, doc_id) in mine for doc_id in book.pooled.get(topic, ())),
            )
            for number, (topic, text) in enumerate(book.topics.items(), 1)
        ]  # fmt: skip

    def pooled(self, book: Book, number: int, judge: str) -> tuple[str, str, Sequence[Pooled]]:
        """Return a topic by its number, its text, and what is to be judged. Raises: NotFound."""
        if not 0 < number <= len(book.topics):
            raise NotFound("no such topic in this book")
        topic = list(book.topics)[number - 1]
        docs = list(book.pooled.get(topic, ()))
        grades = {
            j.doc_id: j.grade for j in book.judgements if (j.topic_id, j.judge) == (topic, judge)
        }
        titles, texts = self._read(book, docs)
        made = [
            Pooled(
                place, doc_id, titles.get(doc_id, doc_id), texts.get(doc_id, "")[:SHOWN],
                len(texts.get(doc_id, "")) > SHOWN, grades.get(doc_id),
            )
            for place, doc_id in enumerate(docs, 1)
        ]  # fmt: skip
        return topic, book.topics[topic], made

    def _read(self, book: Book, docs: Sequence[str]) -> tuple[Mapping[str, str], Mapping[str, str]]:
        titles = self._archive.titles(book.data_version, docs)
        return titles, self._archive.texts(book.data_version, docs)

    def judge(self, book: Book, topic: str, doc_id: str, judge: str, grade: int | None) -> None:
        """Keep a judge's word; None takes it back. Raises: NotFound, InvalidInput."""
        if doc_id not in book.pooled.get(topic, ()):
            raise NotFound("no such document in this pool")
        if grade is None:
            self._shelf.judge(book.name, Taken(topic, doc_id, judge))
        else:
            now = datetime.now(UTC).isoformat(timespec="milliseconds")
            word = Judgement(topic, doc_id, judge, grade, now, book.guideline_version)
            self._shelf.judge(book.name, word)
