"""What /fhir can do, generated from the tables that it works from."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

import orjson

from indexing.fhir.search.facts import known_types, parameters

_INTERACTIONS = ("read", "vread", "update", "delete", "history-instance", "create", "search-type")
_CONDITIONAL = {
    "versioning": "versioned-update", "readHistory": True, "updateCreate": True,
    "conditionalRead": "full-support", "conditionalCreate": True, "conditionalUpdate": True,
    "conditionalDelete": "single",
}  # fmt: skip
_CHANGED = "2026-12-01"  # when what is stated here last changed
_EVERYWHERE = (("_id", "token"), ("_lastUpdated", "date"))
_SUPPORTED = ("_include", "_revinclude", "_sort", "_count", "_total", "_summary", "_elements")


@cache
def capabilities(base: str) -> bytes:
    """Return the CapabilityStatement of this server at `base`."""
    release = version("anamnesis")
    return orjson.dumps({
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": _CHANGED,
        "kind": "instance",
        "software": {"name": "Anamnesis", "version": release},
        "implementation": {"description": "Anamnesis", "url": base},
        "fhirVersion": "4.0.1",
        "format": ["json"],
        "rest": [{
            "mode": "server",
            "documentation": "A parameter or modifier that is not known fails the search. Tokens "
            "are compared as written; strings without case and accents. Beside each type's own "
            f"parameters: {', '.join(_SUPPORTED)}, chains and _has. Next links are opaque.",
            "security": {"description": "A bearer token; every read is recorded."},
            "interaction": [{"code": "transaction"}, {"code": "batch"}],
            "resource": [_resource(kind) for kind in known_types()],
        }],
    })  # fmt: skip


def _resource(kind: str) -> dict[str, Any]:
    own = parameters(kind)
    named = [*_EVERYWHERE, *((code, each.kind) for code, each in own.items())]
    references = [code for code, each in own.items() if each.kind == "reference"]
    made: dict[str, Any] = {
        "type": kind,
        "interaction": [{"code": code} for code in _INTERACTIONS],
        **_CONDITIONAL,
        "searchInclude": [f"{kind}:{code}" for code in references],
        "searchParam": [{"name": code, "type": sort} for code, sort in named],
    }
    if kind == "Patient":
        definition = "http://hl7.org/fhir/OperationDefinition/Patient-everything"
        made["operation"] = [{"name": "everything", "definition": definition}]
    return {name: value for name, value in made.items() if value != []}
