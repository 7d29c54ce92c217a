"""What the lab's pages show: tables and drawings of stored runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from eval.archive import LAB, Answered, Archive, Card
from eval.benchmark import Qrels
from eval.compare import Difference, TopicDelta, deltas, difference
from eval.moves import Moved, moved

WIDTH, HEIGHT = 720.0, 180.0
PAGE = 50
SHOWN = 10


@dataclass(frozen=True, slots=True)
class Bar:
    """One topic's bar in a drawing of 720 × 180; `kind` is won, lost or tied."""

    topic_id: str
    x: float
    y: float
    width: float
    height: float
    kind: str
    delta: float


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

    def difference(self, base: Card, other: Card, metric: str) -> Difference:
        """Compare two runs; kept, because finished runs do not change. Raises: InvalidInput."""
        return _difference(self._folder, base.run_id, other.run_id, metric)

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


def bars(found: Sequence[TopicDelta]) -> list[Bar]:
    """Draw each topic's delta about a middle line, from the greatest loss to the greatest gain."""
    most = max((abs(each.delta) for each in found), default=0.0) or 1.0
    step = WIDTH / max(len(found), 1)
    middle, room = HEIGHT / 2, HEIGHT / 2 - 4
    out = []
    for i, each in enumerate(found):
        tall = max(room * abs(each.delta) / most, 0.6)
        kind = "won" if each.delta > 0 else "lost" if each.delta < 0 else "tied"
        y = middle - tall if each.delta > 0 else middle
        out.append(
            Bar(each.topic_id, round(i * step, 2), round(y, 2), round(max(step * 0.86, 0.4), 2),
                round(tall, 2), kind, each.delta)
        )  # fmt: skip
    return out
