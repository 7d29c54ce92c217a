"""Rules of extensions: named by an absolute URL, a value or inner extensions, at a place for it."""

from __future__ import annotations

import gzip
import json
import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from indexing.fhir.definitions import definition
from indexing.fhir.rules.datatypes import is_absolute
from indexing.fhir.walk import Json, Node, Scope, Walk

CORE = "http://hl7.org/fhir/StructureDefinition/"
# Guides published by HL7 define these; test and tooling names are outside the rule.
_GUIDE = re.compile(r"https?://hl7\.org/fhir/(?:uv|us|ca|au|eu)/").match
_ANYWHERE = frozenset({"Element", "BackboneElement", "Extension"})

# R4 states these places too narrowly: its own value sets and elements carry such extensions.
_DEFINITIONS = ("StructureDefinition", "ElementDefinition")


@cache
def _known() -> dict[str, Any]:
    raw = (files("indexing.fhir") / "data" / "r4_extensions.json.gz").read_bytes()
    table: dict[str, Any] = json.loads(gzip.decompress(raw))
    return table


def extension(walk: Walk, value: Json, node: Node) -> None:
    """ext-1, a usable URL, and for extensions that R4 or US Core defines: place and type."""
    typed = [key.removeprefix("_") for key in value if key.lstrip("_").startswith("value")]
    if ("extension" in value) == bool(typed):
        reason = "ext-1: must have either a value or extensions, not both"
        walk.report(node, reason, code="invariant")
    url = value.get("url")
    if not isinstance(url, str) or not url:
        return
    if "|" in url:
        walk.report((node, "url", None), "an extension's url must not carry a version")
    elif not is_absolute(url):
        if not _inside_extension(node):
            walk.report((node, "url", None), "an extension's url must be absolute")
    elif (row := _known().get(url)) is not None:
        _place_and_type(walk, row, typed, node)
    elif _GUIDE(url):
        reason = "no such extension is known of R4 or US Core"
        walk.report(node, reason, code="structure")
    elif node[1] == "modifierExtension":
        reason = "an unknown modifier extension may change the meaning of this element"
        walk.report(node, reason, code="extension", severity="warning")


def _inside_extension(node: Node) -> bool:
    parent = node[0]
    return parent is not None and parent[1] in ("extension", "modifierExtension")


def _place_and_type(walk: Walk, row: Json, typed: list[str], node: Node) -> None:
    modifier = bool(row.get("m"))
    if modifier != (node[1] == "modifierExtension"):
        name = "modifierExtension" if modifier else "extension"
        walk.report(node, f"this extension belongs under {name}", code="structure")
    allowed = row.get("t", [])
    for name in typed:
        kind = name[5:]
        if kind.lower() not in {t.lower() for t in allowed}:
            expected = ", ".join(allowed) or "inner extensions"
            reason = f"this extension holds {expected}, not {kind}"
            walk.report(node, reason, code="structure")
    places = frozenset(row["c"])
    if any(place.startswith(_DEFINITIONS) for place in places):
        return
    if not places & _ANYWHERE and not places & contexts(walk.scope, node):
        reason = f"this extension belongs on {', '.join(row['c'])}"
        walk.report(node, reason, code="structure")


def contexts(scope: Scope, node: Node) -> frozenset[str]:
    """All names by which an extension's definition may call the element it stands on."""
    names: list[str] = []
    at: Node | None = node[0]
    while at is not None and at != scope.node:
        names.append(at[1].removeprefix("_"))
        at = at[0]
    return _contexts(str(scope.resource["resourceType"]), tuple(reversed(names)))


@lru_cache(maxsize=4096)  # paths come from input
def _contexts(resource_type: str, names: tuple[str, ...]) -> frozenset[str]:
    if not names:
        return frozenset({resource_type, "Resource", "DomainResource"})
    kind, path = resource_type, resource_type
    found: set[str] = set()
    for name in names:
        for element in definition(kind).elements:
            typed = dict(element.json_names())
            if name in typed:
                break
        else:
            return frozenset(found)
        stem = element.name.removesuffix("[x]")
        path = f"{path}.{stem}"
        found = {f"{kind}.{stem}", f"{kind}.{element.name}", path, f"{path}[x]", typed[name]}
        kind = typed[name]
        try:
            definition(kind)
        except KeyError:  # a primitive: its own id and extensions follow, as of any Element
            kind = "Element"
    return frozenset(found)
