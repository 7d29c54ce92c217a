"""A drawn graph tells what may be from what is."""

from __future__ import annotations

from datetime import UTC

import pytest

from app.graph_drawing import draw
from app.pages import environment
from indexing.medical_graph import GraphEdge, GraphNode, NodeKind, Relation, Value
from rankers.medical import Neighbourhood, Placed

ADA = GraphNode(NodeKind.PATIENT, "Patient/ada", "Ada")
INFARCTION = GraphNode(NodeKind.CONDITION, "c:mi", "myocardial infarction")
EMBOLISM = GraphNode(NodeKind.CONDITION, "c:pe", "pulmonary embolism")


def edge(target: str, **said: Value) -> GraphEdge:
    return GraphEdge("Patient/ada", Relation.DIAGNOSED_WITH, target, properties=said)


@pytest.mark.parametrize(
    "said", [{"status": "uncertain"}, {"status": "active", "verification": "provisional"}]
)
def test_what_a_patient_may_have_is_drawn_and_told_as_doubtful(said: dict[str, Value]) -> None:
    nodes = (Placed(ADA, 0), Placed(INFARCTION, 1), Placed(EMBOLISM, 1))
    edges = (
        edge("c:mi", **said), edge("c:pe", **said),
        edge("c:pe", status="active", verification="confirmed"),
    )  # fmt: skip
    drawing = draw(Neighbourhood("Patient/ada", nodes, edges, 0), UTC)
    assert {dot.title: dot.doubtful for dot in drawing.dots} == {
        "Ada": False, "myocardial infarction": True, "pulmonary embolism": False,
    }  # fmt: skip
    assert [wire.doubtful for wire in drawing.wires] == [True, True, False]
    assert [told[1] for told in drawing.told] == [
        "perhaps diagnosed with", "perhaps diagnosed with", "diagnosed with",
    ]  # fmt: skip
    drawn = environment().get_template("_graph.html").module.graph(drawing, "It")  # type: ignore[attr-defined]
    assert "myocardial infarction ?</text>" in drawn
    assert "pulmonary embolism</text>" in drawn
