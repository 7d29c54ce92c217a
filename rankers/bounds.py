"""Hold the numbers that a note gives of a thing against the condition that a question sets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from indexing.language.analytes import analyte, normal, smaller, units
from indexing.language.bounds import Bound
from indexing.language.gestation import gestations
from indexing.language.readings import Measurement, readings
from indexing.language.terminology import SemanticType
from indexing.language.units import DURATIONS, NUMBER, number, unit_of
from indexing.ports import Derived
from rankers.evidence import Said
from rankers.pregnancy import DAYS, fits
from rankers.qualified import of_other_fluid
from rankers.wants import Want

# The units of the one house and of the other: who writes glucose in mmol/L writes no bilirubin in
# mg/dL. Hemoglobin and temperatures go their own ways.
_MOLAR: Final = frozenset({"umol/l", "mmol/l"})

_DOSES: Final = frozenset({"mg", "mcg", "g", "units", "meq"})

_BY: Final = re.compile(
    rf"(?P<others>(?:[ ]?(?:x|×|by)[ ]?(?:{NUMBER})){{1,2}})[ ]?(?P<unit>cm|mm)\b", re.IGNORECASE
)
_UPPER: Final = re.compile(r"sbp|systolic", re.IGNORECASE)
_LOWER: Final = re.compile(r"dbp|diastolic", re.IGNORECASE)


_FIRST_OF_TWO: Final = re.compile(r"[ ]?(?:and|&|/)[ ]?[A-Za-z]{2,12}(?=[ :]+(?:\w+[ ])?\d)")
_SECOND_OF_TWO: Final = re.compile(r"[A-Za-z][ ]?(?:and|&|/)[ ]?$")
_SECOND: Final = re.compile(rf"[ ]?(?:and|&|/)[ ]?(?P<value>{NUMBER})(?![\d/])")


def meets(note: Derived, want: Want, said: Sequence[Said]) -> bool | None:
    """Return whether a number that stands at one of the places meets the want's bound; None where
    there is none that could be compared."""
    text = note.document.text
    if want.bound is not None and want.bound.unit == DAYS:
        told = [weeks for each in said for weeks in gestations(text, each.start, each.end)]
        return any(fits(want.bound, each) for each in told) if told else None
    others = [m.start for m in note.mentions]
    found = [
        value
        for s in said
        for each in _numbers(text, s, others, dose=want.drug)
        if (value := _of_pair(want.words, text, s, _largest(text, each))) is not None
    ]
    each = [_holds(want, value) for value in found]
    if None in each and True not in each:
        elsewhere = _as_elsewhere(note, want)
        each = [_holds(want, value, elsewhere) for value in found]
    return None if all(held is None for held in each) else any(each)


def of_blood(note: Derived, want: Want, said: list[Said]) -> list[Said]:
    """Leave out what is measured elsewhere than in the blood, where a number of the blood's is
    asked."""
    measured = want.bound is not None and want.meaning.kind is SemanticType.LAB_TEST
    if not measured or want.quality:
        return said
    return [each for each in said if not of_other_fluid(note.document.text, each)]


def _numbers(text: str, said: Said, others: Sequence[int], *, dose: bool) -> list[Measurement]:
    """Return the numbers told of a name; where two names stand before two numbers, its own:
    "hemoglobin and hematocrit 15.3 and 46.5"."""
    first = None if dose else _FIRST_OF_TWO.match(text, said.end)
    if first:
        behind = [start for start in others if start >= first.end()]
        found = readings(text, said.start, first.end(), behind)
        return found if found and _SECOND.match(text, found[0].end) else []
    found = readings(text, said.start, said.end, others, dose=dose)
    second = _SECOND.match(text, found[0].end) if found and not dose else None
    if second and _SECOND_OF_TWO.search(text, max(0, said.start - 30), said.start):
        return [replace(found[0], value=number(second["value"]), end=second.end())]
    return found


def _of_pair(words: str, text: str, said: Said, found: Measurement) -> Measurement | None:
    """Return the number of a pressure that the words ask for, the upper where they do not say; None
    where the note tells the other one alone."""
    lower = _LOWER.match(words) is not None
    if (_UPPER if lower else _LOWER).match(text, said.start, said.end):
        return None
    pair = text[found.start : found.end].split("/")
    return replace(found, value=float(pair[1])) if lower and len(pair) == 2 else found


def _largest(text: str, found: Measurement) -> Measurement:
    """Return the largest of "1.2 x 0.9 cm", whose unit is the last's; else what is told."""
    match = None if found.unit else _BY.match(text, found.end)
    if match is None:
        return found
    sizes = [found.value, *(number(each) for each in re.findall(NUMBER, match["others"]))]
    return replace(found, value=max(sizes), unit=unit_of(match["unit"]))


def _holds(want: Want, found: Measurement, elsewhere: tuple[str, ...] = ()) -> bool | None:
    """Say whether one number meets it; None where its unit cannot be told, by its size or by what
    stands `elsewhere` in its note."""
    bound = want.bound
    assert bound is not None  # asked for by the caller
    ends = _ends(found)
    of = analyte(want.meaning.own)
    if of is not None and found.unit == "l":
        found = replace(found, unit="")  # flagged low, not litres
    if found.unit in DURATIONS and not bound.unit:
        return None  # "nodule for 12 weeks" tells nothing of "nodule over 8"
    if found.unit in _DOSES - {bound.unit} and want.meaning.kind is SemanticType.LAB_TEST:
        return None  # "iron 325 mg" tells nothing of "iron < 30", nor "potassium 10 mEq"
    if of is None:
        return _within(bound, found, ends, found.unit)
    limits = [bound.value] if bound.upper is None else [bound.value, bound.upper]
    # Nobody asks for what is below a high value, or above a low one.
    meant = units(of, limits, bound.unit) or (smaller(of),)
    unit = meant[-1 if bound.op in ("<", "<=") else 0]
    asked = bound.valued(lambda value: normal(of, value, unit))
    if asked is None:
        return False
    possible = units(of, ends, found.unit) or elsewhere
    for unit in possible:
        told = [value for end in ends if (value := normal(of, end, unit)) is not None]
        if _within(asked, found, told, ""):
            return True
    return False if possible else None


def _as_elsewhere(note: Derived, want: Want) -> tuple[str, ...]:
    """Return the unit that a number must be of because of those that the note's other numbers can
    be told to be of; none where they tell nothing, or both."""
    of = analyte(want.meaning.own)
    text, mentions, molar = note.document.text, note.mentions, set()
    for place, mention in enumerate(mentions):
        other = analyte((mention.concept_id,))
        if other is None or other.other not in _MOLAR:
            continue
        following = [m.start for m in mentions[place + 1 : place + 2]]
        for found in readings(text, mention.start, mention.end, following):
            told = units(other, _ends(found), found.unit)
            if len(told) == 1 and told[0] in (other.unit, other.other):
                molar.add(told[0] == other.other)
    if of is None or len(molar) != 1:
        return ()
    return (of.other,) if molar.pop() else (of.unit,)


def _ends(found: Measurement) -> list[float]:
    return [found.value] if found.upper is None else [found.value, found.upper]


def _within(asked: Bound, found: Measurement, ends: Iterable[float], unit: str) -> bool:
    """Say whether a number that is told meets what is asked. "<0.04" is not above 0.03, and ">60"
    not below 61: what is told as a limit lies beyond it."""
    if found.op[0] in "<>" and asked.op[0] != found.op[0] and not asked.outside:
        return False
    return any(asked.holds(value, unit) for value in ends)
