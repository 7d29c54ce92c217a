"""Taking a patient's name out of a resource that is not theirs: references become "erased"."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from indexing.fhir.held import names_in, without
from indexing.fhir.reading import JsonObject
from indexing.fhir.reference import parse_reference

ERASED = "erased"


def targets(resource: Any) -> Iterator[tuple[str, str]]:
    """Yield (type, id) of every reference to a resource of this server, and of what a Bundle
    holds or names by an address."""
    for name in names_in(resource) if isinstance(resource, dict) else ():
        kind, _, own = name.partition("/")
        yield kind, own
    for owner in _references(resource):
        target = parse_reference(owner["reference"])
        if target.form == "relative":
            yield target.type, target.id


def unnamed(resource: JsonObject, names: frozenset[str], identifiers: frozenset[str]) -> JsonObject:
    """Return a copy in which whatever refers to `names` ("Type/id"), or to a patient by one of
    those identifiers' values, refers to nobody, and a Bundle holds nothing of theirs. Source: R4,
    references.html: a Reference may have a display alone."""
    made: JsonObject = _unnamed(resource, names, identifiers)
    return made


def _unnamed(value: Any, names: frozenset[str], identifiers: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [_unnamed(each, names, identifiers) for each in value]
    if not isinstance(value, dict):
        return value
    if _is_theirs(value, names, identifiers):
        return {"display": ERASED}
    if value.get("resourceType") == "Bundle" and "entry" in value:
        value = {**value, "entry": without(value["entry"], names)}
    return {key: _unnamed(each, names, identifiers) for key, each in value.items()}


def _is_theirs(value: JsonObject, names: frozenset[str], identifiers: frozenset[str]) -> bool:
    text = value.get("reference")
    if isinstance(text, str):
        target = parse_reference(text)
        if target.form in ("relative", "absolute") and f"{target.type}/{target.id}" in names:
            return True
    named = value.get("identifier")  # one is a Reference's; a list is a resource's own
    return (
        isinstance(named, dict)
        and isinstance(named.get("value"), str)
        and named["value"].casefold() in identifiers
        and "resourceType" not in value
    )  # fmt: skip


def _references(value: Any) -> Iterator[JsonObject]:
    if isinstance(value, list):
        for each in value:
            yield from _references(each)
    elif isinstance(value, dict):
        if isinstance(value.get("reference"), str):
            yield value
        for each in value.values():
            yield from _references(each)
