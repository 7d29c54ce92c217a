"""Weeks of gestation in a question, as a condition on the days that a note tells: "34 weeks
pregnant" is put first, "under 37 weeks pregnant" is held against what the note says."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from indexing.language.bounds import Bound
from indexing.language.gestation import Gestation, gestations
from indexing.language.matcher import Span
from indexing.language.terminology import Terminology
from indexing.model import Assertion
from indexing.ports import Derived

DAYS: Final = "days of gestation"  # the unit of such a condition
_OF_IT: Final = re.compile(r"pregnan|gestation|prematur|preterm", re.IGNORECASE)
_AT_BIRTH: Final = re.compile(r"\b(?:born|birth|prem\w+|preterm|ex|former)\b", re.IGNORECASE)
_BORN: Final = re.compile(
    r"\b(?:born|birth(?!day)|deliver(?:y|ed)|prem\w+|preterm|ex|former|nicu)\b[^.;\n]*$",
    re.IGNORECASE,
)
_BORN_BEHIND: Final = re.compile(
    r"[^.;,\n]{0,25}?\b(?:born|birth(?!day)|preemie|prem(?:ature|mie|ie)\w*|preterm|newborn|neonate|"
    r"infant|boy|girl|male|female|twin)\b",
    re.IGNORECASE,
)
_OVER: Final = re.compile(
    r"\b(?:deliver\w*|born|births?|previous|prior|history|lost|loss|miscarri\w*|ex|former)\b"
    r"[^.;\n]*$",
    re.IGNORECASE,
)


def weeks_asked(text: str, bounds: Sequence[Bound]) -> list[Bound]:
    """Return the conditions of a question with its weeks of gestation as days of it."""
    found = gestations(text)
    kept = [b for b in bounds if not any(_meet(b, told) for told in found)]
    asked = [_asked(told, [b for b in bounds if _meet(b, told)]) for told in found]
    return sorted([*kept, *asked], key=lambda each: each.start) if found else list(bounds)


def _meet(bound: Bound, told: Gestation) -> bool:
    return bound.start < told.end and told.start < bound.end


def _asked(told: Gestation, limits: Sequence[Bound]) -> Bound:
    limit = next((each for each in limits if each.op != "="), None)
    if limit is None:
        return Bound("", ">=", told.first, DAYS, told.start, told.end, told.last, bare=True)
    first = limit.value * 7 + (6 if limit.op == "<=" else 0)
    last = None if limit.upper is None else limit.upper * 7 + (6 if limit.upper_op == "<=" else 0)
    return replace(limit, value=first, upper=last, unit=DAYS)


def is_of_pregnancy(span: Span) -> bool:
    """Say whether a name is one of a pregnancy, which such weeks are told of."""
    return _OF_IT.search(span.name) is not None


def counted(terminology: Terminology, text: str, named: Iterable[Span]) -> list[Span]:
    """Return the weeks of a question that names no pregnancy beside them, as one: "34w2d"."""
    found = gestations(text)
    of = "prematurity" if _AT_BIRTH.search(text) else "pregnancy"
    concepts = terminology.find(of)[:1] if found else []
    if not concepts or any(is_of_pregnancy(span) for span in named):
        return []
    name = terminology.concept(concepts[0]).name
    return [Span(told.start, told.end, concepts[0], name) for told in found[:1]]


def lasted(note: Derived, *, born: bool = False) -> list[tuple[Gestation, Assertion]]:
    """Return how long a note says that a pregnancy lasts; one that is over is past. `born`: of whom
    it is told when they were born, which is no pregnancy that goes on, and is past for good."""
    text = note.document.text
    if born:
        return [(told, Assertion.PRESENT) for told in gestations(text) if _tells_birth(text, told)]
    return [
        (told, Assertion.HISTORICAL if _OVER.search(text, max(0, told.start - 60), told.start)
         else Assertion.PRESENT)
        for told in gestations(text)
    ]  # fmt: skip


def _tells_birth(text: str, told: Gestation) -> bool:
    ahead, behind = max(0, told.start - 60), min(len(text), told.end + 40)
    if "week" in (own := text[told.start : told.end].lower()) and "er" in own[own.index("week") :]:
        return True  # "an ex-27-weeker"
    return bool(_BORN.search(text, ahead, told.start) or _BORN_BEHIND.match(text, told.end, behind))


def fits(bound: Bound, told: Gestation) -> bool:
    """Say whether it meets the condition on any day that it may stand for."""
    return any(bound.holds(day, DAYS) for day in range(told.first, told.last + 1))


def spelled(bound: Bound) -> str:
    """Tell the condition in weeks."""
    whole = bound.upper == bound.value + 6
    days = [bound.value] if bound.upper is None or whole else [bound.value, bound.upper]
    told = [f"{int(day) // 7}w{int(day) % 7}d" for day in dict.fromkeys(days)]
    if bound.bare:
        return f"{int(bound.value) // 7} weeks first" if whole else f"{told[0]} first"
    return f"{bound.op} {told[0]}" if len(told) == 1 else " to ".join(told)
