"""Validate a parsed R4 resource: pure functions, no database, no network.

Numbers are `int`, `Decimal` or `float`. Unknown profiles give a warning; terminology beyond R4's
own code systems is not checked.
"""

from __future__ import annotations

from indexing.fhir.compiling import compiled
from indexing.fhir.definitions import JsonObject, choices, resource_types
from indexing.fhir.issues import Checked, Issue, operation_outcome
from indexing.fhir.resources import walk_resource
from indexing.fhir.walk import Walk

__all__ = ["Checked", "Issue", "check", "operation_outcome", "unsafe", "validate"]


def check(resource: JsonObject, *, entries: bool = True) -> Checked:
    """Walk a resource once and say what is wrong, and what forbids storing it.

    With `entries=False` the resources inside a Bundle or Parameters are left out, for callers
    that check each by itself.
    """
    walk = Walk(compiled, choices(), entries=entries)
    kind = resource.get("resourceType") if isinstance(resource, dict) else None
    name = kind if isinstance(kind, str) and kind in resource_types() else "Resource"
    walk_resource(walk, resource, (None, name, None))
    return Checked(tuple(walk.issues), tuple(walk.unsafe))


def validate(resource: JsonObject) -> list[Issue]:
    """All findings about a resource, errors and others, in document order."""
    return list(check(resource).issues)


def unsafe(resource: JsonObject) -> list[Issue]:
    """The findings for which ingest refuses a resource."""
    return list(check(resource).unsafe)
