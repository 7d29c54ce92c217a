"""Look for the settings that do best, by kind of question, and say what they are worth.

The legs are asked once for each way of asking them (`eval.asked`) and everything after them is
computed from the answers (`eval.replay`). What is chosen is chosen on other topics than it is
judged by (k folds, by a hash of the topic's id), every set of a hundred topics counts the same, and
a setting that falls under a set's best leg is passed over. A kind of question that gains nothing
on held-out topics, or falls under its best leg or its default in any set, keeps its default.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from eval.compare import mean_interval
from eval.replay import Setting
from eval.report import MOST_UNDER_A_LEG
from eval.space import Look, Space, by_grid
from rankers.answer import LEGS
from rankers.fusion import EXPANSIONS, Share

FEWEST = 20  # topics of a class: fewer in a set say too little to hold a setting against it, and
# fewer in all to take one over
FULL = 100  # topics of a class in a set, from which on it counts as much as any other
HARM = 10.0  # how many points of gain a point under the best leg is worth to a search

Values = NDArray[np.float64]
Masks = Mapping[str, NDArray[np.bool_]]


class Asked(Protocol):
    """One topic with what the legs answered; `alone` is each leg's own nDCG@10."""

    @property
    def topic_id(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def alone(self) -> Mapping[str, float]: ...
    def figures(self, setting: Setting, alikes: Sequence[float | None]) -> list[float]: ...


@dataclass(frozen=True, slots=True)
class SetFigures:
    """One set: `held_out` is the tuned setting on topics it was not chosen by; `under_best_leg`
    by how much that lies under the best leg, below 0 is over it."""

    n: int
    default: float
    tuned: float
    held_out: float
    best_leg: float
    under_best_leg: float


@dataclass(frozen=True, slots=True)
class Point:
    """The mean of a set at one value of a part, the others as chosen, and its 95 % interval."""

    label: str
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Curve:
    """Score over one part, of one kind of question in one set; `chosen` is a point's label."""

    set: str
    part: str
    chosen: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class KindTuned:
    """What was chosen for a kind of question; `kept` says that it is worth taking over."""

    share: Share
    topics: int
    kept: bool
    sets: Mapping[str, SetFigures]
    curves: tuple[Curve, ...]


@dataclass(frozen=True, slots=True)
class Tuned:
    """What was chosen by kind of question, and the title's weight, which is one for all kinds."""

    kinds: Mapping[str, KindTuned]
    title: float
    sets: Mapping[str, SetFigures]
    kept: bool

    @property
    def shares(self) -> dict[str, Share]:
        """Return what is worth taking over."""
        return {kind: each.share for kind, each in self.kinds.items() if each.kept}


def tune(
    sets: Mapping[str, Sequence[Asked]],
    space: Space,
    look: Look = by_grid,
    folds: int = 5,
    each: Callable[[int], None] = lambda _: None,
) -> Tuned:
    """Choose a setting for each kind of question, and say what it is worth on other topics;
    `each` hears of every search that is done."""
    found = _Search(sets, space, look, folds, each)
    tuned = found.tuned()
    if tuned.title != space.titles[0] and not all(kind.kept for kind in tuned.kinds.values()):
        # One title's weight serves all kinds: where one of them pays for it, the default stays.
        tuned = replace(found, space=replace(space, titles=space.titles[:1])).tuned()
    return tuned


@dataclass(frozen=True, slots=True)
class _Search:
    sets: Mapping[str, Sequence[Asked]]
    space: Space
    look: Look
    folds: int
    each: Callable[[int], None]

    def tuned(self) -> Tuned:
        table = _Table(self.sets, self.space.alike)
        held: dict[tuple[str, str], Values] = {}
        for fold in range(self.folds):
            keep = {key: table.folds(key, self.folds) != fold for key in table.keys}
            chosen, _ = self._chosen(table, keep)
            for name, kind in table.keys:
                column = table.column(name, kind, chosen[kind])
                held.setdefault((name, kind), np.zeros(len(column)))
                out = ~keep[name, kind]
                held[name, kind][out] = column[out]
        chosen, title = self._chosen(table, {key: table.everything(key) for key in table.keys})
        kinds = {
            kind: _judged(table, self.space, kind, setting, held)
            for kind, setting in chosen.items()
        }
        sets = {name: _of_set(table, self.space, name, kinds, chosen, held) for name in self.sets}
        return Tuned(kinds, title, sets, any(kind.kept for kind in kinds.values()))

    def _chosen(
        self, table: _Table, keep: Mapping[tuple[str, str], NDArray[np.bool_]]
    ) -> tuple[dict[str, Setting], float]:
        title = self._title(table, keep)
        found = {}
        for kind in table.kinds:
            masks = {name: keep[name, kind] for name, own in table.keys if own == kind}
            masks = {name: mask for name, mask in masks.items() if mask.any()}
            start = self.space.start(kind, title)
            found[kind] = start
            if masks:
                choose, score = _chooser(table, kind, masks), _scorer(table, kind, masks)
                found[kind] = self.look(self.space, start, score, choose)
            self.each(1)
        return found, title

    def _title(self, table: _Table, keep: Mapping[tuple[str, str], NDArray[np.bool_]]) -> float:
        """Choose the title's weight at the default's shares, for all kinds together."""
        if len(self.space.titles) == 1:
            return self.space.titles[0]

        def total(title: float) -> float:
            return math.fsum(
                float(table.column(n, k, self.space.start(k, title))[mask].mean())
                * min(1.0, int(mask.sum()) / FULL)
                for (n, k), mask in keep.items()
                if mask.any()
            )

        return max(self.space.titles, key=total)  # of equals the first, which is the default


class _Table:
    """Figures of topics under settings, each taken once."""

    def __init__(self, sets: Mapping[str, Sequence[Asked]], alikes: Sequence[float | None]) -> None:
        self._alikes = tuple(alikes)
        self._own: dict[tuple[str, str], list[Asked]] = {}
        for name, topics in sets.items():
            for topic in topics:
                self._own.setdefault((name, topic.kind), []).append(topic)
        self._columns: dict[tuple[str, str, Setting], Values] = {}
        self.keys = tuple(sorted(self._own))
        self.kinds = tuple(sorted({kind for _, kind in self.keys}))

    def column(self, name: str, kind: str, setting: Setting) -> Values:
        """Return the figures of a set's topics of a kind."""
        if (name, kind, setting) not in self._columns:
            alikes = list(dict.fromkeys((setting.share.alike, *self._alikes)))
            rows = np.array([t.figures(setting, alikes) for t in self._own[name, kind]])
            for alike, column in zip(alikes, rows.T, strict=True):
                share = replace(setting.share, alike=alike)
                self._columns[name, kind, replace(setting, share=share)] = column
        return self._columns[name, kind, setting]

    def best_leg(self, name: str, kind: str, mask: NDArray[np.bool_]) -> float:
        """Return the best mean that one leg alone reaches."""
        topics = [t for t, kept in zip(self._own[name, kind], mask, strict=True) if kept]
        return max(math.fsum(t.alone.get(leg, 0.0) for t in topics) / len(topics) for leg in LEGS)

    def folds(self, key: tuple[str, str], folds: int) -> NDArray[np.int64]:
        """Return each topic's fold."""
        return np.array([_fold(topic.topic_id, folds) for topic in self._own[key]])

    def everything(self, key: tuple[str, str]) -> NDArray[np.bool_]:
        """Return the mask of all topics."""
        return np.ones(len(self._own[key]), dtype=bool)

    def alone(self, name: str) -> list[Asked]:
        """Return a set's topics of all kinds."""
        return [topic for (own, _), topics in self._own.items() if own == name for topic in topics]


def _weighed(
    table: _Table, kind: str, masks: Masks, settings: Sequence[Setting]
) -> tuple[Values, Values]:
    """Return each setting's mean over sets, and by how much it falls under sets' best legs."""
    means, harm = np.zeros(len(settings)), np.zeros(len(settings))
    for name, mask in masks.items():
        column = np.array([table.column(name, kind, each)[mask].mean() for each in settings])
        n = int(mask.sum())
        means += column * min(1.0, n / FULL)
        if n >= FEWEST:
            least = table.best_leg(name, kind, mask) - MOST_UNDER_A_LEG
            harm += np.maximum(0, least - column)
    return means, harm


def _chooser(table: _Table, kind: str, masks: Masks) -> Callable[[Sequence[Setting]], Setting]:
    def choose(settings: Sequence[Setting]) -> Setting:
        """Return the best mean among those that harm the fewest; of equals the one in the middle,
        which has the most room on either side."""
        means, harm = _weighed(table, kind, masks, settings)
        allowed = np.flatnonzero(harm <= harm.min() + 1e-12)
        top = allowed[means[allowed] >= means[allowed].max() - 1e-12]
        return settings[int(top[len(top) // 2])]

    return choose


def _scorer(table: _Table, kind: str, masks: Masks) -> Callable[[Setting], float]:
    def score(setting: Setting) -> float:
        means, harm = _weighed(table, kind, masks, [setting])
        return float(means[0] - HARM * harm[0])

    return score


def _judged(
    table: _Table,
    space: Space,
    kind: str,
    setting: Setting,
    held: Mapping[tuple[str, str], Values],
) -> KindTuned:
    start = space.start(kind, space.titles[0])
    sets = {
        name: _figures(
            table.column(name, kind, start), table.column(name, kind, setting), held[name, kind],
            table.best_leg(name, kind, table.everything((name, kind))),
        )
        for name, own in table.keys if own == kind
    }  # fmt: skip
    gain = math.fsum((f.held_out - f.default) * min(1.0, f.n / FULL) for f in sets.values())
    safe = all(
        max(f.under_best_leg, f.default - f.held_out) <= MOST_UNDER_A_LEG for f in sets.values()
    )
    topics = sum(f.n for f in sets.values())
    curves = tuple(curve for name in sets for curve in _curves(table, space, name, kind, setting))
    kept = topics >= FEWEST and gain > 0 and safe
    return KindTuned(setting.share, topics, kept, sets, curves)


def _of_set(
    table: _Table,
    space: Space,
    name: str,
    kinds: Mapping[str, KindTuned],
    chosen: Mapping[str, Setting],
    held: Mapping[tuple[str, str], Values],
) -> SetFigures:
    """Return what the kinds that are kept make of a whole set, beside one leg for all of it."""
    rows: list[tuple[Values, Values, Values]] = []
    for own, kind in table.keys:
        if own == name:
            default = table.column(name, kind, space.start(kind, space.titles[0]))
            tuned = (table.column(name, kind, chosen[kind]), held[name, kind])
            rows.append((default, *(tuned if kinds[kind].kept else (default, default))))
    default, tuned_, held_out = (np.concatenate(part) for part in zip(*rows, strict=True))
    topics = table.alone(name)
    best = max(math.fsum(t.alone.get(leg, 0.0) for t in topics) / len(topics) for leg in LEGS)
    return _figures(default, tuned_, held_out, best)


def _figures(default: Values, tuned: Values, held_out: Values, best: float) -> SetFigures:
    held = float(held_out.mean())
    return SetFigures(
        n=len(default),
        default=round(float(default.mean()), 4),
        tuned=round(float(tuned.mean()), 4),
        held_out=round(held, 4),
        best_leg=round(best, 4),
        under_best_leg=round(best - held, 4),
    )


def _curves(table: _Table, space: Space, name: str, kind: str, setting: Setting) -> Iterator[Curve]:
    """Vary one part at a time about what was chosen."""
    for part, settings in _around(space, setting).items():
        points = []
        for label, each in settings.items():
            column = table.column(name, kind, each)
            low, high = mean_interval(column)
            points.append(Point(label, *(round(x, 4) for x in (float(column.mean()), low, high))))
        chosen = next(label for label, each in settings.items() if each == setting)
        yield Curve(name, part, chosen, tuple(points))


def _around(space: Space, setting: Setting) -> dict[str, dict[str, Setting]]:
    share = setting.share

    def varied(values: dict[str, Share]) -> dict[str, Setting]:
        return {label: replace(setting, share=each) for label, each in values.items()}

    found: dict[str, dict[str, Setting]] = {}
    if space.legs:
        vectors = sorted({each.vector for each in space.legs} | {share.vector})
        graphs = sorted({each.graph for each in space.legs} | {share.graph})
        found["vector"] = varied({f"{v:g}": replace(share, vector=v) for v in vectors})
        found["graph"] = varied({f"{g:g}": replace(share, graph=g) for g in graphs})
        found["by"] = varied(
            {"scores": replace(share, by="scores"), "ranks": replace(share, by="ranks")}
        )
    if len(space.alike) > 1:
        alikes = dict.fromkeys((*space.alike, share.alike))
        found["alike"] = varied({_told(a): replace(share, alike=a) for a in alikes})
    if len(space.expansions) > 1:
        kinds = dict.fromkeys((*space.expansions, share.expansions))
        found["expansions"] = varied({_kinds(k): replace(share, expansions=k) for k in kinds})
    if len(space.titles) > 1:
        found["title"] = {f"{t:g}": replace(setting, title=t) for t in sorted(space.titles)}
    return found


def _told(alike: float | None) -> str:
    return "default" if alike is None else f"{alike:g}"


def _kinds(kinds: tuple[str, ...] | None) -> str:
    if kinds is None:
        return "default"
    without = [kind for kind in EXPANSIONS if kind not in kinds]
    if not kinds:
        return "none"
    return f"without {', '.join(without)}" if without else "every"


def _fold(topic_id: str, folds: int) -> int:
    return hashlib.sha256(topic_id.encode("utf-8", "surrogatepass")).digest()[0] % folds
