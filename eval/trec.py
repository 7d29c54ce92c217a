"""TREC's files: topics, qrels of four columns, runs of six; plain or .gz, in and out."""

from __future__ import annotations

import html
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from eval.benchmark import Qrels, anything_relevant, whole
from eval.lines import numbered, written
from indexing.errors import InvalidInput

MOST_ROWS = 1_000_000  # of one topic: they are in memory together
MOST_TOPICS = 1_000_000  # of one run: their ids are in memory together
LONGEST_ROW = 4_096  # characters of a row of qrels or of a run
DEPTH = 1_000
LEAST_STEP = 1e-6

Scores = Sequence[tuple[str, float]]  # (document id, score), best first

_TAG = re.compile(r"<(/?)([A-Za-z][\w.-]*)([^>]*)>")
_NUMBER = re.compile(r"""\b(?:number|num|id)\s*=\s*["']([^"']+)["']""", re.IGNORECASE)
_LABEL = re.compile(r"^\s*(?:Number|Title|Description|Narrative|Topic)\s*:\s*", re.IGNORECASE)
_FIELDS = ("query", "title", "summary", "description", "desc", "note")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a run, in line `number` of its file."""

    number: int
    topic: str
    doc_id: str
    rank: int
    score: float
    tag: str


@dataclass(frozen=True, slots=True)
class RunFile:
    """A run that somebody else made: topic -> documents, best first; scores fall strictly."""

    tag: str
    ranked: Mapping[str, Scores]
    warnings: tuple[str, ...] = ()


def read_topics(path: Path, field: str = "") -> dict[str, str]:
    """Read `<top>` and `<topic number="">` blocks, or lines of id, tab, text.

    `field` names the element that is the question; by default the first there is of query, title,
    summary, description and note, and the whole block where it has none.

    Raises: InvalidInput.
    """
    lines = list(numbered(path))
    blocks = any("<top" in line.lower() for _, line in lines[:50])
    found = _blocks(path, lines, field) if blocks else _rows(path, lines)
    topics: dict[str, str] = {}
    for where, topic, text in found:
        if topic in topics:
            raise InvalidInput(f"{where}: the topic {topic!r} stands there twice")
        if not text.strip():
            raise InvalidInput(f"{where}: the topic {topic!r} has no text")
        topics[topic] = text
    if not topics:
        raise InvalidInput(f"{path.name}: no topic in it")
    return topics


def _rows(path: Path, lines: Iterable[tuple[int, str]]) -> Iterator[tuple[str, str, str]]:
    for number, line in lines:
        where, (topic, tab, text) = f"{path.name}, line {number}", line.partition("\t")
        if not tab or not topic.strip():
            raise InvalidInput(f"{where}: wants an id, a tab and the question")
        yield where, topic.strip(), text.strip()


def _blocks(
    path: Path, lines: Iterable[tuple[int, str]], field: str
) -> Iterator[tuple[str, str, str]]:
    """Cut the file at its top elements; inside, a field ends where the next tag begins."""
    where, held = "", list[str]()
    for number, line in lines:
        opening = re.search(r"<top(?:ic)?\b[^>]*>", line, re.IGNORECASE)
        if opening and held:
            yield _block(where, "\n".join(held), field)
        if opening:
            where, held = f"{path.name}, line {number}", []
        if opening or held:
            held.append(line)
    if held:
        yield _block(where, "\n".join(held), field)


def _block(where: str, text: str, field: str) -> tuple[str, str, str]:
    text = re.split(r"</top(?:ic)?s?>", text, maxsplit=1, flags=re.IGNORECASE)[0]
    tags = list(_TAG.finditer(text))
    number = _NUMBER.search(tags[0][3]) if tags else None
    topic, fields = number[1] if number else "", dict[str, str]()
    for tag, after in zip(tags, [*tags[1:], None], strict=True):
        said = _LABEL.sub("", html.unescape(text[tag.end() : after.start() if after else None]))
        name = tag[2].lower()
        if tag[1] or not said.strip():
            continue
        fields.setdefault(name, " ".join(said.split()))
        if name in ("num", "number") and not topic:
            topic = fields[name]
    if not topic:
        raise InvalidInput(f"{where}: the topic has no number")
    wanted = (field,) if field else (*_FIELDS, tags[0][2].lower())
    return where, topic, next((fields[name] for name in wanted if name in fields), "")


def write_topics(topics: Mapping[str, str], path: Path) -> None:
    """Write `<top>` blocks. Raises: InvalidInput."""
    with written(path) as out:
        for topic, text in topics.items():
            words = html.escape(" ".join(text.split()), quote=False)
            out.write(f"<top>\n<num> Number: {topic}\n<title> {words}\n</top>\n\n")


def read_qrels(path: Path) -> dict[str, dict[str, int]]:
    """Read topic, iteration, document, grade. Raises: InvalidInput."""
    qrels: dict[str, dict[str, int]] = {}
    for number, line in numbered(path, LONGEST_ROW):
        where, cells = f"{path.name}, line {number}", line.split()
        if len(cells) != 4:
            raise InvalidInput(f"{where}: wants topic, iteration, document and grade")
        topic, _, doc_id, written_grade = cells
        try:
            grade = whole(written_grade)
        except ValueError as exc:
            raise InvalidInput(f"{where}: the grade is no whole number of six digits") from exc
        if doc_id in qrels.setdefault(topic, {}):
            raise InvalidInput(f"{where}: {topic!r} and {doc_id!r} are judged twice")
        qrels[topic][doc_id] = grade
    return anything_relevant(path, qrels)


def write_qrels(qrels: Qrels, path: Path) -> None:
    """Write four columns. Raises: InvalidInput."""
    with written(path) as out:
        for topic, judged in qrels.items():
            for doc_id, grade in judged.items():
                out.write(f"{_id(topic)} 0 {_id(doc_id)} {grade}\n")


def rows(path: Path) -> Iterator[Row]:
    """Read a run as a stream. Raises: InvalidInput."""
    for number, line in numbered(path, LONGEST_ROW):
        where, cells = f"{path.name}, line {number}", line.split()
        if len(cells) != 6:
            raise InvalidInput(f"{where}: wants topic, Q0, document, rank, score and tag")
        topic, _, doc_id, rank, score, tag = cells
        try:
            row = Row(number, topic, doc_id, whole(rank, 9), _score(score), tag)
        except ValueError as exc:
            raise InvalidInput(f"{where}: the rank or the score is no number") from exc
        if not math.isfinite(row.score):
            raise InvalidInput(f"{where}: the score is not finite")
        yield row


def read_run(path: Path, topics: Collection[str], depth: int = DEPTH) -> RunFile:
    """Read what a run says of `topics`, the best `depth` of each, in their memory alone: a file of
    gigabytes takes what its longest topic takes. Rows of other topics are read and not held.

    The score ranks, as in trec_eval; equal scores stand by the rank column, then by line. What may
    surprise in a mean is named: ranks that say otherwise, rows beyond `depth`, tags of two runs.

    Raises:
        InvalidInput: a row is broken, a document repeats within a topic, a topic's rows do not
            stand together, there are too many topics, or nothing in it is of `topics`.
    """
    ranked: dict[str, list[tuple[str, float]]] = {}
    tag, odd = "", Counter[str]()
    for topic, group in _by_topic(path, topics):
        tag = tag or group[0].tag
        odd["tags"] += group[0].tag != tag
        if topic not in topics:
            odd["others"] += 1
            continue
        best = sorted(group, key=lambda row: (-row.score, row.rank, row.number))[:depth]
        odd["cut"] += len(group) > depth
        odd["tied"] += any(a.score == b.score for a, b in pairwise(best))
        odd["ranks"] += any(a.score > b.score and a.rank > b.rank for a, b in pairwise(best))
        ranked[topic] = falling([(row.doc_id, row.score) for row in best])
    if not ranked:
        raise InvalidInput(
            f"{path.name}: {'no row in it' if not tag else 'no row is of a judged topic'}",
            hint="Look whether the run and the qrels are of the same topics.",
        )
    odd["unanswered"] = len(topics) - len(ranked)
    return RunFile(tag, ranked, tuple(_warnings(odd, depth)))


def _by_topic(path: Path, topics: Collection[str]) -> Iterator[tuple[str, list[Row]]]:
    """Group the rows of each topic, one topic in memory; of one that is not asked for the first
    row alone."""
    held: list[Row] = []
    seen: set[str] = set()
    inside: set[str] = set()
    wanted = False
    for row in rows(path):
        if held and row.topic != held[0].topic:
            yield held[0].topic, held
            held = []
        if not held:
            inside, wanted = set(), row.topic in topics
            _new_topic(path, row, seen)
        elif not wanted:
            continue
        if row.doc_id in inside:
            raise InvalidInput(
                f"{path.name}, line {row.number}: {row.doc_id!r} stands twice under {row.topic!r}"
            )
        if len(held) == MOST_ROWS:
            raise InvalidInput(
                f"{path.name}, line {row.number}: {row.topic!r} has more than {MOST_ROWS} rows",
                hint="Keep the best of each topic: a measure looks at the first 1,000 at most.",
            )
        inside.add(row.doc_id)
        held.append(row)
    if held:
        yield held[0].topic, held


def _new_topic(path: Path, row: Row, seen: set[str]) -> None:
    """Take note of a topic that begins. Raises: InvalidInput."""
    where = f"{path.name}, line {row.number}"
    if row.topic in seen:
        raise InvalidInput(
            f"{where}: the topic {row.topic!r} stood there before",
            hint="Sort the run by topic: sort -s -k1,1 RUN",
        )
    if len(seen) == MOST_TOPICS:
        raise InvalidInput(
            f"{where}: more than {MOST_TOPICS} topics", hint="Cut the run to the topics judged."
        )
    seen.add(row.topic)


def _warnings(odd: Mapping[str, int], depth: int) -> Iterator[str]:
    said = {
        "unanswered": "unanswered-topics: {n} judged topics have no row and count 0",
        "others": "unjudged-topics: {n} topics of the run are not judged and were left out",
        "cut": "cut-topics: {n} topics have more than {depth} rows; the best {depth} count",
        "tied": "tied-scores: {n} topics have equal scores; the rank column settled them",
        "ranks": "other-ranks: {n} topics have ranks that scores contradict; the scores count",
        "tags": "other-tags: {n} topics bear another tag than the first: is this two runs?",
    }
    for name, text in said.items():
        if n := odd[name]:
            yield text.format(n=n, depth=f"{depth:,}")


def _score(written_score: str) -> float:
    if "_" in written_score:  # Python reads 1_0 as 10
        raise ValueError(written_score)
    return float(written_score)


def falling(ranked: Scores) -> list[tuple[str, float]]:
    """Make scores fall strictly, because trec_eval breaks ties its own way and ours is the rank.

    By a millionth at least: trec_eval keeps scores in 32 bits.
    """
    out: list[tuple[str, float]] = []
    below = math.inf
    for doc_id, score in ranked:
        below = score if math.isinf(below) else min(score, below - LEAST_STEP * max(1, abs(below)))
        out.append((doc_id, below))
    return out


def write_run(ranked: Mapping[str, Scores], tag: str, path: Path) -> None:
    """Write six columns; the file appears whole. Raises: InvalidInput."""
    with written(path) as out:
        for topic, hits in ranked.items():
            for rank, (doc_id, score) in enumerate(hits, 1):
                out.write(f"{_id(topic)} Q0 {_id(doc_id)} {rank} {score:.9f} {tag}\n")


def _id(value: str) -> str:
    if len(value.split()) != 1:
        raise InvalidInput(f"TREC's files cannot hold an id with spaces: {value!r}")
    return value
