"""Books of judgements: topics, pooled documents, who judged what, when and by which guideline."""

from __future__ import annotations

import hashlib
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import orjson

from eval.benchmark import Qrels
from eval.lines import numbered, written
from indexing.errors import InvalidInput

GRADES = range(4)  # 0 not relevant, 1 related, 2 relevant, 3 what was asked for
LINE = 1_000_000  # characters


@dataclass(frozen=True, slots=True)
class Judgement:
    """One judge's word on one document. `at` is an ISO instant, "" where it is not known."""

    topic_id: str
    doc_id: str
    judge: str
    grade: int
    at: str = ""
    guideline: str = ""
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Book:
    """A set of topics to judge. `pooled` holds each topic's documents in the order in which they
    are shown; a topic without any found nothing, and stays."""

    name: str
    topics: Mapping[str, str]
    pooled: Mapping[str, Sequence[str]]
    judgements: tuple[Judgement, ...] = ()
    tenant: str = ""
    data_version: str = ""
    guideline: str = ""
    guideline_version: str = ""

    def qrels(self) -> Qrels:
        """Return the grades; of several judges the median, and of two middle ones the lower."""
        grades: dict[str, dict[str, list[int]]] = {topic: {} for topic in self.topics}
        for each in self.judgements:
            grades[each.topic_id].setdefault(each.doc_id, []).append(each.grade)
        return {
            topic: {d: statistics.median_low(given) for d, given in judged.items()}
            for topic, judged in grades.items()
        }

    def unjudged(self) -> int:
        """Count pooled documents that nobody judged."""
        qrels = self.qrels()
        return sum(d not in qrels[topic] for topic, docs in self.pooled.items() for d in docs)

    def with_judgements(self, more: Iterable[Judgement]) -> Book:
        """Return the book with more judgements; a judge's later word replaces the earlier.

        Raises: InvalidInput.
        """
        held = {(j.topic_id, j.doc_id, j.judge): j for j in self.judgements}
        for each in more:
            if each.topic_id not in self.topics:
                raise InvalidInput(f"the book {self.name!r} has no topic {each.topic_id!r}")
            if each.grade not in GRADES:
                raise InvalidInput(
                    f"{each.topic_id!r}, {each.doc_id!r}: a grade is 0, 1, 2 or 3",
                )
            held[each.topic_id, each.doc_id, each.judge] = each
        return replace(self, judgements=tuple(held.values()))

    def judged(self, words: Iterable[Judgement]) -> Book:
        """Return the book with these judgements in place of its own. Raises: InvalidInput."""
        return replace(self, judgements=()).with_judgements(words)


def pool(
    runs: Sequence[Mapping[str, Sequence[str]]], topics: Iterable[str], depth: int
) -> dict[str, tuple[str, ...]]:
    """Unite the first `depth` of each run, topic by topic.

    The order says nothing of ranks or of runs: judges should not guess what a system thought.
    """
    pooled = {}
    for topic in topics:
        found = {doc_id for run in runs for doc_id in run.get(topic, ())[:depth]}
        pooled[topic] = tuple(sorted(found, key=lambda doc_id: _shuffled(topic, doc_id)))
    return pooled


def _shuffled(topic: str, doc_id: str) -> bytes:
    return hashlib.sha256(f"{topic}\x00{doc_id}".encode("utf-8", "surrogatepass")).digest()


def write(book: Book, path: Path) -> None:
    """Write a book as JSON lines, plain or .gz; `read` gives the same book back."""
    with written(path) as out:
        for row in _rows(book):
            out.write(orjson.dumps(row).decode() + "\n")


def _rows(book: Book) -> Iterator[dict[str, Any]]:
    head = ("name", "tenant", "data_version", "guideline", "guideline_version")
    yield {"kind": "book", **{name: getattr(book, name) for name in head}}
    for topic, text in book.topics.items():
        yield {"kind": "topic", "topic_id": topic, "text": text}
    for topic, docs in book.pooled.items():
        yield {"kind": "pooled", "topic_id": topic, "doc_ids": list(docs)}
    for each in book.judgements:
        yield {"kind": "judgement", **asdict(each)}


def read(path: Path) -> Book:
    """Read what `write` wrote. Raises: InvalidInput."""
    book: Book | None = None
    topics: dict[str, str] = {}
    pooled: dict[str, tuple[str, ...]] = {}
    judgements: list[Judgement] = []
    for number, line in numbered(path, LINE):
        where = f"{path.name}, line {number}"
        try:
            row = orjson.loads(line)
            kind = row.pop("kind")
            match kind:
                case "book":
                    book = Book(**row, topics=topics, pooled=pooled)
                case "topic":
                    if row["topic_id"] in topics:
                        raise InvalidInput(f"{where}: {row['topic_id']!r} stands there twice")
                    topics[row["topic_id"]] = str(row["text"])
                case "pooled":
                    pooled[row["topic_id"]] = tuple(map(str, row["doc_ids"]))
                case "judgement":
                    judgements.append(Judgement(**row))
                case _:
                    raise InvalidInput(f"{where}: no line of a book is a {str(kind)[:40]!r}")
        except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as exc:
            raise InvalidInput(f"{where}: no line of a book of judgements") from exc
    if book is None:
        raise InvalidInput(f"{path.name}: no book of judgements in it")
    if unknown := set(pooled) - set(topics):
        raise InvalidInput(f"{path.name}: pooled for {min(unknown)!r}, which is no topic of it")
    return book.with_judgements(judgements)


def of_qrels(qrels: Qrels, judge: str, guideline: str = "") -> Iterator[Judgement]:
    """Take qrels for one judge's word; grades above 3 are 3, below 0 are 0."""
    for topic, judged in qrels.items():
        for doc_id, grade in judged.items():
            yield Judgement(topic, doc_id, judge, min(max(grade, 0), 3), "", guideline)
