"""The medical graph at the edge: asked by access, recorded, shown through the reader's view."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from app.graph_drawing import Drawing, draw
from app.graph_hiding import HIDDEN, unnamed
from app.services import Services
from app.views import View
from indexing.access import Access
from indexing.audit import AuditRow
from indexing.errors import NotFound
from indexing.medical_graph import GraphNode, Treated
from rankers.medical import Interaction, Neighbourhood, Pathways


@dataclass(frozen=True, slots=True)
class GraphPiece:
    """What the patient's page shows of the graph."""

    neighbourhood: Neighbourhood
    interactions: tuple[Interaction, ...]
    zone: tzinfo

    @property
    def drawing(self) -> Drawing:
        """The neighbourhood laid out."""
        return draw(self.neighbourhood, self.zone)


def patient_graph(
    own: Services, access: Access, view: View, patient_id: str, hops: int
) -> GraphPiece:
    """Return a patient's neighbourhood and interactions as the view shows them; recorded first,
    because an engine of its own cannot share a transaction with the trail."""
    row = AuditRow("R", "graph", [patient_id], [f"Patient/{patient_id}"], {"hops": hops})
    own.trail.record(access, row)
    found, known = own.medical(access.tenant_id).patient(access, [patient_id], hops)
    return GraphPiece(
        view.graph(found, patient_id),
        tuple(_told(each, view, patient_id) for each in known),
        ZoneInfo(access.time_zone),
    )


def _told(each: Interaction, view: View, patient_id: str) -> Interaction:
    first, second = view.told(each.first, patient_id), view.told(each.second, patient_id)
    return Interaction(
        first, second, each.drugs, each.severity, each.what, each.stated_by, each.shared
    )


def node_graph(own: Services, access: Access, text: str, hops: int) -> Neighbourhood:
    """Return the neighbourhood of a named thing; the de-identified view knows none that is
    somebody, somewhere or one resource. Raises: NotFound."""
    asked = own.medical(access.tenant_id)
    node = asked.meant(access, text)
    if access.deidentified and node.kind in HIDDEN:
        raise NotFound("nothing in the graph is called so", hint="try: anamnesis concepts NAME")
    found = asked.around_node(access, node, hops)
    found = unnamed(found) if access.deidentified else found
    own.trail.record(access, AuditRow("R", "graph", [], [], {"hops": hops}))
    return found


def condition_pathways(own: Services, access: Access, text: str, most: int) -> Pathways:
    """Return how a condition was treated. Raises: NotFound."""
    asked = own.medical(access.tenant_id)
    found = asked.pathways(access, asked.meant(access, text), most)
    row = AuditRow("R", "pathways", [], [], {"patients": found.carriers or 0})
    own.trail.record(access, row)
    return found


def neighbourhood_json(found: Neighbourhood) -> dict[str, Any]:
    """Write a neighbourhood as the API and the command answer it."""
    return {
        "start": found.start,
        "nodes": [_node(placed.node) | {"hop": placed.hop} for placed in found.nodes],
        "edges": [
            {
                "source": edge.source, "relation": edge.relation.value, "target": edge.target,
                "start": edge.start, "start_width": edge.start_width.value,
                "end": edge.end, "end_width": edge.end_width.value,
                "properties": dict(edge.properties),
            }
            for edge in found.edges
        ],
        "left_out": found.left_out,
        "carriers": found.carriers,
    }  # fmt: skip


def _node(node: GraphNode) -> dict[str, Any]:
    return {"id": node.node_id, "kind": node.kind.value, "name": node.name}


def pathways_json(found: Pathways) -> dict[str, Any]:
    """Write pathways as the API and the command answer them."""
    return {
        "condition": _node(found.condition),
        "carriers": found.carriers,
        "treatments": [
            _node(each.treatment)
            | {
                "relation": each.relation.value, "patients": each.patients,
                "frequency": _share(each, found.carriers),
            }
            for each in found.treatments
        ],
        "hidden": found.hidden, "more": found.more,
    }  # fmt: skip


def _share(each: Treated, carriers: int | None) -> float | None:
    return round(min(each.patients / carriers, 1.0), 4) if carriers else None


def interactions_json(found: tuple[Interaction, ...]) -> list[dict[str, Any]]:
    """Write interactions as the API and the command answer them."""
    return [asdict(each) for each in found]
