"""The table of quality, from stored runs: each set's newest figures beside what others reach."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from eval.archive import Card
from eval.measures import Figures
from eval.references import REFERENCES
from eval.run import RANKERS
from rankers.kinds import query_class

MOST_UNDER_A_LEG = 0.002  # of nDCG@10: what a fusion may lose against its best leg


@dataclass(frozen=True, slots=True)
class Line:
    """One set: its newest finished run by ranker, and nDCG@10 elsewhere by system."""

    benchmark: str
    split: str
    trained: str
    data_version: str
    runs: Mapping[str, Card]
    references: Mapping[str, float]

    @property
    def under_best_leg(self) -> float | None:
        """How far hybrid lies under its best leg; below 0 is over it, None is not measured."""
        return _under({ranker: c.figures["nDCG@10"] for ranker, c in self.runs.items()})

    def to_json(self) -> dict[str, object]:
        """Return its values."""
        return {
            "benchmark": self.benchmark,
            "split": self.split,
            "trained": self.trained or "zero-shot",
            "data_version": self.data_version,
            "runs": {
                ranker: {"run_id": c.run_id, "n": c.n, "unparsed": c.unparsed, **c.figures}
                for ranker, c in self.runs.items()
            },
            "under_best_leg": self.under_best_leg,
            "references": dict(self.references),
        }


@dataclass(frozen=True, slots=True)
class ClassLine:
    """One kind of question of a set: mean nDCG@10 by ranker, over `n` topics."""

    benchmark: str
    split: str
    kind: str
    n: int
    figures: Mapping[str, float]
    trained: str = ""

    @property
    def under_best_leg(self) -> float | None:
        """How far hybrid lies under its best leg; below 0 is over it, None is not measured."""
        return _under(self.figures)

    def to_json(self) -> dict[str, object]:
        """Return its values."""
        return {
            "benchmark": self.benchmark, "split": self.split,
            "trained": self.trained or "zero-shot", "class": self.kind, "n": self.n,
            "nDCG@10": dict(self.figures), "under_best_leg": self.under_best_leg,
        }  # fmt: skip


def by_class(
    line: Line, topics: Mapping[str, str], figures: Mapping[str, Mapping[str, Figures]]
) -> Iterator[ClassLine]:
    """Take a set apart by kind of question: `topics` are its questions, `figures` each ranker's by
    topic."""
    kinds: dict[str, list[str]] = {}
    for topic, question in topics.items():
        kinds.setdefault(query_class(question), []).append(topic)
    for kind, own in sorted(kinds.items()):
        means = {
            ranker: round(math.fsum(values[t]["nDCG@10"] for t in own) / len(own), 4)
            for ranker, values in figures.items()
        }
        yield ClassLine(line.benchmark, line.split, kind, len(own), means, line.trained)


def _under(figures: Mapping[str, float]) -> float | None:
    legs = [value for ranker, value in figures.items() if ranker != "hybrid"]
    if not legs or "hybrid" not in figures:
        return None
    return round(max(legs) - figures["hybrid"], 4)


def lines(cards: Iterable[Card]) -> tuple[Line, ...]:
    """Gather cards, newest first, into a line per set. What was taken on older data is left out, as
    is what is not the page's own search (a run with shares or legs of its own); runs that were
    imported stand among what others reach."""
    newest: dict[tuple[str, str, str], dict[str, Card]] = {}
    imported: list[Card] = []
    for card in cards:
        if not card.finished or "nDCG@10" not in card.figures:
            continue
        if "file" in card.settings:
            imported.append(card)
        elif card.ranker in RANKERS and not {"vector_share", "graph_share"} & card.settings.keys():
            runs = newest.setdefault((card.benchmark, card.split, card.trained), {})
            if all(card.data_version == each.data_version for each in runs.values()):
                runs.setdefault(card.ranker, card)
    return tuple(_line(*key, runs, imported) for key, runs in sorted(newest.items()))


def _line(
    name: str, split: str, trained: str, runs: Mapping[str, Card], imported: Iterable[Card]
) -> Line:
    data = next(iter(runs.values())).data_version
    others = {
        f"{card.label} (trained)" if card.trained else card.label: card.figures["nDCG@10"]
        for card in imported
        if card.data_version == data
    }
    return Line(name, split, trained, data, runs, {**others, **REFERENCES.get((name, split), {})})


def markdown(found: Iterable[Line]) -> Iterator[str]:
    """Yield the table's rows."""
    yield "| Set (n) | lexical | vector | graph | hybrid | R@100 | RR@10 | Judged@10 | Elsewhere |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for line in found:
        n = next(iter(line.runs.values())).n
        trained = f"trained on {line.trained}" if line.trained else "zero-shot"
        cells = [f"{line.benchmark} {line.split}, {trained} ({n})"]
        cells += [_figure(line.runs.get(r), "nDCG@10") for r in (*list(RANKERS)[1:], "hybrid")]
        best = line.runs.get("hybrid")
        cells += [_figure(best, name) for name in ("R@100", "RR@10", "Judged@10")]
        told = ", ".join(f"{name} {_short(v)}" for name, v in line.references.items())
        cells.append(told or "–")
        yield f"| {' | '.join(cells)} |"


def classes_markdown(found: Iterable[ClassLine]) -> Iterator[str]:
    """Yield the table by kind of question."""
    yield "| Set, questions (n) | lexical | vector | graph | hybrid | over its best leg |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for line in found:
        trained = f"trained on {line.trained}, " if line.trained else ""
        cells = [f"{line.benchmark} {line.split}, {trained}{line.kind} ({line.n})"]
        cells += [
            _short(line.figures[r]) if r in line.figures else "–"
            for r in (*list(RANKERS)[1:], "hybrid")
        ]
        under = line.under_best_leg
        cells.append("–" if under is None else f"{-under:+.4f}")
        yield f"| {' | '.join(cells)} |"


def _figure(card: Card | None, name: str) -> str:
    return "–" if card is None or name not in card.figures else _short(card.figures[name])


def _short(value: float) -> str:
    shown = f"{value:.3f}"
    return shown[1:] if shown.startswith("0.") else shown
