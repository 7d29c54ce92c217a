"""The lab's tunings as its pages show them: what was chosen, and score over each part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.plots import Curve, Point, curve

PART_NAMES = {
    "vector": "meaning beside words",
    "graph": "concepts' share",
    "by": "what is weighed",
    "alike": "notes like a hit",
    "expansions": "other wordings",
    "title": "the title's weight",
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """Score over one part in one set; `own` is the label of what was chosen."""

    set: str
    part: str
    own: str
    points: Sequence[Point]
    drawing: Curve


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of question: what was chosen, as (part, value), its figures by set, its curves."""

    name: str
    topics: int
    kept: bool
    chosen: Sequence[tuple[str, str]]
    sets: Mapping[str, Mapping[str, float]]
    curves: Sequence[Drawn]


def kinds_of(found: Mapping[str, Any], part: str) -> list[Kind]:
    """Lay out a stored tuning, with the curves of one part."""
    return [
        Kind(
            name, each["topics"], each["kept"], _chosen(each["share"]), each["sets"],
            [_drawn(made) for made in each["curves"] if made["part"] == part],
        )
        for name, each in found["kinds"].items()
    ]  # fmt: skip


def parts_of(found: Mapping[str, Any]) -> list[str]:
    """Return the parts that have curves, in the order in which they are shown."""
    held = {made["part"] for each in found["kinds"].values() for made in each["curves"]}
    return [part for part in PART_NAMES if part in held]


def _chosen(share: Mapping[str, Any]) -> list[tuple[str, str]]:
    told = []
    for part, value in share.items():
        if value is not None:
            shown = f"{value:g}" if isinstance(value, int | float) else value
            shown = shown if isinstance(shown, str) else ", ".join(shown) or "none"
            told.append((PART_NAMES[part], shown))
    return told


def _drawn(made: Mapping[str, Any]) -> Drawn:
    points = [
        Point(each["label"], each["value"], each["low"], each["high"], each["label"])
        for each in made["points"]
    ]
    return Drawn(made["set"], made["part"], made["chosen"], points, curve(points))
