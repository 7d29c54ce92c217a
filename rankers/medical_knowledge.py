"""What medicine says in general, as edges of the medical graph: the terminology and the site's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from indexing.language.terminology import Terminology
from indexing.language.terminology.model import EdgeKind
from indexing.medical_entries import kind_of
from indexing.medical_graph import GraphEdge, GraphNode, NodeKind, Relation, Value
from indexing.site_edges import SiteEdge

# An edge of the terminology to a relation. What is only narrower or broader is no relation here.
_RELATIONS: Mapping[EdgeKind, Relation] = {
    EdgeKind.TREATS: Relation.TREATS,
    EdgeKind.PRESENTS: Relation.ASSOCIATED_WITH,
    EdgeKind.CAUSES: Relation.ASSOCIATED_WITH,
    EdgeKind.LOCATED_IN: Relation.ASSOCIATED_WITH,
    EdgeKind.ASSOCIATES: Relation.ASSOCIATED_WITH,
    EdgeKind.INTERACTS: Relation.INTERACTS_WITH,
    EdgeKind.RESEMBLES: Relation.SIMILAR_TO,
    EdgeKind.PARTICIPATES: Relation.AFFECTS_PATHWAY,
    EdgeKind.REGULATES: Relation.ASSOCIATED_WITH,
}
# What a reader wants first of a concept's many edges.
_FIRST = (EdgeKind.TREATS, EdgeKind.PRESENTS, EdgeKind.INTERACTS, EdgeKind.PARTICIPATES)


@dataclass(frozen=True, slots=True)
class Known:
    """An edge of knowledge and the node at its far end."""

    edge: GraphEdge
    other: GraphNode


class Knowledge:
    """Edges by node id; a name that the terminology knows is its concept."""

    def __init__(self, terminology: Terminology, site: Sequence[SiteEdge]) -> None:
        self._terminology = terminology
        # Every walk passes the same diseases and drugs; what is known of them never changes here.
        self._remembered = lru_cache(maxsize=20_000)(self._laid)
        self._site: dict[str, list[Known]] = {}
        self._biomarkers: set[str] = set()  # no terminology tells them from other measurements
        for each in site:
            source = self._named(each.source, each.source_kind)
            target = self._named(each.target, each.target_kind)
            said = {**each.properties, "stated_by": each.origin}
            edge = GraphEdge(source.node_id, each.relation, target.node_id, properties=said)
            self._site.setdefault(source.node_id, []).append(Known(edge, target))
            self._site.setdefault(target.node_id, []).append(Known(edge, source))
            ends = (source, target)
            self._biomarkers |= {n.node_id for n in ends if n.kind is NodeKind.BIOMARKER}

    def node(self, node_id: str) -> GraphNode | None:
        """Return the node of a concept, None for what the terminology does not know."""
        if node_id not in self._terminology:
            return None
        concept = self._terminology.concept(node_id)
        marks = node_id in self._biomarkers
        kind = NodeKind.BIOMARKER if marks else kind_of(concept.semantic_type, node_id)
        return GraphNode(kind, node_id, concept.name)

    def find(self, text: str) -> GraphNode | None:
        """Return what is meant by a concept id or a name, None when nothing is."""
        if (known := self.node(text)) is not None:
            return known
        found = self._terminology.find(text)
        if found:
            return self.node(found[0])
        return self._site_node(text)

    def family(self, node_id: str) -> list[str]:
        """Return a concept and everything narrower."""
        if node_id not in self._terminology:
            return [node_id]
        return [node_id, *self._terminology.descendants(node_id)]

    def edges(self, node_id: str, most: int) -> tuple[tuple[Known, ...], int]:
        """Return the edges at a node, the site's first, then the heaviest of each sort in turn, and
        how many are left out."""
        return self._remembered(node_id, most)

    def _laid(self, node_id: str, most: int) -> tuple[tuple[Known, ...], int]:
        stated = self._site.get(node_id, [])
        # What a condition forbids is asked for by `stated`: here it would push out all the rest.
        own = [each for each in stated if not _forbids(each)]
        if node_id not in self._terminology:
            return tuple(own[:most]), max(0, len(own) - most)
        by_kind: dict[EdgeKind, list[Known]] = {}
        for edge in self._terminology.edges(node_id, _RELATIONS):
            by_kind.setdefault(edge.kind, []).append(
                self._known(node_id, edge.kind, edge.other, edge.weight, edge.inverse)
            )
        ranked = sorted(by_kind, key=lambda k: (_FIRST.index(k) if k in _FIRST else len(_FIRST), k))
        found = [*own]
        total = len(own) + sum(map(len, by_kind.values()))
        for place in range(most):
            found += [by_kind[kind][place] for kind in ranked if place < len(by_kind[kind])]
            if len(found) >= most:
                break
        return tuple(found[:most]), total - min(most, len(found))

    def interaction(self, one: str, other: str) -> GraphEdge | None:
        """Return what the site's files say of two drugs together."""
        return next(
            (
                known.edge
                for known in self._site.get(one, [])
                if known.other.node_id == other and known.edge.relation is Relation.INTERACTS_WITH
            ),
            None,
        )

    def stated(self, node_id: str) -> list[tuple[str, GraphEdge]]:
        """Return what the site's files say of a node: (the other end, the edge)."""
        return [(known.other.node_id, known.edge) for known in self._site.get(node_id, [])]

    def shared_targets(self, one: str, other: str) -> list[GraphNode]:
        """Return the genes that both drugs act on."""
        both = self._targets(one) & self._targets(other)
        nodes = (self.node(each) for each in sorted(both))
        return [node for node in nodes if node is not None]

    def _targets(self, drug: str) -> set[str]:
        if drug not in self._terminology:
            return set()
        return {edge.other for edge in self._terminology.edges(drug, [EdgeKind.INTERACTS])}

    def _named(self, name: str, kind: NodeKind) -> GraphNode:
        found = self._terminology.find(name) if name not in self._terminology else (name,)
        if not found:
            return GraphNode(kind, f"site:{name.lower()}", name)
        return GraphNode(kind, found[0], self._terminology.concept(found[0]).name)

    def _site_node(self, text: str) -> GraphNode | None:
        for knowns in self._site.values():
            for known in knowns:
                if known.other.node_id == f"site:{text.lower()}":
                    return known.other
        return None

    def _known(
        self, node_id: str, kind: EdgeKind, other: str, weight: float, inverse: bool
    ) -> Known:
        far = self.node(other)
        assert far is not None  # an edge of the terminology ends in it
        said: dict[str, Value] = {"how": kind.value.replace("_", " "), "strength": round(weight, 3)}
        ends = (other, node_id) if inverse else (node_id, other)
        relation = _RELATIONS[kind]
        if relation is Relation.AFFECTS_PATHWAY and NodeKind.PATHWAY not in (
            far.kind, kind_of(self._terminology.concept(node_id).semantic_type, node_id)
        ):  # fmt: skip
            relation = Relation.ASSOCIATED_WITH
        return Known(GraphEdge(ends[0], relation, ends[1], properties=said), far)


def _forbids(known: Known) -> bool:
    return known.edge.relation is Relation.INTERACTS_WITH and known.other.kind is NodeKind.CONDITION
