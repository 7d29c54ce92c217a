"""meta.security to the restricting labels of `indexing.access`."""

from __future__ import annotations

from indexing.fhir.reading import JsonObject


def labels_of(resource: JsonObject) -> frozenset[str]:
    """Return the restricting labels; what restricts in a way we do not know becomes OTHER."""
    raise NotImplementedError
