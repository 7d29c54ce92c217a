"""What a Bundle holds that is kept whole: whom it is about, and what of it is theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy

from indexing.fhir.compartment import patient_of
from indexing.fhir.elements import obj, objects
from indexing.fhir.reading import JsonObject

_NAME = re.compile(r"([A-Z][A-Za-z]+/[A-Za-z0-9.\-]{1,64})(?![A-Za-z0-9.\-])")


def held(resource: JsonObject) -> Iterator[JsonObject]:
    """Yield the resources that a Bundle holds, and those of Bundles in it; none of what is none."""
    if resource.get("resourceType") == "Bundle":
        for entry in objects(resource.get("entry")):
            inner = obj(entry.get("resource"))
            yield inner
            yield from held(inner)


def name_of(resource: JsonObject) -> str:
    """Return "Type/id" as far as they are there."""
    return f"{resource.get('resourceType')}/{resource.get('id')}"


def patients_of(resource: JsonObject) -> frozenset[str]:
    """Return the ids of the patients in whose records the resources stand that a Bundle holds."""
    found = (patient_of(inner) for inner in held(resource))
    return frozenset(own for own in found if own)


def without(entries: object, names: frozenset[str]) -> list[JsonObject]:
    """Return a Bundle's entries but those that are ("Type/id") or concern one of `names`, or stand
    in a record of theirs, whether it is told by a reference or by an address in the Bundle."""
    every = objects(entries)
    addresses = {
        each["fullUrl"]: name_of(obj(each.get("resource")))
        for each in every
        if isinstance(each.get("fullUrl"), str)
    }
    return [each for each in every if not _concerns(each, names, addresses)]


def _concerns(entry: JsonObject, names: frozenset[str], addresses: dict[str, str]) -> bool:
    own = obj(entry.get("resource"))
    told = (
        entry.get("fullUrl"), obj(entry.get("request")).get("url"),
        obj(entry.get("response")).get("location"),
    )  # fmt: skip
    if name_of(own) in names:
        return True
    if any(isinstance(t, str) and not names.isdisjoint(_NAME.findall(t)) for t in told):
        return True
    linked = _relinked(own, addresses)
    return f"Patient/{patient_of(linked)}" in names


def _relinked(resource: JsonObject, addresses: dict[str, str]) -> JsonObject:
    """Return a copy whose references by an address are references by name."""
    made: JsonObject = deepcopy(resource)
    waiting: list[object] = [made]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            target = value.get("reference")
            if isinstance(target, str) and target in addresses:
                value["reference"] = addresses[target]
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
    return made
