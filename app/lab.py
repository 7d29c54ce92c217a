"""What the lab's pages show of stored runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

import numpy as np

from app.plots import Point
from eval.archive import LAB, Answered, Archive, Card
from eval.benchmark import Qrels
from eval.compare import Difference, TopicDelta, deltas, difference, holm, mean_interval
from eval.moves import Moved, moved

PAGE = 50
SHOWN = 10
MOST_ALIKE = 400  # of the newest runs of a set, looked at for a setting's curve
UNSET = "as the page"  # a setting that a run leaves to the page's search
MOST_POINTS = 40  # of a setting's curve


@dataclass(frozen=True, slots=True)
class Side:
    """One document in a run's first ten. `grade` None: nobody judged it."""

    rank: int
    doc_id: str
    title: str
    grade: int | None
    score: float
    shares: tuple[tuple[str, int, float], ...]  # leg, rank there, share of the score
    other_rank: int | None


@dataclass(frozen=True, slots=True)
class TopicPair:
    """A topic in two runs, side by side."""

    topic_id: str
    text: str
    sides: tuple[tuple[Side, ...], tuple[Side, ...]]
    moved: tuple[Moved, ...]
    titles: Mapping[str, str]
    grades: Mapping[str, int]
    figures: tuple[Mapping[str, float], Mapping[str, float]]


class Bench:
    """The lab of an installation as its pages see it: runs that belong to no tenant.

    A tenant's own runs hold identified text; they are for the command line, where the operator's
    rights count.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / LAB
        self._archive = Archive(self._folder)

    def count(self) -> int:
        """Count the runs."""
        return self._archive.count("")

    def page(self, number: int) -> tuple[Card, ...]:
        """List a page of the runs, newest first, from 1."""
        return self._archive.cards("", most=PAGE, skip=(number - 1) * PAGE)

    def card(self, run_id: str) -> Card:
        """Find one. Raises: NotFound."""
        return self._archive.run(run_id, "")

    def beside(self, card: Card) -> list[Card]:
        """List the newest finished runs that may be compared with one."""
        found = self._archive.cards("", most=PAGE, data_version=card.data_version)
        return [each for each in found if each.finished and each.run_id != card.run_id]

    def topics(self, card: Card) -> list[tuple[str, str, Mapping[str, float]]]:
        """List a run's topics, the worst first: id, text, figures."""
        texts, _ = self._archive.judged(card.data_version)
        found = self._archive.figures(card.run_id)
        rows = [(topic, texts.get(topic, ""), values) for topic, values in found.items()]
        return sorted(rows, key=lambda row: row[2].get("nDCG@10", 0.0))

    def deltas(self, base: Card, other: Card, metric: str) -> tuple[TopicDelta, ...]:
        """Pair the topics of two runs, the greatest loss first. Raises: InvalidInput."""
        a, b = self._archive.figures(base.run_id), self._archive.figures(other.run_id)
        return tuple(sorted(deltas(a, b, metric), key=lambda each: each.delta))

    def differences(self, base: Card, other: Card, metrics: Sequence[str]) -> list[Difference]:
        """Compare two runs by several measures, corrected for their number; kept, because finished
        runs do not change. Raises: InvalidInput."""
        found = [_difference(self._folder, base.run_id, other.run_id, m) for m in metrics]
        corrected = holm([each.p for each in found])
        return [replace(each, p_holm=p) for each, p in zip(found, corrected, strict=True)]

    def intervals(self, card: Card, metrics: Sequence[str]) -> Mapping[str, tuple[float, float]]:
        """Return the 95 % interval of each of a run's means, as far as it has the measure."""
        return {m: _interval(self._folder, card.run_id, m) for m in metrics if m in card.figures}

    def settings_of(self, card: Card) -> dict[str, dict[str, Card]]:
        """Return the settings in which runs of this one's set differ: name -> value -> the newest
        run with it that is like this one in all the rest."""
        own, found = _flat(card), dict[str, dict[str, Card]]()
        for each in self._archive.cards("", data_version=card.data_version, most=MOST_ALIKE):
            if not each.finished or (each.split, each.trained) != (card.split, card.trained):
                continue
            other = _flat(each)
            differing = [n for n in own.keys() | other.keys() if _differs(own, other, n)]
            if len(differing) == 1:
                (name,) = differing
                found.setdefault(name, {own.get(name, UNSET): card})
                found[name].setdefault(other.get(name, UNSET), each)
        return {name: values for name, values in sorted(found.items()) if len(values) > 1}

    def points(self, values: Mapping[str, Card], metric: str) -> list[Point]:
        """Return what the runs scored, in the order of the setting."""
        made = [
            Point(value, card.figures[metric], *self.intervals(card, [metric])[metric], card.run_id)
            for value, card in values.items()
            if metric in card.figures
        ]
        return sorted(made, key=lambda point: _order(point.label))[:MOST_POINTS]

    def texts(self, card: Card) -> Mapping[str, str]:
        """Return what the topics ask."""
        return self._archive.judged(card.data_version)[0]

    def topic(self, base: Card, other: Card, topic_id: str) -> TopicPair:
        """Open a topic in two runs. Raises: NotFound."""
        texts, qrels = self._archive.judged(base.data_version)
        pair = tuple(self._archive.topic(card.run_id, topic_id) for card in (base, other))
        docs = list(dict.fromkeys(hit.doc_id for each in pair for hit in each.hits[:SHOWN]))
        titles = self._archive.titles(base.data_version, docs)
        a, b = pair
        sides = (_sides(a, b, titles, qrels, topic_id), _sides(b, a, titles, qrels, topic_id))
        return TopicPair(
            topic_id, texts.get(topic_id, ""), sides, moved(a, b), titles,
            qrels.get(topic_id, {}), (a.figures, b.figures),
        )  # fmt: skip


@lru_cache(maxsize=2_048)
def _interval(folder: Path, run_id: str, metric: str) -> tuple[float, float]:
    figures = Archive(folder).figures(run_id)
    return mean_interval(np.array([values.get(metric, 0.0) for values in figures.values()]))


def _flat(card: Card) -> dict[str, str]:
    """Write what a run may be set to as text: two runs that differ in one of these differ in it."""
    legs = card.settings.get("legs", ())
    told = {} if legs else {"ranker": card.ranker}  # the legs are what a ranker's name says
    told |= {"model": card.model, "terminology": card.terminology}
    for name, value in card.settings.items():
        told[name] = "+".join(legs) if name == "legs" else _spelled(value)
    return told | {"code": card.code_version}


def _differs(own: Mapping[str, str], other: Mapping[str, str], name: str) -> bool:
    """A run without the vector leg has no model: that is no setting of its own."""
    values = own.get(name), other.get(name)
    return values[0] != values[1] and not (name == "model" and "" in values)


def _spelled(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _order(label: str) -> tuple[int, float, str]:
    try:
        return 0, float(label), label
    except ValueError:
        return 1, 0.0, label


@lru_cache(maxsize=256)
def _difference(folder: Path, base: str, other: str, metric: str) -> Difference:
    archive = Archive(folder)
    return difference(archive.figures(base), archive.figures(other), metric)


def _sides(
    run: Answered, beside: Answered, titles: Mapping[str, str], qrels: Qrels, topic_id: str
) -> tuple[Side, ...]:
    judged = qrels.get(topic_id, {})
    ranks = {hit.doc_id: rank for rank, hit in enumerate(beside.hits, 1)}
    return tuple(
        Side(
            rank, hit.doc_id, titles.get(hit.doc_id, ""), judged.get(hit.doc_id), hit.score,
            tuple((leg, s.rank, s.contribution) for leg, s in hit.signals.items()),
            ranks.get(hit.doc_id),
        )
        for rank, hit in enumerate(run.hits[:SHOWN], 1)
    )  # fmt: skip
