"""The nouns of the terminology: concepts, their names, and the edges between them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class SemanticType(StrEnum):
    """What sort of thing a concept is."""

    DISORDER = "disorder"
    SYMPTOM = "symptom"
    FINDING = "finding"
    DRUG = "drug"
    DRUG_CLASS = "drug_class"
    PROCEDURE = "procedure"
    LAB_TEST = "lab_test"
    VITAL = "vital"
    ANATOMY = "anatomy"
    DEVICE = "device"
    ORGANISM = "organism"
    SUBSTANCE = "substance"
    SOCIAL = "social"
    SPECIALTY = "specialty"
    GENE = "gene"
    PROCESS = "process"
    OTHER = "other"


class NameKind(StrEnum):
    """How a name stands to its concept."""

    PREFERRED = "preferred"
    SYNONYM = "synonym"
    LAY = "lay"
    ABBREVIATION = "abbreviation"
    LOOSE = "loose"  # too common a word to count in a note ("cold"): looked for in questions only


class EdgeKind(StrEnum):
    """How two concepts relate; read "subject kind object"."""

    IS_A = "is_a"  # child is_a parent
    TREATS = "treats"  # drug or procedure treats disorder
    PRESENTS = "presents"  # disorder presents symptom
    CAUSES = "causes"  # drug causes side effect, disorder causes disorder
    LOCATED_IN = "located_in"  # disorder or procedure located_in anatomy
    ASSOCIATES = "associates"  # anything associates with anything: genes, lab tests, look-alikes
    INTERACTS = "interacts"  # drug or gene interacts with gene
    RESEMBLES = "resembles"  # two of one sort that are much alike
    PARTICIPATES = "participates"  # gene participates in a process
    REGULATES = "regulates"  # drug, disorder or gene changes a gene's expression


@dataclass(frozen=True, slots=True, order=True)
class Code:
    """A concept's identifier elsewhere: system is one of SNOMED, ICD10CM, ICD9CM, LOINC, RXNORM,
    MESH, UMLS, OMIM, ORPHA, NCI, HP, DOID, SYMP, DRUGBANK, ENTREZ, UBERON, … in capitals."""

    system: str
    code: str


@dataclass(frozen=True, slots=True)
class Concept:
    """One clinical idea; `id` is stable within one terminology version."""

    id: str
    name: str
    semantic_type: SemanticType
    codes: tuple[Code, ...] = ()
    definition: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """One wording of a concept. `weight` in (0, 1]: for an abbreviation the share of its uses that
    mean this concept, 1.0 for every other kind."""

    text: str
    kind: NameKind
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge as seen from one end: `other` is the far end; `inverse` when this end is the object
    (a symptom seen from its own side: kind PRESENTS, other the disorder, inverse True).
    `weight` in (0, 1], for PRESENTS the frequency where the source gives one. `licence` is the
    source's own for this edge, "" when it states none."""

    kind: EdgeKind
    other: str
    weight: float
    inverse: bool
    licence: str = ""


@dataclass(frozen=True, slots=True)
class Addition:
    """A tenant's own name. With `concept_id` known it is one more name of that concept; otherwise
    it makes a new concept of `semantic_type`, under `parent_id` when given."""

    concept_id: str
    name: str
    kind: NameKind = NameKind.SYNONYM
    semantic_type: SemanticType = SemanticType.OTHER
    parent_id: str | None = None
