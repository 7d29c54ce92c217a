"""Features and the terminology: which concept a code is, what lies above it, what it counts."""

from __future__ import annotations

from collections.abc import Mapping

from indexing.features import degree_of
from indexing.language.terminology import EdgeKind, SemanticType, Terminology

# What a kind of feature says of likeness, beside what is the matter: of 10,580 invented patients,
# treatments at full weight found the same course and severity in .77 of the first ten, at .3 in .81
# and left out in .79.
WEIGHTS: Mapping[SemanticType, float] = {
    SemanticType.DRUG: 0.3,
    SemanticType.DRUG_CLASS: 0.3,
    SemanticType.PROCEDURE: 0.3,
    SemanticType.DEVICE: 0.3,
    SemanticType.LAB_TEST: 0.1,  # that something was measured is no finding
    SemanticType.VITAL: 0.1,
    SemanticType.ANATOMY: 0.0,
    SemanticType.SPECIALTY: 0.0,
    SemanticType.OTHER: 0.1,
    SemanticType.SOCIAL: 0.3,
}
_SYSTEM_WEIGHTS: Mapping[str, float] = {  # of codes that are no concept
    "RXNORM": 0.3, "NDC": 0.3, "CPT": 0.3, "HCPCS": 0.3, "CVX": 0.1, "LOINC": 0.1,
    "OUTLOOK": 0.1,  # what a model told is no finding
}  # fmt: skip
# Source: hl7.org/fhir/R4/terminologies-systems.html
_SYSTEMS: Mapping[str, str] = {
    "http://snomed.info/sct": "SNOMED",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RXNORM",
    "http://loinc.org": "LOINC",
    "http://hl7.org/fhir/sid/icd-10": "ICD10CM",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD10CM",
    "http://hl7.org/fhir/sid/icd-9-cm": "ICD9CM",
    "http://human-phenotype-ontology.org": "HP",
    "http://purl.obolibrary.org/obo/hp.owl": "HP",
    "http://www.omim.org": "OMIM",
    "https://omim.org": "OMIM",
}
# Where a bare code is looked for, in this order.
_CODED = ("ICD10CM", "SNOMED", "ICD9CM", "HP", "DOID", "OMIM", "UMLS", "MESH")
# What the graph's part follows, besides is-a.
KNOWLEDGE: Mapping[EdgeKind, float] = {
    EdgeKind.PRESENTS: 1.0, EdgeKind.TREATS: 1.0, EdgeKind.CAUSES: 1.0, EdgeKind.ASSOCIATES: 1.0,
}  # fmt: skip
_MOST_RELATED = 200
_MOST_BELOW = 2_000
_FURTHEST = 6  # steps up: beyond, what is common says nothing


class Hierarchy:
    """One terminology version, remembered feature by feature; safe to share between threads."""

    def __init__(self, terminology: Terminology) -> None:
        self._terminology = terminology
        self._above: dict[str, Mapping[str, int]] = {}
        self._named: dict[tuple[str, str], str] = {}
        self._called: dict[str, str] = {}

    @property
    def version(self) -> str:
        """The terminology's version."""
        return self._terminology.version

    def feature(self, system: str, code: str, display: str = "") -> str:
        """Return a code's feature: its concept, else the concept of its name, else itself."""
        key = (f"{system}|{code}", display)
        found = self._named.get(key)
        if found is None:
            found = self._named[key] = self._find(system, code, display)
        return found

    def _find(self, system: str, code: str, display: str) -> str:
        system = _SYSTEMS.get(system, system)
        code = code.removeprefix(f"{system}:")
        own = f"{system}:{code}"
        if own in self._terminology:
            return own
        concepts = self._terminology.by_code(system, code) if code else ()
        if not concepts and display:
            concepts = self._terminology.find(bare(display))
        return concepts[0] if concepts else (own if code else f"text:{bare(display).casefold()}")

    def is_concept(self, feature: str) -> bool:
        """Say whether the terminology has it, and so a name for it."""
        return feature in self._terminology

    def of_id(self, identifier: str) -> str:
        """Return the feature of "SYSTEM:code"."""
        system, _, code = identifier.partition(":")
        return self.feature(system, code)

    def ancestors(self, feature: str) -> Mapping[str, int]:
        """Return {ancestor: fewest steps}; nothing for what is no concept."""
        found = self._above.get(feature)
        if found is None:
            above = self._terminology.ancestors(feature) if feature in self._terminology else {}
            found = self._above[feature] = {a: n for a, n in above.items() if n <= _FURTHEST}
        return found

    def weight(self, feature: str) -> float:
        """Say what a feature's kind counts, 1 for findings and disorders: a value outside its range
        is a finding, however little it says that it was measured."""
        if degree_of(feature) is not None:
            return 1.0
        if feature not in self._terminology:
            return _SYSTEM_WEIGHTS.get(feature.partition(":")[0], 1.0)
        return WEIGHTS.get(self._terminology.concept(feature).semantic_type, 1.0)

    def kind(self, feature: str) -> str:
        """Return a concept's semantic type, "" for what is none."""
        if feature not in self._terminology:
            return ""
        return self._terminology.concept(feature).semantic_type.value

    def related(self, features: frozenset[str]) -> Mapping[str, float]:
        """Return what the knowledge graph links to these one step away, and how strongly: what a
        disease presents with (disease–phenotype rows among them), what treats it, what it causes.
        What lies above or below is left out: nearness counts it."""
        weights = {each: 1.0 for each in features if each in self._terminology}
        found = self._terminology.neighbourhood(weights, 1, kinds=KNOWLEDGE, limit=_MOST_RELATED)
        return {each: weight for each, weight in found.items() if each not in features}

    def find(self, name: str) -> str | None:
        """Return the feature of a name or "SYSTEM:code", None for what is neither."""
        system, colon, code = name.partition(":")
        if colon and " " not in system:
            found = self.feature(system.upper(), code)
            return found if found in self._terminology else None
        concepts = self._terminology.find(name)
        return concepts[0] if concepts else None

    def meant(self, text: str, held: Mapping[str, str]) -> str | None:
        """Return the feature of a name, "SYSTEM:code" or a bare code; one that is no concept only
        where `held` knows it, with what it is called. None for what is neither."""
        for name in (text, bare(text)):
            if (found := self.find(name)) is not None:
                return found
        system, colon, code = text.partition(":")
        tries = [(system.upper(), code)] if colon else [(each, text) for each in _CODED]
        for name, value in tries:
            own = self.feature(name, value)
            if own in self._terminology or own in held:
                return own
        called = text.casefold()
        return next((own for own, name in held.items() if name.casefold() == called), None)

    def names(self, feature: str) -> list[str]:
        """Return every wording of a concept."""
        return [each.text for each in self._terminology.names(feature)]

    def below(self, feature: str) -> frozenset[str]:
        """Return a concept with everything below it."""
        return frozenset({feature, *self._terminology.descendants(feature, _MOST_BELOW)})

    def like(self, name: str) -> list[str]:
        """Return names of concepts that are spelled alike, best first."""
        found = [own for own, _ in self._terminology.search(name, 3)]
        return [self._terminology.concept(own).name for own in found]

    def name(self, feature: str, held: Mapping[str, str]) -> str:
        """Return a feature's name for people; `held` knows those that are no concepts."""
        degree = degree_of(feature)
        if degree is not None:
            times = f"{degree.step:g} times " if degree.step > 1 else ""
            side = "above" if degree.above else "below"
            return f"{self.name(degree.test, held)}, {times}{side} its range"
        known = self._called.get(feature)
        if known is None and feature in self._terminology:
            known = self._called[feature] = self._terminology.concept(feature).name
        if known is not None:
            return known
        return held.get(feature) or feature.removeprefix("text:")


def bare(display: str) -> str:
    """Cut SNOMED's tag off: "Asthma (disorder)" is "Asthma"."""
    head, _, tag = display.strip().rpartition(" (")
    return head if head and tag.endswith(")") else display.strip()
