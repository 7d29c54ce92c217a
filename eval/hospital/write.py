"""Write a generated hospital to a folder: bundles, truth, and a BEIR-shaped benchmark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import zstandard

from eval.hospital.charts import generate
from eval.hospital.course import DEFAULT_SEED, features
from eval.hospital.house import hospital_bundle
from eval.hospital.model import Note, PatientChart
from eval.hospital.topics import judgements, topics
from eval.hospital.vocabulary import concepts

Progress = Callable[[int], None]
_LEVEL = 3


@dataclass(frozen=True, slots=True)
class Written:
    """What a run left behind."""

    patients: int
    notes: int
    resources: int
    topics: int


def _silent(_done: int) -> None:
    """Report nothing."""


def bundles(patients: int, seed: int = DEFAULT_SEED) -> Iterator[bytes]:
    """Stream transaction bundles as JSON: the hospital first, then patient by patient."""
    yield orjson.dumps(hospital_bundle())
    for chart in generate(patients, seed):
        yield orjson.dumps(chart.bundle)


def write_bundles(patients: int, seed: int, out_dir: Path, *, progress: Progress = _silent) -> Path:
    """Write one NDJSON file of bundles, compressed with zstd; returns its path."""
    out_dir.mkdir(parents=True, exist_ok=True)
    path = out_dir / "bundles.ndjson.zst"
    with path.open("wb") as raw, _compressed(raw) as out:
        for done, line in enumerate(bundles(patients, seed)):
            out.write(line + b"\n")
            progress(done)
    return path


def _compressed(raw: BinaryIO) -> Any:
    return zstandard.ZstdCompressor(level=_LEVEL).stream_writer(raw, closefd=False)


def _mentions(note: Note) -> list[dict[str, object]]:
    table = concepts()
    return [
        {
            "start": m.start, "end": m.end, "text": m.text, "concept": m.concept,
            "name": table[m.concept].name, "assertion": m.assertion.value,
            "copied": m.copied, "allergy": m.allergy,
        }
        for m in note.mentions
    ]  # fmt: skip


def note_truth(chart: PatientChart, note: Note) -> dict[str, object]:
    """Write down what is true of a note; offsets are those of its plain text."""
    return {
        "doc_id": note.doc_id, "patient_id": chart.patient_id, "type": note.kind,
        "date": note.when.isoformat(), "markup": note.markup, "main": list(note.main),
        "status": {k: v.value for k, v in note.status.items()}, "mentions": _mentions(note),
    }  # fmt: skip


def corpus_row(chart: PatientChart, note: Note) -> dict[str, object]:
    """Write a note as a row of a BEIR corpus."""
    metadata = {
        "patient_id": chart.patient_id, "date": note.when.date().isoformat(),
        "note_type": note.kind, "specialty": note.specialty,
    }  # fmt: skip
    return {"_id": note.doc_id, "title": note.title, "text": note.text, "metadata": metadata}


def write_features(patients: int, seed: int, path: Path) -> None:
    """Write feature records as NDJSON."""
    with path.open("wb") as out:
        for record in features(patients, seed):
            out.write(orjson.dumps(record) + b"\n")


class _Benchmark:
    """The open files of a benchmark in the making."""

    def __init__(self, out_dir: Path, stack: ExitStack) -> None:
        (out_dir / "qrels").mkdir(parents=True, exist_ok=True)
        self.out_dir = out_dir
        self.topics = topics()
        self.answered: dict[str, int] = {}
        self.corpus = stack.enter_context((out_dir / "corpus.jsonl").open("wb"))
        self.judged = stack.enter_context((out_dir / "judged.part").open("w+", encoding="utf-8"))

    def add(self, chart: PatientChart) -> None:
        """Add a patient's notes and their judgements."""
        for note in chart.notes:
            self.corpus.write(orjson.dumps(corpus_row(chart, note)) + b"\n")
        for topic_id, doc_id, found in judgements(chart, self.topics):
            self.judged.write(f"{topic_id}\t{doc_id}\t{found}\n")
            if found > 1:
                self.answered[topic_id] = self.answered.get(topic_id, 0) + 1

    def close(self) -> int:
        """Write the topics that this hospital answers, and their judgements alone."""
        kept = [t for t in self.topics if t.topic_id in self.answered]
        self.judged.seek(0)
        with (self.out_dir / "qrels" / "test.tsv").open("w", encoding="utf-8") as out:
            out.write("query-id\tcorpus-id\tscore\n")
            out.writelines(row for row in self.judged if row.split("\t")[0] in self.answered)
        (self.out_dir / "judged.part").unlink()
        with (self.out_dir / "queries.jsonl").open("wb") as out:
            for topic in kept:
                row = {"_id": topic.topic_id, "text": topic.text, "metadata": {"kind": topic.kind}}
                out.write(orjson.dumps(row) + b"\n")
        return len(kept)


def write_hospital(
    patients: int, seed: int, out_dir: Path, *, progress: Progress = _silent
) -> Written:
    """Write bundles, truth and benchmark in one pass, one patient in memory at a time."""
    out_dir.mkdir(parents=True, exist_ok=True)
    notes = resources = 0
    with ExitStack() as stack:
        raw = stack.enter_context((out_dir / "bundles.ndjson.zst").open("wb"))
        out = stack.enter_context(_compressed(raw))
        people = stack.enter_context((out_dir / "truth_patients.jsonl").open("wb"))
        pages = stack.enter_context((out_dir / "truth_notes.jsonl").open("wb"))
        bench = _Benchmark(out_dir / "benchmark", stack)
        out.write(orjson.dumps(hospital_bundle()) + b"\n")
        for done, chart in enumerate(generate(patients, seed), 1):
            out.write(orjson.dumps(chart.bundle) + b"\n")
            people.write(orjson.dumps(chart.truth) + b"\n")
            for note in chart.notes:
                pages.write(orjson.dumps(note_truth(chart, note)) + b"\n")
            bench.add(chart)
            notes += len(chart.notes)
            resources += len(chart.bundle["entry"])
            progress(done)
        asked = bench.close()
    return Written(patients, notes, resources, asked)
