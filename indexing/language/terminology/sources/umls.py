"""UMLS release files (RRF) from a site's own copy: MRCONSO, MRREL, MRSTY."""

from __future__ import annotations

from indexing.language.terminology.facts import Facts, code_system
from indexing.language.terminology.model import EdgeKind, NameKind, SemanticType
from indexing.language.terminology.sources.lines import Lines

_KEPT_CODES = frozenset(
    ["SNOMED", "ICD10CM", "ICD9CM", "RXNORM", "MESH", "LOINC", "NCI", "OMIM", "HP", "DRUGBANK"]
)
_RELATIONS = {
    "may_treat": EdgeKind.TREATS,
    "may_prevent": EdgeKind.TREATS,
    "has_finding_site": EdgeKind.LOCATED_IN,
    "disease_has_finding": EdgeKind.PRESENTS,
    "has_manifestation": EdgeKind.PRESENTS,
    "disease_may_have_finding": EdgeKind.PRESENTS,
    "causative_agent_of": EdgeKind.CAUSES,
}
# Source: UMLS Semantic Network, type identifiers.
_TYPES = {
    SemanticType.DISORDER: "T020 T190 T049 T019 T047 T050 T048 T191 T046 T037",
    SemanticType.SYMPTOM: "T184",
    SemanticType.FINDING: "T033 T034 T201",
    SemanticType.DRUG: "T121 T195 T200 T125 T127",
    SemanticType.SUBSTANCE: "T103 T104 T109 T116 T123 T126 T129 T130 T131 T168 T196 T197",
    SemanticType.PROCEDURE: "T060 T061 T058 T063",
    SemanticType.LAB_TEST: "T059",
    SemanticType.ANATOMY: "T017 T022 T023 T024 T029 T030 T031 T018",
    SemanticType.DEVICE: "T074 T075 T203",
    SemanticType.ORGANISM: "T001 T004 T005 T007 T194 T204",
    SemanticType.GENE: "T028",
    SemanticType.PROCESS: "T038 T039 T040 T041 T042 T043 T044 T045",
}
_BY_TYPE = {code: kind for kind, codes in _TYPES.items() for code in codes.split()}


def names(lines: Lines, facts: Facts) -> None:
    """MRCONSO: English, unsuppressed names of each CUI, and their source codes."""
    for number, line in lines:
        row = line.split("|")
        if len(row) < 18:
            lines.reject(number, "expected the 18 columns of MRCONSO")
            continue
        if row[1] != "ENG" or row[16] != "N":
            continue
        own, text = f"UMLS:{row[0]}", row[14]
        if row[2] == "P" and row[4] == "PF" and row[6] == "Y":
            facts.terms.append((own, text, SemanticType.OTHER))
        short = row[12] in ("AB", "ACR", "SB")
        kind = NameKind.ABBREVIATION if short else NameKind.SYNONYM
        facts.names.append((own, text, NameKind.LAY if row[11] == "CHV" else kind))
        if code_system(row[11]) in _KEPT_CODES and row[13] not in ("", "NOCODE"):
            facts.xrefs.append((own, code_system(row[11]), row[13]))


def relations(lines: Lines, facts: Facts) -> None:
    """MRREL: CUI1 REL CUI2, where CUI2 stands in the relation RELA to CUI1."""
    for number, line in lines:
        row = line.split("|")
        if len(row) < 16:
            lines.reject(number, "expected the 16 columns of MRREL")
            continue
        one, two = f"UMLS:{row[0]}", f"UMLS:{row[4]}"
        if one == two or row[14] not in ("N", ""):
            continue
        if row[3] == "PAR" or row[7] == "inverse_isa":
            facts.edges.append((one, EdgeKind.IS_A, two, 1.0, ""))
        elif row[3] == "CHD" or row[7] == "isa":
            facts.edges.append((two, EdgeKind.IS_A, one, 1.0, ""))
        elif row[7] in _RELATIONS:
            facts.edges.append((two, _RELATIONS[row[7]], one, 0.7, ""))


def types(lines: Lines, facts: Facts) -> None:
    """MRSTY: the semantic types of each CUI."""
    for number, line in lines:
        row = line.split("|")
        if len(row) < 4:
            lines.reject(number, "expected the columns of MRSTY")
        elif row[1] in _BY_TYPE:
            facts.types.append((f"UMLS:{row[0]}", _BY_TYPE[row[1]]))
