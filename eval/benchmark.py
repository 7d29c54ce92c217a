"""BEIR-shaped benchmarks: corpus.jsonl, queries.jsonl, qrels/SPLIT.tsv, each plain or .gz."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import orjson

from eval.lines import numbered, written
from indexing.errors import InvalidInput
from rankers.dates import Interval, date_range

_HEADINGS = {"score", "rel", "relevance", "label", "grade", "judgment", "judgement"}
_WHOLE = re.compile(r"[+-]?[0-9]+")

Qrels = Mapping[str, Mapping[str, int]]  # topic id -> document id -> grade; 0 and below: judged not


@dataclass(frozen=True, slots=True)
class Text:
    """One document of a corpus; `metadata` as it stands there."""

    doc_id: str
    title: str
    text: str
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A corpus with the topics that a split judges."""

    name: str
    corpus: tuple[Text, ...]
    topics: Mapping[str, str]
    qrels: Qrels


def load(folder: Path, split: str) -> Benchmark:
    """Read a benchmark.

    Raises:
        InvalidInput: a file is missing or unreadable, an id is missing, repeated or unknown, a
            grade is no number, or there is nothing to measure; it says where.
    """
    path = found_file(folder, f"qrels/{split}.tsv")
    corpus, questions = parts(folder)
    return joined(folder.resolve().name, corpus, questions, qrels_of(path), path.name)


def parts(folder: Path) -> tuple[tuple[Text, ...], dict[str, str]]:
    """Read a benchmark's documents and every question, whatever split. Raises: InvalidInput."""
    corpus = _corpus(found_file(folder, "corpus.jsonl"))
    return corpus, _questions(found_file(folder, "queries.jsonl"))


def joined(
    name: str, corpus: tuple[Text, ...], questions: Mapping[str, str], qrels: Qrels, source: str
) -> Benchmark:
    """Put a benchmark together from the topics that `source` judges; a corpus may be left out.

    Raises: InvalidInput where the qrels name what is not there.
    """
    known = {text.doc_id for text in corpus}
    for topic, judged in qrels.items():
        if topic not in questions:
            raise InvalidInput(f"{source}: no query has the id {topic!r}")
        for doc_id in judged:
            if corpus and doc_id not in known:
                raise InvalidInput(f"{source}: no document has the id {doc_id!r}")
    return Benchmark(name, corpus, {topic: questions[topic] for topic in qrels}, qrels)


def found_file(folder: Path, name: str) -> Path:
    """Return a benchmark's file, plain or packed. Raises: InvalidInput where there is none, or
    both: which one counts is nobody's guess."""
    found = [path for path in (folder / name, folder / f"{name}.gz") if path.is_file()]
    if len(found) == 2:
        raise InvalidInput(
            f"{folder.name} has both {name} and {name}.gz", hint="Take away the one that is old."
        )
    if found:
        return found[0]
    raise InvalidInput(
        f"{folder.name} has no {name} or {name}.gz",
        hint="a benchmark is a folder of corpus.jsonl, queries.jsonl and qrels/SPLIT.tsv",
    )


def objects(path: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield (where, id, object); every id once."""
    seen: set[str] = set()
    for number, line in numbered(path):
        where = f"{path.name}, line {number}"
        try:
            found = orjson.loads(line)
        except orjson.JSONDecodeError as exc:
            raise InvalidInput(f"{where}: not JSON") from exc
        key = found.get("_id") if isinstance(found, dict) else None
        if isinstance(key, int) and not isinstance(key, bool):
            key = str(key)
        if not isinstance(key, str) or not key:
            raise InvalidInput(f"{where}: no _id")
        if key in seen:
            raise InvalidInput(f"{where}: the id {key!r} stands there twice")
        seen.add(key)
        yield where, key, found
    if not seen:
        raise InvalidInput(f"{path.name} is empty")


def _string(found: Mapping[str, Any], name: str, where: str) -> str:
    value = found.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise InvalidInput(f"{where}: {name} is not a string")
    return value


def _corpus(path: Path) -> tuple[Text, ...]:
    texts = []
    for where, key, found in objects(path):
        metadata = found.get("metadata") or {}
        if not isinstance(metadata, dict):
            raise InvalidInput(f"{where}: metadata is not an object")
        title, text = _string(found, "title", where), _string(found, "text", where)
        texts.append(Text(key, title, text, metadata))
    return tuple(texts)


def _questions(path: Path) -> dict[str, str]:
    questions = {}
    for where, key, found in objects(path):
        questions[key] = _string(found, "text", where)
        if not questions[key].strip():
            raise InvalidInput(f"{where}: the query {key!r} is empty")
    return questions


def qrels_of(path: Path) -> dict[str, dict[str, int]]:
    """Read topic, document, grade; the first line may be a heading. Raises: InvalidInput."""
    qrels: dict[str, dict[str, int]] = {}
    for number, line in numbered(path):
        where, cells = f"{path.name}, line {number}", line.split("\t")
        if len(cells) != 3:
            raise InvalidInput(f"{where}: wants query-id, corpus-id and score, tab-separated")
        topic, doc_id, score = (cell.strip() for cell in cells)
        try:
            grade = whole(score)
        except ValueError as exc:
            if not qrels and score.lower() in _HEADINGS:
                continue
            raise InvalidInput(f"{where}: the score is no whole number of six digits") from exc
        if doc_id in qrels.setdefault(topic, {}):
            raise InvalidInput(f"{where}: {topic!r} and {doc_id!r} are judged twice")
        qrels[topic][doc_id] = grade
    return anything_relevant(path, qrels)


def whole(written_number: str, digits: int = 6) -> int:
    """Read a whole number; Python alone would take 1_0 for 10, and trec_eval takes eight bytes of
    memory for each grade up to the highest. Raises: ValueError."""
    if not _WHOLE.fullmatch(written_number) or len(written_number.lstrip("+-")) > digits:
        raise ValueError(written_number)
    return int(written_number)


def anything_relevant(path: Path, qrels: dict[str, dict[str, int]]) -> dict[str, dict[str, int]]:
    """Return the qrels. Raises: InvalidInput where they judge nothing relevant."""
    if not any(grade > 0 for judged in qrels.values() for grade in judged.values()):
        raise InvalidInput(f"{path.name}: nothing is judged relevant, there is nothing to measure")
    return qrels


def oddities(found: Benchmark) -> tuple[str, ...]:
    """Name what pulls a mean without being an error."""
    empty = sum(not any(g > 0 for g in judged.values()) for judged in found.qrels.values())
    if not empty:
        return ()
    return (f"nothing-relevant: {empty} topics judge no document relevant and count 0",)


def write(found: Benchmark, folder: Path, split: str, *, packed: bool = False) -> None:
    """Write a benchmark as `load` reads it. Raises: InvalidInput."""
    end = ".gz" if packed else ""
    with written(folder / f"corpus.jsonl{end}") as out:
        for each in found.corpus:
            row: dict[str, Any] = {"_id": each.doc_id, "title": each.title, "text": each.text}
            row |= {"metadata": dict(each.metadata)} if each.metadata else {}
            out.write(orjson.dumps(row).decode() + "\n")
    with written(folder / f"queries.jsonl{end}") as out:
        for topic, text in found.topics.items():
            out.write(orjson.dumps({"_id": topic, "text": text}).decode() + "\n")
    with written(folder / "qrels" / f"{split}.tsv{end}") as out:
        out.write("query-id\tcorpus-id\tscore\n")
        for topic, judged in found.qrels.items():
            out.writelines(f"{topic}\t{doc_id}\t{grade}\n" for doc_id, grade in judged.items())


def interval(text: Text) -> Interval:
    """Return the metadata's date as an interval, (None, None) when it has none that reads."""
    value = text.metadata.get("date")
    if not isinstance(value, str) or not value:
        return None, None
    try:
        return date_range(value[:10], 0, UTC)
    except InvalidInput:
        return None, None
