"""Conditions on numbers in questions: "hemoglobin below 8", "prednisone 20 mg or more"."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, Literal

from indexing.language.units import ASKED_UNIT, DURATIONS, NUMBER, convert, number, unit_of

Operator = Literal["<", "<=", ">", ">=", "="]


@dataclass(frozen=True, slots=True)
class Bound:
    """A condition on a number in a query: "A1c over 10". `concept_words` are the words before
    it that name what is measured; `start`/`end` cover the bound with its number and unit. A second
    limit is `upper`: "between 3 and 5", "over 3 but under 5"; "under 3 or over 5" lies outside.
    `bare`: a number alone, "GCS 3", which may be told about; what gives another is not against it.
    `front`: where the limit stands that is told before the name, "3 <" of "3 < K < 5".
    """

    concept_words: str
    op: Operator
    value: float
    unit: str
    start: int
    end: int
    upper: float | None = None
    upper_op: Operator = "<="
    bare: bool = False
    front: tuple[int, int] | None = None

    @property
    def outside(self) -> bool:
        """Say whether one of its two limits is enough."""
        return self.upper is not None and self.op[0] == "<"

    def valued(self, turn: Callable[[float], float | None]) -> Bound | None:
        """Return the same condition on turned values, without a unit; None where one has none."""
        value = turn(self.value)
        upper = None if self.upper is None else turn(self.upper)
        if value is None or (upper is None) != (self.upper is None):
            return None
        return replace(self, value=value, unit="", upper=upper)

    def holds(self, value: float, unit: str = "") -> bool:
        """Whether a measured value meets it. Units must agree where both are known."""
        converted = convert(value, unit, self.unit)
        if converted is None:
            return False
        first = _meets(converted, self.op, self.value)
        if self.upper is None:
            return first
        second = _meets(converted, self.upper_op, self.upper)
        return first or second if self.outside else first and second


def _meets(value: float, op: Operator, limit: float) -> bool:
    match op:
        case "<":
            return value < limit
        case "<=":
            return value <= limit
        case ">":
            return value > limit
        case ">=":
            return value >= limit
        case "=":
            return abs(value - limit) <= 1e-9 * max(1.0, abs(limit))


_OPERATORS: Final[dict[str, Operator]] = {
    "below": "<", "under": "<", "less than": "<", "lower than": "<", "<": "<", "fewer than": "<",
    "smaller than": "<", "shorter than": "<", "younger than": "<",
    "above": ">", "over": ">", "more than": ">", "greater than": ">", "higher than": ">",
    "larger than": ">", "bigger than": ">", "longer than": ">", "older than": ">",
    "less than or equal to": "<=", "greater than or equal to": ">=", "more than or equal to": ">=",
    "at or above": ">=", "at or below": "<=",
    ">": ">", "exceeding": ">", "at least": ">=", ">=": ">=", "≥": ">=", "no less than": ">=",
    "not less than": ">=", "minimum": ">=", "at most": "<=", "<=": "<=", "≤": "<=",
    "no more than": "<=", "not more than": "<=", "up to": "<=", "=": "=", "equal to": "=",
    "equals": "=", "exactly": "=", "=<": "<=", "=>": ">=",
}  # fmt: skip
_OF_AGE: Final = re.compile(r"\b(?:older|younger)\b", re.I)
_OPERATOR: Final = "|".join(
    (rf"\b{re.escape(o)}\b" if o[0].isalpha() else re.escape(o))
    for o in sorted(_OPERATORS, key=len, reverse=True)
)
# Of "over 180/110" the first number is held against a note: a pressure is told by it.
_PAIR: Final = r"(?<![\w.,/])(?P<pair>\d{2,3})/\d{2,3}(?![\d/])(?:[ ]?mm ?hg\b)?"
_TAIL: Final = (
    rf"(?<![\w.,])(?P<value>{NUMBER})(?![\d/])[ ]?(?:(?P<unit>{ASKED_UNIT})(?![a-z0-9/]))?"
)
_BOUND: Final = re.compile(
    rf"(?:\b(?:is|of|was|are)[ ]+)?(?P<op>{_OPERATOR})[ ]*(?:{_PAIR}|{_TAIL})", re.I
)
_BETWEEN: Final = re.compile(
    rf"\bbetween[ ]+(?P<low>{NUMBER})[ ]*(?:and|to|-|–)[ ]*{_TAIL}|"
    rf"\bfrom[ ]+(?P<low2>{NUMBER})[ ]*(?:to|-|–)[ ]*(?P<value2>{NUMBER})|"
    rf"(?<![\w.,/-])(?P<low3>{NUMBER})[-–](?P<value3>{NUMBER})[ ]?"
    rf"(?P<unit3>{ASKED_UNIT})(?![a-z0-9/])",
    re.I,
)
_SUFFIX: Final = re.compile(
    rf"(?:{_PAIR}|{_TAIL})[ ]*"
    r"(?P<op>or (?:more|above|higher|greater|over|larger|bigger|longer|older)|"
    r"or (?:less|below|lower|under|fewer|smaller|shorter|younger)|"
    r"and (?:above|over|older|up|below|under|younger)|\+(?!\w))",
    re.I,
)
_EXACT: Final = re.compile(
    rf"(?<![\w.,])(?:(?P<pair>\d{{2,3}})/\d{{2,3}}[ ]?(?P<pressure>mm ?hg)|"
    rf"(?P<value>{NUMBER})[ ]?(?P<unit>{ASKED_UNIT}))(?![a-z0-9/])",
    re.I,
)
# "3 < K < 5": the first limit stands before the name.
_CHAINED: Final = re.compile(
    rf"(?<![\w.,])(?P<value>{NUMBER})[ ]?(?:(?P<unit>{ASKED_UNIT})(?![a-z0-9/]))?[ ]*"
    r"(?P<op>[<>]=?|[≤≥])[ ]*[A-Za-z][\w +'/-]{0,40}?[ ]*$",
    re.I,
)
_TURNED: Final[dict[Operator, Operator]] = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
_JOINED: Final = re.compile(r"[ ]*,?[ ]*(?:(?:and|but|yet|&|(?P<or>or))\b[ ]*)?", re.I)
_CONCEPT: Final = re.compile(r"(?:[A-Za-z][\w/'-]*[ ]+){0,4}[A-Za-z][\w/'-]*[ ]*$")
_STOPWORDS: Final = frozenset(
    "with and or patients patient a an the who whose has have had of for in is was are last latest "
    "current not no show find all any than value values level levels result results".split()
)
_UP: Final = (
    "more", "above", "higher", "greater", "over", "larger", "bigger", "longer", "older", "up", "+",
)  # fmt: skip


@lru_cache(maxsize=64)  # a question is read several times
def parse_bounds(query: str) -> tuple[Bound, ...]:
    """Return the conditions on numbers in a query, in order, none overlapping.

    A bare number with a unit ("metoprolol 50 mg") is an equality; one without is no condition.
    """
    found: list[Bound] = []
    taken = 0
    # Of two that begin at one place the longer says more: "20 mg or more", not "20 mg".
    conditions = sorted(_conditions(query), key=lambda each: (each[0], -each[1]))
    for start, end, op, low, high, unit in conditions:
        if start < taken:
            continue
        words = _words_before(query, max(taken, 0), start)
        bound = _chained(Bound(words, op, low, unit, start, end, high), query, taken)
        both = _both(found[-1], bound, query) if found else None
        found[-1:] = [both] if both else [*found[-1:], bound]
        taken = end
    return tuple(found)


def _chained(bound: Bound, query: str, taken: int) -> Bound:
    """Return a limit with the one that stands before its name, where both go the same way."""
    before = _CHAINED.search(query, taken, bound.start) if bound.op != "=" else None
    if before is None or bound.upper is not None:
        return bound
    told, unit = _OPERATORS[before["op"]], unit_of(before["unit"])
    first = replace(bound, op=_TURNED[told], value=number(before["value"]), unit=unit)
    low, high = (first, bound) if told[0] == "<" else (bound, first)
    if told[0] != bound.op[0] or low.value >= high.value or unit not in ("", bound.unit):
        return bound
    return replace(
        bound, op=low.op, value=low.value, upper=high.value, upper_op=high.op,
        front=(before.start("value"), before.end("op")),
    )  # fmt: skip


def _both(one: Bound, other: Bound, query: str) -> Bound | None:
    """Return two limits of one thing as one condition: "above 6 and below 8", "< 2 or > 3"; None
    where something stands between them, or they go the same way."""
    joined = _JOINED.fullmatch(query, one.end, other.start)
    ops = {one.op[0], other.op[0]}
    value = convert(other.value, other.unit, one.unit)
    if not joined or ops != {"<", ">"} or value is None or {one.upper, other.upper} != {None}:
        return None
    if one.unit != other.unit and other.unit in DURATIONS:
        return None  # "BMI over 30 and under 65 years"
    low, high = sorted(((one.value, one.op), (value, other.op)))
    within = low[1][0] == ">"
    if low[0] == high[0] or (within and joined["or"]):
        return None
    return replace(
        one, op=low[1], value=low[0], upper=high[0], upper_op=high[1], unit=one.unit or other.unit,
        end=other.end,
    )  # fmt: skip


_Condition = tuple[int, int, Operator, float, float | None, str]


def _conditions(query: str) -> Iterator[_Condition]:
    for match in _BETWEEN.finditer(query):
        low = match["low"] or match["low2"] or match["low3"]
        high = match["value"] or match["value2"] or match["value3"]
        unit = unit_of(match["unit"] or match["unit3"])
        yield match.start(), match.end(), ">=", number(low), number(high), unit
    for match in _BOUND.finditer(query):
        op = _OPERATORS[re.sub(r"\s+", " ", match["op"].lower())]
        yield match.start(), match.end(), op, *_limit(match)
    for match in _SUFFIX.finditer(query):
        op = ">=" if match["op"].lower().endswith(_UP) else "<="
        yield match.start(), match.end(), op, *_limit(match)
    for match in _EXACT.finditer(query):
        value, unit = match["pair"] or match["value"], match["pressure"] or match["unit"]
        yield match.start(), match.end(), "=", number(value), None, unit_of(unit)


def _limit(match: re.Match[str]) -> tuple[float, None, str]:
    """Return a limit's number and unit, that of an age in years."""
    unit = unit_of(match["unit"]) or ("years" if _OF_AGE.search(match["op"]) else "")
    return number(match["pair"] or match["value"]), None, unit


def _words_before(query: str, start: int, end: int) -> str:
    match = _CONCEPT.search(query, start, end)
    words = match[0].split() if match else []
    while words and words[0].lower() in _STOPWORDS:
        words.pop(0)
    last = max((i for i, w in enumerate(words) if w.lower() in ("and", "or", "with")), default=-1)
    words = words[last + 1 :]
    while words and words[-1].lower() in _STOPWORDS:
        words.pop()
    return " ".join(words)
