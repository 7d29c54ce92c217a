"""Hetionet: nodes, and edges with the licence of each."""

from __future__ import annotations

from indexing.language.terminology.facts import Facts
from indexing.language.terminology.model import EdgeKind, SemanticType
from indexing.language.terminology.sources.lines import Lines

# Kind of node → our namespace for its local id, and its sort.
_NODES = {
    "Gene": ("ENTREZ", SemanticType.GENE),
    "Compound": ("DRUGBANK", SemanticType.DRUG),
    "Disease": ("", SemanticType.DISORDER),
    "Symptom": ("MESH", SemanticType.SYMPTOM),
    "Side Effect": ("UMLS", SemanticType.SYMPTOM),
    "Anatomy": ("", SemanticType.ANATOMY),
    "Pharmacologic Class": ("NDFRT", SemanticType.DRUG_CLASS),
    "Biological Process": ("", SemanticType.PROCESS),
    "Molecular Function": ("", SemanticType.PROCESS),
    "Cellular Component": ("", SemanticType.PROCESS),
    "Pathway": ("PATHWAY", SemanticType.PROCESS),
}
# Metaedge → kind, weight, turned round. Source: het.io, "Metaedges".
_EDGES = {
    "CtD": (EdgeKind.TREATS, 1.0, False),
    "CpD": (EdgeKind.TREATS, 0.6, False),
    "DpS": (EdgeKind.PRESENTS, 0.6, False),
    "CcSE": (EdgeKind.CAUSES, 0.3, False),
    "DlA": (EdgeKind.LOCATED_IN, 0.5, False),
    "DrD": (EdgeKind.RESEMBLES, 0.15, False),
    "CrC": (EdgeKind.RESEMBLES, 0.15, False),
    "PCiC": (EdgeKind.IS_A, 1.0, True),
    "DaG": (EdgeKind.ASSOCIATES, 0.4, False),
    "GcG": (EdgeKind.ASSOCIATES, 0.2, False),
    "AeG": (EdgeKind.ASSOCIATES, 0.1, False),
    "CbG": (EdgeKind.INTERACTS, 0.5, False),
    "GiG": (EdgeKind.INTERACTS, 0.4, False),
    "GpPW": (EdgeKind.PARTICIPATES, 0.4, False),
    "GpBP": (EdgeKind.PARTICIPATES, 0.3, False),
    "GpMF": (EdgeKind.PARTICIPATES, 0.3, False),
    "GpCC": (EdgeKind.PARTICIPATES, 0.2, False),
    "Gr>G": (EdgeKind.REGULATES, 0.3, False),
    "AdG": (EdgeKind.REGULATES, 0.1, False),
    "AuG": (EdgeKind.REGULATES, 0.1, False),
    "CdG": (EdgeKind.REGULATES, 0.3, False),
    "CuG": (EdgeKind.REGULATES, 0.3, False),
    "DdG": (EdgeKind.REGULATES, 0.3, False),
    "DuG": (EdgeKind.REGULATES, 0.3, False),
}


def nodes(lines: Lines, facts: Facts) -> None:
    """id "Kind::local", name, kind."""
    for number, line in lines:
        row = line.split("\t")
        if row[0] == "id":
            continue
        own = _identify(row[0])
        if len(row) < 3 or own is None or not row[1]:
            lines.reject(number, "expected id, name and a known kind")
            continue
        facts.terms.append((own[0], row[1], own[1]))


def edges(lines: Lines, facts: Facts) -> None:
    """source, metaedge, target, licence."""
    for number, line in lines:
        row = line.split("\t")
        if row[0] == "source":
            continue
        if len(row) < 3 or row[1] not in _EDGES:
            lines.reject(number, "expected source, a known metaedge, target")
            continue
        subject, target = _identify(row[0]), _identify(row[2])
        if subject is None or target is None:
            lines.reject(number, "a node of unknown kind")
            continue
        kind, weight, turned = _EDGES[row[1]]
        if turned:
            subject, target = target, subject
        licence = row[3].strip() if len(row) > 3 else ""
        facts.edges.append((subject[0], kind, target[0], weight, licence))


def completeness(lines: Lines, facts: Facts) -> None:
    """A table about the edge files: read so that its rows are checked; it names no concept."""
    for number, line in lines:
        row = line.split("\t")
        if row[0] != "metaedge" and row[0] not in _EDGES:
            lines.reject(number, "an unknown metaedge")
    facts.definitions.clear()


def _identify(node: str) -> tuple[str, SemanticType] | None:
    kind, _, local = node.partition("::")
    if kind not in _NODES or not local:
        return None
    space, sort = _NODES[kind]
    return (f"{space}:{local}" if space else local), sort
