"""The numbers that a note gives for one mention: a result, a dose, and what it changed to."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from indexing.language.bounds import Operator
from indexing.language.units import NUMBER, UNIT, number, unit_of

REACH: Final = 90  # characters between a mention and its number
AHEAD: Final = 30  # characters before it in which a number may stand: "20 mg of prednisone"
_SEEN: Final = 200  # characters beyond both that tell what a number is: aims, arrows, ranges


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number that a note gives for a mention: value, or an interval "120-140" by its ends.
    `unit` is a name of `indexing.language.units`, "" for none written."""

    value: float
    unit: str
    start: int
    end: int
    upper: float | None = None
    op: Operator = "="


_BREAK: Final = re.compile(r"[;\n]|[.](?=\s|$)")
_VALUE: Final = re.compile(
    rf"(?P<op>[<>≤≥]=?|=)?[ ]?(?<![\w./])(?P<value>{NUMBER})"
    rf"(?:[ ]?(?:-|–|to)[ ]?(?P<upper>{NUMBER}))?"
    rf"(?:[ ]?-?(?P<unit>{UNIT})(?![a-z0-9/]))?(?![\d:#]|[.]\d)",  # "7#10oz" are pounds
    re.IGNORECASE,
)
# Between a name and its number.
_WORDS: Final = (
    r"levels?|values?|counts?|results?|tests?|readings?|score|fraction|today'?s?|yesterday|now|"
    r"still|which|then|that|currently|repeat|recent|last|latest|initial|most|was|is|are|were|of|"
    r"at|to|from|found|noted|measur(?:ed|es|ing)|estimated|approximately|about|around|came|back|returned|up|"
    r"down|remains|remained|dropped|drop|fell|falling|rose|rising|increased|decreased|elevated|"
    r"low|high|improved|improving|worsened|stable|on|in|by|admission|discharge|arrival|"
    r"presentation|her|his|the|a|an|be|being|very|only|just|with|and|has|had|have|been|for|as|"
    r"shows?|showed|trending|peaked|critically|reported|documented|calculated|serum|blood|lab|"
    r"went|goes|gone|changed|moved|climbed|declined|plateaued|settled|reached|hit|nadir(?:ed)?|peak|"
    r"corrected|recovered|worsening|better|worse|today's|morning|this|echo|mildly|severely|moderately|reduced|preserved|depressed|total"
)
_LINK: Final = re.compile(
    rf"[\s:=~\-–(,|*]*(?:(?:{_WORDS}|(?:on )?(?:room air|ra)|(?-i:HH?|LL?)|"
    r"\([^()\n]{1,24}\)|\d{1,2}/\d{1,2}(?:/\d{2,4})?|"
    r"\d{1,2} (?:hours?|days?|weeks?|months?|years?) (?:ago|before|earlier|later))"
    r"(?![a-z])[\s:=~,\-–|*]*){0,8}$",
    re.IGNORECASE,
)
_AGO: Final = re.compile(r" (?:ago|before|earlier|later)\b", re.IGNORECASE)
_FREE: Final = re.compile(r"[\s:=(,-]*(?:[A-Za-z][\w/'()-]*[\s:,]+){0,5}\(?$")
_FROM: Final = re.compile(r"\bfrom[ ]*$", re.IGNORECASE)
_ARROW: Final = re.compile(
    rf"[ ]?(?:\([^()\n]{{1,16}}\))?[ ]?(?:-+>|=>|→|(?:up |down )?to(?= ?\d))[ ]?"
    rf"(?P<value>{NUMBER})[ ]?(?:(?P<unit>{UNIT})(?![a-z0-9/]))?",
    re.IGNORECASE,
)
_BEFORE: Final = re.compile(
    rf"(?<![\w.,/-])(?P<value>{NUMBER})(?:[ ]?(?:-|–|to)[ ]?(?P<upper>{NUMBER}))?"
    rf"[ ]?-?(?P<unit>{UNIT})?[ ]*(?:(?:tablets?|doses?)[ ])?(?:of[ ]|for[ ])?$",
    re.IGNORECASE,
)
# "Glucose (70-99) 140", "K 5.1 [3.5-5.0]", "ref 70-99, 140": what is normal is no result. In
# brackets it is one before another number alone: an "EF (20-25 %)" is the result.
_NORMAL: Final = (
    r"(?:(?:lab|ref(?:erence)?|normal|nl|expected)\.?[ :]*|(?:range|interval|values?)[ :]*)"
)
_SPAN: Final = (
    rf"(?:[<>≤≥]=?[ ]?(?:{NUMBER})|(?:{NUMBER})[ ]?(?:-|–|to)[ ]?(?:{NUMBER}))(?:[ ]?(?:{UNIT}))?"
)
_REFERENCE: Final = re.compile(
    rf"[(\[][ ]?{_NORMAL}{{1,3}}{_SPAN}[ ]?[)\]]|"
    # "Glucose values 250-300" are results.
    rf"(?<=[\s,;:])(?:lab[ :]*)?(?=ref|normal|nl\b|expected){_NORMAL}{{1,3}}{_SPAN}[,:]?|"
    rf"(?<=\d)[ ]?(?:[HL]{{1,2}}|\([HL]\))(?=[ ]?[(\[][ ]?{_SPAN})|"  # flagged high or low
    rf"[(\[][ ]?{_SPAN}[ ]?[)\]](?=[ ]{{0,3}}[:=]?[ ]{{0,3}}[<>]?(?:{NUMBER})(?![\d/])"
    r"(?![ ]?(?:hours?|hrs?|h\b|days?|weeks?|months?|minutes?|min\b|[ap]\.?m\b|times|x\b)))",
    re.IGNORECASE,
)
_UNIT_BEHIND: Final = re.compile(
    rf"[ ]{{0,6}}[(\[][ ]?{_SPAN}[ ]?[)\]][ ]?"
    rf"(?P<unit>{UNIT})(?![a-z0-9/])",
    re.IGNORECASE,
)
# What is aimed at, or would be acted on, is no result.
_AIM: Final = re.compile(
    r"\b(?:goals?|targets?|targeting|maintain|keep|threshold|if|when|unless|until|once|should)\b"
    r"[^.;\n]{0,30}$",
    re.IGNORECASE,
)
# "Goal A1c under 7; today 8.1 %".
_TODAY: Final = re.compile(
    r"[;,(][ ]?(?:(?:but|it|is|was|now|today|currently|at present|actual|last|latest)[ :]+)+"
    rf"(?P<value>{NUMBER})(?:[ ]?(?:-|–|to)[ ]?(?P<upper>{NUMBER}))?"
    rf"(?:[ ]?-?(?P<unit>{UNIT})(?![a-z0-9/]))?(?![\d:/]|[.]\d)",
    re.IGNORECASE,
)
_AIMED: Final = re.compile(r"[\s:]*(?:goals?|targets?|threshold|cut-?off)\b", re.IGNORECASE)
_SUM: Final = re.compile(r"[ ]?\+[ ]?\d{1,2}[ ]?=[ ]?(?P<value>\d{1,2})(?!\d)")  # Gleason 3 + 4 = 7
_PRESSURE: Final = re.compile(r"(?<![\d/])(?P<value>\d{2,3})[ ]?/[ ]?\d{2,3}(?![\d/])")
_LEAST_PRESSURE: Final = 40  # below it, "12/25" is a day
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_MASS: Final = frozenset({"mg", "mcg", "g", "units", "ml", "%"})
_PIECES: Final = re.compile(
    r"[ -]?(?:tab|cap|pill|puff|spray|drop|time|day|week|month|hour|refill|dose|x\b|/|years?)",
    re.IGNORECASE,
)


def readings(
    text: str, start: int, end: int, others: Sequence[int] = (), *, dose: bool = False
) -> list[Measurement]:
    """Return the numbers that belong to the mention `text[start:end]`, the one it changed to where
    it changed. `others` are where other mentions begin, in order; with `dose` other words may stand
    between a name and its number ("metoprolol succinate ER 200 mg")."""
    # Of a long note only what is near is copied: it may name a thing a hundred thousand times.
    first, last = max(0, start - _SEEN), end + REACH + _SEEN
    place = bisect_left(others, end)
    near = [other - first for other in others[place : place + 1]]
    found = _readings(text[first:last], start - first, end - first, near, dose=dose)
    return [
        replace(each, start=each.start + first, end=each.end + first) if first else each
        for each in found
    ]


def _readings(
    text: str, start: int, end: int, others: Sequence[int], *, dose: bool
) -> list[Measurement]:
    limit = min([len(text), end + REACH, *others])
    if not dose and _AIM.search(text, max(0, start - 40), start):
        today = _TODAY.search(text, end, limit)
        return [_changed(text, today)] if today else []
    reach = limit
    stop = _BREAK.search(text, end, limit)
    limit = stop.start() if stop else limit
    if not dose:
        text = _without_references(text, end, limit)
    if _AIMED.match(text, end, limit):
        today = _TODAY.search(text, end, reach)
        return [_changed(text, today)] if today and not dose else []
    found = list(_doses(text, end, limit) if dose else _results(text, end, limit))
    return found or list(_ahead(text, start, end))


def _without_references(text: str, start: int, end: int) -> str:
    """Return a text of the same length in which the ranges of what is normal are blanks."""
    near = text[start : end + 12]
    plain = _REFERENCE.sub(lambda found: " " * len(found[0]), near)
    return text if plain == near else text[:start] + plain + text[end + 12 :]


def _results(text: str, end: int, limit: int) -> Iterator[Measurement]:
    pressure = _PRESSURE.search(text, end, limit)
    if (
        pressure
        and _LINK.fullmatch(text, end, pressure.start())
        and int(pressure["value"]) >= _LEAST_PRESSURE
    ):
        yield Measurement(float(pressure["value"]), "mmhg", pressure.start(), pressure.end())
        return
    for match in _VALUE.finditer(text, end, min(len(text), limit + 12)):
        if match.start("value") >= limit:
            return
        if _is_date(text, match) or _AGO.match(text, match.end()):
            continue
        if _LINK.fullmatch(text, end, match.start()):
            yield _changed(text, match)
        return


def _doses(text: str, end: int, limit: int) -> Iterator[Measurement]:
    bare: list[Measurement] = []
    with_unit: list[Measurement] = []
    reached = False
    for match in _VALUE.finditer(text, end, min(len(text), limit + 12)):
        reached = reached or _FREE.fullmatch(text, end, match.start("value")) is not None
        if match.start("value") >= limit or not reached:
            break
        if _is_date(text, match):
            continue
        found = _changed(text, match)
        if found.unit in _MASS:
            with_unit.append(found)
        elif not found.unit and not _PIECES.match(text, match.end()):
            bare.append(found)
    yield from with_unit or bare[:1]


def _changed(text: str, match: re.Match[str]) -> Measurement:
    """Return a number, or what it changed to."""
    value, upper = match["value"], match["upper"]
    unit, end = unit_of(match["unit"]), match.end()
    summed = None if upper or unit else _SUM.match(text, end)
    if summed:
        value, end = summed["value"], summed.end()
    elif upper and _FROM.search(text, max(0, match.start() - 8), match.start("value")):
        value, upper = upper, None
    else:
        arrow = _ARROW.match(text, match.end())
        while arrow:
            value, upper, end = arrow["value"], None, arrow.end()
            unit = unit_of(arrow["unit"]) or unit
            arrow = _ARROW.match(text, end)
    if not unit and (behind := _UNIT_BEHIND.match(text, end)):
        unit = unit_of(behind["unit"])
    high = number(upper) if upper else None
    told = match.groupdict().get("op") or "="
    op: Operator = "<" if told[0] in "<≤" else ">" if told[0] in ">≥" else "="
    return Measurement(number(value), unit, match.start("value"), end, high, op)


def _ahead(text: str, start: int, end: int) -> Iterator[Measurement]:
    match = _BEFORE.search(text, max(0, start - AHEAD), start)
    counted = unit_of(text[start:end])  # "30 pack-years"
    if match and (match["unit"] or match[0].endswith("of ") or counted):
        high = number(match["upper"]) if match["upper"] else None
        unit = unit_of(match["unit"])
        yield Measurement(number(match["value"]), unit, match.start("value"), start, high)


def _is_date(text: str, match: re.Match[str]) -> bool:
    after = text[match.end("value") : match.end("value") + 1]
    if after == "/" and not match["unit"]:
        return True
    before = text[max(0, match.start("value") - 1) : match.start("value")]
    return before == "/" or (not match["unit"] and _YEAR.fullmatch(match["value"]) is not None)
