"""A neighbourhood laid out in columns: one for each step from the start, kinds under headings.

Lines leave a name at its right and reach the next at its left, so that no line crosses a name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from itertools import groupby

from indexing.dated import written
from indexing.medical_graph import GraphEdge, NodeKind
from rankers.medical import Neighbourhood, Placed

ROW, HEADING, COLUMN, GUTTER, TOP = 19.0, 25.0, 230.0, 80.0, 10.0
LONGEST_NAME = 30  # characters of a name in the drawing; the list below has all of it

# What a note or a record says where it is not sure.
_UNSURE = frozenset({"uncertain", "unconfirmed", "provisional", "differential"})


@dataclass(frozen=True, slots=True)
class Dot:
    """A node at (x, y), its name to the right of it; `title` is the whole name. `doubtful`: what
    leads to it says only that it may be so."""

    node_id: str
    kind: str
    name: str
    title: str
    x: float
    y: float
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Heading:
    """The name of a kind above its nodes."""

    text: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class Wire:
    """A line as an SVG path; `title` says the relation in words."""

    path: str
    title: str
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class Drawing:
    """Everything in a box of `width` × `height`, and the same as sentences in `told`."""

    width: float
    height: float
    dots: Sequence[Dot]
    headings: Sequence[Heading]
    wires: Sequence[Wire]
    told: Sequence[tuple[str, str, str, str]]
    left_out: int


def draw(found: Neighbourhood, zone: tzinfo) -> Drawing:
    """Lay a neighbourhood out; its days are of the hospital's `zone`."""
    dots: dict[str, Dot] = {}
    headings: list[Heading] = []
    height = 0.0
    for hop, group in groupby(found.nodes, key=lambda placed: placed.hop):
        x = 10.0 + hop * (COLUMN + GUTTER)
        height = max(height, _column(x, list(group), dots, headings))
    names = {placed.node.node_id: placed.node.name for placed in found.nodes}
    for node_id in _doubtful(found.edges):
        dots[node_id] = replace(dots[node_id], doubtful=True)
    wires = [_wire(edge, dots, names) for edge in found.edges]
    width = max((dot.x for dot in dots.values()), default=0.0) + COLUMN
    sentences = [
        (names[e.source], told(e), names[e.target], ", ".join(said(e, zone))) for e in found.edges
    ]
    return Drawing(
        width, height + TOP, tuple(dots.values()), headings, wires, sentences, found.left_out
    )  # fmt: skip


def _column(
    x: float, column: Sequence[Placed], dots: dict[str, Dot], headings: list[Heading]
) -> float:
    """Set one column; return how far down it reaches."""
    y = TOP
    for kind, nodes in groupby(column, key=lambda placed: placed.node.kind):
        y += HEADING * 0.6
        headings.append(Heading(_kind(kind), x, y))
        for placed in nodes:
            y += ROW
            node = placed.node
            dots[node.node_id] = Dot(node.node_id, kind.value, _cut(node.name), node.name, x, y)
        y += HEADING * 0.4
    return y


def _cut(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else name[: LONGEST_NAME - 1].rstrip() + "…"


def _kind(kind: NodeKind) -> str:
    spaced = "".join(f" {c}" if c.isupper() and i else c for i, c in enumerate(kind.value))
    return "AI model" if kind is NodeKind.AI_MODEL else spaced.capitalize()


def words(relation: str) -> str:
    """Write a relation as words: DIAGNOSED_WITH is "diagnosed with"."""
    return relation.replace("_", " ").lower()


def told(edge: GraphEdge) -> str:
    """Write an edge's relation, "perhaps diagnosed with" where nobody was sure."""
    return f"perhaps {words(edge.relation)}" if unsure(edge) else words(edge.relation)


def unsure(edge: GraphEdge) -> bool:
    """Say whether a note or a record says of an edge only that it may be so."""
    return not _UNSURE.isdisjoint(
        (edge.properties.get("status"), edge.properties.get("verification"))
    )


def _doubtful(edges: Sequence[GraphEdge]) -> set[str]:
    """Return the nodes that a patient may have, and to which nothing surer of them leads."""
    of_patients = [e for e in edges if e.source.startswith("Patient/")]
    sure = {e.target for e in of_patients if not unsure(e)}
    return {e.target for e in of_patients if unsure(e)} - sure


def said(edge: GraphEdge, zone: tzinfo) -> Iterator[str]:
    """Write an edge's days and properties, most telling first."""
    first = edge.start and written(edge.start, edge.start_width, zone)
    last = edge.end and written(edge.end, edge.end_width, zone)
    if first:
        yield first if last in (None, first) else f"{first} to {last}"
    for name, value in edge.properties.items():
        shown = f"{value:g}" if isinstance(value, float) else value
        yield f"{name.replace('_', ' ')} {shown}"


def _wire(edge: GraphEdge, dots: dict[str, Dot], names: dict[str, str]) -> Wire:
    one, other = dots[edge.source], dots[edge.target]
    left, right = (one, other) if one.x <= other.x else (other, one)
    title = f"{names[edge.source]} {told(edge)} {names[edge.target]}"
    if left.x == right.x:  # within a column: a bow on its left
        bow = left.x - 14
        path = f"M{left.x - 5},{left.y}C{bow},{left.y} {bow},{right.y} {right.x - 5},{right.y}"
        return Wire(path, title, unsure(edge))
    start = left.x + 14 + 7.2 * len(left.name)
    middle = (max(start, left.x + COLUMN * 0.5) + right.x) / 2
    path = (
        f"M{start:.0f},{left.y}C{middle:.0f},{left.y} {middle:.0f},{right.y} "
        f"{right.x - 6},{right.y}"
    )
    return Wire(path, title, unsure(edge))
