"""Walking resources: the outermost one, those it contains, those in a Bundle or Parameters."""

from __future__ import annotations

from indexing.fhir.definitions import resource_types
from indexing.fhir.rules.bundles import check_bundle
from indexing.fhir.rules.parameters import check_parameters
from indexing.fhir.rules.references import check_anchors, check_contained
from indexing.fhir.walk import Json, Node, Scope, Walk


def walk_resource(walk: Walk, value: object, node: Node, container: Scope | None = None) -> None:
    """Walk one resource in a scope of its own; `container` is given for contained ones."""
    if not isinstance(value, dict):
        walk.report(node, "must be a resource: a JSON object", code="structure", unsafe=True)
        return
    kind = value.get("resourceType")
    if not isinstance(kind, str) or kind not in resource_types():
        reason = "resourceType is missing" if kind is None else "unknown type: not a resource of R4"
        walk.report(node, reason, code="structure", unsafe=True)
        return
    outer = walk.now
    scope = Scope(value, node, container, outer, contained=_contained(value))
    walk.now = scope
    walk.element(walk.types(kind), value, node)
    if container is None:
        check_contained(walk, scope)
        check_anchors(walk, scope)
    if kind == "Bundle":
        check_bundle(walk, scope)
    elif kind == "Parameters":
        check_parameters(walk, scope)
    walk.now = outer
    if outer is not None:
        outer.children.append(scope)


def _contained(value: Json) -> dict[str, Json]:
    rows = value.get("contained")
    if not isinstance(rows, list):
        return {}
    return {str(row["id"]): row for row in rows if isinstance(row, dict) and "id" in row}


def contained_slot(walk: Walk, values: object, parent: Node, _owner: Json) -> None:
    """`contained`: an array of resources, each with an id of its own."""
    if not isinstance(values, list) or not values:
        reason = "must be an array that is not empty"
        walk.report((parent, "contained", None), reason, code="structure")
        return
    seen: set[object] = set()
    for index, value in enumerate(values):
        node: Node = (parent, "contained", index)
        walk_resource(walk, value, node, walk.scope.root)
        name = value.get("id") if isinstance(value, dict) else None
        if isinstance(name, str) and name in seen:
            walk.report(node, "two contained resources have this id", code="structure")
        seen.add(name if isinstance(name, str) else None)


def resource_slot(walk: Walk, value: object, parent: Node, _owner: Json) -> None:
    """A resource inside a Bundle or Parameters: a world of its own."""
    if walk.entries:
        walk_resource(walk, value, (parent, "resource", None))


def element_id(walk: Walk, value: object, parent: Node, _owner: Json) -> None:
    """The id of an element: a string without spaces, unique in its resource."""
    node: Node = (parent, "id", None)
    if not isinstance(value, str) or not value or " " in value:
        walk.report(node, "an element's id is a string without spaces", code="value")
        return
    ids = walk.scope.ids
    # ElementDefinitions carry the same id in snapshot and differential.
    if value in ids and walk.scope.resource.get("resourceType") != "StructureDefinition":
        walk.report(node, "another element of this resource has this id", code="structure")
    ids.add(value)
