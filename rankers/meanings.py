"""What a concept of a question stands for in notes: narrower ones, those that say how it stands
("former smoker"), what it is mistaken for, and the short names written beside numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from indexing.analysis import stems
from indexing.language.matcher import Matcher
from indexing.language.terminology import NameKind, SemanticType, Terminology
from indexing.model import Assertion
from rankers.cues import Asked, cues
from rankers.lookalike import longer_names, look_alikes
from rankers.namesakes import namesakes

MOST_NARROWER = 80
MOST_NAMES = 12

DRUGS: Final = frozenset({SemanticType.DRUG, SemanticType.DRUG_CLASS})
MEASURED: Final = frozenset({SemanticType.LAB_TEST, SemanticType.VITAL})

# Names that carry a standing, and what it is; None where the note's own words still decide.
_NAMED: Final[Mapping[str, Assertion | None]] = {
    "former {}": Assertion.HISTORICAL,
    "ex {}": Assertion.HISTORICAL,
    "quit {}": Assertion.HISTORICAL,
    "history of {}": Assertion.HISTORICAL,
    "never {}": Assertion.NEGATED,
    "family history of {}": Assertion.FAMILY,
    "current {}": None,
    "{} allergy": None,
    "allergy to {}": None,
    "allergic to {}": None,
    "{} intolerance": None,
    "childhood {}": None,
    "acute {}": None,
    "chronic {}": None,
}
_GRADED: Final = re.compile(
    r"^(?:elevated|high|raised|increased|low|decreased|reduced|positive|abnormal) |"
    r" (?:elevated|elevation|positive|raised|increased)$",
    re.IGNORECASE,
)
_WORDED: Final = (NameKind.PREFERRED, NameKind.SYNONYM, NameKind.LOOSE)
_STANDING: Final = frozenset({Asked.PAST, Asked.HISTORY, Asked.FAMILY, Asked.ALLERGY,
                              Asked.INTOLERANCE})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Meaning:
    """`concepts` mean it or something narrower; `own` are those of them that carry its name
    ("gestational diabetes"); `told` those whose name itself says how it stands; `broader` are what
    it is a kind of; `alike` only look like it; `itself` nothing narrower, none where it is open."""

    concepts: frozenset[str]
    own: frozenset[str] = frozenset()
    told: Mapping[str, Assertion] = field(default_factory=dict)
    broader: frozenset[str] = frozenset()
    alike: frozenset[str] = frozenset()
    short: tuple[str, ...] = ()
    itself: frozenset[str] = frozenset()
    kind: SemanticType = SemanticType.OTHER


class Meanings:
    """Looks up by one terminology, each concept once; safe to share between threads."""

    def __init__(self, terminology: Terminology, matcher: Matcher) -> None:
        self._terminology, self._matcher = terminology, matcher
        self.of = lru_cache(maxsize=4096)(self._of)
        self.standing = lru_cache(maxsize=4096)(self._standing)

    def kind(self, concept: str) -> SemanticType:
        """Return what sort of thing a concept is."""
        return self._terminology.concept(concept).semantic_type

    def _of(self, concept: str) -> Meaning:
        names = self._terminology.names(concept)
        told: dict[str, Assertion] = {}
        near = {concept, *self._terminology.descendants(concept, MOST_NARROWER)}
        near |= set(namesakes(self._terminology, concept))
        worded = [name.text for name in names if name.kind in _WORDED]
        every = [n.text for n in names if n.kind is not NameKind.ABBREVIATION][:MOST_NAMES]
        framed = zip(*(self._terminology.framed(name, _NAMED) for name in every), strict=True)
        for found_so, standing in zip(framed, _NAMED.values(), strict=False):  # none without names
            for other in {others[0] for others in found_so if others}:
                near.add(other)
                if standing is not None and other != concept:
                    told[other] = standing
        found = frozenset(near)
        kind = self.kind(concept)
        return Meaning(
            found,
            frozenset(other for other in found if other in told or self._carries(other, worded)),
            told,
            (frozenset(self._terminology.parents(concept)) | self._bare(worded)) - found,
            self._alike(concept, kind) - found,
            tuple(n.text for n in names if n.kind is NameKind.ABBREVIATION),
            frozenset({concept, *namesakes(self._terminology, concept), *told}),
            kind,
        )

    def _carries(self, concept: str, names: Iterable[str]) -> bool:
        """Say whether any name of a concept holds all words of one of these."""
        wanted = [frozenset(stems(name)) for name in names]
        held = [frozenset(stems(name.text)) for name in self._terminology.names(concept)]
        return any(want <= have for want in wanted for have in held)

    def _bare(self, names: Iterable[str]) -> frozenset[str]:
        """Return what "elevated troponin" is a finding of."""
        rests = (_GRADED.sub("", name) for name in names if _GRADED.search(name))
        found = (self.base(rest, 0, len(rest), Asked.PRESENT) for rest in rests)
        return frozenset(each for each in found if each is not None)

    def _alike(self, concept: str, kind: SemanticType) -> frozenset[str]:
        if kind in MEASURED:
            return longer_names(self._terminology, concept)
        if kind is SemanticType.DRUG:
            return look_alikes(self._terminology, self._terminology.concept(concept).name)
        return frozenset()

    def alike_words(self, words: str) -> frozenset[str]:
        """Return the drugs that look like a word which names no concept."""
        return look_alikes(self._terminology, words) if words.isalpha() else frozenset()

    def _standing(self, concept: str) -> tuple[Asked, str] | None:
        """Take a concept apart whose name says how another one stands: "never smoker" is
        (NEGATED, smoking), "penicillin allergy" (ALLERGY, penicillin)."""
        for name in self._terminology.names(concept)[:MOST_NAMES]:
            for cue in cues(name.text):
                never = name.text[cue.start : cue.end].lower() == "never"
                if cue.asked not in _STANDING and not never:
                    continue
                rest = self.base(name.text, cue.first, cue.last, cue.asked)
                if rest is not None and rest != concept:
                    return cue.asked, rest
        return None

    def base(self, text: str, first: int, last: int, asked: Asked) -> str | None:
        """Return the one concept that `text[first:last]` names, if it can stand in that way."""
        inner = [span for span in self._matcher.find(text[first:last]) if not span.ambiguous]
        if len(inner) != 1 or len(text[first:last].split()) > len(
            text[first:last][inner[0].start : inner[0].end].split()
        ):
            return None
        concept = inner[0].concept_id
        of_drugs = asked in (Asked.ALLERGY, Asked.INTOLERANCE, Asked.TAKING, Asked.NOT_TAKING)
        return concept if not of_drugs or self.kind(concept) in DRUGS else None
