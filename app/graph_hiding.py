"""A patient's neighbourhood de-identified: nobody is named, no place, and days are shifted."""

from __future__ import annotations

from dataclasses import replace

from indexing.dated import shifted, shifted_span
from indexing.hidden import Hider, Identity
from indexing.medical_graph import GraphEdge, NodeKind, Value
from rankers.medical import Neighbourhood, Placed

# What names somebody, or somewhere, or carries the id of one resource.
HIDDEN = frozenset(
    {
        NodeKind.TENANT, NodeKind.USER, NodeKind.PROVIDER, NodeKind.ORGANIZATION,
        NodeKind.ENCOUNTER, NodeKind.DEVICE, NodeKind.RESEARCH_STUDY, NodeKind.CLINICAL_TRIAL,
        NodeKind.PREDICTION,
    }
)  # fmt: skip


def hidden_graph(
    found: Neighbourhood, patient_id: str, identity: Identity, hider: Hider
) -> Neighbourhood:
    """Return a neighbourhood as a researcher sees it."""
    shift = hider.pseudonyms.shift(patient_id)
    person = hider.person(patient_id)
    shown = f"Patient/{person.patient_id}"

    def node(placed: Placed) -> Placed:
        if placed.node.kind is NodeKind.PATIENT:
            return replace(placed, node=replace(placed.node, node_id=shown, name=person.name))
        name = hider.words(placed.node.name, identity, shift)
        return replace(
            placed, node=replace(placed.node, node_id=ids[placed.node.node_id], name=name)
        )

    def edge(each: GraphEdge) -> GraphEdge:
        said: dict[str, Value] = {
            name: hider.words(value, identity, shift) if isinstance(value, str) else value
            for name, value in each.properties.items()
        }
        start = each.start and shifted(each.start, shift, hider.zone, each.start_width)
        end = each.end and shifted(each.end, shift, hider.zone, each.end_width)
        if each.start is not None and each.end is not None:
            start, end = shifted_span(
                each.start, each.start_width, each.end, each.end_width, shift, hider.zone
            )
        return replace(
            each, source=ids[each.source], target=ids[each.target], properties=said, start=start,
            end=end,
        )  # fmt: skip

    kept = [each for each in found.nodes if each.node.kind not in HIDDEN]
    # An id made of free words is hidden like the words; a code and a concept name nobody.
    ids = {
        each.node.node_id: hider.words(each.node.node_id, identity, shift)
        if each.node.node_id.startswith(("text:", "site:", "model:"))
        else each.node.node_id
        for each in kept
    }
    ids[found.start] = shown
    edges = tuple(edge(e) for e in found.edges if e.source in ids and e.target in ids)
    return replace(found, start=shown, nodes=tuple(node(each) for each in kept), edges=edges)


def unnamed(found: Neighbourhood) -> Neighbourhood:
    """Return the neighbourhood of what is nobody's without who and where."""
    nodes = tuple(each for each in found.nodes if each.node.kind not in HIDDEN)
    ids = {each.node.node_id for each in nodes}
    edges = tuple(e for e in found.edges if e.source in ids and e.target in ids)
    return replace(found, nodes=nodes, edges=edges)
