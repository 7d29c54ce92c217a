"""Reading parts of a resource that may be misshapen: what does not fit reads as absent.

A resource with lesser faults is stored and shown, so nothing here may raise on any JSON.
"""

from __future__ import annotations

from typing import Any

from indexing.fhir.reference import parse_reference

_EMPTY: dict[str, Any] = {}


def obj(value: object) -> dict[str, Any]:
    """Return an object as it is, anything else as {}."""
    return value if type(value) is dict else _EMPTY


def objects(value: object) -> list[dict[str, Any]]:
    """Return the objects of a list; a lone object counts as a list of one."""
    if type(value) is list:
        return [item for item in value if type(item) is dict]
    return [value] if type(value) is dict else []


def string(value: object) -> str | None:
    """Return a string that says something, else None."""
    return value if type(value) is str and value else None


def concept_text(value: object) -> str:
    """Return what a CodeableConcept or Coding says to a reader, "" when nothing.

    Source: R4 datatypes, CodeableConcept.text is the concept as entered; else the coding that the
    user chose; else the first with a display; else the first code.
    """
    concept = obj(value)
    if text := string(concept.get("text")) or string(concept.get("display")):
        return text
    codings = objects(concept.get("coding"))
    ranked = sorted(codings, key=lambda coding: coding.get("userSelected") is not True)
    for name in ("display", "code"):
        for coding in ranked:
            if text := string(coding.get(name)):
                return text
    return string(concept.get("code")) or ""


def target_id(value: object, kind: str) -> str | None:
    """Return the id that a Reference to a `kind` names on this server, else None.

    An absolute reference that its Bundle did not resolve is somebody else's: None.
    """
    text = obj(value).get("reference")
    if type(text) is not str:
        return None
    target = parse_reference(text)
    return target.id if target.type == kind and target.form == "relative" else None
