"""Outcome models of a tenant: registered, asked, written back as FHIR, held against what happened.

Off until the tenant turns it on. A prediction is stored with its lineage (model, version, patient,
who asked), joins the series of the patient, and goes through the same ingest as any resource.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import numpy as np
import orjson
from numpy.typing import NDArray

from app.wiring import Installation
from eval.outlook import measured
from indexing.access import Access
from indexing.backends.postgres.fates import PostgresFates
from indexing.backends.postgres.outlook import PostgresOutlook
from indexing.errors import Forbidden, InvalidInput, NotFound
from indexing.ingest import Ingest
from indexing.outcomes import Told, settle
from indexing.outlook import (
    INTENDED_USE,
    LEARNED_FROM,
    OUTCOME_SYSTEM,
    TYPES,
    ModelCard,
    Outcome,
    Prediction,
    band,
    named,
)
from rankers.onnx_risk import OnnxRisk
from rankers.outcomes import (
    Calibration,
    Estimate,
    Floats,
    KnownPatient,
    NearestRisk,
    as_told,
    brier_skill,
    calibration_error,
)


@dataclass(frozen=True, slots=True)
class Registration:
    """What is to be registered; `body` None asks for the model that is built in. `training` is
    what a file was trained on, in the words of whoever brings it."""

    name: str
    version: str
    type: str
    description: str
    calibration: Calibration = "isotonic"
    body: bytes | None = None
    training: str = ""


def _within(
    file: OnnxRisk, bounds: NearestRisk, patients: Sequence[KnownPatient]
) -> tuple[Floats, NDArray[np.bool_]]:
    """Return a file's chances, withheld of those outside of what it is measured on."""
    chances, withheld = file.chances(patients)
    return chances, withheld | bounds.strangers(patients)


def people(found: Sequence[Outcome]) -> list[KnownPatient]:
    """Return patients as a model sees them."""
    return [
        KnownPatient(o.patient_id, o.features, o.age, o.sex, o.happened, o.visits) for o in found
    ]


class Outlook:
    """One tenant's outcome models, for somebody."""

    def __init__(self, installation: Installation, access: Access) -> None:
        self._own, self.access = installation, access
        self.store = PostgresOutlook(installation.database)
        self.fates = PostgresFates(installation.database)

    def register(self, wanted: Registration) -> ModelCard:
        """Fit or open a model, measure it on patients that it has not seen, and keep it.

        Raises:
            InvalidInput: an unknown type, too few known outcomes, or a file that is no such model.
            Conflict: this version is there.
        """
        named(wanted.name, wanted.version)
        if wanted.type not in TYPES:
            raise InvalidInput("no such type of outcome", hint=f"there are {', '.join(TYPES)}")
        found = people(self.store.outcomes(self.access, kind_of=wanted.type))
        known = [each for each in found if each.outcome is not None]
        if wanted.body is None:
            model = NearestRisk(known[::2], wanted.calibration)
            figures = measured(model.chances, known[1::2], model.base_rate, len(known[::2]))
            parameters: dict[str, Any] = {
                "k": model.k, "calibration": wanted.calibration, "visits": model.visits,
            }  # fmt: skip
        else:
            file = OnnxRisk(wanted.body)
            bounds = NearestRisk(known, "none")
            figures = measured(partial(_within, file, bounds), known, bounds.base_rate, 0)
            parameters = {"features": len(file.features), "bytes": len(wanted.body)}
        training = _training(wanted, figures.known)
        digest = hashlib.sha256(wanted.body).hexdigest() if wanted.body is not None else ""
        card = ModelCard(
            wanted.name, wanted.version, "nearest" if wanted.body is None else "onnx",
            wanted.type, wanted.description, parameters, training, _plain(asdict(figures)),
            digest=digest,
        )  # fmt: skip
        self.store.register(self.access, card, wanted.body)
        return card

    def predict(self, patient_id: str, kind_of: str) -> Prediction:
        """Tell, write back and store one prediction. What the chart cites is there before it is
        cited: a kill in between leaves a RiskAssessment that no chart shows, and is asked again.

        Raises:
            Forbidden: the tenant has not turned predictions on, or the view is de-identified.
            NotFound: no such patient that the access opens and whose record is not restricted, or
                no model of this type.
            InvalidInput: the RiskAssessment is refused.
        """
        self._identified()
        if kind_of not in TYPES:
            raise NotFound("no such type of outcome", hint=f"there are {', '.join(TYPES)}")
        if not self.store.switches(self.access).predictions:
            raise Forbidden(
                "outcome predictions are off for this tenant",
                hint="`anamnesis models switch --tenant T --predictions` turns them on",
            )
        card, body = self.store.active(self.access, kind_of)
        asked = people(self.store.outcomes(self.access, [patient_id], now=True, kind_of=kind_of))
        if not asked:
            raise NotFound(
                "no such patient, or the chart is not open to you",
                hint="Nothing is told of a patient whose record carries a restricting label.",
            )
        estimate = self._estimate(card, body, asked[0])
        told = Prediction(
            f"outlook-{uuid4().hex}", patient_id, card.name, card.version, kind_of,
            estimate.chance, estimate.low, estimate.high, estimate.likeness, estimate.why,
            datetime.now(UTC).replace(microsecond=0),
            {"neighbours": estimate.neighbours, "alike": list(estimate.alike),
             "shared": list(estimate.shared), "measured": estimate.measured,
             "moved": [list(each) for each in estimate.moved]},
        )  # fmt: skip
        if told.chance is not None:
            self._write_back(told, float(card.metrics["base_rate"]))
        self.store.keep(self.access, told)
        return told

    def _identified(self) -> None:
        """What is told is written into the record, with real ids."""
        if self.access.deidentified:
            raise Forbidden("predictions are asked for and followed up in the identified view")

    def _estimate(self, card: ModelCard, body: bytes, asked: KnownPatient) -> Estimate:
        every = people(self.store.outcomes(self.access, kind_of=card.type))
        known = [each for each in every if each.outcome is not None]
        if card.kind == "nearest":
            kind: Calibration = card.parameters["calibration"]
            visits = float(card.parameters.get("visits", 0.0))
            return NearestRisk(known, kind, visits=visits).estimate(asked)
        file = OnnxRisk(body)
        chances, withheld = file.chances([asked])
        if withheld[0]:
            return Estimate(None, why="nothing is known of the patient that the model looks at")
        others = [each for each in known if each.patient_id != asked.patient_id]
        if NearestRisk(others, "none").strangers([asked])[0]:
            return Estimate(None, why="the patient is unlike those that the model was measured on")
        told = float(chances[0])
        measured, low, high = as_told(card.metrics.get("bins") or (), told)
        return Estimate(told, low, high, measured=measured, moved=file.moved(asked))

    def _write_back(self, told: Prediction, base_rate: float) -> None:
        zone = ZoneInfo(self.access.time_zone)
        into = Ingest(self._own.records, self.access, zone, reason="outcome prediction")
        for outcome in into.submit(orjson.dumps(_bundle(told, self.access.user_id, base_rate))):
            if outcome.rejected is not None:
                raise InvalidInput("the prediction could not be written into the record")
        drawn = Told(
            told.prediction_id, told.patient_id, told.model, told.version, told.type,
            told.made_at, told.chance or 0.0, told.low, told.high, None,
        )  # fmt: skip
        self._own.vitals.write(self.access.tenant_id, drawn.chances())

    def fill_in(self, card: ModelCard) -> int:
        """Note what happened to those of whom the model told, and say of how many that is known.

        The follower does the same as the records come in. A chart that was merged into another has
        the other's outcome.

        Raises: Forbidden: the view is de-identified.
        """
        self._identified()
        told = self.store.told(self.access, card)
        ids = [each.prediction_id for each in told]
        return settle(self.fates, self._own.vitals, self.access, ids)

    def follow_up(self, card: ModelCard) -> dict[str, Any]:
        """Fill in what happened, and say how right the model was."""
        self.fill_in(card)
        told = self.store.told(self.access, card)
        now = datetime.now(UTC)
        known = [each for each in told if each.counts(now)]
        answer: dict[str, Any] = {
            "told": len(told), "withheld": sum(each.chance is None for each in told),
            "known": len(known),
        }  # fmt: skip
        if len(known) >= 30:
            chances = np.array([each.chance for each in known], np.float64)
            actual = np.array([each.actual for each in known], np.float64)
            answer["calibration_error"] = calibration_error(chances, actual, 5)
            answer["brier_skill"] = brier_skill(chances, actual, float(actual.mean()))
        return answer


def _training(wanted: Registration, patients: int) -> dict[str, Any]:
    """Return what a model learned from: the records here, or what is said of a file."""
    found: dict[str, Any] = {"outcome": TYPES[wanted.type]}
    if wanted.body is None:
        return found | {"patients": patients, "of": LEARNED_FROM[wanted.type]}
    said = wanted.training.strip() or "not told by whoever registered it"
    return found | {"elsewhere": said, "measured on": LEARNED_FROM[wanted.type]}


def _grounds(told: Prediction) -> str:
    """Say in short what a prediction stands on."""
    if neighbours := told.evidence["neighbours"]:
        return f"{neighbours} patients alike; {told.low:.2f} to {told.high:.2f}"
    return (
        f"it happened to {told.low:.2f} to {told.high:.2f} of the {told.evidence['measured']} "
        "patients of whom the file told as much when it was registered"
    )


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN: what is not known is null."""
    return {k: None if isinstance(v, float) and np.isnan(v) else v for k, v in values.items()}


def _bundle(told: Prediction, user_id: str, base_rate: float) -> dict[str, Any]:
    """Return the prediction as FHIR: what was told, and by what it was made."""
    method = f"{told.model} {told.version}"
    risk = {
        "resourceType": "RiskAssessment", "id": told.prediction_id, "status": "final",
        "subject": {"reference": f"Patient/{told.patient_id}"},
        "occurrenceDateTime": told.made_at.isoformat(), "method": {"text": method},
        "prediction": [{
            "outcome": {"coding": [{"system": OUTCOME_SYSTEM, "code": told.type}],
                        "text": TYPES[told.type]},
            "qualitativeRisk": {"text": band(told.chance or 0.0, base_rate)},
            "probabilityDecimal": round(told.chance or 0.0, 4),
            "rationale": _grounds(told),
        }],
        "note": [{"text": INTENDED_USE}],
    }  # fmt: skip
    source = {
        "resourceType": "Provenance", "id": f"{told.prediction_id}-provenance",
        "target": [{"reference": f"RiskAssessment/{told.prediction_id}"}],
        "recorded": told.made_at.isoformat(),
        "agent": [
            {"type": {"text": "assembler"}, "who": {"display": method}},
            {"type": {"text": "enterer"}, "who": {"display": user_id}},
        ],
    }  # fmt: skip
    return {
        "resourceType": "Bundle", "type": "transaction",
        "entry": [
            {"resource": each, "request": {
                "method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
            for each in (risk, source)
        ],
    }  # fmt: skip
