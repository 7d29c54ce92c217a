"""`anamnesis eval import-run|convert|hospital|halves`: others' data, and of our own making."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.cli.output import print_json, progress, stderr
from eval import benchmark as beir
from eval import trec
from eval.archive import LAB, Answered, Archive, Card, StoredHit
from eval.benchmark import Benchmark
from eval.generated import write_generated
from eval.halves import SPLIT, halves
from eval.hospital import DEFAULT_SEED
from eval.measures import EVERY_RUN, by_topic, mean, measured_by
from eval.versions import data_version
from indexing.errors import InvalidInput


def import_run_command(
    home: Path,
    run: Path,
    folder: Path,
    split: str,
    name: str,
    tenant: str,
    trained: str,
    json_out: bool,
) -> int:
    """Measure and store a TREC run; oddities of the file are named on stderr and in the run."""
    read = beir.load(folder, split)
    found = trec.read_run(run, read.topics.keys())
    ranked = {topic: [doc_id for doc_id, _ in hits] for topic, hits in found.ranked.items()}
    warnings = (*beir.oddities(read), *found.warnings, *_unknown(read, ranked))
    figures = by_topic(read.qrels, ranked, EVERY_RUN)
    card = Card(
        benchmark=read.name, split=split, ranker=found.tag, settings={"file": run.name},
        data_version=data_version(read), code_version="", model="", terminology="",
        n=len(read.topics), name=name, tenant=tenant, trained=trained, source=str(folder.resolve()),
        measured_by=measured_by(), figures=mean(figures), warnings=warnings,
    )  # fmt: skip
    archive = Archive(home / LAB)
    made = archive.begin(card, read)
    archive.add(made, _answers(read, found), read)
    card = archive.finish(replace(made, figures=card.figures, warnings=warnings), figures)
    for warning in warnings:
        stderr.print(f"warning: {warning}")
    if json_out:
        print_json({"run_id": card.run_id, **card.figures, "n": card.n, "warnings": warnings})
    else:
        print(f"stored as {card.run_id}: nDCG@10 {card.figures['nDCG@10']:.4f}")
    return 0


def _answers(read: Benchmark, found: trec.RunFile) -> list[Answered]:
    return [
        Answered(topic, tuple(StoredHit(d, s) for d, s in found.ranked.get(topic, ())))
        for topic in read.topics
    ]


def _unknown(read: Benchmark, ranked: dict[str, list[str]]) -> list[str]:
    known = {text.doc_id for text in read.corpus}
    unknown = sum(doc_id not in known for docs in ranked.values() for doc_id in docs)
    return [f"unknown-documents: {unknown} rows name no document of the corpus"] if unknown else []


def convert_command(
    folder: Path | None,
    split: str,
    topics: Path | None,
    qrels: Path | None,
    out: Path,
    to: str,
    json_out: bool,
    *,
    packed: bool,
) -> int:
    """Write a benchmark in the other form; TREC files take the place of the folder's own."""
    read = _gathered(folder, split, topics, qrels)
    end = ".gz" if packed else ""
    if to == "beir":
        beir.write(read, out, split, packed=packed)
    else:
        trec.write_topics(read.topics, out / f"topics.{split}.txt{end}")
        trec.write_qrels(read.qrels, out / f"qrels.{split}.txt{end}")
    if json_out:
        judged = sum(len(each) for each in read.qrels.values())
        print_json({"topics": len(read.topics), "documents": len(read.corpus), "judged": judged})
    return 0


def _gathered(
    folder: Path | None, split: str, topics: Path | None, qrels: Path | None
) -> Benchmark:
    if folder is not None and not (topics or qrels):
        return beir.load(folder, split)
    if folder is None and not (topics and qrels):
        raise InvalidInput("wants --benchmark, or --topics and --qrels")
    corpus, asked = beir.parts(folder) if folder else ((), {})
    texts = trec.read_topics(topics) if topics else asked
    judged = trec.read_qrels(qrels) if qrels else beir.load(folder or Path(), split).qrels
    name = folder.resolve().name if folder else split
    return beir.joined(name, corpus, texts, judged, (qrels or topics or Path(split)).name)


def hospital_command(
    out: Path, patients: int, topics: int, seed: int | None, json_out: bool
) -> int:
    """Write an invented hospital's notes, topics and graded qrels."""
    with progress() as bar:
        task = bar.add_task("inventing", total=patients)
        made = write_generated(
            out, patients, topics, DEFAULT_SEED if seed is None else seed,
            lambda done: bar.update(task, completed=done),
        )  # fmt: skip
    result = {"patients": patients, "notes": made.notes, "topics": made.topics,
              "judged": made.judged, "by_kind": made.by_kind}  # fmt: skip
    if json_out:
        print_json(result)
    else:
        print(f"{out}: {made.notes} notes, {made.topics} topics, {made.judged} judgements")
    return 0


def halves_command(folder: Path, out: Path, every: int, json_out: bool, *, packed: bool) -> int:
    """Write a benchmark of whole-note questions, made of a corpus alone."""
    corpus, _ = beir.parts(folder)
    made = halves(folder.resolve().name, corpus, every)
    beir.write(made, out, SPLIT, packed=packed)
    if json_out:
        print_json({"topics": len(made.topics), "documents": len(made.corpus), "split": SPLIT})
    else:
        print(f"{out}: {len(made.topics)} topics, {len(made.corpus)} documents, split {SPLIT}")
    return 0
