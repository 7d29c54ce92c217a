"""Disease Ontology's tab-separated reports: terms, cross-references, definitions, axioms."""

from __future__ import annotations

import re

from indexing.language.terminology.facts import Facts, code_system
from indexing.language.terminology.model import EdgeKind, SemanticType
from indexing.language.terminology.sources.lines import Lines, cells

_AXIOM = re.compile(r"(?:'([^']+)'|(\w+)) some (?:'([^']+)'|([^|'()]+))")
_PROPERTIES = {
    "has symptom": (EdgeKind.PRESENTS, 0.6),
    "has phenotype": (EdgeKind.PRESENTS, 0.5),
    "disease has feature": (EdgeKind.PRESENTS, 0.4),
    "disease has location": (EdgeKind.LOCATED_IN, 1.0),
    "disease has basis in": (EdgeKind.ASSOCIATES, 0.4),
    "has allergic trigger": (EdgeKind.ASSOCIATES, 0.8),
    "has disease driver": (EdgeKind.ASSOCIATES, 0.5),
    "has material basis in": (EdgeKind.ASSOCIATES, 0.8),
    "derives from": (EdgeKind.ASSOCIATES, 0.2),
}


def terms(lines: Lines, facts: Facts) -> None:
    """id, label, label of one parent; a term with two parents has two rows."""
    for row in _rows(lines, "id, label, subClassOf"):
        facts.terms.append((row[0], row[1], SemanticType.DISORDER))
        if row[2]:
            parent = f"={row[0].partition(':')[0]}={row[2].casefold()}"
            facts.edges.append((row[0], EdgeKind.IS_A, parent, 1.0, ""))


def xrefs(lines: Lines, facts: Facts) -> None:
    """id, label, one cross-reference "SYSTEM:code"."""
    for row in _rows(lines, "id, label, xref"):
        for xref in row[2].split("|"):
            system, _, code = xref.strip().partition(":")
            if code:
                facts.xrefs.append((row[0], code_system(system), code))


def definitions(lines: Lines, facts: Facts) -> None:
    """id, name, definition."""
    for row in _rows(lines, "id, name, definition"):
        facts.definitions.append((row[0], row[2]))


def axioms(lines: Lines, facts: Facts) -> None:
    """ID, LABEL, anonymous superclasses: "'has symptom' some fever|…"."""
    for row in _rows(lines, "ID, LABEL, SubClass Of [ANON]"):
        for quoted, bare, target_quoted, target_bare in _AXIOM.findall(row[2]):
            known = _PROPERTIES.get(quoted or bare)
            if known is not None:
                target = (target_quoted or target_bare).strip()
                facts.edges.append((row[0], known[0], f"=*={target}", known[1], ""))


def _rows(lines: Lines, expected: str) -> list[list[str]]:
    rows = []
    for number, line in lines:
        row = cells(line)
        if row[0].lower() == "id":
            continue
        if len(row) < 3 or ":" not in row[0]:
            lines.reject(number, f"expected {expected}")
        else:
            rows.append(row)
    return rows
