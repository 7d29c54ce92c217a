"""What a mention says of this patient: present, negated, uncertain, hypothetical, and so on.

The scheme is ConText's (Harkema et al. 2009): a cue opens a scope to its right or left within its
sentence; closing words end it; the mentions inside take the cue's label. One label per mention, in
the order family, negated, hypothetical, uncertain, historical, present; `historical` and `family`
are reported beside it, because "no history of stroke" is both.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

from indexing.language.callers import of_kin, of_patient
from indexing.language.circumstances import is_circumstance, is_purpose
from indexing.language.consent import risks_told
from indexing.language.cues import Hit, Kind, Reach, Rule, find, fold
from indexing.language.denied_lines import Carried, carried
from indexing.language.headings_say import headings_say
from indexing.language.hearsay import refuted
from indexing.language.letters import letters
from indexing.language.marks import NEGATES, marks
from indexing.language.persistence import (
    goes_on,
    is_chronic,
    is_event,
    is_given_up,
    named_young,
    outgrown,
)
from indexing.language.scope import CELLS, Scope, scopes
from indexing.language.sentences import sentence_starts
from indexing.language.surgical import asked_for, days_after
from indexing.language.told_apart import told_apart, within
from indexing.model import Assertion, Cue, Section


class HasOffsets(Protocol):
    """Anything with a place in the text."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


class Offsets(NamedTuple):
    """A bare place in the text."""

    start: int
    end: int


class Headed(NamedTuple):
    """What a heading says of each mention up to `until`."""

    until: int
    rules: tuple[Rule, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """`historical`: belongs to the history, whatever the label; `family`: is another person's.
    `cue` is what decided the label; None when nothing spoke against "present"."""

    assertion: Assertion
    historical: bool = False
    family: bool = False
    cue: Cue | None = None


_PRECEDENCE: Final = (
    (Kind.FAMILY, Assertion.FAMILY),
    (Kind.NOT_ASSESSED, Assertion.NOT_ASSESSED),
    (Kind.NEGATED, Assertion.NEGATED),
    (Kind.HYPOTHETICAL, Assertion.HYPOTHETICAL),
    (Kind.UNCERTAIN, Assertion.UNCERTAIN),
    (Kind.HISTORICAL, Assertion.HISTORICAL),
)
_PAST_PARTS: Final = frozenset(
    {"past_medical_history", "past_surgical_history", "social_history", "allergies"}
)
# Habits belong to the social history wherever they are written.
_HABIT: Final = re.compile(
    r"\b(?:alcohol|tobacco|smok\w+|cigarett\w+|etoh|drinks?|drinking|vap(?:es|ing)|"
    r"(?:illicit |recreational |iv |intravenous )?drugs?(?: use| abuse)?$|drug allerg\w+|"
    r"allergies)\b"
)
_SHOULD: Final = re.compile(r"\s*(should)\b")
_SHOULD_OCCUR: Final = re.compile(
    r"\b(should) (?:(?=[\w' ,/-]{2,60}? (?:occur|develop|recur|arise|worsen)\b)|"
    # A base verb after "should" is what is to be done: "she should rest and return".
    r"(?=(?:(?:the|his|her|your|any|new|these|this)[ ])?(?:[a-z-]+[ ]){1,2}"
    r"(?:return(?! (?:to|in|for|if|on|home|here))|progress|relapse|persist|reappear|spread|"
    r"fail|happen|deteriorate)\b)(?!(?:be|not|have|also|rest|come|continue|follow|take|stop)\b))"
)
_IF: Final = (Rule(Kind.HYPOTHETICAL, True, Reach.LIST),)
_ITEM: Final = re.compile(r"[-•*·>–]|\(?\d{1,2}[.)]\s")
_BLANK: Final = re.compile(r"\n[ \t\r]*\n")
# A line that is no item of a list of drugs or findings, and so no more of what its heading says.
_TURN: Final = re.compile(
    r"\n[ \t]*(?:you|your|patient|pt|he|she|we|please|continue|start|take|begin|keep|resume)\b",
    re.IGNORECASE,
)
_ENDED_BY_SENTENCES: Final = frozenset({Kind.HISTORICAL, Kind.NEGATED})
# In a family history: the patient after all.
_OF_PATIENT: Final = re.compile(
    r"\b(?:patient|pt)(?: (?:has|is|was|had|denies|reports|takes|does|herself|himself)\b|'s own\b)|"
    r"\b(?:she|he) (?:herself|himself)\b"
)
# Under allergies: a sentence of the story, not an item of the list.
_TOLD: Final = re.compile(
    r"\b(?:start(?:ed|s)?|presents?|admitted|treated|today|continued?|given|takes|taking)\b|"
    r"\b(?:of|with) (?:the|both|her|his|left|right)\b"
)
# "Diagnosed in 2019" dates the beginning; only an event is over since.
_BEGAN: Final = ("diagnosed", "dx", "since", "found", "began", "started", "onset", "post-")
_BEGINNING: Final = re.compile(
    r"\b(?:diagnosed|developed|found to have|started|began|begun|initiated|placed on|put on)\b"
)
_AGO: Final = ("ago", "back", "prior", "earlier", "last year")
_STARTED: Final = re.compile(r"\b(?:began|begun|started|starting|beginning|onset|commenced)\b")
_ONSET: Final = re.compile(r"\bonset of (?:the|his|her|this|these|their|current)? ?$")
_PAST_CUE: Final = re.compile(r"\b(?:history|hx|h/o|prior|previous|past|former)\b")


# A list of marked items ends at the first line that has no mark and is no item's next line.
_ITEM_MARK: Final = re.compile(r"(?:[-*•·–+]|\d{1,2}[.)])[ \t]*\S")
_BARE_LINE: Final = re.compile(r"\n(?![ \t\n]|[-*•·–+]|\d{1,2}[.)])")

_TELLING_PARTS: Final = _PAST_PARTS | {"family_history"}
# "No known (drug) allergies": letters that deny what they name.
NONE_KNOWN: Final = re.compile(r"nkd?a", re.IGNORECASE)
# What a list of allergies consists of where there are none: its heading then denies them, too.
_ALL_NONE: Final = re.compile(
    r"\s*((?:none|nkd?a|(?:no|denies)(?: \w+){0,3} allerg\w+)(?: known)?)"
    r"(?: to \w+(?: or \w+)?)?[\s.]*\Z", re.IGNORECASE,
)  # fmt: skip
_PLAIN: Final = Assessment(Assertion.PRESENT)
_HABITUAL: Final = Assessment(Assertion.PRESENT, historical=True)


@lru_cache(maxsize=16_384)
def _is_habit(words: str) -> bool:
    return _HABIT.search(words) is not None


def assess(
    text: str, sections: Sequence[Section], spans: Sequence[HasOffsets], *, named: bool = False
) -> list[Assessment]:
    """Judge each span, in the order given. Time is linear in the text and the spans. `named`: the
    spans are names of concepts, so that a denial inside one is part of it: "no appetite"."""
    if not spans:
        return []
    note = _Note(text, sections, named=named)
    return [note.judge(span.start, span.end) for span in spans]


class _Note:
    """One text with its cues; sentences and scopes are worked out where spans stand."""

    def __init__(self, text: str, sections: Sequence[Section], *, named: bool) -> None:
        self._text, self._named = text, named
        lined = fold(text)
        self._folded = lined.replace("\n", " ")
        self._sections = sections or (Section(0, 0, len(text), ""),)
        self._part_starts = [part.start for part in self._sections]
        words = [*of_patient(self._folded, find(self._folded)), *refuted(text, self._folded)]
        signs = [*marks(lined), *letters(text), *days_after(self._folded)]
        signs += risks_told(self._folded)
        self._hits = _merged(words, signs)
        self._hit_starts = [hit.start for hit in self._hits]
        self._sentences: dict[int, list[int]] = {}
        self._scopes: dict[tuple[int, int], list[Scope]] = {}
        self._headed: dict[int, Headed | None] = {}
        self._carried = carried(text)
        self._apart = told_apart(text, lined, self._folded)
        self._conditions = " if " in self._folded

    def judge(self, start: int, end: int) -> Assessment:
        if NONE_KNOWN.fullmatch(self._text, start, end):
            return Assessment(Assertion.NEGATED, cue=Cue(start, end, self._text[start:end]))
        number = max(0, bisect_right(self._part_starts, start) - 1)
        part = self._sections[number]
        heads = end <= part.body and part.name == "allergies"
        if heads and (none := _ALL_NONE.match(self._text, part.body, part.end)):
            return Assessment(Assertion.NEGATED, True, cue=Cue(*none.span(1), none[1]))
        first, last = self._sentence(number, start, end)
        if start >= part.body > first:
            first = part.body  # the heading speaks through the section, not as a cue
        governing = self._scopes.get((first, last))
        if governing is None:
            governing = self._governing(number, first, last)
            if self._apart:
                governing += within(self._apart, first, last)
            self._scopes[first, last] = governing
        found: dict[Kind, Scope] = {}
        for scope in governing:
            inside = start <= scope.cue_start and scope.cue_end <= end
            if inside and self._named and scope.kind is Kind.NEGATED:
                continue
            if scope.kind not in found and scope.covers(self._folded, start, end):
                found[scope.kind] = scope
        self._told_of_youth(found, (first, start, end), part.end)
        if self._conditions and Kind.HYPOTHETICAL not in found:
            asked = asked_for(self._folded, first, start, end, last)
            if asked:
                found[Kind.HYPOTHETICAL] = Scope(
                    Kind.HYPOTHETICAL, start, end, *asked.span(1), forward=False
                )
        if Kind.NEGATED in found and is_circumstance(self._folded, first, start, end, last):
            del found[Kind.NEGATED]
        for kind in (Kind.NEGATED, Kind.HYPOTHETICAL, Kind.UNCERTAIN, Kind.HISTORICAL):
            told, sure = found.get(kind), kind in _ENDED_BY_SENTENCES
            if told and is_purpose(self._folded, (told.cue_start, told.cue_end), start, told=sure):
                del found[kind]
        over = found.get(Kind.HISTORICAL)
        if over and over.forward and _stays(self._folded, over.cue_end, start, end):
            del found[Kind.HISTORICAL]
        if over and self._only_begun(over, first, start, end):
            found.pop(Kind.HISTORICAL, None)
        if not found and part.name not in _TELLING_PARTS:
            return _HABITUAL if _is_habit(self._folded[start:end]) else _PLAIN
        return self._conclude(found, part, (first, last, start, end))

    def _only_begun(self, over: Scope, first: int, start: int, end: int) -> bool:
        """Whether it began so long ago, and is not over since: "his pain began two years ago"."""
        folded = self._folded
        return (
            not over.forward
            and folded.endswith(_AGO, over.cue_start, over.cue_end)
            and (
                _STARTED.search(folded, end, over.cue_start) is not None
                or _ONSET.search(folded, max(first, start - 30), start) is not None
            )
            and not is_event(folded[start:end])
        )

    def _told_of_youth(
        self, found: dict[Kind, Scope], place: tuple[int, int, int], last: int
    ) -> None:
        """Let what the patient had when young be past, unless it is said to go on."""
        first, start, end = place
        words = self._folded[start:end]
        young = named_young(words)
        if young is not None and Kind.HISTORICAL not in found:
            cue = (start + young, end)
            found[Kind.HISTORICAL] = Scope(Kind.HISTORICAL, start, end, *cue, forward=False)
        past = found.get(Kind.HISTORICAL)
        if past is not None and not is_event(words):
            cue = (past.cue_start, past.cue_end)
            began = (
                _BEGINNING.search(self._folded, max(first, start - 40), past.cue_start) is not None
            )
            if not outgrown(self._folded, cue, max(end, past.cue_end), last, began=began):
                del found[Kind.HISTORICAL]

    def _governing(self, number: int, first: int, last: int) -> list[Scope]:
        starts = self._hit_starts
        hits = self._hits[bisect_left(starts, first) : bisect_left(starts, last)]
        inside = [hit for hit in hits if hit.end <= last]
        before = bisect_left(starts, first) - 1
        if before >= 0 and first < self._hits[before].end <= last:
            inside = [*of_kin(self._folded, self._hits[before], first), *inside]
        should = _SHOULD.match(self._folded, first, last)
        if should is None and self._folded.find("should", first, last) >= 0:
            should = _SHOULD_OCCUR.search(self._folded, first, last)
        if should:
            inside = sorted([Hit(should.start(1), should.end(1), _IF), *inside])
        listed = self._goes_on(first)
        if listed is not None:
            inside.insert(0, Hit(listed.start, first, (NEGATES,)))
            cue_end, until = listed.head, listed.end
        else:
            headed = self._heading_says(number)
            if headed is None or first >= headed.until:
                return scopes(self._folded, first, last, inside) if inside else []
            start = self._sections[number].start
            inside.insert(0, Hit(start, max(first, self._sections[number].body), headed.rules))
            cue_end, until = self._heading_end(self._sections[number]), headed.until
        found = scopes(self._folded, first, last, inside)
        found[0] = replace(found[0], cue_end=cue_end, end=min(found[0].end, until))
        return found

    def _goes_on(self, first: int) -> Carried | None:
        """Return the denied list that goes on to the line at `first`."""
        i = bisect_right(self._carried, first, key=lambda each: each.body) - 1
        return self._carried[i] if i >= 0 and first < self._carried[i].end else None

    def _heading_says(self, number: int) -> Headed | None:
        """Return what a heading such as "Differential:" or "Discontinued medications:" says of what
        is below it. In a line of its own it speaks for the paragraph or list, else for its
        sentence."""
        if number in self._headed:
            return self._headed[number]
        part = self._sections[number]
        rules = headings_say(self._folded, part.start, part.body)
        told = None
        if rules and not CELLS.match(self._folded, part.body, part.end):
            listed = "\n" in self._text[part.start : part.body]
            if listed or _ITEM.match(self._folded, part.body, part.end):
                blank = _BLANK.search(self._text, part.body, part.end)
                until = blank.start() if blank else part.end
                if all(rule.kind in _ENDED_BY_SENTENCES for rule in rules):
                    turn = _TURN.search(self._text, part.body, until)
                    until = turn.start() if turn else until
                if _ITEM_MARK.match(self._text, part.body, until):
                    bare = _BARE_LINE.search(self._text, part.body, until)
                    until = bare.start() if bare else until
            else:
                until = self._sentence(number, part.body, part.body + 1)[1]
            told = Headed(until, rules)
        self._headed[number] = told
        return told

    def _sentence(self, number: int, start: int, end: int) -> tuple[int, int]:
        part = self._sections[number]
        starts = self._sentences.get(number)
        if starts is None:
            starts = sentence_starts(self._text, part.start, part.end)
            self._sentences[number] = starts
        i = bisect_right(starts, start) - 1
        j = bisect_left(starts, end)
        return starts[max(0, i)], starts[j] if j < len(starts) else part.end

    def _conclude(
        self, found: dict[Kind, Scope], part: Section, place: tuple[int, int, int, int]
    ) -> Assessment:
        first, last, start, end = place
        words = self._folded[start:end]
        heading = part if part.body > part.start else None
        family = Kind.FAMILY in found or (
            part.name == "family_history" and _OF_PATIENT.search(self._folded, first, start) is None
        )
        background = Kind.BACKGROUND in found
        historical = (
            Kind.HISTORICAL in found
            or background
            or family
            or part.name in _PAST_PARTS
            or _is_habit(words)
            or any(_PAST_CUE.search(self._folded, s.cue_start, s.cue_end) for s in found.values())
        )
        for kind, assertion in _PRECEDENCE:
            if kind in found:
                return Assessment(assertion, historical, family, self._cue(found[kind]))
            if kind is Kind.FAMILY and family:
                return Assessment(assertion, historical, True, self._heading(heading))
        if background:
            cue = found[Kind.BACKGROUND]
            told = cue.cue_start if cue.forward else max(first, start - 40)
            began = (
                self._folded.startswith(_BEGAN, cue.cue_start)
                or _BEGINNING.search(self._folded, told, min(start, told + 80)) is not None
            )
            over = is_event(words) if began else not is_chronic(words)
            if over and cue.forward and not (is_event(words) or _is_habit(words)):
                over = not goes_on(self._folded, cue.cue_end, start, end, last)
            over = over or is_given_up(self._folded[cue.cue_start : cue.cue_end], words)
            label = Assertion.HISTORICAL if over else Assertion.PRESENT
            return Assessment(label, True, family, self._cue(cue))
        if (
            part.name == "past_surgical_history"
            or (part.name == "past_medical_history" and is_event(words))
            or (part.name == "allergies" and _TOLD.search(self._folded, first, last) is None)
        ):
            return Assessment(Assertion.HISTORICAL, True, family, self._heading(heading))
        return Assessment(Assertion.PRESENT, historical, family, None)

    def _cue(self, scope: Scope) -> Cue:
        return Cue(scope.cue_start, scope.cue_end, self._text[scope.cue_start : scope.cue_end])

    def _heading(self, part: Section | None) -> Cue | None:
        if part is None:
            return None
        end = self._heading_end(part)
        return Cue(part.start, end, self._text[part.start : end])

    def _heading_end(self, part: Section) -> int:
        return part.start + len(self._text[part.start : part.body].rstrip())


def _stays(folded: str, cue_end: int, start: int, end: int) -> bool:
    """Whether what is over had a lasting condition beside it: "resolved AKI with CKD"."""
    return folded.find(" with ", cue_end, start) >= 0 and is_chronic(folded[start:end])


def _merged(words: list[Hit], signs: list[Hit]) -> list[Hit]:
    """Join both in order; a sign takes the place of the words it holds ("Fever: no")."""
    taken = {hit.start for hit in signs}
    kept = [hit for hit in words if hit.start not in taken]
    return sorted([*kept, *signs], key=lambda hit: (hit.start, hit.end))
