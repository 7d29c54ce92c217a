"""Questions to the medical graph: neighbourhoods, treatments of a condition, drug interactions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import combinations

from indexing.access import Access
from indexing.errors import InvalidInput, NotFound
from indexing.hidden import told
from indexing.medical_graph import (
    GraphEdge,
    GraphNode,
    MedicalGraph,
    NodeKind,
    Patch,
    Relation,
    Treated,
)
from rankers.medical_knowledge import Knowledge

MOST_HOPS = 3
PER_KIND = 8  # nodes of one kind at one distance: what a drawing can show
PER_NODE = 5  # edges of knowledge that one node brings in
PER_START = 40  # and the node that is asked about
_UNDATED = datetime(1, 1, 1, tzinfo=UTC)
# Where a walk ends: a hospital owns everybody, and one clinician treats hundreds.
_ENDS = frozenset({NodeKind.TENANT, NodeKind.USER, NodeKind.PROVIDER, NodeKind.ORGANIZATION})
_ON = ("active", "on-hold", "intended")
_SEVERITIES = ("contraindicated", "major", "moderate", "minor")


@dataclass(frozen=True, slots=True)
class Placed:
    """A node and its fewest steps from the start."""

    node: GraphNode
    hop: int


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """The start first. `left_out` counts the nodes that were near enough but are not shown;
    `carriers` the patients diagnosed with the start, None where it is no condition."""

    start: str
    nodes: tuple[Placed, ...]
    edges: tuple[GraphEdge, ...]
    left_out: int
    carriers: int | None = None


@dataclass(frozen=True, slots=True)
class Pathways:
    """What was done for a condition: of `carriers` patients. `hidden` counts treatments of so few
    patients that they are not told; `carriers` None when that holds for the condition itself. In
    a de-identified view counts are rounded. `more` says that rarer ones were asked not to be
    listed."""

    condition: GraphNode
    carriers: int | None
    treatments: tuple[Treated, ...]
    hidden: int = 0
    more: bool = False


@dataclass(frozen=True, slots=True)
class Interaction:
    """Two medications that act on each other. `severity` "" where only a shared target is known,
    which `shared` names; `what` is what may happen; `stated_by` who says so."""

    first: str
    second: str
    drugs: tuple[str, str]
    severity: str
    what: str
    stated_by: str
    shared: tuple[str, ...] = ()


class MedicalQuestions:
    """Answers over one engine and the knowledge that is loaded now."""

    def __init__(self, graph: MedicalGraph, knowledge: Knowledge) -> None:
        self._graph, self._knowledge = graph, knowledge

    def meant(self, access: Access, text: str) -> GraphNode:
        """Return the node that an id or a name means.

        Raises:
            NotFound: nothing is called so.
        """
        found = self._knowledge.find(text) or self._graph.named(access, [text]).get(text)
        if found is None or found.kind is NodeKind.PATIENT:
            raise NotFound("nothing in the graph is called so", hint="try: anamnesis concepts NAME")
        return found

    def around_patient(
        self, access: Access, patient_ids: Sequence[str], hops: int
    ) -> Neighbourhood:
        """Walk from a patient, whose merged charts are given too; never into another's record.

        Raises:
            InvalidInput: `hops` is not from 1 to 3.
        """
        _check(hops)
        return self._around(self._graph.around(access, patient_ids), patient_ids, hops)

    def patient(
        self, access: Access, patient_ids: Sequence[str], hops: int
    ) -> tuple[Neighbourhood, tuple[Interaction, ...]]:
        """Return `around_patient` and `interactions` out of one read."""
        _check(hops)
        patch = self._graph.around(access, patient_ids)
        return self._around(patch, patient_ids, hops), self._known(patch, past=False)

    def _around(self, patch: Patch, patient_ids: Sequence[str], hops: int) -> Neighbourhood:
        start = f"Patient/{patient_ids[0]}"
        nodes = {**patch.nodes}
        nodes.setdefault(start, GraphNode(NodeKind.PATIENT, start, start))
        return self._walk(start, nodes, list(patch.edges), hops)

    def around_node(self, access: Access, node: GraphNode, hops: int) -> Neighbourhood:
        """Walk from anything else over what is nobody's, and count its patients.

        Raises:
            InvalidInput: as `around_patient`.
        """
        _check(hops)
        patch = self._graph.common(access, [node.node_id])
        nodes = {**patch.nodes, node.node_id: node}
        found = self._walk(node.node_id, nodes, list(patch.edges), hops)
        if node.kind is not NodeKind.CONDITION:
            return found
        count = self._graph.carriers(access, self._knowledge.family(node.node_id))
        carriers = told(count) if access.deidentified else count
        return Neighbourhood(found.start, found.nodes, found.edges, found.left_out, carriers)

    def pathways(self, access: Access, condition: GraphNode, most: int = 20) -> Pathways:
        """Return what patients with a condition, or a narrower one, had for it, with how often."""
        ids = self._knowledge.family(condition.node_id)
        carriers = self._graph.carriers(access, ids)
        every = self._graph.treatments(access, ids, most + 1)
        found, more = every[:most], len(every) > most
        if not access.deidentified:
            return Pathways(condition, carriers, tuple(found), more=more)
        if told(carriers) is None:
            return Pathways(condition, None, (), len(found))
        rounded = [(each, told(each.patients)) for each in found]
        shown = tuple(replace(each, patients=count) for each, count in rounded if count is not None)
        return Pathways(condition, told(carriers), shown, len(found) - len(shown), more)

    def interactions(
        self, access: Access, patient_ids: Sequence[str], *, past: bool = False
    ) -> tuple[Interaction, ...]:
        """Return what is known of a patient's current medications together, the gravest first;
        with `past` of all that they ever had."""
        return self._known(self._graph.around(access, patient_ids), past=past)

    def _known(self, patch: Patch, *, past: bool) -> tuple[Interaction, ...]:
        taken = {
            edge.target
            for edge in patch.edges
            if edge.relation is Relation.PRESCRIBED
            and (past or str(edge.properties.get("status", "active")) in _ON)
        }
        drugs = sorted(
            (edge.target, edge.source)
            for edge in patch.edges
            if edge.relation is Relation.DERIVED_FROM and edge.source in taken
        )
        found = [
            self._interaction(patch.nodes[one[1]], patch.nodes[other[1]], one[0], other[0])
            for one, other in combinations(drugs, 2)
            if one[0] != other[0] and one[1] != other[1]
        ]
        known = [each for each in found if each is not None]
        return tuple(sorted(known, key=lambda each: (_rank(each.severity), each.drugs)))

    def _interaction(
        self, first: GraphNode, second: GraphNode, one: str, other: str
    ) -> Interaction | None:
        said = self._knowledge.interaction(one, other)
        shared = tuple(node.name for node in self._knowledge.shared_targets(one, other))
        names = (self._name(one), self._name(other))
        if said is not None:
            severity, what, by = (
                str(said.properties.get(name, "")) for name in ("severity", "what", "stated_by")
            )
            return Interaction(first.name, second.name, names, severity, what, by, shared)
        if not shared:
            return None
        what = "both act on the same target, which need not matter"
        return Interaction(first.name, second.name, names, "", what, "the terminology", shared)

    def _name(self, node_id: str) -> str:
        node = self._knowledge.node(node_id)
        return node.name if node else node_id

    def _walk(
        self, start: str, nodes: dict[str, GraphNode], edges: list[GraphEdge], hops: int
    ) -> Neighbourhood:
        """Step outwards; at each distance the newest of each kind stay, the rest are counted."""
        placed = {start: 0}
        left_out: set[str] = set()
        unsaid = 0
        for hop in range(1, hops + 1):
            fringe = [node for node, at in placed.items() if at == hop - 1]
            if hop > 1 or nodes[start].kind is not NodeKind.PATIENT:
                most = PER_START if hop == 1 else PER_NODE
                unsaid += self._learn(fringe, nodes, edges, most)
            met = _met(fringe, nodes, edges, placed)
            kept = _choose(met, nodes, edges)
            placed.update(dict.fromkeys(kept, hop))
            left_out |= set(met).difference(kept)
        shown = [edge for edge in edges if edge.source in placed and edge.target in placed]
        ordered = sorted(placed.items(), key=lambda item: (item[1], nodes[item[0]].kind, item[0]))
        return Neighbourhood(
            start, tuple(Placed(nodes[node], hop) for node, hop in ordered), tuple(_each(shown)),
            len(left_out.difference(placed)) + unsaid,
        )  # fmt: skip

    def _learn(
        self, fringe: Iterable[str], nodes: dict[str, GraphNode], edges: list[GraphEdge], most: int
    ) -> int:
        """Lay what is known of the fringe over the graph, so many edges of each node; return how
        many more are left out."""
        unsaid = 0
        for node in fringe:
            known, more = self._knowledge.edges(node, most)
            unsaid += more
            for each in known:
                nodes.setdefault(each.other.node_id, each.other)
                edges.append(each.edge)
        return unsaid


def _check(hops: int) -> None:
    if not 1 <= hops <= MOST_HOPS:
        raise InvalidInput(f"hops: from 1 to {MOST_HOPS}")


def _met(
    fringe: Sequence[str], nodes: dict[str, GraphNode], edges: Sequence[GraphEdge],
    placed: dict[str, int],
) -> list[str]:  # fmt: skip
    """Return what is one step from the fringe and has no place yet."""
    walked = {node for node in fringe if placed[node] == 0 or nodes[node].kind not in _ENDS}
    found: dict[str, None] = {}
    for edge in edges:
        for near, far in ((edge.source, edge.target), (edge.target, edge.source)):
            if near in walked and far not in placed and far in nodes:
                found.setdefault(far)
    return list(found)


def _choose(
    met: Sequence[str], nodes: dict[str, GraphNode], edges: Sequence[GraphEdge]
) -> list[str]:
    """Keep the newest few of each kind; ties stand by how much is said of them, then by how
    strongly, then by id."""
    newest: dict[str, datetime] = {}
    said: Counter[str] = Counter()
    strongest: dict[str, float] = {}
    for edge in edges:
        strength = edge.properties.get("strength", 0.0)
        for node in (edge.source, edge.target):
            newest[node] = max(newest.get(node, _UNDATED), edge.end or _UNDATED)
            said[node] += 1
            if isinstance(strength, float):
                strongest[node] = max(strongest.get(node, 0.0), strength)
    ranked = sorted(met, key=lambda n: (
        -newest.get(n, _UNDATED).timestamp(), -said[n], -strongest.get(n, 0.0), n
    ))  # fmt: skip
    taken: Counter[NodeKind] = Counter()
    kept = []
    for node in ranked:
        taken[nodes[node].kind] += 1
        if taken[nodes[node].kind] <= PER_KIND:
            kept.append(node)
    return kept


def _each(edges: Iterable[GraphEdge]) -> list[GraphEdge]:
    """Keep each edge once, in a fixed order; the one that says most."""
    found: dict[tuple[str, str, str], GraphEdge] = {}
    for edge in edges:
        place = (edge.source, edge.relation.value, edge.target)
        known = found.get(place)
        if known is None or len(edge.properties) > len(known.properties):
            found[place] = edge
    return [found[place] for place in sorted(found)]


def _rank(severity: str) -> int:
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)
