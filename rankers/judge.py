"""Hold the notes that the legs found against what the question wants of them.

Two looks. `settled` asks the graph index what each note says of the concepts, and leaves out the
notes that only deny them: one statement for every hit of every leg. `sifted` reads the notes
themselves, best first, when the question asks for more: a standing ("former", "family history
of"), a number, a dose, a side.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final

from indexing.language.assertion import Offsets, assess
from indexing.language.readings import readings
from indexing.language.values import (
    DrugStatus,
    Measurement,
    Side,
    drug_status,
    side,
)
from indexing.model import Assertion, Section
from indexing.ports import Derived, Ranking
from indexing.views import HIDDEN
from rankers.cues import Asked
from rankers.explain import Fused, Signal
from rankers.near import kept
from rankers.wants import Want

# How well a note answers one want. AGAINST: it says something else of it.
AGAINST, SILENT, PARTLY, FULLY = 0.0, 0.55, 0.75, 1.0
MIXED = 0.5  # it goes against one thing asked and answers another

Standings = Mapping[str, Mapping[str, Assertion]]

_ONLY: Final[Mapping[Asked, Mapping[Assertion, float]]] = {
    Asked.PRESENT: {Assertion.PRESENT: FULLY, Assertion.UNCERTAIN: 0.9, Assertion.HISTORICAL: 0.85},
    Asked.CURRENT: {Assertion.PRESENT: FULLY},
    Asked.CONFIRMED: {Assertion.PRESENT: FULLY, Assertion.HISTORICAL: PARTLY},
    Asked.SUSPECTED: {Assertion.UNCERTAIN: FULLY, Assertion.PRESENT: PARTLY},
    Asked.HISTORY: {Assertion.HISTORICAL: FULLY, Assertion.PRESENT: PARTLY},
    Asked.TAKING: {Assertion.PRESENT: FULLY},
    Asked.ANY: dict.fromkeys(Assertion, FULLY),
}


@dataclass(frozen=True, slots=True)
class _Said:
    """One place of a note that speaks of what is asked."""

    start: int
    end: int
    assertion: Assertion
    status: Assertion
    cue: str
    section: Section | None


def concepts(wants: Iterable[Want]) -> list[str]:
    """Return every concept whose standing in a note decides anything."""
    found: set[str] = set()
    for want in wants:
        found |= want.concepts | want.broader | want.alike
    return sorted(found)


def settled(
    rankings: Mapping[str, Ranking],
    wants: Sequence[Want],
    standings: Standings,
    worded: Mapping[str, AbstractSet[str]],
) -> tuple[dict[str, Ranking], dict[str, float]]:
    """Leave out the notes that only deny what is asked, or that speak of a drug which merely looks
    like it; return the rest, and by how much the standing of some weighs less than full.

    `worded` maps words to the notes that hold them, mentioned as a concept or not.
    """
    every = {hit.doc_id for ranking in rankings.values() for hit in ranking.hits}
    weights: dict[str, float] = {}
    out: set[str] = set()
    found = any(_names(want, standings.get(d, {}), d, worded) for want in wants for d in every)
    for doc_id in every:
        said = standings.get(doc_id, {})
        each = [_weighed(want, said, doc_id, worded, found=found) for want in wants]
        if _left_out(wants, each):
            out.add(doc_id)
        elif (weight := min(each, default=FULLY) or MIXED) < FULLY:
            weights[doc_id] = weight
    if not out:
        return dict(rankings), weights
    return {leg: kept(ranking, every - out) for leg, ranking in rankings.items()}, weights


def _left_out(wants: Sequence[Want], weights: Sequence[float]) -> bool:
    """Say whether a note speaks against what is asked, and for none of it. What asks for more than
    a plain standing is left to the reading."""
    plain = [weight for want, weight in zip(wants, weights, strict=True) if _is_plain(want)]
    if not plain or any(weight != AGAINST for weight in plain):
        return False
    return len(plain) == len(wants)


def _is_plain(want: Want) -> bool:
    return want.asked is Asked.PRESENT


def _weighed(
    want: Want,
    said: Mapping[str, Assertion],
    doc_id: str,
    worded: Mapping[str, AbstractSet[str]],
    *,
    found: bool,
) -> float:
    """Return what a note's standing leaves of its score, for one thing asked."""
    if not _is_plain(want):
        return FULLY
    own = [said[concept] for concept in want.concepts if concept in said]
    if own:
        return max(_ONLY[Asked.PRESENT].get(status, AGAINST) for status in own)
    if doc_id in worded.get(want.words, ()):
        return FULLY
    if _denied_broadly(want, said) or any(concept in said for concept in want.alike):
        return AGAINST
    return AGAINST if want.exact and found else FULLY


def _names(
    want: Want,
    said: Mapping[str, Assertion],
    doc_id: str,
    worded: Mapping[str, AbstractSet[str]],
) -> bool:
    named = any(said.get(c, Assertion.NEGATED) not in HIDDEN for c in want.concepts)
    return named or doc_id in worded.get(want.words, ())


def _denied_broadly(want: Want, said: Mapping[str, Assertion]) -> bool:
    """A note that denies pain denies chest pain."""
    own = [said[concept] for concept in want.broader if concept in said]
    return bool(own) and all(status is Assertion.NEGATED for status in own)


def sifted(
    fused: Sequence[Fused], wants: Sequence[Want], notes: Mapping[str, Derived]
) -> list[Fused]:
    """Weigh hits by how well their notes answer, and leave out those that go against it. Hits whose
    note is not given keep their score."""
    weighed = []
    for hit in fused:
        note = notes.get(hit.doc_id)
        weight = FULLY if note is None else answers(note, wants)
        if weight > 0:
            weighed.append(scaled(hit, weight))
    ordered = sorted(weighed, key=lambda hit: (-hit.score, hit.doc_id))
    return [replace(hit, rank=rank) for rank, hit in enumerate(ordered, 1)]


def scaled(hit: Fused, weight: float) -> Fused:
    """Return a hit with a part of its score; its contributions still sum to it."""
    if weight == FULLY:
        return hit
    signals = {
        leg: Signal(s.rank, s.score, s.contribution * weight) for leg, s in hit.signals.items()
    }
    return replace(hit, score=hit.score * weight, signals=signals)


def answers(note: Derived, wants: Sequence[Want]) -> float:
    """Return how well a note answers all wants, 0 where it must not be shown."""
    weights = [(want, _answers(note, want)) for want in wants]
    if any(weight == AGAINST and want.particular for want, weight in weights):
        return AGAINST
    if all(weight == AGAINST for _, weight in weights):
        return AGAINST
    total = 1.0
    for _, weight in weights:
        total *= weight or MIXED
    return total


def _answers(note: Derived, want: Want) -> float:
    said = _said(note, want)
    if not said:
        return _silent(note, want)
    weight, kept = _standing(note, want, said)
    if weight == AGAINST:
        return AGAINST
    if want.side is not None:
        weight *= _sided(note, want.side, kept)
    if want.bound is not None and weight:
        weight *= _measured(note, want, kept)
    return weight


def _silent(note: Derived, want: Want) -> float:
    """Weigh a note that says nothing of it."""
    broader = {m.assertion for m in note.mentions if m.concept_id in want.broader}
    if want.asked is Asked.PRESENT and broader == {Assertion.NEGATED}:
        return AGAINST
    if any(m.concept_id in want.alike for m in note.mentions):
        return AGAINST
    return SILENT


def _said(note: Derived, want: Want) -> list[_Said]:
    """Return where a note speaks of it: its mentions, and else its words as they stand."""
    found = [
        _Said(m.start, m.end, m.assertion, m.status, m.cue.text if m.cue else "",
              _section(note.sections, m.start))
        for m in note.mentions
        if m.concept_id in want.concepts
    ]  # fmt: skip
    return found or _worded(note, want.words)


MOST_PLACES = 6  # of the same words in one note, judged
_AROUND = 300  # characters on both sides that decide what is said of them


def _worded(note: Derived, words: str) -> list[_Said]:
    text = note.document.text
    apart = r"[\W_]+".join(re.escape(word) for word in words.split())
    spelled = re.compile(rf"(?<!\w){apart}(?!\w)", re.IGNORECASE)
    found = []
    for match, _ in zip(spelled.finditer(text), range(MOST_PLACES), strict=False):
        part = _section(note.sections, match.start())
        first = max(part.start if part else 0, match.start() - _AROUND)
        last = min(part.end if part else len(text), match.end() + _AROUND)
        place = Offsets(match.start() - first, match.end() - first)
        inner = (
            (Section(0, max(0, part.body - first), last - first, part.name, part.loinc),)
            if part and part.name
            else ()
        )
        (judged,) = assess(text[first:last], inner, [place])
        cue = judged.cue.text if judged.cue else ""
        said = judged.assertion
        found.append(_Said(match.start(), match.end(), said, said, cue, part))
    return found


def _section(sections: Sequence[Section], at: int) -> Section | None:
    return next((s for s in sections if s.start <= at < s.end), None)


def _standing(note: Derived, want: Want, said: list[_Said]) -> tuple[float, list[_Said]]:
    """Return how well what is said fits the standing asked for, and the places that fit."""
    if want.asked in _ONLY:
        weights = _ONLY[want.asked]
        fits = [s for s in said if weights.get(_label(s), 0.0)]
        return max((weights[_label(s)] for s in fits), default=AGAINST), fits
    fits = [s for s in said if _fits(note, want.asked, s, said)]
    return (FULLY if fits else AGAINST), fits


def _label(said: _Said) -> Assertion:
    """Hidden where the mention or the note as a whole hides it; else what the note says."""
    if said.assertion in HIDDEN:
        return said.assertion
    return said.status if said.status in HIDDEN else said.assertion


_NONE_OF: Final = re.compile(
    r"\b(?:no|denie[sd]|denying|negative|without|not|non-?contributory|unremarkable|none)\b"
    r"[^.;:\n]{0,40}$",
    re.IGNORECASE,
)
_CHILD: Final = re.compile(
    r"\b(?:child\w*|infan\w*|toddler|bab(?:y|ies)|newborn|birth|p(?:a)?ediatric|adolescen\w*|"
    r"teen\w*|school|boy|girl|youth|age (?:of )?(?:\d|1[0-7])\b)",
    re.IGNORECASE,
)
_ALLERGIC: Final = frozenset({DrugStatus.ALLERGY, DrugStatus.INTOLERANCE})
_ALLERGY_NAME: Final = re.compile(r"allerg|anaphyla|hypersens", re.IGNORECASE)


def _fits(note: Derived, asked: Asked, said: _Said, every: Sequence[_Said]) -> bool:
    text = note.document.text
    gone = (Assertion.PRESENT, Assertion.UNCERTAIN)
    match asked:
        case Asked.NEGATED | Asked.NOT_TAKING:
            over = asked is Asked.NOT_TAKING and said.assertion is Assertion.HISTORICAL
            denied = said.assertion is Assertion.NEGATED or over
            return denied and not any(_label(s) in gone and s.status in gone for s in every)
        case Asked.FAMILY:
            return said.assertion is Assertion.FAMILY and not _none_of(text, said)
        case Asked.NO_FAMILY:
            return said.assertion is Assertion.FAMILY and _none_of(text, said)
        case Asked.PAST:
            return said.assertion is Assertion.HISTORICAL
        case Asked.STOPPED:
            stands = any(s.status is Assertion.PRESENT for s in every)
            return (
                said.assertion is Assertion.HISTORICAL and not stands and not _allergic(text, said)
            )
        case Asked.CHILDHOOD:
            around = text[max(0, said.start - 80) : said.end + 80]
            return said.assertion not in HIDDEN and _CHILD.search(around) is not None
        case _:  # allergy, intolerance
            return said.assertion not in _UNSAID and _allergic(text, said)


_UNSAID: Final = frozenset({Assertion.NEGATED, Assertion.FAMILY, Assertion.HYPOTHETICAL})


def _allergic(text: str, said: _Said) -> bool:
    if _ALLERGY_NAME.search(text, said.start, said.end):
        return True
    return drug_status(text, Offsets(said.start, said.end), said.assertion, said.section) in (
        _ALLERGIC
    )


def _none_of(text: str, said: _Said) -> bool:
    """Say whether a relative's disease is denied: "no family history of stroke"."""
    return _NONE_OF.search(text, max(0, said.start - 60), said.start) is not None


def _sided(note: Derived, wanted: Side, said: Iterable[_Said]) -> float:
    found = {side(note.document.text, Offsets(s.start, s.end)) for s in said}
    if found & {wanted, Side.BILATERAL} or (wanted is Side.BILATERAL and len(found - {None}) > 1):
        return FULLY
    return AGAINST if found - {None} else PARTLY


def _measured(note: Derived, want: Want, said: Sequence[_Said]) -> float:
    """Weigh the numbers that stand with it."""
    bound = want.bound
    assert bound is not None  # asked for by the caller
    text = note.document.text
    others = [m.start for m in note.mentions]
    found = [
        value for s in said for value in readings(text, s.start, s.end, others, dose=want.drug)
    ]
    if not found:
        return PARTLY
    return FULLY if any(_holds(want, value) for value in found) else AGAINST


def _holds(want: Want, found: Measurement) -> bool:
    bound = want.bound
    assert bound is not None  # asked for by the caller
    if bound.holds(found.value, found.unit):
        return True
    return found.upper is not None and bound.holds(found.upper, found.unit)
