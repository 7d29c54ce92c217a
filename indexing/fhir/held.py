"""What a Bundle holds that is kept whole: whom it is about, and what of it is theirs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import deepcopy

from indexing.fhir.bundle import referring
from indexing.fhir.compartment import patient_of
from indexing.fhir.elements import obj, objects
from indexing.fhir.reading import JsonObject
from indexing.fhir.reference import parse_reference

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


def names_in(resource: JsonObject) -> Iterator[str]:
    """Yield "Type/id" of what a Bundle holds, and of what its entries and references name by an
    address, whichever server's: of an erased patient it is theirs, wherever it says it lies."""
    if resource.get("resourceType") != "Bundle":
        return
    for owner in referring(resource):
        target = parse_reference(owner["reference"])
        if target.form == "absolute":
            yield f"{target.type}/{target.id}"
    for bundle in (resource, *held(resource)):
        for entry in objects(bundle.get("entry")):
            yield from _addressed(entry)
    yield from map(name_of, held(resource))


def patients_of(resource: JsonObject) -> frozenset[str]:
    """Return the ids of the patients in whose records the resources stand that a Bundle holds, or
    whom it names by an address."""
    found = {patient_of(inner) for inner in held(resource)}
    named = (name.partition("/") for name in names_in(resource))
    found.update(own for kind, _, own in named if kind == "Patient")
    return frozenset(own for own in found if own)


def without(entries: object, names: frozenset[str]) -> list[JsonObject]:
    """Return a Bundle's entries but those that are ("Type/id") or concern one of `names`, or stand
    in a record of theirs, whether it is told by a reference or by an address."""
    every = objects(entries)
    addresses = {
        each["fullUrl"]: name_of(obj(each.get("resource")))
        for each in every
        if isinstance(each.get("fullUrl"), str)
    }
    return [each for each in every if not _concerns(each, names, addresses)]


def _addressed(entry: JsonObject) -> Iterator[str]:
    """Yield "Type/id" of what an entry is about, as its addresses say."""
    told = (
        entry.get("fullUrl"), obj(entry.get("request")).get("url"),
        obj(entry.get("response")).get("location"),
    )  # fmt: skip
    for text in told:
        if isinstance(text, str):
            yield from _NAME.findall(text)


def _concerns(entry: JsonObject, names: frozenset[str], addresses: dict[str, str]) -> bool:
    own = obj(entry.get("resource"))
    if name_of(own) in names or not names.isdisjoint(_addressed(entry)):
        return True
    return f"Patient/{patient_of(_relinked(own, addresses))}" in names


def _relinked(resource: JsonObject, addresses: dict[str, str]) -> JsonObject:
    """Return a copy whose references by an address are references by name."""
    made: JsonObject = deepcopy(resource)
    for owner in referring(made):
        text = owner["reference"]
        target = parse_reference(text)
        if text in addresses:
            owner["reference"] = addresses[text]
        elif target.form == "absolute":
            owner["reference"] = f"{target.type}/{target.id}"
    return made
