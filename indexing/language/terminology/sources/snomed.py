"""SNOMED CT release files (RF2 snapshot) from a site's own copy."""

from __future__ import annotations

import re
from collections.abc import Iterator

from indexing.language.terminology.facts import Facts
from indexing.language.terminology.model import EdgeKind, NameKind, SemanticType
from indexing.language.terminology.sources.lines import Lines

_FSN, _SYNONYM = "900000000000003001", "900000000000013009"
_RELATIONS = {
    "116680003": EdgeKind.IS_A,
    "363698007": EdgeKind.LOCATED_IN,  # finding site
    "47429007": EdgeKind.ASSOCIATES,  # associated with
}
_TAGGED = re.compile(r"(.*\S)\s+\(([^()]+)\)\Z")
_TAGS = {
    "disorder": SemanticType.DISORDER,
    "finding": SemanticType.FINDING,
    "morphologic abnormality": SemanticType.FINDING,
    "situation": SemanticType.FINDING,
    "procedure": SemanticType.PROCEDURE,
    "regime/therapy": SemanticType.PROCEDURE,
    "body structure": SemanticType.ANATOMY,
    "product": SemanticType.DRUG,
    "medicinal product": SemanticType.DRUG,
    "clinical drug": SemanticType.DRUG,
    "substance": SemanticType.SUBSTANCE,
    "organism": SemanticType.ORGANISM,
    "physical object": SemanticType.DEVICE,
    "observable entity": SemanticType.LAB_TEST,
    "social concept": SemanticType.SOCIAL,
    "occupation": SemanticType.SOCIAL,
}


def concepts(lines: Lines, facts: Facts) -> None:
    """Concept file: which ids are withdrawn."""
    for row in _rows(lines, 5):
        if row[2] != "1":
            facts.retired.append((f"SNOMED:{row[0]}",))


def descriptions(lines: Lines, facts: Facts) -> None:
    """Description file: the fully specified name gives name and sort, the others are synonyms."""
    for row in _rows(lines, 9):
        own, term = f"SNOMED:{row[4]}", row[7]
        if row[2] != "1" or not row[5].startswith("en"):
            continue
        tagged = _TAGGED.match(term) if row[6] == _FSN else None
        if tagged is not None:
            facts.terms.append((own, tagged[1], _TAGS.get(tagged[2], SemanticType.OTHER)))
        elif row[6] == _SYNONYM:
            short = term.isupper() and len(term) <= 6
            kind = NameKind.ABBREVIATION if short else NameKind.SYNONYM
            facts.names.append((own, term, kind))


def relationships(lines: Lines, facts: Facts) -> None:
    """Relationship file: is-a, finding site, associated with."""
    for row in _rows(lines, 10):
        if row[2] == "1" and row[7] in _RELATIONS:
            source, target = f"SNOMED:{row[4]}", f"SNOMED:{row[5]}"
            facts.edges.append((source, _RELATIONS[row[7]], target, 1.0, ""))


def _rows(lines: Lines, width: int) -> Iterator[list[str]]:
    for number, line in lines:
        row = line.split("\t")
        if row[0] == "id":
            continue
        if len(row) < width or not row[0].isdigit():
            lines.reject(number, f"expected {width} columns of RF2")
        else:
            yield row
