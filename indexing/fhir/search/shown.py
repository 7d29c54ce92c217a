"""A resource cut down to what was asked for: its summary, its text, or named elements.

The bytes of every element that stays are those that were received.
"""

from __future__ import annotations

from collections.abc import Collection

import msgspec
import orjson

from indexing.fhir.definitions import definition
from indexing.fhir.search.facts import summary_elements
from indexing.fhir.search.request import FhirSearch

_ALWAYS = frozenset({"resourceType", "id", "meta"})
# Source: R4, search.html#summary.
_SUBSETTED = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED",
}  # fmt: skip
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])


def shown(served: bytes, resource_type: str, asked: FhirSearch) -> bytes:
    """Return the resource as the search wants to see it, marked where something is left out."""
    if asked.summary == "false" and not asked.elements:
        return served
    members = _members.decode(served)
    kept = {name: raw for name, raw in members.items() if _stays(name, resource_type, asked)}
    if len(kept) < len(members):
        meta = orjson.loads(bytes(kept["meta"]))
        meta["tag"] = [*meta.get("tag", []), _SUBSETTED]
        kept["meta"] = msgspec.Raw(orjson.dumps(meta))
    return msgspec.json.encode(kept)


def _stays(name: str, resource_type: str, asked: FhirSearch) -> bool:
    plain = name.removeprefix("_")
    if plain in _ALWAYS:
        return True
    if asked.summary == "data":
        return plain != "text"
    if _named(plain, _mandatory(resource_type)):
        return True
    if asked.summary == "text":
        return plain == "text"
    if asked.summary == "true":
        return _named(plain, summary_elements(resource_type))
    return _named(plain, asked.elements)


def _named(name: str, elements: Collection[str]) -> bool:
    """Say whether a property is one of these elements, a choice by its stem."""
    return name in elements or any(
        e.endswith("[x]") and name.startswith(e[:-3]) and name[len(e) - 3 : len(e) - 2].isupper()
        for e in elements
    )


def _mandatory(resource_type: str) -> frozenset[str]:
    return frozenset(e.name for e in definition(resource_type).elements if e.least)
