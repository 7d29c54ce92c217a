"""How well what a note says of a thing fits the standing that is asked of it: it is there, it is
denied, it is the family's, it helped, it is not taken."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from indexing.language.assertion import Offsets
from indexing.language.terminology import SemanticType
from indexing.language.values import DrugStatus, drug_status
from indexing.model import Assertion
from indexing.ports import Derived
from indexing.views import HIDDEN
from rankers.adherence import untaken
from rankers.candidacy import candidacy
from rankers.cues import CANDIDACY, DENIED, EFFECTS, Asked
from rankers.effects import effects, tells_prevention, tells_refusal
from rankers.evidence import Said, copied, label, stands
from rankers.meanings import DRUGS
from rankers.relatives import denied_of_kin, told_of
from rankers.sentence import sentence_of
from rankers.wants import Want

# How well a note answers one want. AGAINST: it says something else of it.
AGAINST, SILENT, LEAST, PARTLY, FULLY = 0.0, 0.3, 0.31, 0.6, 1.0
COPIED = 0.29  # all that it says was taken over from an earlier note, which says it first

BY_LABEL: Final[Mapping[Asked, Mapping[Assertion, float]]] = {
    Asked.PRESENT: {Assertion.PRESENT: FULLY, Assertion.UNCERTAIN: 0.9, Assertion.HISTORICAL: 0.8},
    Asked.CURRENT: {Assertion.PRESENT: FULLY, Assertion.UNCERTAIN: PARTLY},
    Asked.CONFIRMED: {Assertion.PRESENT: FULLY, Assertion.HISTORICAL: PARTLY},
    Asked.SUSPECTED: {Assertion.UNCERTAIN: FULLY, Assertion.PRESENT: PARTLY},
    Asked.HISTORY: {Assertion.HISTORICAL: FULLY, Assertion.PRESENT: PARTLY},
    Asked.TAKING: {Assertion.PRESENT: FULLY},
    Asked.ANY: dict.fromkeys(Assertion, FULLY),
}


def standing(note: Derived, want: Want, said: list[Said]) -> tuple[float, list[Said]]:
    """Return how well what is said fits the standing asked for, `AGAINST` to `FULLY`, and the
    places that fit."""
    if want.asked is Asked.TAKING:  # who reacts does not take it
        said = [each for each in said if not allergic(note.document.text, each)]
    if want.asked in BY_LABEL:
        weights, old = BY_LABEL[want.asked], copied(note)
        labels = [(s, label(s, old)) for s in said]
        fits = [s for s, label in labels if weights.get(label, 0.0)]
        if want.during:
            then = [s for s in said if _taken_when(note, want, s)]
            return (FULLY, then) if then else (PARTLY if fits else AGAINST, fits)
        return max((weights.get(label, 0.0) for _, label in labels), default=AGAINST), fits
    if want.asked is Asked.PAST and want.meaning.kind in _GIVEN_UP and stands(said):
        return AGAINST, []
    if want.asked is Asked.UNTAKEN:
        fits, by_name = untaken(note, said)
        if fits:
            return (FULLY if by_name else PARTLY), fits
        return (AGAINST, []) if stands(said) else (SILENT, said)
    if want.asked in EFFECTS or want.asked in CANDIDACY:
        of_treatment = effects if want.asked in EFFECTS else candidacy
        fits, otherwise = of_treatment(note, want.asked, said)
        return (FULLY, fits) if fits else (AGAINST, []) if otherwise else (SILENT, said)
    fits = [s for s in said if _fits(note, want.asked, s, said)]
    if want.asked is Asked.REFUSED and not fits:
        return (AGAINST, []) if stands(said) else (SILENT, said)
    if want.relatives and fits:
        return _of_relatives(note, want, fits)
    done = want.asked is Asked.PAST and want.meaning.kind is SemanticType.PROCEDURE
    if done and not fits and stands(said):
        return PARTLY, said  # what was done is past, however it is told
    if fits and want.asked in DENIED and all(each.narrower for each in fits):
        return PARTLY, fits  # who has no abscess may have an infection
    return (FULLY if fits else AGAINST), fits


def _taken_when(note: Derived, want: Want, said: Said) -> bool:
    """Say whether a drug that was stopped since was taken where the note tells what happened on it:
    "a seizure after taking extra tramadol"."""
    first, last = sentence_of(note.document.text, said.start, said.end, _AROUND, _AROUND)
    return said.assertion is Assertion.PRESENT and any(
        m.concept_id in want.during and m.assertion is Assertion.PRESENT
        for m in note.mentions
        if first <= m.start < last
    )


_AROUND: Final = 160  # code points beside a drug, within its sentence
# Who takes a drug up again, or smokes, is no former user; who has a second stroke had one before.
_GIVEN_UP: Final = DRUGS | {SemanticType.SOCIAL}
_CHILD: Final = re.compile(
    r"\b(?:child\w*|infan\w*|toddler|bab(?:y|ies)|newborn|birth|p(?:a)?ediatric|adolescen\w*|"
    r"teen\w*|school|boy|girl|youth|age (?:of )?(?:\d|1[0-7])\b)",
    re.IGNORECASE,
)
_ALLERGIC: Final = frozenset({DrugStatus.ALLERGY, DrugStatus.INTOLERANCE})
_UNSAID: Final = frozenset({Assertion.NEGATED, Assertion.FAMILY, Assertion.HYPOTHETICAL})
_ALLERGY_NAME: Final = re.compile(r"allerg|anaphyla|hypersens", re.IGNORECASE)


def _fits(note: Derived, asked: Asked, said: Said, every: Sequence[Said]) -> bool:
    text = note.document.text
    gone = (Assertion.PRESENT, Assertion.UNCERTAIN)
    match asked:
        case Asked.NEGATED | Asked.NOT_TAKING:
            over = asked is Asked.NOT_TAKING and said.assertion is Assertion.HISTORICAL
            denied = said.assertion is Assertion.NEGATED or over
            return denied and not any(s.assertion in gone and s.status in gone for s in every)
        case Asked.FAMILY:
            return said.assertion is Assertion.FAMILY and not denied_of_kin(text, said.start)
        case Asked.NO_FAMILY:
            # "Other than her daughter there are no other family members with it."
            told = [s for s in every if s.assertion is Assertion.FAMILY]
            return said in told and all(denied_of_kin(text, s.start) for s in told)
        case Asked.PAST:
            return said.assertion is Assertion.HISTORICAL
        case Asked.REFUSED:
            return tells_refusal(text, said.start, said.end)
        case Asked.PREVENTED:
            return tells_prevention(text, said.start, said.end)
        case Asked.STOPPED:
            over = said.assertion is Assertion.HISTORICAL and not stands(every)
            return over and not allergic(text, said)
        case Asked.CHILDHOOD:
            around = text[max(0, said.start - 80) : said.end + 80]
            return said.assertion not in HIDDEN and _CHILD.search(around) is not None
        case _:  # allergy, intolerance
            return said.assertion not in _UNSAID and allergic(text, said)


def _of_relatives(note: Derived, want: Want, fits: list[Said]) -> tuple[float, list[Said]]:
    """Weigh a family's illness by whose it is: an aunt's is not the mother's; where a note names
    nobody it may be."""
    told = [(each, told_of(note.document.text, each.start, each.end)) for each in fits]
    own = [each for each, whose in told if whose & want.relatives]
    open_ = [each for each, whose in told if not whose]
    return (FULLY, own) if own else (PARTLY if open_ else AGAINST, open_)


def allergic(text: str, said: Said) -> bool:
    """Say whether a place tells of a reaction to a drug, not of its use."""
    if _ALLERGY_NAME.search(text, said.start, said.end):
        return True
    return drug_status(text, Offsets(said.start, said.end), said.assertion, said.section) in (
        _ALLERGIC
    )
