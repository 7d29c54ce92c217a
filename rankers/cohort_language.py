"""The language that cohorts are defined in: one criterion a line, then who is kept.

    # adults with reduced pumping, on a diuretic soon after
    hf:     condition heart failure in 2019..2024
    said:   text "ejection fraction" AND reduced
    low:    value hemoglobin < 10 g/dL within 90 days after hf
    drug:   medication furosemide within 90 days after hf
    old:    age 60-90
    like:   similar to heart failure, !fever top 200
    keep hf and low and (drug or said) and not like

Kinds: condition, medication, procedure, finding (record or notes), text (the query language),
value, age, sex, similar. Without `keep`, every criterion must hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Literal

from indexing.errors import InvalidQuery
from rankers.dates import date_range

Kind = Literal[
    "condition", "medication", "procedure", "finding", "text", "value", "age", "sex", "similar"
]
KINDS: tuple[Kind, ...] = (
    "condition", "medication", "procedure", "finding", "text", "value", "age", "sex", "similar",
)  # fmt: skip
DATED = frozenset({"condition", "medication", "procedure", "text", "value"})
MOST_CRITERIA = 30
LONGEST = 20_000
MOST_SIMILAR = 1_000
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}

_LINE = re.compile(r"\s*(?:([A-Za-z]\w{0,30})\s*:\s*)?(.*?)\s*\Z", re.DOTALL)
_WITHIN = re.compile(
    r"\s+within\s+(\d+)\s+(day|week|month|year)s?\s+(before|after|of)\s+([A-Za-z]\w*)\s*\Z", re.I
)
_IN = re.compile(r"\s+in\s+([\d.<>=-]+)\s*\Z", re.I)
_VALUE = re.compile(r"(.+?)\s*(<=|>=|<|>|=)\s*(-?[\d.]+)\s*(\S.*)?\Z", re.DOTALL)
_AGE = re.compile(r"(\d{1,3})?\s*-\s*(\d{1,3})?\Z")
_TOP = re.compile(r"\s+top\s+(\d+)\s*\Z", re.I)
_TOKEN = re.compile(r"\s*(?:(\()|(\))|([A-Za-z]\w*))")


@dataclass(frozen=True, slots=True)
class Within:
    """An event counts within so many days of one of another criterion's."""

    days: int
    where: Literal["before", "after", "of"]
    other: str


@dataclass(frozen=True, slots=True)
class Criterion:
    """One line. `what` is its words at `at` of the definition; a value is held by `operator`
    against `number` of `unit`; `ages` are inclusive years; `top` is how many are similar."""

    name: str
    kind: Kind
    what: str
    at: int
    source: str
    operator: str = ""
    number: Decimal | None = None
    unit: str = ""
    unit_at: int = 0
    ages: tuple[int | None, int | None] = (None, None)
    top: int = 100
    date_from: datetime | None = None
    date_to: datetime | None = None
    within: Within | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """Set algebra: a criterion's name, or an operator over rules."""

    operator: Literal["name", "and", "or", "not"]
    name: str = ""
    rules: tuple[Rule, ...] = ()


@dataclass(frozen=True, slots=True)
class Definition:
    """A cohort's criteria in order, and who is kept."""

    source: str
    criteria: tuple[Criterion, ...]
    keep: Rule


def read_definition(source: str, zone: tzinfo) -> Definition:
    """Read a definition.

    Raises:
        InvalidQuery: a line cannot be read, or asks for what cannot be; at its character.
    """
    if len(source) > LONGEST:
        raise InvalidQuery(f"A definition has at most {LONGEST:,} characters.", LONGEST)
    criteria: list[Criterion] = []
    keep: tuple[str, int] | None = None
    at = 0
    for line in source.splitlines(keepends=True):
        text = line.strip()
        start = at + len(line) - len(line.lstrip())
        at += len(line)
        if not text or text.startswith("#"):
            continue
        if keep is not None:
            raise _wrong("`keep` is the last line.", start)
        if re.match(r"keep\b(?!\s*:)", text, re.I):
            keep = text[4:], start + 4
        else:
            criteria.append(_criterion(text, start, criteria, zone))
    if not criteria:
        raise _wrong("There is no criterion.", 0)
    names = {each.name for each in criteria}
    if keep is None:
        every = tuple(Rule("name", each.name) for each in criteria)
        rule = every[0] if len(every) == 1 else Rule("and", rules=every)
    else:
        rule = _Rules(*keep, names).read()
    return Definition(source, tuple(criteria), rule)


def _criterion(text: str, start: int, known: list[Criterion], zone: tzinfo) -> Criterion:
    if len(known) >= MOST_CRITERIA:
        raise _wrong(f"At most {MOST_CRITERIA} criteria.", start)
    match = _LINE.match(text)
    assert match is not None
    name, body = match.group(1) or f"c{len(known) + 1}", match.group(2)
    at = start + match.start(2)
    if name in {each.name for each in known} or name.lower() in ("and", "or", "not", "keep"):
        raise _wrong(f"The name {name!r} cannot be given here.", start)
    kind, _, rest = body.partition(" ")
    if kind.lower() not in KINDS:
        raise _wrong(f"A criterion begins with one of {', '.join(KINDS)}.", at)
    at += len(body) - len(rest.lstrip()) if rest else len(body)
    if not rest.strip():
        raise _wrong(f"`{kind}` needs something after it.", at)
    return _timed(name, kind.lower(), rest.strip(), at, text, known, zone)


def _timed(
    name: str, kind: str, what: str, at: int, source: str, known: list[Criterion], zone: tzinfo
) -> Criterion:
    within: Within | None = None
    start: datetime | None = None
    end: datetime | None = None
    if found := _WITHIN.search(what):
        _dated(kind, at + found.start())
        within = _within(found, at, known)
        what = what[: found.start()]
    if found := _IN.search(what):
        _dated(kind, at + found.start())
        start, end = date_range(found.group(1), at + found.start(1), zone)
        what = what[: found.start()]
    made = Criterion(name, kind, what, at, source, date_from=start, date_to=end, within=within)  # type: ignore[arg-type]
    return _special(made)


def _dated(kind: str, at: int) -> None:
    if kind not in DATED:
        raise _wrong(f"`{kind}` has no date to be held against.", at)


def _within(found: re.Match[str], at: int, known: list[Criterion]) -> Within:
    number, unit, where, other = found.groups()
    days = int(number) * _DAYS[unit.lower()]
    if days > 200 * 365:
        raise _wrong("No patient lives that long.", at + found.start(1))
    named = {each.name: each for each in known}
    if other not in named:
        raise _wrong(f"No criterion above is called {other!r}.", at + found.start(4))
    if named[other].kind not in DATED:
        raise _wrong(f"{other!r} has no date to be counted from.", at + found.start(4))
    return Within(days, where.lower(), other)  # type: ignore[arg-type]


def _special(made: Criterion) -> Criterion:
    match made.kind:
        case "value":
            return _value(made)
        case "age":
            low, high = _ages(made)
            return replace(made, ages=(low, high))
        case "sex":
            if made.what.lower() not in ("female", "male", "other", "unknown"):
                raise _wrong("A sex is female, male, other or unknown.", made.at)
            return replace(made, what=made.what.lower())
        case "similar":
            return _similar(made)
        case _:
            return made


def _value(made: Criterion) -> Criterion:
    found = _VALUE.match(made.what)
    if found is None:
        raise _wrong("A value is written hemoglobin < 10 g/dL.", made.at)
    try:
        number = Decimal(found.group(3))
    except InvalidOperation:
        raise _wrong("This is no number.", made.at + found.start(3)) from None
    return replace(
        made, what=found.group(1), operator=found.group(2), number=number,
        unit=(found.group(4) or "").strip(), unit_at=made.at + max(found.start(4), 0),
    )  # fmt: skip


def _ages(made: Criterion) -> tuple[int | None, int | None]:
    found = _AGE.match(made.what)
    if found is None or not any(found.groups()):
        raise _wrong("An age is written 60-90, 60- or -17, in years.", made.at)
    low, high = (int(each) if each else None for each in found.groups())
    if low is not None and high is not None and low > high:
        raise _wrong("This range of ages ends before it starts.", made.at)
    if low is not None and low > 130:
        raise _wrong("Nobody is that old.", made.at)
    return low, high


def _similar(made: Criterion) -> Criterion:
    what, at, top = made.what, made.at, made.top
    if found := _TOP.search(what):
        top = int(found.group(1))
        if not 1 <= top <= MOST_SIMILAR:
            raise _wrong(f"`top` lies between 1 and {MOST_SIMILAR:,}.", at + found.start(1))
        what = what[: found.start()]
    lead = re.match(r"to\s+", what, re.I)
    if lead is None:
        raise _wrong("`similar` is written: similar to chest pain, !fever top 100.", at)
    return replace(made, what=what[lead.end() :], at=at + lead.end(), top=top)


class _Rules:
    """`not` binds first, then `and`, then `or`; parentheses group."""

    def __init__(self, text: str, at: int, names: set[str]) -> None:
        self._names, self._end, self._place = names, at + len(text), 0
        self._tokens: list[tuple[str, int]] = []
        here = 0
        while here < len(text.rstrip()):
            found = _TOKEN.match(text, here)
            if found is None:
                raise _wrong("`keep` takes names, and, or, not and parentheses.", at + here)
            word = next(part for part in found.groups() if part)
            self._tokens.append((word, at + found.end() - len(word)))
            here = found.end()

    def read(self) -> Rule:
        """Return the rule. Raises: InvalidQuery."""
        rule = self._either(0)
        if self._place < len(self._tokens):
            raise _wrong("This was not expected here.", self._tokens[self._place][1])
        return rule

    def _word(self) -> str:
        here = self._tokens[self._place : self._place + 1]
        return here[0][0].lower() if here else ""

    def _chain(self, operator: Literal["and", "or"], depth: int) -> Rule:
        inner = self._every if operator == "or" else self._one
        parts = [inner(depth)]
        while self._word() == operator:
            self._place += 1
            parts.append(inner(depth))
        return parts[0] if len(parts) == 1 else Rule(operator, rules=tuple(parts))

    def _either(self, depth: int) -> Rule:
        return self._chain("or", depth)

    def _every(self, depth: int) -> Rule:
        return self._chain("and", depth)

    def _one(self, depth: int) -> Rule:
        if self._place >= len(self._tokens):
            raise _wrong("Something is missing here.", self._end)
        word, at = self._tokens[self._place]
        self._place += 1
        if depth > 40:
            raise _wrong("Too many parentheses within parentheses.", at)
        if word.lower() == "not":
            return Rule("not", rules=(self._one(depth + 1),))
        if word == "(":
            rule = self._either(depth + 1)
            if self._word() != ")":
                raise _wrong("This parenthesis is not closed.", at)
            self._place += 1
            return rule
        if word not in self._names:
            raise _wrong(f"No criterion is called {word!r}.", at)
        return Rule("name", word)


def _wrong(message: str, at: int) -> InvalidQuery:
    return InvalidQuery(message, at)


def line_of(source: str, at: int) -> tuple[int, int]:
    """Return the line and the character in it, both from 1."""
    before = source[:at]
    return before.count("\n") + 1, at - (before.rfind("\n") + 1) + 1
