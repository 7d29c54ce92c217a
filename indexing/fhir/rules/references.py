"""Rules of references: their form, what they may point at, contained resources, links in text."""

from __future__ import annotations

import re

from indexing.fhir.definitions import resource_types
from indexing.fhir.rules.datatypes import is_absolute
from indexing.fhir.slots import Element
from indexing.fhir.walk import Json, Node, Scope, Walk

_ID = r"[A-Za-z0-9\-.]{1,64}"
_RELATIVE = re.compile(rf"([A-Za-z]+)/{_ID}(?:/_history/{_ID})?(?:#\S*)?").fullmatch
_ABSOLUTE = re.compile(rf"https?://\S+?/([A-Za-z]+)/{_ID}(?:/_history/{_ID})?(?:#\S*)?").fullmatch
_CONDITIONAL = re.compile(r"([A-Za-z]+)\?\S+").fullmatch


def implied_type(reference: str) -> str | None:
    """The resource type that a literal reference names, None when its form does not say."""
    match = _RELATIVE(reference) or _ABSOLUTE(reference) or _CONDITIONAL(reference)
    if match is None or match[1] not in resource_types():
        return None
    return match[1]


def reference_hook(walk: Walk, value: Json, node: Node) -> None:
    """The form of `Reference.reference`, its contained target, and its `type`."""
    text = value.get("reference")
    if not isinstance(text, str) or not text:
        return
    scope = walk.scope
    if text[0] == "#":
        scope.root.local.add(text)
        if len(text) > 1 and text[1:] not in scope.root.contained:
            reason = "ref-1: there is no contained resource of this id"
            walk.report(node, reason, code="invariant")
        return
    scope.references.append((node, text))
    if not is_absolute(text) and not _RELATIVE(text) and not _CONDITIONAL(text):
        reason = "a relative reference has the form Type/id"
        walk.report((node, "reference", None), reason)
        return
    named = value.get("type")
    if isinstance(named, str) and named in resource_types():
        implied = implied_type(text)
        if implied is not None and implied != named:
            reason = f"type says {named}, the reference names {implied}"
            walk.report(node, reason, code="structure")


def pointing_at(targets: frozenset[str]) -> Element | None:
    """Check that a reference names one of the types its element allows; None: any will do."""
    if not targets:
        return None

    def check(walk: Walk, value: Json, node: Node) -> None:
        text = value.get("reference")
        if not isinstance(text, str) or not text:
            return
        found: object
        if text[0] == "#":
            contained = walk.scope.root.contained.get(text[1:])
            if text == "#":
                contained = walk.scope.root.resource
            found = contained.get("resourceType") if contained else None
        elif text.startswith("urn:"):
            walk.scope.aimed.append((node, text, targets))
            return
        else:
            found = implied_type(text)
            if found is None and _RELATIVE(text):
                walk.report(node, "the reference names no resource type", code="structure")
        if isinstance(found, str) and found not in targets and found in resource_types():
            walk.report(node, not_allowed(found, targets), code="structure")

    return check


def not_allowed(found: str, targets: frozenset[str]) -> str:
    """Say which types a reference may point at instead."""
    return f"a {found} is not a valid target here: one of {', '.join(sorted(targets))}"


def check_contained(walk: Walk, scope: Scope) -> None:
    """dom-2 to dom-5 for the contained resources of one that is not contained itself."""
    rows = scope.resource.get("contained")
    if not isinstance(rows, list):
        return
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            continue
        node: Node = (scope.node, "contained", index)
        if "contained" in row:
            reason = "dom-2: a contained resource contains no other"
            walk.report(node, reason, code="invariant")
        meta = row.get("meta")
        if isinstance(meta, dict) and meta.keys() & {"versionId", "lastUpdated", "security"}:
            reason = "dom-4: a contained resource has no version, time or security label"
            walk.report(node, reason, code="invariant")
        name = row.get("id")
        if not isinstance(name, str):
            reason = "a contained resource needs an id"
            walk.report(node, reason, code="required")
        elif f"#{name}" not in scope.local and not _points_back(row):
            reason = "dom-3: nothing refers to this contained resource"
            walk.report(node, reason, code="invariant")


def _points_back(value: object) -> bool:
    """Tell whether a contained resource refers to its container, as "#"."""
    if isinstance(value, dict):
        return any(
            (item == "#" and key == "reference") or _points_back(item)
            for key, item in value.items()
        )
    return isinstance(value, list) and any(_points_back(item) for item in value)


def check_anchors(walk: Walk, scope: Scope) -> None:
    """Links inside narratives end somewhere in the same resource."""
    for node, anchor in scope.anchors:
        if anchor not in scope.targets | scope.ids and anchor not in scope.contained:
            walk.report(node, "a link in the narrative leads to no element or anchor here")
