"""Resources to typed rows beside the bytes: what is searched and joined."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from indexing.fhir.reading import JsonObject

# Columns of each projection table, in order, without tenant_id (the store adds it). Every table
# has resource_id first. Made and checked against 30_projections.sql.
COLUMNS: Mapping[str, tuple[str, ...]] = {}
# Tables that a resource type writes: on a new version, delete by (tenant_id, resource_id) from
# each, then insert. `resource_code` and `resource_link` hold rows of every type, so they are
# deleted by (tenant_id, resource_type, resource_id).
TABLES_OF: Mapping[str, tuple[str, ...]] = {}


@dataclass(frozen=True, slots=True)
class Row:
    """One row; `values` stand in the order of `COLUMNS[table]`, jsonb columns as JSON text."""

    table: str
    values: tuple[object, ...]


def project(resource: JsonObject, zone: ZoneInfo) -> list[Row]:
    """Return the rows of a resource; none for a type without a projection.

    A resource that is entered-in-error projects to nothing.
    """
    raise NotImplementedError


def patient_of(resource: JsonObject) -> str | None:
    """Return the id of the patient in whose compartment the resource lies (a Patient: its own)."""
    raise NotImplementedError
