"""Numbers with their units, bounds, doses, sides, and how a drug stands.

Queries: `parse_bounds("hemoglobin below 8")`. Notes: `measurements(text, mentions)` ties the
number to the mention it belongs to. Both come to the same `Bound`/`Measurement` units.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal, Protocol

from indexing.model import Assertion, Section

Operator = Literal["<", "<=", ">", ">=", "="]


class HasOffsets(Protocol):
    """Anything with a place in the text."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Bound:
    """A condition on a number in a query: "A1c over 10". `concept_words` are the words before
    it that name what is measured; `start`/`end` cover the bound with its number and unit."""

    concept_words: str
    op: Operator
    value: float
    unit: str
    start: int
    end: int
    upper: float | None = None  # the other end of "between 3 and 5"

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
        match self.op:
            case "<":
                return converted < self.value
            case "<=":
                return converted <= self.value
            case ">":
                return converted > self.value
            case ">=":
                return converted >= self.value and (self.upper is None or converted <= self.upper)
            case "=":
                return abs(converted - self.value) <= 1e-9 * max(1.0, abs(self.value))


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number that a note gives for a mention: value, or an interval "120-140" by its ends."""

    mention: int
    value: float
    unit: str
    start: int
    end: int
    upper: float | None = None
    op: Operator = "="


NUMBER: Final = r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+"
_UNITS: Final = {
    "%": "%", "percent": "%", "per cent": "%", "g/dl": "g/dl", "gm/dl": "g/dl", "g/l": "g/l",
    "mg/dl": "mg/dl", "mg%": "mg/dl", "mmol/l": "mmol/l", "meq/l": "mmol/l", "umol/l": "umol/l",
    "mmol/mol": "mmol/mol",
    "µmol/l": "umol/l", "μmol/l": "umol/l", "ng/ml": "ng/ml", "ug/l": "ng/ml", "pg/ml": "pg/ml",
    "ng/l": "pg/ml", "ng/dl": "ng/dl", "miu/l": "miu/l", "uiu/ml": "miu/l", "iu/l": "u/l",
    "u/l": "u/l", "k/ul": "k/ul", "k/mm3": "k/ul", "x10^3/ul": "k/ul", "10^9/l": "k/ul",
    "x10e9/l": "k/ul", "mg": "mg", "mgs": "mg", "milligrams": "mg", "milligram": "mg",
    "mcg": "mcg", "µg": "mcg", "μg": "mcg", "ug": "mcg", "micrograms": "mcg", "g": "g", "gm": "g",
    "grams": "g", "gram": "g", "kg": "kg", "kgs": "kg", "kilograms": "kg", "lb": "lb", "lbs": "lb",
    "pounds": "lb", "units": "units", "unit": "units", "iu": "units", "ml": "ml", "cc": "ml",
    "l": "l", "liters": "l", "l/min": "l/min", "mmhg": "mmhg", "mm hg": "mmhg", "bpm": "bpm",
    "beats per minute": "bpm", "ml/min": "ml/min", "cm": "cm", "mm": "mm", "inches": "in",
    "in": "in", "c": "c", "°c": "c", "celsius": "c", "degrees celsius": "c", "f": "f", "°f": "f",
    "fahrenheit": "f", "degrees fahrenheit": "f", "degrees": "", "kg/m2": "kg/m2",
    "kg/m^2": "kg/m2", "kg/m²": "kg/m2", "years": "years", "year": "years",
    "pack years": "packyears", "pack-years": "packyears", "pack-year": "packyears",
    "days": "days", "day": "days",
    "weeks": "weeks", "months": "months", "hours": "hours", "drinks": "drinks",
    "week": "weeks", "month": "months", "hour": "hours", "minutes": "minutes", "minute": "minutes",
}  # fmt: skip
DURATIONS: Final = frozenset({"minutes", "hours", "days", "weeks", "months", "years"})
# Written so in questions; in a note "98.6 hr 72" holds two numbers.
_TYPED: Final = {
    "wks": "weeks", "wk": "weeks", "mos": "months", "yrs": "years", "yr": "years", "hrs": "hours",
    "mins": "minutes", "min": "minutes", "yo": "years", "y/o": "years",
}  # fmt: skip


def _alternatives(units: Iterable[str]) -> str:
    # "70 in" is a length; in "410 in the ED" the word before another is none.
    return "|".join(
        re.escape(unit) + (r"(?!\s+[a-z])" if unit == "in" else "")
        for unit in sorted(units, key=len, reverse=True)
    )


UNIT: Final = _alternatives(_UNITS)
_ASKED_UNIT: Final = _alternatives({**_UNITS, **_TYPED})
# (from, to): factor. Temperatures are done by hand.
_FACTORS: Final = {
    ("g/l", "g/dl"): 0.1, ("g/dl", "g/l"): 10.0, ("g", "mg"): 1000.0, ("mg", "g"): 0.001,
    ("mcg", "mg"): 0.001, ("mg", "mcg"): 1000.0, ("g", "mcg"): 1e6, ("mcg", "g"): 1e-6,
    ("lb", "kg"): 0.45359237, ("kg", "lb"): 2.20462262, ("l", "ml"): 1000.0, ("ml", "l"): 0.001,
    ("ng/ml", "pg/ml"): 1000.0, ("pg/ml", "ng/ml"): 0.001, ("ng/dl", "pg/ml"): 10.0,
    ("cm", "mm"): 10.0, ("mm", "cm"): 0.1, ("in", "cm"): 2.54, ("cm", "in"): 1 / 2.54,
    ("weeks", "days"): 7.0, ("days", "weeks"): 1 / 7.0,
}  # fmt: skip

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
    rf"(?<![\w.,])(?P<value>{NUMBER})(?![\d/])[ ]?(?:(?P<unit>{_ASKED_UNIT})(?![a-z0-9/]))?"
)
_BOUND: Final = re.compile(
    rf"(?:(?:is|of|was|are)[ ]+)?(?P<op>{_OPERATOR})[ ]*(?:{_PAIR}|{_TAIL})", re.I
)
_BETWEEN: Final = re.compile(
    rf"\bbetween[ ]+(?P<low>{NUMBER})[ ]*(?:and|to|-|–)[ ]*{_TAIL}|"
    rf"\bfrom[ ]+(?P<low2>{NUMBER})[ ]*(?:to|-|–)[ ]*(?P<value2>{NUMBER})|"
    rf"(?<![\w.,/-])(?P<low3>{NUMBER})[-–](?P<value3>{NUMBER})[ ]?"
    rf"(?P<unit3>{_ASKED_UNIT})(?![a-z0-9/])",
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
    rf"(?P<value>{NUMBER})[ ]?(?P<unit>{_ASKED_UNIT}))(?![a-z0-9/])",
    re.I,
)
_CONCEPT: Final = re.compile(r"(?:[A-Za-z][\w/'-]*[ ]+){0,4}[A-Za-z][\w/'-]*[ ]*$")
_STOPWORDS: Final = frozenset(
    "with and or patients patient a an the who whose has have had of for in is was are last latest "
    "current not no show find all any than value values level levels result results".split()
)
_UP: Final = (
    "more", "above", "higher", "greater", "over", "larger", "bigger", "longer", "older", "up", "+",
)  # fmt: skip


def parse_bounds(query: str) -> list[Bound]:
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
        found.append(Bound(words, op, low, unit, start, end, high))
        taken = end
    return found


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


def number(digits: str) -> float:
    return float(digits.replace(",", ""))


def unit_of(words: str | None) -> str:
    return (_UNITS.get(words.lower()) or _TYPED.get(words.lower(), "")) if words else ""


def convert(value: float, unit: str, wanted: str) -> float | None:
    """Return `value` in the wanted unit; None where the two units do not measure alike. A missing
    unit is taken to be the other's."""
    if not unit or not wanted or unit == wanted:
        return value
    if (unit, wanted) == ("f", "c"):
        return (value - 32) / 1.8
    if (unit, wanted) == ("c", "f"):
        return value * 1.8 + 32
    factor = _FACTORS.get((unit, wanted))
    return None if factor is None else value * factor


# Between a name and its number: "is", "of", ":", "was 7.1 on arrival", "level", "came back at".
_LINK: Final = re.compile(
    r"[\s:=~\-–(,]*(?:(?:level|value|count|result|test|reading|score|fraction|today|now|still|"
    r"currently|repeat|recent|last|latest|initial|was|is|are|were|of|at|to|from|found|noted|"
    r"measured|estimated|approximately|about|around|came|back|returned|up|down|remains|remained|"
    r"dropped|fell|rose|increased|decreased|elevated|low|high|improved|stable|on|admission|"
    r"discharge|arrival|her|his|the|a|an|be|very|only|with|and|has|had|been|for|"
    r"\([a-z0-9 ]{1,12}\))[\s:=~,\-–]*){0,7}$",
    re.I,
)
_VALUE: Final = re.compile(
    rf"(?P<op>[<>≤≥]=?|=)?[ ]?(?<![\w.])(?P<value>{NUMBER})"
    rf"(?:[ ]?(?:-|–|to)[ ]?(?P<upper>{NUMBER}))?"
    rf"[ ]?(?:(?P<unit>{UNIT})(?![a-z0-9/]))?(?![\d/:])",
    re.I,
)
_REACH: Final = 60  # characters between a mention and its number
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_BREAK: Final = re.compile(r"[;\n]|[.](?=\s)")


def measurements(text: str, mentions: Sequence[HasOffsets]) -> list[Measurement]:
    """Return the number that follows each mention closely and belongs to it, where there is one.
    `Measurement.mention` is the mention's place in the sequence given."""
    found: list[Measurement] = []
    for i, mention in enumerate(mentions):
        limit = min(len(text), mention.end + _REACH)
        if i + 1 < len(mentions) and mentions[i + 1].start >= mention.end:
            limit = min(limit, mentions[i + 1].start)
        stop = _BREAK.search(text, mention.end, limit)
        limit = stop.start() if stop else limit
        match = _VALUE.search(text, mention.end, min(len(text), limit + 12))
        if match is None or match.start() >= limit or _date_like(text, match):
            continue
        if not _LINK.fullmatch(text, mention.end, match.start()):
            continue
        op = match["op"]
        found.append(
            Measurement(
                i,
                number(match["value"]),
                unit_of(match["unit"]),
                match.start(),
                match.end(),
                number(match["upper"]) if match["upper"] else None,
                _OPERATORS[op] if op else "=",
            )
        )
    return found


def _date_like(text: str, match: re.Match[str]) -> bool:
    before = text[match.start("value") - 1 : match.start("value")]
    return before == "/" or (not match["unit"] and _YEAR.fullmatch(match["value"]) is not None)


class Side(StrEnum):
    """Which side of the body."""

    LEFT = "left"
    RIGHT = "right"
    BILATERAL = "bilateral"


_SIDE: Final = re.compile(
    r"\b(?!right (?:dose|amount|way|time|kind|type|choice|answer|food|diet|balance|now|away)\b)"
    r"(?!left (?:the|a|untreated|alone|against|home|work)\b)"
    r"(?:(?P<left>left(?:-sided)?|lt\.?|l\.|(?-i:L(?:[LU][EQ])?))"
    r"|(?P<right>right(?:-sided)?|rt\.?|r\.|(?-i:R(?:[LU][EQ])?))"
    r"|(?P<both>bilateral(?:ly)?|both|b/l|(?-i:B[LU]E)))(?![\w])",
    re.I,
)


@dataclass(frozen=True, slots=True)
class Sided:
    """A word that names a side, and where it stands."""

    start: int
    end: int
    side: Side


def sides(text: str) -> list[Sided]:
    """Return every word of a short text that names a side."""
    return [Sided(m.start(), m.end(), _which(m)) for m in _SIDE.finditer(text)]


def _which(match: re.Match[str]) -> Side:
    return Side.LEFT if match["left"] else Side.RIGHT if match["right"] else Side.BILATERAL


_SIDE_WITHIN: Final = 100  # characters before a mention, of its own sentence
_STOP: Final = re.compile(r"[.](?=\s)|[,;\n]")


def side(text: str, mention: HasOffsets) -> Side | None:
    """Return the side that the mention's words, the few around them, or else what stands before
    them in their sentence, name: "MRI L shoulder: full-thickness tear"."""
    stop = max(text.rfind(c, 0, mention.start) for c in (". ", ";", ",", "\n"))
    if text[max(0, stop - 2) : stop].lower() in ("lt", "rt", " l", " r"):
        stop = -1
    before = text[max(stop + 1, mention.start - 24) : mention.end]
    found = [*_SIDE.finditer(before)]
    if not found:
        tail = text[mention.end : mention.end + 24]
        cut = re.search(r"[.;,\n]|\band\b", tail)
        found = [*_SIDE.finditer(tail[: cut.start()] if cut else tail)][:1]
    if not found:
        sentence = text[max(0, mention.start - _SIDE_WITHIN) : mention.start]
        ends = [m.end() for m in _STOP.finditer(sentence)]
        found = [*_SIDE.finditer(sentence, ends[-1] if ends else 0)]
    return _which(found[-1]) if found else None


class DrugStatus(StrEnum):
    """How a drug stands with this patient."""

    CURRENT = "current"
    STOPPED = "stopped"
    INTOLERANCE = "intolerance"
    ALLERGY = "allergy"
    NOT_TAKEN = "not_taken"


_ALLERGIC: Final = re.compile(r"\b(?:allerg|anaphyla|hypersensitiv|hives|angioedema)\w*", re.I)
_INTOLERANT: Final = re.compile(
    r"\b(?:intoleran|could not tolerate|did not tolerate|unable to tolerate|side effect|"
    r"adverse reaction|reaction to|sensitivity)\w*",
    re.I,
)
_NO_ALLERGY: Final = re.compile(r"\b(?:no|not|denies|without)\b[^.;\n]{0,30}\ballerg", re.I)
_AROUND: Final = 60


def drug_status(
    text: str, mention: HasOffsets, assertion: Assertion, section: Section | None = None
) -> DrugStatus:
    """Return how the drug at `mention` stands, from its assertion, its section and the words
    of its sentence."""
    start = max(text.rfind(c, 0, mention.start) for c in ".;\n") + 1
    start = max(start, mention.start - _AROUND)
    end = min((i for c in ".;\n" if (i := text.find(c, mention.end)) >= 0), default=len(text))
    around = text[start : min(end, mention.end + _AROUND)]
    if _INTOLERANT.search(around):
        return DrugStatus.INTOLERANCE
    if _ALLERGIC.search(around) and not _NO_ALLERGY.search(around):
        return DrugStatus.ALLERGY
    if section is not None and section.name == "allergies" and assertion is not Assertion.NEGATED:
        return DrugStatus.ALLERGY
    match assertion:
        case Assertion.PRESENT:
            return DrugStatus.CURRENT
        case Assertion.HISTORICAL:
            return DrugStatus.STOPPED
        case _:
            return DrugStatus.NOT_TAKEN
