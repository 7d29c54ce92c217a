"""Drawings of the lab, made on the server: each a list of shapes that a template writes as SVG."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eval.compare import TopicDelta

WIDTH, HEIGHT = 720.0, 180.0
TALL = 260.0
LEFT, RIGHT, TOP, BOTTOM = 52.0, 16.0, 14.0, 34.0
WIDE = 11.0  # of a label's character, on a phone


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
class Point:
    """What a run scored at one value of a setting, with the ends of its 95 % interval."""

    label: str
    value: float
    low: float
    high: float
    run_id: str


@dataclass(frozen=True, slots=True)
class Dot:
    """A point as it is drawn, in a drawing of 720 × 260."""

    point: Point
    x: float
    y: float
    low_y: float
    high_y: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A label beside an axis."""

    at: float
    label: str


@dataclass(frozen=True, slots=True)
class Curve:
    """Score over a setting; `line` joins the dots where the setting is a number, else ""."""

    dots: Sequence[Dot]
    line: str
    across: Sequence[Tick]
    up: Sequence[Tick]


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


def curve(points: Sequence[Point]) -> Curve:
    """Draw scores over a setting: to scale where every label is a number, else side by side."""
    numbers = [_number(point.label) for point in points]
    scaled = [each for each in numbers if each is not None]
    to_scale = len(scaled) == len(points)
    places = scaled if to_scale else [float(i) for i in range(len(points))]
    # Words have half a step on either side, so that their labels stay within the frame.
    first, last = (min(places), max(places)) if to_scale else (-0.5, len(points) - 0.5)
    fits = 14 if to_scale else max(3, int((WIDTH - LEFT - RIGHT) / len(points) / WIDE))
    low, high = min(p.low for p in points), max(p.high for p in points)
    room = (high - low) * 0.08 or 0.01
    low, high = low - room, high + room

    def across(place: float) -> float:
        share = (place - first) / (last - first) if last > first else 0.5
        return round(LEFT + share * (WIDTH - LEFT - RIGHT), 1)

    def up(value: float) -> float:
        share = (value - low) / (high - low)
        return round(TALL - BOTTOM - share * (TALL - TOP - BOTTOM), 1)

    dots = [
        Dot(point, across(place), up(point.value), up(point.low), up(point.high))
        for point, place in zip(points, places, strict=True)
    ]
    line = " ".join(f"{dot.x},{dot.y}" for dot in dots) if to_scale else ""
    ticks = [low + (high - low) * share for share in (0.1, 0.5, 0.9)]
    return Curve(
        dots, line, [Tick(dot.x, _cut(dot.point.label, fits)) for dot in dots],
        [Tick(up(value), f"{value:.3f}") for value in ticks],
    )  # fmt: skip


def _cut(label: str, most: int) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"


def _number(label: str) -> float | None:
    try:
        return float(label)
    except ValueError:
        return None
