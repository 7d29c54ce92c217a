"""What was told of a patient, as the chart and the API show it: how others fared, never a
probability of what will be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

from app.services import Services
from app.views import View
from indexing.access import Access
from indexing.dated import shifted
from indexing.outlook import INTENDED_USE, TYPES, Prediction

MOST_TOLD = 12


@dataclass(frozen=True, slots=True)
class ShownPrediction:
    """One prediction. `words` say it in full; `share`, `low`, `high` in [0, 1] are of patients
    alike, None where it was withheld, and `why` says why. `shared` is what the patients alike have
    in common with this one, `alike` the nearest of them by (id, name), where the view names them;
    `moved` is how much each finding moved a file's chance. `actual` is what happened, None while
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
    moved: tuple[tuple[str, float], ...]
    alike: tuple[tuple[str, str], ...]
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
        shift = own.hider(access).pseudonyms.shift(patient_id)
    near = {each for told in found for each in told.evidence.get("alike", ())}
    names: Mapping[str, str] = {}
    if near and not access.deidentified:
        names = {each: p.name for each, p in view.people(sorted(near)).items()}
    types = sorted({card.type for card in store.models(access) if card.status == "active"})
    shown = [_shown(each, access, view, patient_id, shift, names) for each in found]
    return Outlooks(shown, types)


def _shown(
    told: Prediction, access: Access, view: View, patient_id: str, shift: int,
    names: Mapping[str, str],
) -> ShownPrediction:  # fmt: skip
    if access.deidentified:  # what a file was measured on may be a small cell
        told = replace(told, evidence={**told.evidence, "measured": 0})
    shared = tuple(view.told(each, patient_id) for each in told.evidence.get("shared", ()))
    moved = tuple(
        (view.told(name, patient_id), round(by, 3)) for name, by in told.evidence.get("moved", ())
    )
    alike = tuple(
        (each, names[each] or f"Patient {each}")
        for each in told.evidence.get("alike", ()) if each in names
    )  # fmt: skip
    zone = ZoneInfo(access.time_zone)
    at = None if told.actual_at is None else shifted(told.actual_at, shift, zone)
    known = told.chance is not None
    bounded = known and (not access.deidentified or bool(told.evidence.get("neighbours")))
    return ShownPrediction(
        told.type, TYPES[told.type], told.model, told.version,
        shifted(told.made_at, shift, zone), words_of(told), told.chance,
        told.low if bounded else None, told.high if bounded else None,
        int(told.evidence.get("neighbours", 0)), round(told.likeness, 3), shared, moved, alike,
        told.why,
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
    if not of:
        measured = int(told.evidence.get("measured", 0))
        found = (
            f" Of the {measured} patients here of whom it told as much when it was registered, it "
            f"happened to {low} to {high} in 100."
        )
        return (
            f"{share} in 100 by the model.{found if measured else ''} This says how others fared "
            "where it was made, not what will be."
        )
    return (
        f"Of patients alike here, {share} in 100 ({low} to {high}){counted}. This says how others "
        "fared, not what will be."
    )
