"""What a question wants to be true: its concepts, with the standing, number, side and dose asked.

Read once a question from its words; `rankers.judge` holds the notes found against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from indexing.language.bounds import Bound, parse_bounds
from indexing.language.matcher import Matcher, Span
from indexing.language.other_meanings import is_title_word
from indexing.language.persistence import is_chronic
from indexing.language.terminology import SemanticType, Terminology
from indexing.language.values import Side
from indexing.model import Assertion
from indexing.ports import AssertionMode
from rankers.asking import ASKING
from rankers.cues import CANDIDACY, DENIED, EFFECTS, ELSEWHERE, Asked, QueryCue, cues
from rankers.graph import named
from rankers.joined_names import denied_apart
from rankers.latest import newest_words
from rankers.meanings import DRUGS, MEASURED, Meaning, Meanings
from rankers.pregnancy import weeks_asked
from rankers.qualified import ILLS, POSITIVE, ROUTES, is_form, qualities
from rankers.question import (
    AGED,
    LEAST_ABOUT,
    OF_TREATMENTS,
    TREATMENTS,
    Question,
    is_inability,
    is_taken_out,
    taken,
)
from rankers.short_names import number_behind, range_behind, told_as
from rankers.sided import side_of
from rankers.stretches import manners

MOST_WANTS = 6  # of one question; a pasted text is a subject, not a list of demands
LEAST_COVERED = 0.7  # below it a concept is one word among others: "foods that may block cancer"
LONGEST = 300  # code points; a longer text is not read as a question

_UNSIDED: Final = DRUGS | MEASURED | {SemanticType.ANATOMY, SemanticType.SPECIALTY}
_OF_DRUGS: Final = frozenset({Asked.TAKING, Asked.NOT_TAKING, Asked.ALLERGY, Asked.INTOLERANCE})
_IN: Final = re.compile(r"\s+(?:in|during)\s+", re.IGNORECASE)  # "TSH in pregnancy > 4"
_SURGICAL: Final = re.compile("surgical|operative", re.IGNORECASE)  # "surgical candidate"
_DID: Final = re.compile(r"[ ](?:reactions?|toxicity|withdrawal)\b", re.IGNORECASE)
_ON: Final = re.compile(
    r"[ ](?:while[ ])?(?:on|taking)[ ](?:(?:a|an|the|his|her)[ ])?", re.IGNORECASE
)
_CAME_OF: Final = re.compile(
    r"[ ,]*(?:(?:was|were|is)[ ])?(?:from|due to|d/t|2/2|because of|caused by|secondary to|"
    r"induced by|related to|attributed to)[ ](?:(?:a|an|the|his|her)[ ])?",
    re.IGNORECASE,
)
_SHOWED: Final = re.compile(
    r"[ ](?:scan[ ])?(?:that[ ])?(?:show(?:s|ed|ing)|reveal(?:s|ed|ing)|demonstrat(?:es|ed|ing)|"
    r"positive for|consistent with|suggest(?:s|ed|ing|ive of)|found)[ ](?:(?:an?|any)[ ])?",
    re.IGNORECASE,
)
_POSITIVE: Final = re.compile(r"positive[ ]", re.IGNORECASE)
_SNELLEN: Final = re.compile(r"(?<![\w/.])20/(?:1[05]|[2-9]\d|[1-8]00|\d{3})(?![\w/])")
_NOTHING: Final = Meaning(frozenset())


@dataclass(frozen=True, slots=True)
class Want:
    """One thing asked about: `words`, from `start` to `end` of the question, and what they mean.
    What means nothing known is looked for as it stands. `exact`: a note that does not name it
    is no answer; a drug by its own name, letters that are a title too, what is asked the newest of.
    `relatives` are those of the family that are asked for, none for all of it; `quality` is how a
    drug is given, how bad an illness is, in which lobe. `during` is what happened on a drug:
    "seizure on tramadol", which is often stopped for it.
    """

    start: int
    end: int
    words: str
    meaning: Meaning = _NOTHING
    asked: Asked = Asked.PRESENT
    bound: Bound | None = None
    side: Side | None = None
    exact: bool = False
    relatives: frozenset[str] = frozenset()
    quality: frozenset[str] = frozenset()
    during: frozenset[str] = frozenset()

    @property
    def concepts(self) -> frozenset[str]:
        """What means it, or something narrower."""
        return self.meaning.concepts

    @property
    def drug(self) -> bool:
        """Say whether it is a drug or a class of drugs."""
        return self.meaning.kind in DRUGS

    @property
    def particular(self) -> bool:
        """Say whether more is asked than that the patient has it."""
        standing = self.asked not in (Asked.PRESENT, Asked.ANY)
        return standing or self.form_asked or (self.bound, self.side) != (None, None)

    @property
    def form_asked(self) -> bool:
        """Say whether a drug is asked for in a form that a note would name, or a positive test."""
        return POSITIVE in self.quality or (self.drug and bool(self.quality - ROUTES))


@dataclass(frozen=True, slots=True)
class Wants:
    """Everything asked, and the cues that said so. `mode` is what the full text and the graph are
    asked for, given that the question and the request name none; `covered` is the share of the
    question's words that name a concept; with `either` one of the wants is enough. `beside` is what
    a question names among more words than names: it demands none of it, and still a note that says
    it only of somebody else, or denies it, is further off. `linked`: the one came of the other,
    "rash from allopurinol", which a note tells in one sentence."""

    wants: tuple[Want, ...] = ()
    cues: tuple[QueryCue, ...] = ()
    bounds: tuple[Bound, ...] = ()
    mode: AssertionMode | None = None
    covered: float = 0.0
    either: bool = False
    beside: tuple[Want, ...] = ()
    linked: bool = False

    @property
    def read(self) -> bool:
        """Say whether the notes themselves must be read to tell: more is asked than the graph
        knows, or nothing that it knows."""
        named = any(want.concepts for want in self.wants)
        if any(want.asked is Asked.ANY for want in self.wants) and not named:
            return False
        return bool(self.wants) and (
            not named
            or self.linked
            or any(w.particular or w.exact or w.quality for w in self.wants)
        )

    @property
    def unheld(self) -> bool:
        """Say whether a limit is set that no note is held against: "older than 65"."""
        held = [want.bound for want in self.wants]
        return any(bound.op != "=" and bound not in held for bound in self.bounds)

    @property
    def whole(self) -> bool:
        """Say whether the things asked about are what the question is about."""
        return self.covered >= LEAST_COVERED


class Reader:
    """Reads questions by one terminology; safe to share between threads."""

    def __init__(self, terminology: Terminology, matcher: Matcher) -> None:
        self._terminology, self._matcher = terminology, matcher
        self._meanings = Meanings(terminology, matcher)

    def read(self, text: str, implied: Asked | None = None, *, either: bool = False) -> Wants:
        """Read a question; `implied` is what `assertion:` or its section asks for throughout,
        `either` says that OR stands between its parts."""
        if len(text) > LONGEST:
            return Wants()
        question = self._question(text, implied)
        wants = [self._want(question, span) for span in question.spans]
        if any(want.drug and want.quality for want in wants):
            wants = [want for want in wants if not (want.drug and is_form(want.words))]
        wants = [_happened(text, wants, want) for want in wants]
        linked = (
            len(wants) == 2 and _CAME_OF.fullmatch(text, wants[0].end, wants[1].start) is not None
        )
        shown = len(wants) == 2 and _is_shown(text, *wants)
        wants = wants[1:] if shown else wants  # who has no appendicitis had the CT too
        wants += _fractions(text)
        wants += self._unnamed(question, [want.bound for want in wants])
        known = [want for want in wants if want.concepts]
        measured = any(want.bound is not None for want in known)
        denied = any(want.asked in DENIED for want in known)
        if len(wants) > MOST_WANTS or not question.demands(measured=measured, denied=denied):
            few = not question.is_told and len(wants) <= MOST_WANTS
            return Wants(bounds=question.bounds, beside=tuple(known) if few else ())
        # The newest note that is only near is not the latest of it; MS is nobody's "Ms.".
        if newest_words(text) or is_title_word(text):
            wants = [replace(want, exact=True) for want in wants]
        mode = None if implied else _mode(wants)
        if mode == "negated" and question.covered() < LEAST_ABOUT:
            mode = "any"  # "slid out of bed, no injury": the rest is not what is denied
        # "No fever or chills" denies both.
        either = either or (question.has_or and not _denied(wants))
        return Wants(
            tuple(wants), question.cues, question.bounds, mode,
            1.0 if shown else question.covered(), either, linked=linked,
        )  # fmt: skip

    def _question(self, text: str, implied: Asked | None) -> Question:
        found = cues(text)
        spans: list[Span] = []
        carried: dict[int, Asked] = {}
        within: set[QueryCue] = set()
        for span in denied_apart(self._matcher, text, named(self._matcher, text), found):
            if any(cue.start <= span.start and span.end <= cue.end for cue in found):
                continue  # "allergy" in "penicillin allergy"
            if self._is_event(text, span, found):
                continue
            if span.ambiguous and text[span.start : span.end].lower() in ASKING:
                continue  # "pt is DNR"
            part, cue, asked = self._apart(text, span, found)
            spans.append(part)
            within |= {cue} if cue else set()
            if asked is not None:
                carried[part.start] = asked
        kept = tuple(cue for cue in found if cue in within or self._counts(text, cue, spans))
        measured = [s for s in spans if self._meanings.kind(s.concept_id) in MEASURED]
        bounds = weeks_asked(text, parse_bounds(text))
        for span in measured:
            behind = range_behind(text, span.end) or number_behind(text, span.end)
            if behind and not any(b.start < behind.end and behind.start < b.end for b in bounds):
                bounds = sorted([*bounds, behind], key=lambda each: each.start)
        whose = frozenset(
            span.start
            for before, span in pairwise(spans)
            if _IN.fullmatch(text, before.end, span.start)
            and self._meanings.kind(before.concept_id) in MEASURED
            and self._meanings.kind(span.concept_id) not in DRUGS | MEASURED
        )
        return Question(text, tuple(spans), kept, tuple(bounds), carried, implied, whose)

    def _is_event(self, text: str, span: Span, found: Iterable[QueryCue]) -> bool:
        """Say whether what is denied of a drug is what it did: "no protamine reaction"."""
        denied = any(c.asked is Asked.NEGATED and c.first <= span.start < c.last for c in found)
        did = denied and _DID.match(text, span.end) is not None
        return did and self._meanings.kind(span.concept_id) in DRUGS

    def _apart(
        self, text: str, span: Span, found: Iterable[QueryCue]
    ) -> tuple[Span, QueryCue | None, Asked | None]:
        """Take "former smoker" apart into the cue and "smoker", where that names the same thing or
        one that can stand in several ways; with the cue, or with what the name itself carries."""
        span = self._tested(text, self._within(text, span, found))
        cue = next((c for c in found if span.start <= c.start and c.end <= span.end), None)
        if cue is not None:
            ahead = cue.start <= span.start
            first, last = (cue.end, span.end) if ahead else (span.start, cue.start)
            while first < last and not text[first].isalnum():
                first += 1
            base = self._meanings.base(text, first, last, cue.asked)
            if base is not None and (not cue.plain or base == span.concept_id):
                return Span(first, len(text[:last].rstrip()), base, span.name), cue, None
            thing = text[first:last].strip()
            denied = any(c.asked in DENIED and c.first <= span.start < c.last for c in found)
            if cue.asked is Asked.ALLERGY and not denied and span.name.startswith(thing.lower()):
                # Charts list "ALLERGIES: latex" and name no latex allergy.
                return Span(first, first + len(thing), span.concept_id, span.name), cue, None
        told = None if span.ambiguous else self._meanings.standing(span.concept_id)
        if told is None:
            return span, None, None
        return Span(span.start, span.end, told[1], span.name), None, told[0]

    def _within(self, text: str, span: Span, found: Iterable[QueryCue]) -> Span:
        """Leave to a denial what it takes along of a name: "no recent travel" denies travel, though
        "recent travel" is a name too."""
        for cue in found:
            if cue.asked in DENIED and cue.start < span.start < cue.first < span.end:
                base = self._meanings.base(text, cue.first, span.end, cue.asked)
                return Span(cue.first, span.end, base, span.name) if base is not None else span
        return span

    def _tested(self, text: str, span: Span) -> Span:
        """Take "positive blood cultures" apart, where it names a finding: a note tells the test and
        how it came out."""
        result = _POSITIVE.match(text, span.start, span.end)
        first = result.end() if result else span.start
        test = self._meanings.base(text, first, span.end, Asked.PRESENT) if result else None
        if test is None or self._meanings.kind(test) is not SemanticType.LAB_TEST:
            return span
        return Span(first, span.end, test, span.name, candidates=(test, span.concept_id))

    def _counts(self, text: str, cue: QueryCue, spans: Sequence[Span]) -> bool:
        """Say whether a cue holds for anything, and is no part of a name."""
        if any(s.start < cue.end and cue.start < s.end for s in spans):
            return False
        governed = [s for s in spans if s.start >= cue.first and s.end <= cue.last]
        if cue.asked in _OF_DRUGS:
            taking = cue.asked in (Asked.TAKING, Asked.NOT_TAKING)
            kinds = taken(text, cue)
            drugs = any(self._meanings.kind(span.concept_id) in kinds for span in governed)
            return drugs or not (governed or taking)
        if is_inability(text, cue):
            return not governed  # "unable to control pain" denies none
        if is_taken_out(text, cue):
            return any(self._meanings.kind(s.concept_id) is SemanticType.DEVICE for s in governed)
        if cue.asked in OF_TREATMENTS:
            of = [self._meanings.kind(span.concept_id) in TREATMENTS for span in governed]
            return not of or any(of)
        if cue.asked in EFFECTS or cue.asked is Asked.PREVENTED:
            of = [self._meanings.kind(span.concept_id) in TREATMENTS for span in governed]
            return any(of) if cue.asked in EFFECTS else not all(of)
        if any(start <= cue.start < end for start, end in manners(text)):
            return False
        return bool(governed) or (not cue.plain and cue.last > cue.first)

    def _want(self, question: Question, span: Span) -> Want:
        each = [self._meanings.of(c) for c in span.candidates or (span.concept_id,)]
        meaning = each[0]
        if len(each) > 1:
            kind = SemanticType.OTHER if span.ambiguous else meaning.kind
            meaning = Meaning(frozenset().union(*(one.concepts for one in each)), kind=kind)
        asked = question.asked(span, meaning.kind)
        bound = question.bound(span, meaning.kind)
        if bound is not None and asked is Asked.PRESENT:
            told = told_as(self._terminology, span.concept_id)
            meaning = replace(
                meaning, concepts=meaning.concepts | told.concepts,
                own=meaning.own | told.concepts, itself=meaning.itself | told.concepts,
                alike=meaning.alike - told.concepts, short=meaning.short + told.short,
            )  # fmt: skip
        words, quality = question.text[span.start : span.end], frozenset[str]()
        if not (meaning.kind in DRUGS and is_form(words)):  # an "inhaler" is none that is inhaled
            quality = qualities(question.text, span.start, span.end, meaning.kind)
        return Want(
            span.start, span.end, words, meaning,
            asked, bound, None if meaning.kind in _UNSIDED else side_of(question.text, span),
            meaning.kind is SemanticType.DRUG and len(question.spans) == 1,
            question.relatives(span),
            quality,
        )  # fmt: skip

    def _unnamed(self, question: Question, told: Sequence[Bound | None]) -> list[Want]:
        """Return the stretches of words that name no concept, where a cue or a number asks about
        them, or where the question has nothing else. A number that is `told` of a concept is told
        of nothing else."""
        wants = []
        for start, end in question.stretches():
            span, words = Span(start, end, "", ""), question.text[start:end]
            asked, bound = question.asked(span, SemanticType.OTHER), question.bound(span, None)
            if bound is not None and words.split()[-1].lower() in AGED:
                continue
            bound = None if bound in told else bound
            if question.spans and bound is None and asked is Asked.PRESENT:
                continue
            meaning = Meaning(frozenset(), alike=self._meanings.alike_words(words))
            if asked in CANDIDACY and _SURGICAL.fullmatch(words):
                surgery = self._meanings.base("surgery", 0, len("surgery"), asked)
                meaning = self._meanings.of(surgery) if surgery else meaning
            side, whose = side_of(question.text, span), question.relatives(span)
            wants.append(Want(start, end, words, meaning, asked, bound, side, relatives=whose))
        return wants


def _is_shown(text: str, test: Want, shown: Want) -> bool:
    """Say whether a question asks what a test showed: "CT showed appendicitis"."""
    tests = MEASURED | {SemanticType.PROCEDURE}
    found = test.meaning.kind in tests and shown.meaning.kind in ILLS
    return found and _SHOWED.fullmatch(text, test.end, shown.start) is not None


def _fractions(text: str) -> list[Want]:
    """Return how well an eye sees by a chart, which a note has to say as it stands: "20/200"."""
    return [Want(*m.span(), m[0], exact=True) for m in _SNELLEN.finditer(text)]


def _happened(text: str, wants: Iterable[Want], drug: Want) -> Want:
    """Tell a drug what is asked to have happened on it, where that comes and goes."""
    if drug.asked is not Asked.TAKING:
        return drug
    for want in wants:
        lasts = want.meaning.kind not in ILLS or is_chronic(want.words.lower())
        if _ON.fullmatch(text, want.end, drug.start) and not lasts:
            return replace(drug, during=want.concepts)
    return drug


def _denied(wants: Iterable[Want]) -> bool:
    return any(want.asked in DENIED for want in wants)


def _mode(wants: Sequence[Want]) -> AssertionMode | None:
    """Return the view of the notes in which the words asked for stand; None for the usual one."""
    asked = {want.asked for want in wants}
    # "Nonsmoker" denies smoking without a denial; of what means nothing known no denial is marked.
    told = any(Assertion.NEGATED in want.meaning.told.values() for want in wants)
    if asked and asked <= {Asked.NEGATED} and not told and all(w.concepts for w in wants):
        return "negated"
    return "any" if asked & (ELSEWHERE | EFFECTS) and Asked.PRESENT not in asked else None
