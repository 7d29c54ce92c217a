"""How a line of the chart stands: whether it holds now, and what its record says against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from indexing.charts import Item

REFUTED: Final = "refuted"
# How sure a record is of a condition or an allergy; whoever reads a chart leaves "confirmed" out.
_SURE: Final = frozenset({"unconfirmed", "provisional", "differential", REFUTED})
# What needs no word beside the line: it is what anybody takes the line to mean.
_PLAIN: Final[Mapping[str, frozenset[str]]] = {
    "Condition": frozenset({"active"}),
    "AllergyIntolerance": frozenset({"active"}),
    "MedicationRequest": frozenset({"active", "completed"}),
    "MedicationStatement": frozenset({"active", "completed"}),
    "Encounter": frozenset({"finished"}),
    "Procedure": frozenset({"completed"}),
}
_HOLDS: Final[Mapping[str, frozenset[str]]] = {
    "Condition": frozenset({"active", "recurrence", "relapse"}),
    "AllergyIntolerance": frozenset({"active"}),
    "MedicationRequest": frozenset({"active", "on-hold", "intended"}),
    "MedicationStatement": frozenset({"active", "on-hold", "intended"}),
}
# What was written down and never came about.
_NEVER: Final = frozenset({"planned", "cancelled", "draft", "not-done", "not-taken"})


def stands(item: Item) -> str:
    """Say what a reader would not take for granted of a line, "" for nothing: a procedure that was
    not done, a diagnosis that was refuted, a drug that was stopped."""
    plain = _PLAIN.get(item.resource_type, frozenset())
    return ", ".join(part.replace("-", " ") for part in _parts(item) if part not in plain)


def holds(item: Item) -> bool:
    """Say whether a line is of now. A problem or an allergy of which no status is told is, until
    its end: a chart that put it among what was would hide it."""
    said = _parts(item)
    if REFUTED in said:
        return False
    if status := [part for part in said if part not in _SURE]:
        return status[0] in _HOLDS.get(item.resource_type, frozenset())
    return item.resource_type in ("Condition", "AllergyIntolerance") and item.end is None


def came_about(item: Item) -> bool:
    """Say whether an encounter or a drug is more than a plan or an order that was taken back."""
    return _NEVER.isdisjoint(_parts(item))


def _parts(item: Item) -> list[str]:
    return [part for part in item.status.split(" · ") if part]
