"""Facts to entries of the medical graph: codes become concepts, a note's mentions become edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from indexing.dated import Width
from indexing.language.matcher import Matcher
from indexing.language.terminology import Terminology
from indexing.language.terminology.model import SemanticType
from indexing.medical_facts import CommonFacts, End, Line, PatientFacts, Said
from indexing.medical_graph import GraphEdge, GraphNode, MedicalEntry, NodeKind, Relation, Value
from indexing.model import Assertion, TenantId

# How FHIR names the code systems that the terminology knows.
_SYSTEMS = {
    "http://snomed.info/sct": "SNOMED", "http://loinc.org": "LOINC",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RXNORM",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD10CM", "http://hl7.org/fhir/sid/icd-9-cm": "ICD9CM",
    "http://hl7.org/fhir/sid/icd-10": "ICD10CM", "urn:oid:2.16.840.1.113883.6.96": "SNOMED",
}  # fmt: skip
_DISORDERS = frozenset({SemanticType.DISORDER, SemanticType.SYMPTOM, SemanticType.FINDING})
_SORTS: Mapping[NodeKind, frozenset[SemanticType]] = {
    NodeKind.CONDITION: _DISORDERS,
    NodeKind.PROCEDURE: frozenset({SemanticType.PROCEDURE}),
    NodeKind.OBSERVATION: frozenset({SemanticType.LAB_TEST, SemanticType.VITAL}),
}
# What a note says of the patient counts as far as it is sure of it.
CONFIDENCE: Mapping[Assertion, float] = {
    Assertion.PRESENT: 0.9, Assertion.HISTORICAL: 0.7, Assertion.UNCERTAIN: 0.4,
}  # fmt: skip
_NO_TIME = (None, Width.DAY)
_MOST_MENTIONED = 60  # concepts of a patient's notes, those of most notes first
_KINDS: Mapping[SemanticType, NodeKind] = {
    SemanticType.DISORDER: NodeKind.CONDITION, SemanticType.DRUG: NodeKind.DRUG,
    SemanticType.PROCEDURE: NodeKind.PROCEDURE, SemanticType.LAB_TEST: NodeKind.OBSERVATION,
    SemanticType.VITAL: NodeKind.OBSERVATION, SemanticType.DEVICE: NodeKind.DEVICE,
    SemanticType.GENE: NodeKind.GENE,
}  # fmt: skip


def kind_of(sort: SemanticType, concept_id: str) -> NodeKind:
    """Return what a concept of the terminology is in the graph."""
    if sort is SemanticType.PROCESS and concept_id.startswith("PATHWAY:"):
        return NodeKind.PATHWAY
    return _KINDS.get(sort, NodeKind.MEDICAL_CONCEPT)


RULES = 5  # raise it whenever entries of the same facts come out otherwise


def made_by(terminology: str) -> str:
    """Return what changes with the rules and with the version of a terminology: entries that
    another made are made anew."""
    return f"{RULES}:{terminology}"


class EntryMaker:
    """Makes entries with one version of the terminology; codes are looked up once."""

    def __init__(self, terminology: Terminology, matcher: Matcher) -> None:
        self._terminology, self._matcher = terminology, matcher
        self._known: dict[tuple[str, str, str, NodeKind], str] = {}
        self._drugs: dict[str, tuple[str, ...]] = {}

    @property
    def version(self) -> str:
        """What its entries are made by."""
        return made_by(self._terminology.version)

    def patient(self, tenant_id: TenantId, facts: PatientFacts) -> MedicalEntry:
        """Make a patient's entry."""
        key = f"Patient/{facts.patient_id}"
        nodes = {key: GraphNode(NodeKind.PATIENT, key, facts.name)}
        owner = f"Tenant/{tenant_id}"
        nodes[owner] = GraphNode(NodeKind.TENANT, owner, "This hospital")
        edges = [GraphEdge(owner, Relation.OWNS, key, labels=facts.labels)]
        for line in facts.lines:
            edges += self._line(line, key, nodes)
        edges += self._notes(facts.notes, key, nodes)
        return MedicalEntry(
            key, facts.version, facts.patient_id, tuple(nodes.values()), tuple(edges)
        )

    def common(self, facts: CommonFacts) -> MedicalEntry:
        """Make the entry of something that is nobody's."""
        nodes = {facts.key: GraphNode(facts.end.kind, facts.key, facts.end.name)}
        edges = [edge for line in facts.lines for edge in self._line(line, facts.key, nodes)]
        return MedicalEntry(facts.key, facts.version, None, tuple(nodes.values()), tuple(edges))

    def _line(self, line: Line, key: str, nodes: dict[str, GraphNode]) -> list[GraphEdge]:
        source = self._node(line.source, nodes) if line.source else key
        target = self._node(line.target, nodes) if line.target else key
        edge = GraphEdge(
            source, line.relation, target, line.start, line.end, dict(line.properties or {}),
            line.labels, line.start_width, line.end_width,
        )  # fmt: skip
        edges = [edge]
        for end, node in ((line.source, source), (line.target, target)):
            if end is not None and end.kind is NodeKind.MEDICATION:
                edges += self._ingredients(end.name, node, nodes, line.labels)
        return edges

    def _node(self, end: End, nodes: dict[str, GraphNode]) -> str:
        """Return the id of a line's end, its node added; a known code is its concept's node."""
        if end.resource:
            own = end.resource
        else:
            own = self._concept(end) or f"{end.system or 'text'}:{end.code or end.name.lower()}"
        nodes.setdefault(own, GraphNode(end.kind, own, end.name or end.code or own))
        return own

    def _concept(self, end: End) -> str:
        """Return the concept of a coded thing, "" for none: by its code, else by its words."""
        asked = (end.system, end.code, end.name, end.kind)
        found = self._known.get(asked)
        if found is None:
            found = self._known[asked] = self._look_up(end)
        return found

    def _look_up(self, end: End) -> str:
        sorts = _SORTS.get(end.kind)
        if sorts is None:
            return ""
        by_code = self._terminology.by_code(_SYSTEMS.get(end.system, end.system), end.code)
        by_name = self._terminology.find(end.name.partition(" (")[0]) if end.name else ()
        for found in (by_code, by_name):
            for concept_id in found:
                if self._terminology.concept(concept_id).semantic_type in sorts:
                    return concept_id
        return ""

    def _ingredients(
        self, name: str, node: str, nodes: dict[str, GraphNode], labels: frozenset[str]
    ) -> list[GraphEdge]:
        """Tie a product to the drugs that its words name."""
        found = self._drugs.get(name)
        if found is None:
            spans = self._matcher.find(name)
            named = dict.fromkeys(span.concept_id for span in spans)
            found = self._drugs[name] = tuple(
                each for each in named
                if self._terminology.concept(each).semantic_type is SemanticType.DRUG
            )  # fmt: skip
        for drug in found:
            nodes.setdefault(
                drug, GraphNode(NodeKind.DRUG, drug, self._terminology.concept(drug).name)
            )
        return [GraphEdge(node, Relation.DERIVED_FROM, drug, labels=labels) for drug in found]

    def _notes(
        self, notes: Sequence[Said], key: str, nodes: dict[str, GraphNode]
    ) -> list[GraphEdge]:
        """Tie a patient to what the notes assert of them: never what they deny or say of others."""
        found: dict[tuple[str, frozenset[str]], list[tuple[Said, Assertion]]] = {}
        for note in notes:
            said = {
                m.concept_id: m.status
                for m in note.mentions
                if m.status in CONFIDENCE and not m.ambiguous
            }
            for concept_id, status in said.items():
                found.setdefault((concept_id, note.labels), []).append((note, status))
        ranked = sorted(found.items(), key=lambda item: (-len(item[1]), item[0][0]))
        return [
            self._mentioned(concept_id, labels, said, key, nodes)
            for (concept_id, labels), said in ranked[:_MOST_MENTIONED]
            if concept_id in self._terminology
        ]

    def _mentioned(
        self, concept_id: str, labels: frozenset[str],
        said: Sequence[tuple[Said, Assertion]], key: str, nodes: dict[str, GraphNode],
    ) -> GraphEdge:  # fmt: skip
        concept = self._terminology.concept(concept_id)
        kind = kind_of(concept.semantic_type, concept_id)
        nodes.setdefault(concept_id, GraphNode(kind, concept_id, concept.name))
        times = sorted((n.at, n.width) for n, _ in said if n.at is not None)
        first, last = (times[0], times[-1]) if times else (_NO_TIME, _NO_TIME)
        status = max((s for _, s in said), key=lambda s: CONFIDENCE[s])
        properties: dict[str, Value] = {
            "stated_in": "notes", "notes": float(len(said)), "status": status.value,
            "confidence": CONFIDENCE[status],
        }  # fmt: skip
        diagnosed = kind is NodeKind.CONDITION
        relation = Relation.DIAGNOSED_WITH if diagnosed else Relation.ASSOCIATED_WITH
        return GraphEdge(
            key, relation, concept_id, first[0], last[0], properties, labels, first[1], last[1],
        )  # fmt: skip
