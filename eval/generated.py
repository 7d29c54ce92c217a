"""The invented hospital as a benchmark of any size: topics of every kind, graded by the truth.

The hospital's own list of questions comes first; the rest is asked of every concept that it knows,
in turn by kind, so that a short list holds a little of everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import chain, product
from pathlib import Path

import orjson

from eval.hospital.charts import generate
from eval.hospital.topics import Topic, judgements, topics
from eval.hospital.vocabulary import concepts, descendants
from eval.hospital.write import corpus_row
from eval.lines import written

YEARS = range(2015, 2025)
LEAST_GRADE = 2  # a topic is kept where some note is worth that much

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Generated:
    """What was written; `by_kind` counts the topics."""

    notes: int
    topics: int
    judged: int
    by_kind: Mapping[str, int]


def every_topic() -> Iterator[Topic]:
    """Yield the hospital's own questions, then those of every concept; ids do not repeat."""
    seen: set[str] = set()
    for topic in chain(topics(), _in_turn(_facts(), _lay(), _negated(), _temporal(), _cohorts())):
        if topic.topic_id not in seen:
            seen.add(topic.topic_id)
            yield topic


def _in_turn(*kinds: Iterator[Topic]) -> Iterator[Topic]:
    left = list(kinds)
    while left:
        for kind in list(left):
            found = next(kind, None)
            if found is None:
                left.remove(kind)
            else:
                yield found


def _family(key: str) -> frozenset[str]:
    return frozenset({key}) | descendants(key)


def _facts() -> Iterator[Topic]:
    for key, concept in concepts().items():
        yield Topic(f"fact-of-{key}", "fact", concept.name, _family(key))
        for short in concept.short[:1]:
            yield Topic(f"short-{key}", "abbreviation", short, _family(key))


def _lay() -> Iterator[Topic]:
    for key, concept in concepts().items():
        for number, words in enumerate(concept.lay):
            yield Topic(f"lay-{key}-{number}", "lay", words, _family(key))


def _negated() -> Iterator[Topic]:
    for key, concept in concepts().items():
        if concept.kind == "finding":
            yield Topic(f"negated-{key}", "negated", concept.name, _family(key))


def _temporal() -> Iterator[Topic]:
    for year, (key, concept) in product(YEARS, concepts().items()):
        if concept.kind == "condition":
            text = f"{concept.name} in {year}"
            yield Topic(f"temporal-{key}-{year}", "temporal", text, _family(key), year=year)


def _cohorts() -> Iterator[Topic]:
    known = concepts()
    conditions = [c for c in known.values() if c.kind == "condition"]
    drugs = [c for c in known.values() if c.kind == "drug" and descendants(c.key)]
    for condition, drug in product(conditions, drugs):
        text = f"{condition.name} treated with {drug.name}"
        yield Topic(
            f"cohort-of-{condition.key}-{drug.key}", "cohort", text,
            _family(condition.key), _family(drug.key),
        )  # fmt: skip


def write_generated(
    folder: Path, patients: int, most: int, seed: int, progress: Progress = lambda _: None
) -> Generated:
    """Write corpus.jsonl, queries.jsonl and qrels/test.tsv, one patient in memory at a time.

    A topic that no note of this hospital answers is left out.
    """
    asked = tuple(every_topic())
    answered: set[str] = set()
    notes = 0
    part = folder / "judged.part"
    with written(folder / "corpus.jsonl") as corpus, written(part) as judged:
        for done, chart in enumerate(generate(patients, seed), 1):
            for note in chart.notes:
                corpus.write(orjson.dumps(corpus_row(chart, note)).decode() + "\n")
            for topic_id, doc_id, found in judgements(chart, asked):
                judged.write(f"{topic_id}\t{doc_id}\t{found}\n")
                if found >= LEAST_GRADE:
                    answered.add(topic_id)
            notes += len(chart.notes)
            progress(done)
    kept = [topic for topic in asked if topic.topic_id in answered][:most]
    count = _write_qrels(folder, part, {topic.topic_id for topic in kept})
    part.unlink()
    _write_queries(folder, kept)
    return Generated(notes, len(kept), count, dict(Counter(topic.kind for topic in kept)))


def _write_qrels(folder: Path, part: Path, kept: set[str]) -> int:
    count = 0
    with written(folder / "qrels" / "test.tsv") as out, part.open(encoding="utf-8") as rows:
        out.write("query-id\tcorpus-id\tscore\n")
        for row in rows:
            if row.split("\t", 1)[0] in kept:
                out.write(row)
                count += 1
    return count


def _write_queries(folder: Path, kept: list[Topic]) -> None:
    with written(folder / "queries.jsonl") as out:
        for topic in kept:
            row = {"_id": topic.topic_id, "text": topic.text, "metadata": {"kind": topic.kind}}
            out.write(orjson.dumps(row).decode() + "\n")
