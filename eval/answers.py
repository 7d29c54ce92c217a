"""How good the extracted answers are: by ragas where it is installed, beside what we count alone.

Nothing here gates: a model's verdict on the same data moves by a tenth from day to day.
"""

from __future__ import annotations

import json
import statistics
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from eval.benchmark import Benchmark
from indexing.errors import ConfigurationError, EngineUnavailable
from rankers.answer import Answer

CHILD = Path(__file__).with_name("ragas_child.py")
REPEATS = 3
RELEVANT = 2  # a graded set's least grade of a reference; where nothing has it, 1
MOST_REFERENCES = 50  # notes of a topic: likeness is measured between each two texts
LONGEST = 4_000  # characters of a text that is compared


@dataclass(frozen=True, slots=True)
class Model:
    """An interface as OpenAI's."""

    url: str
    model: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Scored:
    """One measure over all topics: `n` of `total` could be scored, `mean` over those, None for
    none of them. `spread` is the range of the repeats' means, 0 for what does not vary."""

    mean: float | None
    n: int
    total: int
    spread: float = 0.0


@dataclass(frozen=True, slots=True)
class Answers:
    """`answered` of `topics` have an answer; of their `judged` sentences `wrong` come from a note
    graded 0. `scores` are taken without a model, `llm` with one; a topic without an answer is not
    scored."""

    topics: int
    answered: int
    judged: int
    wrong: int
    scores: Mapping[str, Scored]
    llm: Mapping[str, Scored]


def samples(read: Benchmark, ask: Callable[[str], Answer]) -> Iterator[dict[str, Any]]:
    """Ask every topic; yield what was answered beside the notes that should have been used."""
    texts = {text.doc_id: text.text[:LONGEST] for text in read.corpus}
    for topic, question in read.topics.items():
        best = ask(question).best
        judged = read.qrels[topic]
        wanted = _relevant(judged)[:MOST_REFERENCES]
        yield {
            "id": topic, "question": question,
            "response": " ".join(each.text for each in best),
            "retrieved": [texts.get(each.doc_id, each.text) for each in best],
            "retrieved_ids": [each.doc_id for each in best],
            "reference": [texts[doc_id] for doc_id in wanted if doc_id in texts],
            "reference_ids": _relevant(judged),
            "grades": [judged.get(each.doc_id) for each in best],
        }  # fmt: skip


def _relevant(judged: Mapping[str, int]) -> list[str]:
    best = [doc_id for doc_id, grade in judged.items() if grade >= RELEVANT]
    return best or [doc_id for doc_id, grade in judged.items() if grade > 0]


def measured(
    rows: Sequence[Mapping[str, Any]],
    python: Path,
    model: Model | None,
    advance: Callable[[], None],
) -> Answers:
    """Have ragas score the answers.

    Raises: ConfigurationError where its environment is not there; EngineUnavailable where it broke.
    """
    found = list(_child(rows, python, model, advance))
    grades = [grade for row in rows for grade in row["grades"] if grade is not None]
    return Answers(
        topics=len(rows),
        answered=sum(bool(row["retrieved"]) for row in rows),
        judged=len(grades),
        wrong=sum(grade <= 0 for grade in grades),
        scores=_scores([row["scores"] for row in found]),
        llm=_repeated([row["llm"] for row in found]),
    )


def _scores(rows: Sequence[Mapping[str, float | None]]) -> dict[str, Scored]:
    out = {}
    for name in rows[0] if rows else ():
        values = [row[name] for row in rows]
        out[name] = Scored(_mean(values), sum(v is not None for v in values), len(values))
    return out


def _repeated(rows: Sequence[Mapping[str, Sequence[float | None]]]) -> dict[str, Scored]:
    """A topic counts as scored where every repeat gave a number."""
    out = {}
    for name in rows[0] if rows else ():
        whole = [row[name] for row in rows if None not in row[name]]
        means = [m for i in range(REPEATS) if (m := _mean([each[i] for each in whole])) is not None]
        spread = round(max(means) - min(means), 4) if means else 0.0
        out[name] = Scored(_mean(means), len(whole), len(rows), spread)
    return out


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return round(statistics.fmean(known), 4) if known else None


def _child(
    rows: Sequence[Mapping[str, Any]],
    python: Path,
    model: Model | None,
    advance: Callable[[], None],
) -> Iterator[dict[str, Any]]:
    if not python.is_file():
        raise ConfigurationError(
            "ragas is not installed: it has an environment of its own",
            hint="`make ragas` makes it; ANAMNESIS_RAGAS_PYTHON names the Python of another.",
        )
    llm = {"url": model.url, "model": model.model, "key": model.key} if model else None
    with TemporaryFile("w+") as asked:
        asked.write(json.dumps({"llm": llm, "repeats": REPEATS}) + "\n")
        asked.writelines(json.dumps(row) + "\n" for row in rows)
        asked.seek(0)
        # Errors of a model's reply may quote texts: they are not passed on.
        with subprocess.Popen(  # noqa: S603 - the settings name the program, nobody else
            [str(python), "-I", str(CHILD)], stdin=asked, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL, text=True,
        ) as child:  # fmt: skip
            assert child.stdout is not None
            for line in child.stdout:
                advance()
                yield json.loads(line)
        if child.returncode:
            raise EngineUnavailable(f"ragas ended with code {child.returncode}")
