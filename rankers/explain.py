"""What each leg gave a hit: the parts add up to its score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Signal:
    """One leg's word on a hit: its rank there, the leg's own score, and what it added."""

    rank: int
    score: float
    contribution: float


@dataclass(frozen=True, slots=True)
class Fused:
    """One hit of all legs; `signals` holds the legs that found it, contributions sum to `score`."""

    doc_id: str
    rank: int
    score: float
    signals: Mapping[str, Signal]


@dataclass(frozen=True, slots=True)
class LegReason:
    """Where a leg has a note: `rank` None when it is not among the leg's hits; `because` says why
    in words."""

    leg: str
    rank: int | None
    score: float | None
    because: str


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why a note is or is not on the page."""

    doc_id: str
    verdict: str
    legs: tuple[LegReason, ...] = field(default=())


def verdict(place: int | None, k: int, removed: str) -> str:
    """Say in words where a note stands: its place, what removed it, or neither."""
    if place is not None and place <= k:
        return f"It is here, at rank {place}."
    if removed:
        return removed
    if place is not None:
        return f"It matches, at rank {place}; the page ends at {k}."
    return "No ranker finds it near enough to what was asked."
