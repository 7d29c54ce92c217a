"""Outcome models and what they told: registered per tenant, switched on per tenant, kept for ever.

A prediction names its model, version and patient; what truly happened is filled in later.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

from indexing.errors import InvalidInput

Kind = Literal["nearest", "onnx"]
Status = Literal["active", "retired"]
RETURN = "return90"
ACUTE = "acute365"
TYPES: Mapping[str, str] = {
    RETURN: "admitted again, seen as an emergency, or dead within 90 days of leaving the hospital",
    ACUTE: "admitted, seen as an emergency, or dead within a year",
}
HORIZONS: Mapping[str, timedelta] = {RETURN: timedelta(days=90), ACUTE: timedelta(days=365)}
# What the outcomes that a model learns from are of.
LEARNED_FROM: Mapping[str, str] = {
    RETURN: "the first stay of each patient, as known by its end",
    ACUTE: "everybody seen before and alive a year before the newest record, as known that day",
}
OUTCOME_SYSTEM = "urn:anamnesis:outcome"  # of the types' codes in FHIR
_NAMED = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,59}")
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
    status: Status = "active"
    digest: str = ""
    registered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model told of a patient; `chance` None where it was withheld, `why` says why.

    `actual` is what happened, None while that is not known; `due_at` is when it is known of
    everybody, None where it was not asked yet."""

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
    due_at: datetime | None = None

    def counts(self, now: datetime) -> bool:
        """Say whether this tells how right the model is: not before the time is up. What happens is
        known sooner than what does not, and counted by then it would be all that is known."""
        known = self.chance is not None and self.actual is not None
        return known and (self.due_at is None or self.due_at <= now)


@dataclass(frozen=True, slots=True)
class Switches:
    """What a tenant has turned on; everything is off until it does."""

    predictions: bool = False
    treatments: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """A patient as the records stood when the first stay ended; `happened` None when it is too
    early to know. `features` are conditions and drugs known by then, `visits` those of the year
    before it, or before the stay began."""

    patient_id: str
    features: frozenset[str]
    age: int | None
    sex: str
    happened: bool | None
    visits: int | None = None


Outcomes = Sequence[Outcome]


def band(chance: float, base_rate: float) -> str:
    """Say in words how a chance stands to that of all patients."""
    if chance >= 1.5 * base_rate:
        return "higher than among all patients here"
    return (
        "lower than among all patients here" if chance <= base_rate / 1.5 else "about as among all"
    )


def named(name: str, version: str) -> None:
    """Refuse a name that could not stand in an address. Raises: InvalidInput."""
    for what, value in (("name", name), ("version", version)):
        if not _NAMED.fullmatch(value):
            raise InvalidInput(
                f"not a {what} of a model", hint="up to 60 of letters, digits, dot, - and _"
            )
