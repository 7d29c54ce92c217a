"""Readers of terminology files, one module per family, each recognised by its header."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from indexing.errors import ConfigurationError
from indexing.language.terminology.facts import Facts
from indexing.language.terminology.sources import (
    disease_ontology,
    hetionet,
    hpo,
    obo,
    shortforms,
    snomed,
    umls,
)
from indexing.language.terminology.sources.lines import Lines, head


@dataclass(frozen=True, slots=True)
class _Format:
    """How a format is known by its first lines, and what reads it."""

    header: re.Pattern[str]
    read: Callable[[Lines, Facts], None]


def _format(header: str, read: Callable[[Lines, Facts], None]) -> _Format:
    return _Format(re.compile(header), read)


_RF2 = r"id\teffectiveTime\tactive\tmoduleId\t"
FORMATS = {
    "hpo-terms": _format(r"id\tname\tparents\tobsolete\b", hpo.terms),
    "hpo-lay": _format(r"id\tlabel\tlayperson_synonym", hpo.lay),
    "hpo-annotations": _format(
        r"#description: \"?HPO annotations|(?i:#?database_?id\tdisease_?name\t)", hpo.diseases
    ),
    "hpo-genes": _format(
        r"#Format: entrez-gene-id<tab>|ncbi_gene_id\tgene_symbol\thpo_id", hpo.genes
    ),
    "do-terms": _format(r"\"?id\"?\t\"?label\"?\t\"?subClassOf", disease_ontology.terms),
    "do-xrefs": _format(r"\"?id\"?\t\"?label\"?\t\"?xrefs?\"?\s*$", disease_ontology.xrefs),
    "do-definitions": _format(r"\"?id\"?\t\"?name\"?\t\"?definition", disease_ontology.definitions),
    "do-axioms": _format(r"ID\tLABEL\tSubClass Of \[ANON\]", disease_ontology.axioms),
    "obo": _format(r"format-version: ", obo.read),
    "hetionet-nodes": _format(r"id\tname\tkind\b", hetionet.nodes),
    "hetionet-edges": _format(r"source\tmetaedge\ttarget\b", hetionet.edges),
    "hetionet-completeness": _format(r"metaedge\tname\tedges_here", hetionet.completeness),
    "abbreviations": _format(r"\{(?=.*\"short\"\s*:)(?=.*\"long\"\s*:)", shortforms.read),
    "umls-conso": _format(r"C\d{7}\|[A-Z]{3}\|[PSps]\|L\d+\|", umls.names),
    "umls-rel": _format(r"C\d{7}\|A?\d*\|[A-Z]+\|[A-Z]{2,3}\|C\d{7}\|", umls.relations),
    "umls-sty": _format(r"C\d{7}\|T\d{3}\|", umls.types),
    "snomed-concepts": _format(_RF2 + "definitionStatusId", snomed.concepts),
    "snomed-descriptions": _format(_RF2 + "conceptId\tlanguageCode", snomed.descriptions),
    "snomed-relationships": _format(_RF2 + "sourceId\tdestinationId", snomed.relationships),
}


def recognise(path: Path, format_name: str | None = None) -> str:
    """Return the name of the file's format. Raises: ConfigurationError when none fits."""
    known = ", ".join(sorted(FORMATS))
    first = head(path)
    if format_name is not None:
        if format_name not in FORMATS:
            raise ConfigurationError(f"unknown format {format_name!r}", hint=f"known: {known}")
        return format_name
    line = next((text for text in first if text.strip()), "").removeprefix("\ufeff")
    for name, format_ in FORMATS.items():
        if format_.header.match(line):
            return name
    raise ConfigurationError(f"{path}: no known header", hint=f"known formats: {known}")


def read_source(path: Path, format_name: str) -> tuple[Facts, str, list[str]]:
    """Read a file: its facts, the digest of its content, and "file:line: reason" per bad line."""
    lines, facts = Lines(path, format_name), Facts()
    FORMATS[format_name].read(lines, facts)
    facts.sort()
    return facts, lines.digest, lines.rejects
