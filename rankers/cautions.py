"""What a patient must not be given: allergies by ingredient and class, interactions with what is
taken, conditions that forbid a drug. What is not known is said, never passed over.

A drug is marked where its ingredient, or a class above it, meets the allergen, the other drug or
the condition, or anything above those: too many marks cost a look, a missing one costs a patient.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from indexing.language.matcher import Matcher
from indexing.language.terminology import SemanticType, Terminology
from indexing.language.values import DrugStatus, drug_status
from indexing.medical_graph import GraphEdge, Relation
from indexing.model import Assertion, Mention
from indexing.treatments import Coded, Note, TreatmentFacts
from rankers.hierarchy import Hierarchy
from rankers.medical_knowledge import Knowledge
from rankers.treatments import SEVERITIES, Caution

_MEDICINES = frozenset({SemanticType.DRUG, SemanticType.DRUG_CLASS})
_MATTERS = frozenset({SemanticType.DISORDER, SemanticType.SYMPTOM, SemanticType.FINDING})
_HOLDS = frozenset({Assertion.PRESENT, Assertion.HISTORICAL, Assertion.UNCERTAIN})
_ALLERGIC = frozenset({DrugStatus.ALLERGY, DrugStatus.INTOLERANCE})
_PARTS = re.compile(r"\s*(?:[-/+,;]|\band\b)\s*")
_WORD = re.compile(r"[a-z]{4,}")
# Words of products that name no substance.
_PLAIN = frozenset(
    "oral tablet tablets capsule capsules solution injection injectable extended release hour "
    "drug drugs class medicine medication antibiotic antibiotics agent agents acid sodium "
    "potassium calcium hydrochloride topical cream inhaler suspension pack allergy "
    "allergic intolerance substance product containing with from spray patch".split()
)
_STILL_TAKEN = timedelta(days=365)  # before the newest note: what it says is taken counts


@dataclass(frozen=True, slots=True)
class Named:
    """A concept that holds of the patient, in words, and what says so ("Type/id")."""

    concept: str
    words: str
    source: str


@dataclass(frozen=True, slots=True)
class Against:
    """All that may speak against a drug. `unknown` are allergens that the terminology does not
    know: they are compared by their words alone."""

    allergens: tuple[Named, ...] = ()
    taken: tuple[Named, ...] = ()
    problems: tuple[Named, ...] = ()
    unknown: tuple[Named, ...] = ()


@dataclass(frozen=True, slots=True)
class Medicine:
    """A drug as an option: its ingredients are concepts, none where the terminology knows none."""

    key: str
    name: str
    ingredients: frozenset[str]
    spellings: frozenset[str] = field(default_factory=frozenset)


class Pharmacy:
    """Drugs by one terminology and the knowledge laid over it."""

    def __init__(
        self, terminology: Terminology, hierarchy: Hierarchy, matcher: Matcher, knowledge: Knowledge
    ) -> None:
        self._terminology, self._hierarchy = terminology, hierarchy
        self._matcher, self._knowledge = matcher, knowledge
        self._known: dict[tuple[str, str, str], frozenset[str]] = {}

    def medicine(self, what: Coded) -> Medicine:
        """Return a drug by what is in it: products of the same ingredients are one."""
        found = self.concepts(what)
        drugs = frozenset(each for each in found if self._is(each, {SemanticType.DRUG})) or found
        names = sorted(self._terminology.concept(each).name for each in self._whole(drugs))
        key = "+".join(sorted(drugs)) or f"text:{what.name.casefold()}"
        return Medicine(key, " with ".join(names) or what.name, drugs, frozenset({what.name}))

    def _whole(self, drugs: Iterable[str]) -> list[str]:
        """Leave out what another's name holds: of "amoxicillin-clavulanate" its amoxicillin."""
        names = {each: self._terminology.concept(each).name.casefold() for each in drugs}
        return [
            each for each, name in names.items()
            if not any(name != other and name in _PARTS.split(other) for other in names.values())
        ]  # fmt: skip

    def concepts(self, what: Coded) -> frozenset[str]:
        """Return the drugs and classes that a coded thing is or holds."""
        asked = (what.system, what.code, what.name)
        found = self._known.get(asked)
        if found is None:
            found = self._known[asked] = frozenset(self._look_up(what))
        return found

    def _look_up(self, what: Coded) -> set[str]:
        found = {self._hierarchy.feature(what.system, what.code, what.name)}
        found |= set(self._terminology.find(what.name))
        found |= {span.concept_id for span in self._matcher.find(what.name)}
        names = [what.name, *(self._terminology.concept(e).name for e in found if self._drug(e))]
        for name in names:
            parts = _PARTS.split(name)
            found |= {each for part in parts if part for each in self._terminology.find(part)}
        return {each for each in found if self._drug(each)}

    def _drug(self, feature: str) -> bool:
        return self._is(feature, _MEDICINES)

    def _is(self, feature: str, kinds: Iterable[SemanticType]) -> bool:
        if feature not in self._terminology:
            return False
        return self._terminology.concept(feature).semantic_type in kinds

    def name(self, concept: str) -> str:
        """Return a concept's name."""
        return self._terminology.concept(concept).name

    def above(self, concept: str) -> dict[str, int]:
        """Return a concept and what lies above it, with the steps there."""
        return {concept: 0, **self._hierarchy.ancestors(concept)}

    def known(self, what: Coded) -> bool:
        """Say whether the terminology knows a coded thing at all, be it a drug or peanut."""
        return self._hierarchy.feature(what.system, what.code, what.name) in self._terminology

    def against(self, facts: TreatmentFacts) -> Against:
        """Gather what speaks against drugs: what records say, and what notes do."""
        allergens = [n for e in facts.allergies for n in self._named(e, self.concepts(e))]
        taken = [n for e in facts.taken for n in self._named(e, self.concepts(e))]
        problems = [
            Named(concept, f"{each.name}{' (resolved)' if each.status == 'resolved' else ''}",
                  each.resource)
            for each in facts.problems
            if (concept := self._hierarchy.feature(each.system, each.code, each.name))
            in self._terminology
        ]  # fmt: skip
        newest = max((note.at for note in facts.notes if note.at), default=None)
        for note in facts.notes:
            late = newest is None or note.at is None or note.at >= newest - _STILL_TAKEN
            for concept, status in self._said(note):
                named = Named(concept, self.name(concept), f"Document/{note.doc_id}")
                if status in _ALLERGIC:  # "penicillin" is a drug, and its whole class
                    meant = self._terminology.find(named.words) or (concept,)
                    allergens += [Named(each, named.words, named.source) for each in meant]
                elif status is DrugStatus.CURRENT and late:
                    taken.append(named)
                elif status is None:
                    problems.append(named)
        unknown = tuple(
            Named("", each.name, each.resource)
            for each in facts.allergies
            if not self.concepts(each) and not self.known(each)
        )
        return Against(_each(allergens), _each(taken), _each(problems), unknown)

    def _named(self, what: Coded, concepts: Iterable[str]) -> list[Named]:
        detail = f" ({what.detail})" if what.detail and what.resource.startswith("Allergy") else ""
        over = ", recorded as resolved" if what.status.startswith("resolved") else ""
        return [Named(each, f"{what.name}{detail}{over}", what.resource) for each in concepts]

    def _said(self, note: Note) -> list[tuple[str, DrugStatus | None]]:
        """Return what a note says of drugs, and of disorders (None) that hold of the patient."""
        sections = note.annotation.sections
        found: list[tuple[str, DrugStatus | None]] = []
        for mention in note.annotation.mentions:
            if mention.ambiguous or mention.concept_id not in self._terminology:
                continue
            if self._drug(mention.concept_id):
                section = next((s for s in sections if s.start <= mention.start < s.end), None)
                status = drug_status(note.text, mention, mention.assertion, section)
                found.append((mention.concept_id, status))
            elif self._matters(mention):
                found.append((mention.concept_id, None))
        return found

    def _matters(self, mention: Mention) -> bool:
        return mention.status in _HOLDS and self._is(mention.concept_id, _MATTERS)

    def cautions(self, medicine: Medicine, against: Against) -> tuple[Caution, ...]:
        """Return every reason to look twice, the gravest first."""
        found = [*self._allergies(medicine, against), *self._interactions(medicine, against),
                 *self._contraindications(medicine, against)]  # fmt: skip
        if not medicine.ingredients:
            words = "the terminology does not know it: allergies and interactions are not checked"
            found.append(Caution("unchecked", words))
        kept = {(c.kind, c.words): c for c in reversed(found)}
        ordered = sorted(kept.values(), key=lambda c: (SEVERITIES.index(c.kind), c.words))
        return tuple(ordered)

    def _allergies(self, medicine: Medicine, against: Against) -> Iterable[Caution]:
        met = set[str]()
        for each in against.allergens:
            for drug in sorted(medicine.ingredients):
                if (how := self._meets(drug, each.concept)) is not None:
                    kind, words = how
                    met.add(each.source)
                    yield Caution(kind, f"allergy to {each.words}{words}", source=each.source)
        words_of = {w for name in medicine.spellings for w in _WORD.findall(name.casefold())}
        for each in (*against.unknown, *against.allergens):
            shared = set(_WORD.findall(each.words.partition(" (")[0].casefold())) - _PLAIN
            if shared & words_of and each.source not in met:
                yield Caution("allergy", f"allergy to {each.words}, by the name",
                              source=each.source)  # fmt: skip

    def _meets(self, drug: str, allergen: str) -> tuple[str, str] | None:
        """Say how an allergen bears on a drug: the same, its class, or a fellow of its class."""
        over, under = self.above(drug), self.above(allergen)
        if allergen == drug:
            return "allergy", ""
        if allergen in over:
            return "allergy", f": {self.name(drug)} is one"
        if drug in under:
            return "allergy", f", which is {self.name(drug)}"
        crossed = self._edge(over, under, Relation.SIMILAR_TO)
        if crossed is not None and crossed.properties.get("what") == "cross-reaction":
            return _kind(crossed), f": a cross-reaction with {self.name(drug)} is possible"
        common = [c for c, steps in over.items() if steps == 1 and under.get(c) == 1]
        if common:
            return "moderate", f", of the same class as {self.name(drug)} ({self.name(common[0])})"
        return None

    def _interactions(self, medicine: Medicine, against: Against) -> Iterable[Caution]:
        for each in against.taken:
            if each.concept in medicine.ingredients:
                continue
            for drug in sorted(medicine.ingredients):
                edge = self._edge(self.above(drug), self.above(each.concept),
                                  Relation.INTERACTS_WITH)  # fmt: skip
                if edge is not None:
                    yield _stated(edge, f"with {each.words}, which is taken", each.source)

    def _contraindications(self, medicine: Medicine, against: Against) -> Iterable[Caution]:
        for each in against.problems:
            for drug in sorted(medicine.ingredients):
                edge = self._edge(self.above(drug), self.above(each.concept),
                                  Relation.INTERACTS_WITH)  # fmt: skip
                if edge is not None:
                    yield _stated(edge, f"with {each.words}", each.source)

    def _edge(
        self, ones: Iterable[str], others: Iterable[str], relation: Relation
    ) -> GraphEdge | None:
        """Return the gravest edge that the knowledge has between any of two lots."""
        wanted = frozenset(others)
        found = [
            edge for one in ones for other, edge in self._knowledge.stated(one)
            if other in wanted and edge.relation is relation
        ]  # fmt: skip
        return min(found, key=lambda e: SEVERITIES.index(_kind(e)), default=None)


def _kind(edge: GraphEdge) -> str:
    said = str(edge.properties.get("severity", ""))
    return said if said in SEVERITIES else "moderate"


def _stated(edge: GraphEdge, words: str, source: str) -> Caution:
    what = str(edge.properties.get("what", "")) or "they act on each other"
    by = str(edge.properties.get("stated_by", ""))
    return Caution(_kind(edge), f"{words}: {what}", by, source)


def _each(found: Sequence[Named]) -> tuple[Named, ...]:
    """Keep what records say before what notes say, each concept of one source once."""
    kept: dict[str, Named] = {}
    for each in found:
        kept.setdefault(each.concept, each)
    return tuple(kept.values())
