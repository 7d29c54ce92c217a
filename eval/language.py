"""The figures of the language pipeline, printed: `python -m eval.language --data DIR`.

DIR holds the public data (`assertion/`, `notes/`); the trap notes are the project's own. Only
counts and shares are printed, never text.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from importlib.resources import files
from itertools import pairwise
from pathlib import Path

from indexing.language.assertion import Offsets, assess
from indexing.language.deidentify import deidentify
from indexing.language.headings import OTHER, lookup, normalise
from indexing.language.pipeline import Language
from indexing.language.sections import sections
from indexing.language.terminology import open_terminology
from indexing.model import Assertion


@dataclass(frozen=True, slots=True)
class Figures:
    """Named figures of one set, and how many items they were taken over."""

    name: str
    items: int
    values: dict[str, float]

    def line(self) -> str:
        shown = "  ".join(f"{key} {value:.4f}" for key, value in self.values.items())
        return f"{self.name:<28} n={self.items:<6} {shown}"


def _rows(path: Path) -> Iterator[dict[str, object]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _f1(hit: int, wrong: int, missed: int) -> float:
    return 2 * hit / max(1, 2 * hit + wrong + missed)


def marked_place(sentence: str, concept: str) -> Offsets | None:
    """Return where a row's concept stands: its occurrence in capitals, white space aside."""
    words = r"\s+".join(map(re.escape, concept.split()))
    found = list(re.finditer(words, sentence, re.IGNORECASE)) if words else []
    capitals = [m for m in found if m[0] == m[0].upper()]
    best = capitals or found
    return Offsets(*best[0].span()) if best else None


def context_figures(path: Path) -> Figures:
    """Judge the sentences of the ConText test kit."""
    n = right = historical = family = hit = wrong = missed = 0
    for row in _rows(path):
        sentence = str(row["sentence"])
        place = marked_place(sentence, str(row["concept"]))
        if place is None:
            continue
        judged = assess(sentence, sections(sentence), [place])[0]
        gold, found = row["negation"] == "Negated", judged.assertion is Assertion.NEGATED
        n += 1
        right += gold == found
        hit, wrong, missed = hit + (gold and found), wrong + (found > gold), missed + (gold > found)
        historical += (row["temporality"] == "Historical") == judged.historical
        family += (row["experiencer"] != "Patient") == judged.family
    values = {
        "negation accuracy": right / n,
        "F1 of negated": _f1(hit, wrong, missed),
        "historical accuracy": historical / n,
        "experiencer accuracy": family / n,
    }
    return Figures("ConText test kit", n, values)


_CAPITAL_LINE = re.compile(r"^[ \t]*([A-Z][A-Z /&]{2,60}):?[ \t]*$", re.MULTILINE)


def _headings_of(text: str, names: Sequence[str]) -> dict[int, str]:
    """Return {where it begins: heading}."""
    found: dict[int, str] = {}
    position = 0
    for name in names:
        place = text.find(name, position)
        place = text.find(name) if place < 0 else place
        if place >= 0:
            found[place] = name
            position = place + len(name)
    return found


def heading_figures(name: str, notes: Iterator[tuple[str, dict[int, str]]]) -> Figures:
    """Compare the parts found with the marked headings: by where they begin; by where they begin
    and end; and by both with the name that our fixed list has for the heading's words."""
    counts = {"heading F1": Counter[str](), "span F1": Counter[str](), "with name": Counter[str]()}
    marked = 0
    for text, headings in notes:
        marked += len(headings)
        parts = [part for part in sections(text) if part.name]
        ends = dict(pairwise([*sorted(headings), len(text)]))
        named = {start: lookup(normalise(words)) or OTHER for start, words in headings.items()}
        _count(counts["heading F1"], set(headings), {part.start for part in parts})
        _count(counts["span F1"], set(ends.items()), {(part.start, part.end) for part in parts})
        gold = {(start, end, named[start]) for start, end in ends.items()}
        _count(counts["with name"], gold, {(part.start, part.end, part.name) for part in parts})
    return Figures(name, marked, {
        kind: _f1(each["hit"], each["wrong"], each["missed"]) for kind, each in counts.items()
    })  # fmt: skip


def _count(into: Counter[str], gold: AbstractSet[object], found: AbstractSet[object]) -> None:
    into["hit"] += len(gold & found)
    into["wrong"] += len(found - gold)
    into["missed"] += len(gold - found)


def mtsamples_headings(path: Path) -> Iterator[tuple[str, dict[int, str]]]:
    for row in _rows(path):
        text, names = str(row["transcription"]), row["section_headings"]
        assert isinstance(names, list)
        yield text, _headings_of(text, names)


def aci_headings(path: Path) -> Iterator[tuple[str, dict[int, str]]]:
    for row in _rows(path):
        text = str(row["note"])
        yield text, {match.start(1): match[1] for match in _CAPITAL_LINE.finditer(text)}


def run_on_headings() -> Iterator[tuple[str, dict[int, str]]]:
    """Read our own dictations without line breaks, whose headings stand in brackets."""
    whole = (files("eval") / "run_on.txt").read_text("utf-8")
    lines = [line for line in whole.split("\n") if not line.startswith("#")]
    for sample in "\n".join(lines).split("\n---\n"):
        pieces = re.split(r"[\[\]]", sample.strip())  # text, heading, text, heading, …
        text, found = "", dict[int, str]()
        for i, piece in enumerate(pieces):
            if i % 2:
                found[len(text)] = piece
            text += piece
        yield text, found


def deidentification_figures(path: Path) -> Figures:
    """Return the share of marked identifiers that are hidden entirely."""
    hit = total = 0
    for row in _rows(path):
        text = str(row["text"])
        hidden = {i for one in deidentify(text, -9).found for i in range(one.start, one.end)}
        marks = row["annotations"]
        assert isinstance(marks, list)
        for mark in marks:
            places = (i for i in range(mark["start"], mark["end"]) if text[i].isalnum())
            total += 1
            hit += all(i in hidden for i in places)
    return Figures("synthetic identifiers", total, {"recall": hit / max(1, total)})


def speed_figures(path: Path, language: Language, notes: int) -> Figures:
    """Time the whole pipeline on one core, in processor time."""
    texts = [str(row["transcription"]) for row, _ in zip(_rows(path), range(notes), strict=False)]
    language.annotate(texts[0])
    begin = time.process_time()
    mentions = sum(len(language.annotate(text).mentions) for text in texts)
    seconds = time.process_time() - begin
    size = sum(len(text.encode()) for text in texts) / 1e6
    return Figures("whole pipeline, MTSamples", len(texts), {
        "MB/s": size / seconds, "mentions": float(mentions), "MB": size,
    })  # fmt: skip


def figures(data: Path, home: Path | None, notes: int) -> Iterator[Figures]:
    """Take every figure in turn."""
    yield context_figures(data / "assertion" / "context_annotations.jsonl.gz")
    mtsamples = data / "notes" / "mtsamples.jsonl.gz"
    yield heading_figures("MTSamples headings", mtsamples_headings(mtsamples))
    aci = data / "notes" / "aci_bench.jsonl.gz"
    yield heading_figures("ACI-Bench headings", aci_headings(aci))
    yield heading_figures("own run-on headings", run_on_headings())
    yield deidentification_figures(data / "notes" / "deid_synthetic.jsonl.gz")
    yield speed_figures(mtsamples, Language(open_terminology(home)), notes)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line per set."""
    parser = argparse.ArgumentParser(prog="python -m eval.language", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--home", type=Path, help="installation whose terminology is used")
    parser.add_argument("--notes", type=int, default=600, help="MTSamples notes to time")
    options = parser.parse_args(arguments)
    for found in figures(options.data, options.home, options.notes):
        sys.stdout.write(found.line() + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
