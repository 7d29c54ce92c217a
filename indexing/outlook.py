"""Outcome models and what they told: registered per tenant, switched on per tenant, kept for ever.

A prediction names its model, version and patient; what truly happened is filled in later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

Kind = Literal["nearest", "onnx"]
RETURN = "return90"
HORIZON = timedelta(days=90)
TYPES: Mapping[str, str] = {
    RETURN: "admitted again, seen as an emergency, or dead within 90 days of leaving the hospital",
}
INTENDED_USE = (
    "For clinicians to look up how patients alike fared here. It compares records; it does not "
    "examine anybody, and it is no ground for or against a treatment by itself."
)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """One registered model. `digest` pins a file's bytes, "" for what is built in; `metrics` are
    those of its registration."""

    name: str
    version: str
    kind: Kind
    type: str
    description: str
    parameters: Mapping[str, Any]
    training: Mapping[str, Any]
    metrics: Mapping[str, Any]
    status: str = "active"
    digest: str = ""
    registered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model told of a patient; `chance` None where it was withheld, `why` says why."""

    prediction_id: str
    patient_id: str
    model: str
    version: str
    type: str
    chance: float | None
    low: float
    high: float
    likeness: float
    why: str
    made_at: datetime
    evidence: Mapping[str, Any] = field(default_factory=dict)
    actual: bool | None = None
    actual_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Switches:
    """What a tenant has turned on; everything is off until it does."""

    predictions: bool = False
    treatments: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """A patient as the records stood when the first stay ended; `happened` None when it is too
    early to know. `features` are conditions and drugs known by then."""

    patient_id: str
    features: frozenset[str]
    age: int | None
    sex: str
    happened: bool | None


Outcomes = Sequence[Outcome]
