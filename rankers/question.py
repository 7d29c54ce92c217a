"""A question's text with what was found in it, before it is told what is wanted: which cue holds
for a name, which number is told of it, and what is left beside."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from indexing.analysis import TOKEN
from indexing.language.assertion import NONE_KNOWN
from indexing.language.bounds import Bound
from indexing.language.matcher import Span
from indexing.language.terminology import SemanticType
from indexing.language.units import DURATIONS
from rankers.ages import is_age
from rankers.cues import CANDIDACY, EFFECTS, FAMILIES, Asked, QueryCue
from rankers.kinds import is_whole
from rankers.meanings import DRUGS, MEASURED
from rankers.near_cues import UNABLE
from rankers.pregnancy import DAYS, is_of_pregnancy
from rankers.relatives import relatives
from rankers.stretches import stretches

MOST_BETWEEN = 3  # words between a name and its number
# Below it a text only touches on what it names: "the risk of cancer is not lower in those who …"
# states something, it does not ask for notes that deny cancer.
LEAST_ABOUT = 0.5
MOST_UNNAMED = 4  # words that mean nothing known and are still looked for as they stand
MOST_MEASURED = 12  # words around a name and its number; a longer text tells more than it asks
MOST_DENIED = 8  # words around a name that is denied

# "Hgb drop > 2" limits by how much it changed; "creatinine rise above 3" to what.
_CHANGE: Final = re.compile(
    r"\b(?:drop(?:ped)?|fall|fell|decreased?|declined?|rise|increase|change|"
    r"(?:rose|increased|changed)(?= by))(?: by)?\s*$",
    re.IGNORECASE,
)
_REACHED: Final = re.compile(r"(?:at or )?above|over|exceeding", re.IGNORECASE)
TREATMENTS: Final = DRUGS | {SemanticType.PROCEDURE, SemanticType.DEVICE}
_UNABLE: Final = re.compile(UNABLE, re.IGNORECASE)
_USED: Final = TREATMENTS | {SemanticType.SOCIAL, SemanticType.SUBSTANCE}
_WORN: Final = re.compile("us(?:es|ing)|wear(?:s|ing)", re.IGNORECASE)
OF_TREATMENTS: Final = CANDIDACY | {Asked.UNTAKEN}  # known or not: "skips his dialysis"
# A limit beside these is one of age, which notes write otherwise: "a 69-year-old".
AGED: Final = frozenset(
    "age aged ages patient patients pts people person adults men man women woman males females "
    "boys girls children kids elderly seniors adolescents teens teenagers infants toddlers "
    "individuals anyone anybody someone".split()
)
_BY_AGE: Final = re.compile(r"(?:over|under|older|younger)\b", re.IGNORECASE)
_TIMES: Final = re.compile(r"\s*(?:times|episodes)\b", re.IGNORECASE)
_OR: Final = re.compile(r"\bor\b", re.IGNORECASE)


def taken(text: str, cue: QueryCue) -> frozenset[SemanticType]:
    """Return what a cue such as "on" can be told of: drugs; what one "uses" or "wears" too."""
    return _USED if _WORN.fullmatch(text, cue.start, cue.end) else DRUGS


def is_inability(text: str, cue: QueryCue) -> bool:
    """Say whether a cue tells what somebody cannot do: "unable to walk"."""
    return _UNABLE.fullmatch(text, cue.start, cue.end) is not None


def is_taken_out(text: str, cue: QueryCue) -> bool:
    """Say whether a cue tells of what is taken out, as a tube or a line is: "removed"."""
    return cue.asked is Asked.STOPPED and text.lower().endswith("removed", cue.start, cue.end)


@dataclass(frozen=True, slots=True)
class Question:
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
            if cue.asked in (Asked.TAKING, Asked.NOT_TAKING) and kind not in taken(self.text, cue):
                continue
            if cue.asked in EFFECTS and kind not in TREATMENTS:
                continue
            if kind is not SemanticType.DEVICE and is_taken_out(self.text, cue):
                continue  # "gallbladder removed" is an operation
            if cue.asked in OF_TREATMENTS and kind not in TREATMENTS | {SemanticType.OTHER}:
                continue
            if cue.asked is Asked.PREVENTED and kind in TREATMENTS:
                continue  # "Macrodantin prophylaxis"
            inside = cue.first <= span.start and span.end <= cue.last
            if inside and (cue.first >= cue.end or cue.start - span.end <= 2):
                return cue.asked
        return self.carried.get(span.start) or self.implied or Asked.PRESENT

    def bound(self, span: Span, kind: SemanticType | None) -> Bound | None:
        """Return the condition on the number that follows a span before anything else is named.
        Durations are none, and what equals a number is a dose or a measurement."""
        weeks = next((b for b in self.bounds if b.unit == DAYS), None)
        if weeks is not None and is_of_pregnancy(span):
            return weeks
        bound = next((b for b in self.bounds if span.end <= b.start), None)
        if bound is None or bound.unit in DURATIONS | {DAYS} or span.start in self.whose:
            return None
        if kind is not None and kind not in DRUGS | MEASURED:
            name = f"{self.text[span.start : span.end]} {span.name}"
            if bound.op == "=" or is_age(name, bound):
                return None
        between = self.text[span.end : bound.start].lower().split()
        if len(between) > MOST_BETWEEN or _TIMES.match(self.text, bound.end):
            return None
        measured = kind in MEASURED and not _BY_AGE.match(self.text, bound.start)
        if not (measured or AGED.isdisjoint(between)):
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

    def demands(self, *, measured: bool, denied: bool) -> bool:
        """Say whether the text is a question about what it names, or a few words as they stand;
        `measured` and `denied`: a number of something known is asked, or that there is none."""
        length = len(TOKEN.findall(self.text))
        # A whole sentence tells something: it asks for no note that denies it too.
        if is_whole(self.text) and length > MOST_UNNAMED:
            return False
        if (measured and length <= MOST_MEASURED) or (denied and length <= MOST_DENIED):
            return True  # who names a number of it asks for that, whatever stands around
        if self.spans:
            return self.covered() >= LEAST_ABOUT
        words = (len(TOKEN.findall(self.text[a:b])) for a, b in self.stretches())
        return sum(words) <= MOST_UNNAMED

    @property
    def is_told(self) -> bool:
        """Say whether the text tells more than a few words ask."""
        return is_whole(self.text) or len(TOKEN.findall(self.text)) > MOST_DENIED

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
