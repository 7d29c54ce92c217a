"""Two stored runs of a small set, for tests of the lab's pages."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from eval.archive import LAB, Answered, Archive, Card, StoredHit
from eval.benchmark import Benchmark, Text
from eval.measures import by_topic, mean
from eval.tunings import Tunings
from rankers.explain import Signal

QUESTIONS = ("chest pain <on exertion>", "short of breath & tired", "leg swelling", "no fever")
SET = Benchmark(
    "ward-set",
    tuple(Text(f"n{i}", f"Note <{i}>", "Text.", {}) for i in range(20)),
    {f"q/{i}": text for i, text in enumerate(QUESTIONS)},
    {f"q/{i}": {f"n{i}": 3, f"n{i + 4}": 1, f"n{i + 8}": 0} for i in range(len(QUESTIONS))},
)


def hit(number: int, rank: int) -> StoredHit:
    words, meaning = Signal(rank, 9.0 - rank, 0.5 / rank), Signal(21 - rank, 0.5, 0.01 * rank)
    signals = {"lexical": words, "vector": meaning, "held": Signal(rank, 0.5, 0.06)}
    return StoredHit(f"n{number}", 1.0 / rank, signals)


def answers(shift: int) -> list[Answered]:
    return [
        Answered(topic, tuple(hit((i + shift * (i + 1) + r) % 20, r + 1) for r in range(15)))
        for i, topic in enumerate(SET.topics)
    ]


def store(home: Path, name: str, shift: int, **card: Any) -> Card:
    """Store a finished run whose lists are turned by `shift`."""
    found = answers(shift)
    ranked = {each.topic_id: [h.doc_id for h in each.hits] for each in found}
    figures = by_topic(SET.qrels, ranked)
    made = Card(
        SET.name, "dev", "hybrid", {"legs": ["lexical", "vector"]}, "lab-test-data", "0+code",
        "model", "terms", len(SET.topics), name=name, measured_by="built-in",
    )  # fmt: skip
    archive = Archive(home / LAB)
    kept = archive.keep(replace(made, **card), SET, found)
    return archive.finish(replace(kept, figures=mean(figures)), figures)


def store_tuning(home: Path) -> str:
    """Store a tuning of two kinds of question over the legs' shares; return its name."""
    points = [{"label": f"{x / 10:g}", "value": 0.3 + x / 100, "low": 0.2, "high": 0.5}
              for x in range(11)]  # fmt: skip
    curve = {"set": "ward-set dev", "part": "vector", "chosen": "0.7", "points": points}
    figures = {"n": 40, "default": 0.3, "tuned": 0.38, "held_out": 0.37, "best_leg": 0.31,
               "under_best_leg": -0.06}  # fmt: skip
    share = {"vector": 0.7, "graph": 0.1, "by": "scores", "alike": None, "expansions": ["lay"]}
    kind = {"share": share, "topics": 40, "sets": {"ward-set dev": figures}, "curves": [curve]}
    return Tunings(home / LAB).keep({
        "created": "2026-11-28T10:00:00", "search": "grid", "parts": ["legs"], "data": {},
        "code_version": "0+code", "title": 0.3, "kept": True, "sets": {"ward-set dev": figures},
        "kinds": {"keywords": {**kind, "kept": True}, "question": {**kind, "kept": False}},
    })  # fmt: skip
