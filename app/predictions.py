"""What was told of a patient, as the chart and the API show it: how others fared, never a
probability of what will be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.services import Services
from app.views import View
from indexing.access import Access
from indexing.outlook import INTENDED_USE, TYPES, Prediction

MOST_TOLD = 12


@dataclass(frozen=True, slots=True)
class ShownPrediction:
    """One prediction. `words` say it in full; `share`, `low`, `high` in [0, 1] are of patients
    alike, None where it was withheld, and `why` says why. `actual` is what happened, None while
    that is not known."""

    type: str
    outcome: str
    model: str
    version: str
    made_at: datetime
    words: str
    share: float | None
    low: float | None
    high: float | None
    neighbours: int
    likeness: float
    shared: tuple[str, ...]
    why: str
    actual: bool | None
    actual_at: datetime | None
    risk_assessment: str


@dataclass(frozen=True, slots=True)
class Outlooks:
    """What was told, newest first, with what it is meant for; `types` are the outcomes that a model
    in force tells of."""

    told: Sequence[ShownPrediction]
    types: Sequence[str] = ()
    intended_use: str = INTENDED_USE


def outlooks(own: Services, access: Access, view: View, patient_id: str) -> Outlooks | None:
    """Return what was told of a patient, by the real id; None while predictions are off."""
    store = own.outlook(access).store
    if not store.switches(access).predictions:
        return None
    found = store.told_of(access, patient_id, MOST_TOLD)
    shift = 0
    if access.deidentified:
        shift = own.hider(access.tenant_id).pseudonyms.shift(patient_id)
    types = sorted({card.type for card in store.models(access) if card.status == "active"})
    return Outlooks([_shown(each, access, view, patient_id, shift) for each in found], types)


def _shown(
    told: Prediction, access: Access, view: View, patient_id: str, shift: int
) -> ShownPrediction:
    shared = tuple(view.told(each, patient_id) for each in told.evidence.get("shared", ()))
    at = None if told.actual_at is None else told.actual_at + timedelta(days=shift)
    known = told.chance is not None
    return ShownPrediction(
        told.type, TYPES[told.type], told.model, told.version,
        told.made_at + timedelta(days=shift), words_of(told), told.chance,
        told.low if known else None, told.high if known else None,
        int(told.evidence.get("neighbours", 0)), round(told.likeness, 3), shared, told.why,
        told.actual, at,
        f"RiskAssessment/{told.prediction_id}" if known and not access.deidentified else "",
    )  # fmt: skip


def words_of(told: Prediction) -> str:
    """Say a prediction in words: of how many it was counted, and that it is no forecast."""
    if told.chance is None:
        return f"Nothing is told: {told.why}."
    share, low, high = (round(100 * each) for each in (told.chance, told.low, told.high))
    of = int(told.evidence.get("neighbours", 0))
    counted = f", by {of} of them" if of else ""
    if told.low == told.high:
        return (
            f"{share} in 100 by the model, which gives no interval. This says how others fared "
            "where it was made, not what will be."
        )
    return (
        f"Of patients alike here, {share} in 100 ({low} to {high}){counted}. This says how others "
        "fared, not what will be."
    )
