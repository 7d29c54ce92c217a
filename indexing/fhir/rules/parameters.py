"""Rules of Parameters: what its resources refer to, when they travel together."""

from __future__ import annotations

from indexing.fhir.walk import Scope, Walk


def check_parameters(walk: Walk, scope: Scope) -> None:
    """A relative reference to a type that is sent along must name one of those sent along."""
    sent = {
        (child.resource["resourceType"], child.resource.get("id"))
        for child in scope.children
        if child.container is None
    }
    kinds = {kind for kind, _ in sent}
    for child in scope.children:
        for node, text in child.references:
            kind, _, name = text.partition("/")
            if kind in kinds and name and (kind, name.split("/")[0]) not in sent:
                reason = "refers to a resource that is not among those sent along"
                walk.report(node, reason, code="not-found")
