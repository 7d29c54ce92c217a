"""What a question wants to be true: its concepts, with the standing, number, side and dose asked.

Read once a question from its words; `rankers.judge` holds the notes found against it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

from indexing.analysis import TOKEN
from indexing.language.assertion import NONE_KNOWN
from indexing.language.bounds import Bound, parse_bounds
from indexing.language.matcher import Matcher, Span
from indexing.language.other_meanings import is_title_word
from indexing.language.terminology import SemanticType, Terminology
from indexing.language.units import DURATIONS
from indexing.language.values import Side
from indexing.model import Assertion
from indexing.ports import AssertionMode
from rankers.ages import is_age
from rankers.asking import ASKING
from rankers.cues import DENIED, EFFECTS, ELSEWHERE, FAMILIES, Asked, QueryCue, cues
from rankers.graph import named
from rankers.joined_names import denied_apart
from rankers.kinds import is_whole
from rankers.latest import newest_words
from rankers.meanings import DRUGS, MEASURED, Meaning, Meanings
from rankers.qualified import ROUTES, is_form, qualities
from rankers.relatives import relatives
from rankers.short_names import number_behind, range_behind, told_as
from rankers.sided import side_of
from rankers.stretches import manners, stretches

MOST_WANTS = 6  # of one question; a pasted text is a subject, not a list of demands
MOST_BETWEEN = 3  # words between a name and its number
LEAST_COVERED = 0.7  # below it a concept is one word among others: "foods that may block cancer"
# Below it a text only touches on what it names: "the risk of cancer is not lower in those who …"
# states something, it does not ask for notes that deny cancer.
LEAST_ABOUT = 0.5
MOST_UNNAMED = 4  # words that mean nothing known and are still looked for as they stand
MOST_MEASURED = 12  # words around a name and its number; a longer text tells more than it asks
LONGEST = 300  # code points; a longer text is not read as a question

_UNSIDED: Final = DRUGS | MEASURED | {SemanticType.ANATOMY, SemanticType.SPECIALTY}
# "Hgb drop > 2" limits by how much it changed; "creatinine rise above 3" to what.
_CHANGE: Final = re.compile(
    r"\b(?:drop(?:ped)?|fall|fell|decreased?|declined?|rise|increase|change|"
    r"(?:rose|increased|changed)(?= by))(?: by)?\s*$",
    re.IGNORECASE,
)
_REACHED: Final = re.compile(r"(?:at or )?above|over|exceeding", re.IGNORECASE)
_OF_DRUGS: Final = frozenset({Asked.TAKING, Asked.NOT_TAKING, Asked.ALLERGY, Asked.INTOLERANCE})
_TREATMENTS: Final = DRUGS | {SemanticType.PROCEDURE, SemanticType.DEVICE}
_NOTHING: Final = Meaning(frozenset())
# A limit beside these is one of age, which notes write otherwise: "a 69-year-old".
_AGED: Final = frozenset(
    "age aged ages patient patients pts people person adults men man women woman males females "
    "boys girls children kids elderly seniors adolescents teens teenagers infants toddlers "
    "individuals anyone anybody someone".split()
)
_IN: Final = re.compile(r"\s+(?:in|during)\s+", re.IGNORECASE)  # "TSH in pregnancy > 4"
_BY_AGE: Final = re.compile(r"(?:over|under|older|younger)\b", re.IGNORECASE)
_TIMES: Final = re.compile(r"\s*(?:times|episodes)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Want:
    """One thing asked about: `words`, from `start` to `end` of the question, and what they mean.
    What means nothing known is looked for as it stands. `exact`: a note that does not name it
    is no answer; a drug by its own name, letters that are a title too, what is asked the newest of.
    `relatives` are those of the family that are asked for, none for all of it; `quality` is how a
    drug is given, how bad an illness is, in which lobe.
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
        """Say whether a drug is asked for in a form that a note would name."""
        return self.drug and bool(self.quality - ROUTES)


@dataclass(frozen=True, slots=True)
class Wants:
    """Everything asked, and the cues that said so. `mode` is what the full text and the graph are
    asked for, given that the question and the request name none; `covered` is the share of the
    question's words that name a concept; with `either` one of the wants is enough."""

    wants: tuple[Want, ...] = ()
    cues: tuple[QueryCue, ...] = ()
    bounds: tuple[Bound, ...] = ()
    mode: AssertionMode | None = None
    covered: float = 0.0
    either: bool = False

    @property
    def read(self) -> bool:
        """Say whether the notes themselves must be read to tell: more is asked than the graph
        knows, or nothing that it knows."""
        named = any(want.concepts for want in self.wants)
        if any(want.asked is Asked.ANY for want in self.wants) and not named:
            return False
        return bool(self.wants) and (
            not named or any(w.particular or w.exact or w.quality for w in self.wants)
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


@dataclass(frozen=True, slots=True)
class _Question:
    """A text with what was found in it. `carried` are standings that lie in a name, by place."""

    text: str
    spans: tuple[Span, ...]
    cues: tuple[QueryCue, ...]
    bounds: tuple[Bound, ...]
    carried: dict[int, Asked]
    implied: Asked | None
    whose: frozenset[int]  # where spans begin that only say in whom or what a thing is measured

    def asked(self, span: Span, kind: SemanticType) -> Asked:
        """Return what is asked of a span: by a leading cue of its whole stretch, by a trailing one
        of what stands last before it, or by its own name."""
        if self.implied is Asked.ANY:
            return self.implied
        if NONE_KNOWN.fullmatch(self.text, span.start, span.end):
            return Asked.NEGATED  # whether the terminology knows the letters or not
        for cue in self.cues:
            if cue.asked in (Asked.TAKING, Asked.NOT_TAKING) and kind not in DRUGS:
                continue
            if cue.asked in EFFECTS and kind not in _TREATMENTS:
                continue
            if cue.asked is Asked.PREVENTED and kind in _TREATMENTS:
                continue  # "Macrodantin prophylaxis"
            inside = cue.first <= span.start and span.end <= cue.last
            if inside and (cue.first >= cue.end or cue.start - span.end <= 2):
                return cue.asked
        return self.carried.get(span.start) or self.implied or Asked.PRESENT

    def bound(self, span: Span, kind: SemanticType | None) -> Bound | None:
        """Return the condition on the number that follows a span before anything else is named.
        Durations are none, and what equals a number is a dose or a measurement."""
        bound = next((b for b in self.bounds if span.end <= b.start), None)
        if bound is None or bound.unit in DURATIONS or span.start in self.whose:
            return None
        if kind is not None and kind not in DRUGS | MEASURED:
            name = f"{self.text[span.start : span.end]} {span.name}"
            if bound.op == "=" or is_age(name, bound):
                return None
        between = self.text[span.end : bound.start].lower().split()
        if len(between) > MOST_BETWEEN or _TIMES.match(self.text, bound.end):
            return None
        measured = kind in MEASURED and not _BY_AGE.match(self.text, bound.start)
        if not (measured or _AGED.isdisjoint(between)):
            return None  # "creatinine in men > 1.5" tells no age
        if between and between[0][0].isdigit():
            return None  # of another name: "CA 19-9 over 100"
        changes = _CHANGE.search(self.text, span.start, bound.start)
        if changes and bound.op in (">", ">=") and not _REACHED.match(self.text, bound.start):
            return None
        named = [s for s in self.spans if s.start not in self.whose]
        return None if any(span.end <= s.start < bound.start for s in named) else bound

    @property
    def has_or(self) -> bool:
        """Say whether "or" stands between what is asked, and in no limit: "40 or under"."""
        found = (match.start() for match in _OR.finditer(self.text))
        return any(not any(b.start <= at < b.end for b in self.bounds) for at in found)

    def covered(self) -> float:
        """Return the share of the words that name concepts; what a cue, a number or a side asks of
        them is not counted."""
        inside = sum(len(TOKEN.findall(self.text[s.start : s.end])) for s in self.spans)
        outside = sum(len(TOKEN.findall(self.text[a:b])) for a, b in self.stretches())
        return inside / (inside + outside) if inside else 0.0

    def demands(self, wants: Sequence[Want]) -> bool:
        """Say whether the text is a question about what it names, or a few words as they stand."""
        length = len(TOKEN.findall(self.text))
        # A whole sentence tells something: it asks for no note that denies it too.
        if is_whole(self.text) and length > MOST_UNNAMED:
            return False
        measured = any(want.bound is not None and want.concepts for want in wants)
        if measured and length <= MOST_MEASURED:
            return True  # who names a number of it asks for that, whatever stands around
        if self.spans:
            return self.covered() >= LEAST_ABOUT
        words = (len(TOKEN.findall(self.text[a:b])) for a, b in self.stretches())
        return sum(words) <= MOST_UNNAMED

    def stretches(self) -> list[tuple[int, int]]:
        """Return the runs of content words between names, cues, numbers, sides and times."""
        taken = [(span.start, span.end) for span in self.spans]
        taken += [(cue.start, cue.end) for cue in self.cues]
        taken += [(bound.start, bound.end) for bound in self.bounds]
        return stretches(self.text, taken, dosed=bool(self.bounds))

    def relatives(self, span: Span) -> frozenset[str]:
        """Return whose illness is asked where the family's is: "mother with"."""
        told = [
            self.text[cue.start : cue.end]
            for cue in self.cues
            if cue.asked in FAMILIES and cue.first <= span.start and span.end <= cue.last
        ]
        return relatives(" ".join(told))


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
        wants += self._unnamed(question, [want.bound for want in wants])
        if len(wants) > MOST_WANTS or not question.demands(wants):
            return Wants(bounds=question.bounds)
        # The newest note that is only near is not the latest of it; MS is nobody's "Ms.".
        if newest_words(text) or is_title_word(text):
            wants = [replace(want, exact=True) for want in wants]
        mode = None if implied else _mode(wants)
        # "No fever or chills" denies both.
        either = either or (question.has_or and not _denied(wants))
        return Wants(tuple(wants), question.cues, question.bounds, mode, question.covered(), either)

    def _question(self, text: str, implied: Asked | None) -> _Question:
        found = cues(text)
        spans: list[Span] = []
        carried: dict[int, Asked] = {}
        within: set[QueryCue] = set()
        for span in denied_apart(self._matcher, text, named(self._matcher, text), found):
            if any(cue.start <= span.start and span.end <= cue.end for cue in found):
                continue  # "allergy" in "penicillin allergy"
            if span.ambiguous and text[span.start : span.end].lower() in ASKING:
                continue  # "pt is DNR"
            part, cue, asked = self._apart(text, span, found)
            spans.append(part)
            within |= {cue} if cue else set()
            if asked is not None:
                carried[part.start] = asked
        kept = tuple(cue for cue in found if cue in within or self._counts(text, cue, spans))
        measured = [s for s in spans if self._meanings.kind(s.concept_id) in MEASURED]
        bounds = parse_bounds(text)
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
        return _Question(text, tuple(spans), kept, tuple(bounds), carried, implied, whose)

    def _apart(
        self, text: str, span: Span, found: Iterable[QueryCue]
    ) -> tuple[Span, QueryCue | None, Asked | None]:
        """Take "former smoker" apart into the cue and "smoker", where that names the same thing or
        one that can stand in several ways; with the cue, or with what the name itself carries."""
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

    def _counts(self, text: str, cue: QueryCue, spans: Sequence[Span]) -> bool:
        """Say whether a cue holds for anything, and is no part of a name."""
        if any(s.start < cue.end and cue.start < s.end for s in spans):
            return False
        governed = [s for s in spans if s.start >= cue.first and s.end <= cue.last]
        if cue.asked in _OF_DRUGS:
            taking = cue.asked in (Asked.TAKING, Asked.NOT_TAKING)
            drugs = any(self._meanings.kind(span.concept_id) in DRUGS for span in governed)
            return drugs or not (governed or taking)
        if cue.asked in EFFECTS or cue.asked is Asked.PREVENTED:
            of = [self._meanings.kind(span.concept_id) in _TREATMENTS for span in governed]
            return any(of) if cue.asked in EFFECTS else not all(of)
        if any(start <= cue.start < end for start, end in manners(text)):
            return False
        return bool(governed) or (not cue.plain and cue.last > cue.first)

    def _want(self, question: _Question, span: Span) -> Want:
        each = [self._meanings.of(c) for c in span.candidates or (span.concept_id,)]
        meaning = each[0]
        if len(each) > 1:
            meaning = Meaning(frozenset().union(*(one.concepts for one in each)))
        asked = question.asked(span, meaning.kind)
        bound = question.bound(span, meaning.kind)
        if bound is not None and asked is Asked.PRESENT:
            told = told_as(self._terminology, span.concept_id)
            meaning = replace(
                meaning, concepts=meaning.concepts | told.concepts,
                own=meaning.own | told.concepts, itself=meaning.itself | told.concepts,
                alike=meaning.alike - told.concepts, short=meaning.short + told.short,
            )  # fmt: skip
        return Want(
            span.start, span.end, question.text[span.start : span.end], meaning,
            asked, bound, None if meaning.kind in _UNSIDED else side_of(question.text, span),
            meaning.kind is SemanticType.DRUG and len(question.spans) == 1,
            question.relatives(span),
            qualities(question.text, span.start, span.end, meaning.kind),
        )  # fmt: skip

    def _unnamed(self, question: _Question, told: Sequence[Bound | None]) -> list[Want]:
        """Return the stretches of words that name no concept, where a cue or a number asks about
        them, or where the question has nothing else. A number that is `told` of a concept is told
        of nothing else."""
        wants = []
        for start, end in question.stretches():
            span, words = Span(start, end, "", ""), question.text[start:end]
            asked, bound = question.asked(span, SemanticType.OTHER), question.bound(span, None)
            if bound is not None and words.split()[-1].lower() in _AGED:
                continue
            bound = None if bound in told else bound
            if question.spans and bound is None and asked is Asked.PRESENT:
                continue
            meaning = Meaning(frozenset(), alike=self._meanings.alike_words(words))
            side, whose = side_of(question.text, span), question.relatives(span)
            wants.append(Want(start, end, words, meaning, asked, bound, side, relatives=whose))
        return wants


_OR: Final = re.compile(r"\bor\b", re.IGNORECASE)


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
