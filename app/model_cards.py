"""Model cards as pages and JSON: what a model is, how it was measured, what came of it since."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np

from app.outlook import Outlook
from indexing.access import Access
from indexing.hidden import told
from indexing.outlook import INTENDED_USE, TYPES, ModelCard, Prediction
from rankers.outcomes import brier_skill, calibration_error, reliability

SIDE = 260.0  # of the calibration plot
EDGE = 34.0
LEAST_KNOWN = 30  # outcomes: fewer make no figure


@dataclass(frozen=True, slots=True)
class Mark:
    """One bin of a calibration plot as it is drawn; `told` and `happened` in [0, 1]."""

    x: float
    y: float
    low_y: float
    high_y: float
    patients: int | None
    told: float
    happened: float


@dataclass(frozen=True, slots=True)
class Group:
    """One subgroup; `patients` None where the view may not count them, and no share then."""

    name: str
    patients: int | None
    told: float | None
    happened: float | None


@dataclass(frozen=True, slots=True)
class Quarter:
    """What was told in a quarter of a year and what came of it; counts None where they are too
    small to be told, figures None where too few outcomes are known."""

    name: str
    told: int | None
    withheld: int | None
    known: int | None
    mean_told: float | None
    happened: float | None
    error: float | None
    skill: float | None


@dataclass(frozen=True, slots=True)
class CardPage:
    """A card with its drawings. `marks` are of its registration, `since` of what it told."""

    card: ModelCard
    outcome: str
    marks: Sequence[Mark]
    groups: Sequence[Group]
    quarters: Sequence[Quarter]
    since: Sequence[Mark]
    patients: int | None
    first: datetime | None
    last: datetime | None

    def to_json(self) -> dict[str, Any]:
        """Return what the API answers."""
        metrics = {k: v for k, v in self.card.metrics.items() if k not in ("groups", "bins")}
        return {
            **asdict(self.card), "metrics": metrics, "outcome": self.outcome,
            "calibration": [_plain(each) for each in self.marks],
            "subgroups": [asdict(each) for each in self.groups],
            "over_time": [asdict(each) for each in self.quarters],
            "lineage": {"patients": self.patients, "first": self.first, "last": self.last},
            "intended_use": INTENDED_USE,
        }  # fmt: skip


def _plain(mark: Mark) -> dict[str, Any]:
    return {"patients": mark.patients, "told": mark.told, "happened": mark.happened}


def card_page(own: Outlook, access: Access, name: str, version: str) -> CardPage:
    """Return a model's page; what it told is read with its audit row. Raises: NotFound."""
    card = own.store.card(access, name, version)
    found = own.store.told(access, card)
    hidden = access.deidentified
    if hidden:
        counts = {k: told(int(card.metrics.get(k) or 0)) for k in ("known", "held_out", "withheld")}
        training = dict(card.training)
        if "patients" in training:
            training["patients"] = told(int(training["patients"]))
        rate = {"base_rate": _coarse(card.metrics.get("base_rate"))}
        card = replace(card, training=training, metrics={**card.metrics, **counts, **rate})
    now = datetime.now(UTC)
    known = [each for each in found if each.counts(now)]
    since: Sequence[Mark] = ()
    if len(known) >= LEAST_KNOWN:
        chances, actual = _arrays(known)
        since = _marks(reliability(chances, actual, 5), hidden)
    people = len({each.patient_id for each in found})
    times = [each.made_at for each in found]
    return CardPage(
        card, TYPES.get(card.type, card.type), _marks(card.metrics.get("bins") or (), hidden),
        _groups(card.metrics.get("groups") or {}, hidden), _quarters(found, hidden), since,
        told(people) if hidden else people, None if hidden else min(times, default=None),
        None if hidden else max(times, default=None),
    )  # fmt: skip


def _coarse(share: float | None) -> float | None:
    """Round a share that in full would tell of how many it was taken."""
    return None if share is None else round(share, 2)


def _arrays(known: Sequence[Prediction]) -> tuple[Any, Any]:
    chances = np.array([each.chance for each in known], np.float64)
    return chances, np.array([each.actual for each in known], np.float64)


def _marks(bins: Sequence[Sequence[float]], hidden: bool) -> list[Mark]:
    """Lay bins out in a square, chance to the right and share upwards."""
    room = SIDE - 2 * EDGE

    def up(share: float) -> float:
        return round(SIDE - EDGE - share * room, 1)

    return [
        Mark(
            round(EDGE + chance * room, 1), up(share), up(low), up(high),
            told(int(count)) if hidden else int(count), chance,
            round(share, 2) if hidden else share,
        )
        for count, chance, share, low, high in bins
        if not hidden or _open(int(count), share)
    ]  # fmt: skip


def _open(count: int, share: float) -> bool:
    """Say whether neither side of a share is a small cell."""
    events = round(count * share)
    return None not in (told(count), told(events), told(count - events))


def _groups(groups: Mapping[str, Sequence[float]], hidden: bool) -> list[Group]:
    found = []
    for name, (count, chance, share) in groups.items():
        shown = not hidden or _open(int(count), share)
        people = told(int(count)) if hidden else int(count)
        part = round(share, 2) if hidden else share
        found.append(Group(name, people, chance if shown else None, part if shown else None))
    return found


def _quarters(found: Sequence[Prediction], hidden: bool) -> list[Quarter]:
    by: dict[str, list[Prediction]] = {}
    for each in found:
        name = f"{each.made_at.year} Q{(each.made_at.month + 2) // 3}"
        by.setdefault(name, []).append(each)
    return [_quarter(name, own, hidden) for name, own in sorted(by.items())]


def _quarter(name: str, own: Sequence[Prediction], hidden: bool) -> Quarter:
    now = datetime.now(UTC)
    known = [each for each in own if each.counts(now)]
    counts = [len(own), sum(e.chance is None for e in own), len(known)]
    shown = [told(each) if hidden else each for each in counts]
    if len(known) < LEAST_KNOWN:
        return Quarter(name, shown[0], shown[1], shown[2], None, None, None, None)
    chances, actual = _arrays(known)
    share = float(actual.mean())
    if hidden and not _open(len(known), share):
        return Quarter(name, shown[0], shown[1], shown[2], None, None, None, None)
    skill = brier_skill(chances, actual, share) if 0 < share < 1 else None
    return Quarter(
        name, shown[0], shown[1], shown[2], float(chances.mean()),
        _coarse(share) if hidden else share, calibration_error(chances, actual, 5), skill,
    )  # fmt: skip
