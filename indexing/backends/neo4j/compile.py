"""The one place where Cypher is built: every node that a statement names is the tenant's own.

Statements are written without a tenant, `(d:Note {id: row.id})`; `scoped` puts `tenant: $tenant`
into each node pattern and refuses one that it could not put it into.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final

from indexing.access import Access
from indexing.filters import Filters, compared
from indexing.spaces import Space, filtered_by, folded, numbers

EVERYTHING: Final = "true"  # what holds of any entry
_FIELDS: Final = ("type", "specialty", "author", "patient")
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

# "(d:Note)", "(:Note {id: $id})": a node pattern with a label. No property holds a brace.
_LABELLED: Final = re.compile(r"(?<!\w)\((\w*):(\w+)\s*(?:\{([^{}]*)\})?\)")
# "(d)" and "()": a node pattern without one. A function's brackets follow its name.
_BARE: Final = re.compile(r"(?<![\w`])\((\w*)\)")
# The only place for "()": how many relations a node has, which the store keeps with the node.
_DEGREE: Final = re.compile(r"COUNT \{ \((\w+)\)<?-\[:\w+\]->?\(\) \}")


@lru_cache(maxsize=256)
def scoped(statement: str) -> str:
    """Return a statement with the tenant in every node pattern.

    Raises:
        ValueError: a node is named that no pattern with a label has bound; a fault of ours.
    """
    bound = {variable for variable, _, _ in _LABELLED.findall(statement)}
    for variable in _BARE.findall(_DEGREE.sub("", statement)):
        if not variable or variable not in bound:
            raise ValueError(f"a node without a tenant: ({variable})")
    for variable in _DEGREE.findall(statement):
        if variable not in bound:
            raise ValueError(f"a node without a tenant: ({variable})")
    return _LABELLED.sub(_with_tenant, statement)


def _with_tenant(found: re.Match[str]) -> str:
    variable, label, properties = found.groups()
    more = f", {properties.strip()}" if properties and properties.strip() else ""
    return f"({variable}:{label} {{tenant: $tenant{more}}})"


def conditions(access: Access, filters: Filters) -> tuple[str, dict[str, Any]]:
    """Return what must hold of the note `d` for this access and these filters, and its values."""
    parts = ["d.labels IS NULL"]
    values: dict[str, Any] = {}
    if access.labels:
        parts = ["(d.labels IS NULL OR all(label IN d.labels WHERE label IN $open_labels))"]
        values["open_labels"] = sorted(access.labels)
    if access.patients is not None:
        parts.append("d.patient_id IN $open_patients")
        values["open_patients"] = sorted(access.patients)
    for side, wanted, negation in (("only", filters.only, ""), ("not", filters.without, "NOT ")):
        for name in _FIELDS:
            if name in wanted:
                held = "coalesce(d.patient_id, '')" if name == "patient" else f"d.{name}"
                parts.append(f"{negation}{held} IN ${side}_{name}")
                values[f"{side}_{name}"] = [compared(name, value) for value in wanted[name]]
    if filters.date_from is not None:
        parts.append("d.date_end > $date_from")
        values["date_from"] = micros(filters.date_from)
    if filters.date_to is not None:
        parts.append("d.date_start < $date_to")
        values["date_to"] = micros(filters.date_to)
    return " AND ".join(parts), values


def fits(access: Access, filters: Filters, space: Space) -> tuple[str, dict[str, Any]]:
    """Return what must hold of an entry `e` of a vector space, and its values."""
    parts, values = [EVERYTHING], dict[str, Any]()
    if "label" in space.schema:
        parts.append("all(label IN e.labels WHERE label IN $open_labels)")
        values["open_labels"] = sorted(access.labels)
    if "patient_id" in space.schema and access.patients is not None:
        parts.append("e.patient_id IN $open_patients")
        values["open_patients"] = sorted(access.patients)
    for side, wanted, negation in (("only", filters.only, ""), ("not", filters.without, "NOT ")):
        for name in sorted(wanted):
            if name == "patient" and name in filtered_by(space):
                parts.append(f"{negation}coalesce(e.patient_id, '') IN ${side}_{name}")
                values[f"{side}_{name}"] = sorted(wanted[name])
            elif name in filtered_by(space):
                parts.append(f"{negation}any(own IN e.text_{name} WHERE own IN ${side}_{name})")
                values[f"{side}_{name}"] = sorted(folded(space, name, wanted[name]))
            elif not negation:
                parts.append("false")
    for side, bounds, sign in (("least", filters.at_least, ">="), ("most", filters.at_most, "<=")):
        for name in sorted(bounds):
            known = name in numbers(space)
            parts.append(f"e.amount_{name} {sign} ${side}_{name}" if known else "false")
            values[f"{side}_{name}"] = bounds[name]
    if filters.date_from is not None:
        parts.append("e.date_end > $date_from")
        values["date_from"] = micros(filters.date_from)
    if filters.date_to is not None:
        parts.append("e.date_start < $date_to")
        values["date_to"] = micros(filters.date_to)
    return " AND ".join(parts), values


def micros(moment: datetime) -> int:
    """Return microseconds since 1970: compared as numbers, whatever the zone."""
    return (moment - EPOCH) // timedelta(microseconds=1)
