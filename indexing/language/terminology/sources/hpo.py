"""Human Phenotype Ontology: terms, lay synonyms, disease–phenotype and gene–phenotype rows."""

from __future__ import annotations

from collections import defaultdict

from indexing.language.terminology.facts import Facts
from indexing.language.terminology.model import EdgeKind, NameKind, SemanticType
from indexing.language.terminology.sources.lines import Lines, cells

_ABNORMALITY = "HP:0000118"  # what lies outside is inheritance, frequency, modifier, onset
_UNSTATED = 0.5
# Source: hpo.jax.org, "Frequency" subontology: the middle of each term's range.
_FREQUENCY = {
    "HP:0040280": 1.0,
    "HP:0040281": 0.9,
    "HP:0040282": 0.55,
    "HP:0040283": 0.17,
    "HP:0040284": 0.025,
    "HP:0040285": 0.0,
}


def terms(lines: Lines, facts: Facts) -> None:
    """id, name, parents by "|", obsolete."""
    children: dict[str, list[str]] = defaultdict(list)
    rows: list[tuple[str, str]] = []
    for number, line in lines:
        row = cells(line)
        if row[0] == "id":
            continue
        if len(row) == 4 and ":" not in row[0]:
            continue  # a relation's row ("part_of"), no term
        if len(row) < 4 or not row[0].startswith("HP:") or not row[1]:
            lines.reject(number, "expected id, name, parents, obsolete")
            continue
        if row[3] in ("1", "true"):
            continue
        rows.append((row[0], row[1]))
        for parent in filter(None, row[2].split("|")):
            children[parent].append(row[0])
            facts.edges.append((row[0], EdgeKind.IS_A, parent, 1.0, ""))
    inside, pending = {_ABNORMALITY}, [_ABNORMALITY]
    while pending:
        for child in children[pending.pop()]:
            if child not in inside:
                inside.add(child)
                pending.append(child)
    whole = len(inside) == 1  # an extract without the root: take all as findings
    for own, name in rows:
        kind = SemanticType.FINDING if whole or own in inside else SemanticType.OTHER
        facts.terms.append((own, name, kind))


def lay(lines: Lines, facts: Facts) -> None:
    """id, label, layperson_synonym."""
    for number, line in lines:
        row = cells(line)
        if row[0] == "id":
            continue
        if len(row) < 3 or ":" not in row[0] or not row[2]:
            lines.reject(number, "expected id, label, layperson_synonym")
            continue
        facts.names.append((row[0], row[2], NameKind.LAY))


def diseases(lines: Lines, facts: Facts) -> None:
    """phenotype.hpoa: disease presents phenotype, with a frequency."""
    for number, line in lines:
        row = line.split("\t")
        if row[0].startswith("#") or row[0] == "database_id":
            continue
        if len(row) < 11 or ":" not in row[0] or not row[3].startswith("HP:"):
            lines.reject(number, "expected the 12 columns of phenotype.hpoa")
            continue
        first, *others = [part.strip() for part in row[1].split(";") if part.strip()] or [row[0]]
        facts.terms.append((row[0], first, SemanticType.DISORDER))
        facts.names.extend((row[0], other, NameKind.SYNONYM) for other in others if len(other) > 4)
        weight = frequency(row[7])
        if row[10] == "P" and row[2] != "NOT" and weight > 0:
            facts.edges.append((row[0], EdgeKind.PRESENTS, row[3], weight, ""))


def genes(lines: Lines, facts: Facts) -> None:
    """genes_to_phenotype: gene associates with phenotype."""
    for number, line in lines:
        row = line.split("\t")
        if row[0].startswith("#") or row[0] == "ncbi_gene_id":
            continue
        if len(row) < 4 or not row[0].isdigit() or not row[2].startswith("HP:"):
            lines.reject(number, "expected gene id, symbol, HPO id, HPO name")
            continue
        weight = frequency(next((c for c in row[4:6] if c not in ("", "-")), ""))
        gene = f"ENTREZ:{row[0]}"
        facts.terms.append((gene, row[1], SemanticType.GENE))
        if weight > 0:
            facts.edges.append((gene, EdgeKind.ASSOCIATES, row[2], weight, ""))


def frequency(text: str) -> float:
    """Read "HP:0040283", "3/7" or "45%" as a share in [0, 1]; unstated is .5."""
    if text in _FREQUENCY:
        return _FREQUENCY[text]
    try:
        if text.endswith("%"):
            return min(1.0, float(text[:-1]) / 100)
        if "/" in text:
            part, whole = text.split("/")
            return min(1.0, float(part) / float(whole))
    except (ValueError, ZeroDivisionError):
        return _UNSTATED
    return _UNSTATED
