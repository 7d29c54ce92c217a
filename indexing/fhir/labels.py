"""meta.security to the restricting labels of `indexing.access`."""

from __future__ import annotations

from typing import Any

from indexing.access import LABELS
from indexing.fhir.elements import objects
from indexing.fhir.held import held
from indexing.fhir.reading import JsonObject

_CONFIDENTIALITY = frozenset(
    (
        "http://terminology.hl7.org/CodeSystem/v3-Confidentiality",
        "http://hl7.org/fhir/v3/Confidentiality",
        "urn:oid:2.16.840.1.113883.5.25",
    )
)
_SENSITIVITY = frozenset(
    (
        "http://terminology.hl7.org/CodeSystem/v3-ActCode",
        "http://hl7.org/fhir/v3/ActCode",
        "urn:oid:2.16.840.1.113883.5.4",
    )
)
# Integrity, alteration and trust say how good data is, not who may see it.
_DESCRIPTIVE = frozenset(
    (
        "http://terminology.hl7.org/CodeSystem/v3-ObservationValue",
        "http://hl7.org/fhir/v3/ObservationValue",
        "urn:oid:2.16.840.1.113883.5.1063",
    )
)
_OPEN_CONFIDENTIALITY = frozenset("U L M N".split())
_TEST_DATA = "HTEST"  # v3-ActReason: test health data
_NONE: frozenset[str] = frozenset()


def labels_of(resource: JsonObject) -> frozenset[str]:
    """Return the restricting labels; what restricts in a way we do not know becomes OTHER.

    Reads meta.security, and where the resource carries its own: DocumentReference.securityLabel
    and Composition.confidentiality; of a Bundle those of all that it holds.
    """
    labels = _own(resource).union(*map(_own, held(resource)))
    return frozenset(labels) if labels else _NONE


def _own(resource: JsonObject) -> set[str]:
    meta = resource.get("meta")
    codings = objects(meta.get("security")) if type(meta) is dict else []
    kind = resource.get("resourceType")
    labels = {label for coding in codings for label in _label(coding)}
    if kind == "DocumentReference":
        for concept in objects(resource.get("securityLabel")):
            inner = objects(concept.get("coding"))
            labels |= {label for coding in inner or [{}] for label in _label(coding)}
    elif kind == "Composition" and "confidentiality" in resource:
        labels.update(_confidentiality(_code(resource["confidentiality"])))
    return labels


def _label(coding: dict[str, Any]) -> frozenset[str]:
    code = _code(coding.get("code"))
    system = coding.get("system")
    if system in _DESCRIPTIVE or code == _TEST_DATA:
        return _NONE
    if system in _CONFIDENTIALITY:
        return _confidentiality(code)
    if system in _SENSITIVITY:
        return frozenset((code if code in LABELS else "OTHER",))
    if not system and code in _OPEN_CONFIDENTIALITY:
        return _NONE
    return frozenset((code if not system and code in LABELS else "OTHER",))


def _confidentiality(code: str) -> frozenset[str]:
    if code in _OPEN_CONFIDENTIALITY:
        return _NONE
    return frozenset((code if code in ("R", "V") else "OTHER",))


def _code(value: object) -> str:
    return value.strip().upper() if isinstance(value, str) else ""
