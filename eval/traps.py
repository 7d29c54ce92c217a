"""A trap set of our own: notes whose words match a query and whose meaning does not.

`eval/traps/source.txt` is what people write: notes with their mentions labelled in place, and
queries with the notes that answer them and those that only seem to. `python -m eval.traps build`
writes the BEIR-shaped files beside it; `python -m eval.traps assertion` prints the figures.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from eval.language import Figures
from eval.measures import ndcg
from indexing.language.assertion import Offsets, assess
from indexing.language.sections import sections
from indexing.model import Assertion

FOLDER: Final = Path(__file__).parent / "traps"
SOURCE: Final = FOLDER / "source.txt"
# The second was looked at once the rules stood, and causes were mended by it; the third never.
SETS: Final[Mapping[str, Path]] = {
    "traps": SOURCE,
    "held-out": FOLDER / "holdout.txt",
    "blind": FOLDER / "blind.txt",
}
_MENTION: Final = re.compile(r"\{([^{}|]+)\|(\w+)\}")


@dataclass(frozen=True, slots=True)
class Labelled:
    """A mention at offsets of the note's text, and what it says."""

    start: int
    end: int
    assertion: Assertion


@dataclass(frozen=True, slots=True)
class Note:
    """A trap note."""

    note_id: str
    patient_id: str
    date: str
    type: str
    text: str
    mentions: tuple[Labelled, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A query with its grades by note; 0 marks a note that a clinician would call wrong."""

    query_id: str
    text: str
    grades: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Traps:
    """The whole set."""

    notes: tuple[Note, ...]
    queries: tuple[Query, ...]


@dataclass(slots=True)
class _Draft:
    head: list[str]
    lines: list[str] = field(default_factory=list)

    def note(self) -> Note:
        note_id, patient_id, date, kind = self.head
        text, mentions = unmark("\n".join(self.lines).rstrip("\n"))
        return Note(note_id, patient_id, date, kind, text, mentions)


def unmark(marked: str) -> tuple[str, tuple[Labelled, ...]]:
    """Take "{words|label}" marks out of a text; return it with the mentions they stood for."""
    pieces: list[str] = []
    found: list[Labelled] = []
    last = length = 0
    for match in _MENTION.finditer(marked):
        before = marked[last : match.start()]
        start = length + len(before)
        length = start + len(match[1])
        pieces += [before, match[1]]
        found.append(Labelled(start, length, Assertion(match[2])))
        last = match.end()
    return "".join([*pieces, marked[last:]]), tuple(found)


def read(path: Path = SOURCE) -> Traps:
    """Read the source. Raises ValueError with the line at fault."""
    notes: list[Note] = []
    queries: list[Query] = []
    draft: _Draft | None = None
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        if line.startswith(("@ ", "? ", "#")):
            if draft is not None:
                notes.append(draft.note())
                draft = None
            parts = [part.strip() for part in line[1:].split("|")]
            if line[0] != "#" and len(parts) != 4:
                raise ValueError(f"{path.name}:{number}: needs four fields between bars")
            if line[0] == "@":
                draft = _Draft(parts)
            elif line[0] == "?":
                queries.append(_query(parts))
        elif draft is not None:
            draft.lines.append(line)
    if draft is not None:
        notes.append(draft.note())
    return Traps(tuple(notes), tuple(queries))


def _query(parts: Sequence[str]) -> Query:
    query_id, text, right, wrong = parts
    grades = {note: int(grade) for note, grade in (pair.split(":") for pair in right.split())}
    return Query(query_id, text, grades | dict.fromkeys(wrong.split(), 0))


def build(traps: Traps, folder: Path) -> None:
    """Write corpus.jsonl, queries.jsonl, qrels/test.tsv and labels.jsonl."""
    _write(folder / "corpus.jsonl", (
        {"_id": note.note_id, "title": note.type, "text": note.text, "metadata": {
            "patient_id": note.patient_id, "date": note.date, "note_type": note.type}}
        for note in traps.notes
    ))  # fmt: skip
    _write(folder / "queries.jsonl", ({"_id": q.query_id, "text": q.text} for q in traps.queries))
    _write(folder / "labels.jsonl", (
        {"_id": note.note_id, "mentions": [[m.start, m.end, m.assertion.value]
                                           for m in note.mentions]}
        for note in traps.notes
    ))  # fmt: skip
    (folder / "qrels").mkdir(exist_ok=True)
    rows = [f"{q.query_id}\t{note}\t{grade}" for q in traps.queries
            for note, grade in q.grades.items()]  # fmt: skip
    header = "query-id\tcorpus-id\tscore"
    (folder / "qrels" / "test.tsv").write_text("\n".join([header, *rows, ""]), "utf-8")


def _write(path: Path, rows: Iterator[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def confusion(traps: Traps) -> Counter[tuple[Assertion, Assertion]]:
    """Count (labelled, found) over every labelled mention."""
    counts: Counter[tuple[Assertion, Assertion]] = Counter()
    for note in traps.notes:
        spans = [Offsets(mention.start, mention.end) for mention in note.mentions]
        found = assess(note.text, sections(note.text), spans)
        for mention, judged in zip(note.mentions, found, strict=True):
            counts[mention.assertion, judged.assertion] += 1
    return counts


def assertion_figures(traps: Traps) -> Figures:
    """Return accuracy, macro-F1, and precision and recall of `family`."""
    counts = confusion(traps)
    total = sum(counts.values())
    labels = {gold for gold, _ in counts}
    scores = [_f1(counts, label) for label in labels]
    family = Assertion.FAMILY
    hit = counts[family, family]
    values = {
        "accuracy": sum(n for (gold, found), n in counts.items() if gold is found) / total,
        "macro-F1": sum(scores) / len(scores),
        "family precision": hit / max(1, sum(n for (_, f), n in counts.items() if f is family)),
        "family recall": hit / max(1, sum(n for (g, _), n in counts.items() if g is family)),
    }
    return Figures("trap notes, assertion", total, values)


def _f1(counts: Mapping[tuple[Assertion, Assertion], int], label: Assertion) -> float:
    hit = counts.get((label, label), 0)
    either = sum(n * ((g is label) + (f is label)) for (g, f), n in counts.items())
    return 2 * hit / max(1, either)


def judged_wrong(traps: Traps, ranked: Mapping[str, Sequence[str]], k: int = 10) -> float:
    """Return the share of the top k, over all queries, that is judged wrong. `ranked` maps each
    query id to its note ids, best first."""
    shown = wrong = 0
    for query in traps.queries:
        top = ranked.get(query.query_id, ())[:k]
        shown += len(top)
        wrong += sum(query.grades.get(note) == 0 for note in top)
    return wrong / max(1, shown)


@dataclass(frozen=True, slots=True)
class SearchFigures:
    """How a ranker fares with the traps: `worst` are the queries that show something wrong, with
    the rank of the first; `weak` those whose nDCG@k is under .9."""

    queries: int
    ndcg: float
    wrong: float
    worst: Mapping[str, int]
    weak: Mapping[str, float]

    def line(self) -> str:
        """Return the figures on one line."""
        shown = f"nDCG@10 {self.ndcg:.4f}  wrong in the top 10 {100 * self.wrong:.2f} %"
        return f"n={self.queries:<4} {shown}  queries with a wrong hit {len(self.worst)}"

    def to_json(self) -> dict[str, object]:
        """Return the figures for scripts."""
        return {
            "n": self.queries, "nDCG@10": round(self.ndcg, 4), "wrong@10": round(self.wrong, 4),
            "wrong": dict(self.worst), "weak": dict(self.weak),
        }  # fmt: skip


def search_figures(traps: Traps, ranked: Mapping[str, Sequence[str]], k: int = 10) -> SearchFigures:
    """Judge what a search answered. Queries that nothing answers count for what is wrong alone."""
    scores: dict[str, float] = {}
    worst: dict[str, int] = {}
    for query in traps.queries:
        top = ranked.get(query.query_id, ())[:k]
        if any(query.grades.values()):
            scores[query.query_id] = ndcg(query.grades, top, k)
        bad = next((i for i, note in enumerate(top, 1) if query.grades.get(note) == 0), None)
        if bad is not None:
            worst[query.query_id] = bad
    weak = {query: round(score, 4) for query, score in scores.items() if score < 0.9}
    mean = sum(scores.values()) / max(1, len(scores))
    wrong = judged_wrong(traps, ranked, k)
    return SearchFigures(len(traps.queries), mean, wrong, worst, weak)


def main(arguments: Sequence[str] | None = None) -> int:
    """Build the files, or print the figures."""
    parser = argparse.ArgumentParser(prog="python -m eval.traps", description=__doc__)
    parser.add_argument("what", choices=["build", "assertion"])
    options = parser.parse_args(arguments)
    traps = read()
    if options.what == "build":
        build(traps, FOLDER)
        sys.stdout.write(f"{len(traps.notes)} notes, {len(traps.queries)} queries\n")
    else:
        sys.stdout.write(assertion_figures(traps).line() + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
