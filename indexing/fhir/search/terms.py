"""One value of a search parameter: taken apart, checked, and turned into what is compared.

Source: hl7.org/fhir/R4/search.html, one section for each kind of parameter.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Literal, TypeAlias, cast
from zoneinfo import ZoneInfo

from indexing.errors import InvalidInput
from indexing.fhir.dates import interval
from indexing.fhir.projections.rows import KEY_LENGTH, plain
from indexing.fhir.reference import parse_reference, valid_id
from indexing.fhir.search.facts import Parameter
from indexing.fhir.search.values import bounds

Prefix = Literal["eq", "ne", "gt", "lt", "ge", "le", "sa", "eb", "ap"]
_PREFIXED = re.compile(r"(eq|ne|gt|lt|ge|le|sa|eb|ap)?(.*)", re.DOTALL)
_ESCAPED = re.compile(r"\\([\\,$|])")
_PIECE = re.compile(r"\\.|[,|]|[^\\,|]+|\\", re.DOTALL)
_NUMBER = re.compile(r"[+-]?\d{1,18}(?:\.\d{1,18})?(?:[eE][+-]?\d{1,2})?")
APPROXIMATE = Decimal("0.1")  # "the recommended value is 10 % of the stated value"


@dataclass(frozen=True, slots=True)
class Token:
    """`system` None takes any; `code` None any of the system."""

    code: str | None
    system: str | None


@dataclass(frozen=True, slots=True)
class Words:
    """A string: how it is compared, and the text, folded unless it is `exact`."""

    how: Literal["begins", "contains", "exact"]
    text: str


@dataclass(frozen=True, slots=True)
class When:
    """[low, high), compared by `prefix`."""

    prefix: Prefix
    low: datetime
    high: datetime


@dataclass(frozen=True, slots=True)
class Pointer:
    """A reference: `types` it may be of, "" in them for one beyond this server."""

    types: tuple[str, ...]
    target_id: str


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with what its digits leave open, [low, high); `exact` is the number itself.
    `unit` is a code, or with `system` None also what a reader sees; "" takes any."""

    prefix: Prefix
    exact: float
    low: float
    high: float
    system: str | None = None
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Updated:
    """The resource's own time is within [low, high), or as `prefix` says."""

    prefix: Prefix
    low: datetime
    high: datetime


Term: TypeAlias = Token | Words | When | Pointer | Amount

_MODIFIERS = {
    "token": ("", "not"), "uri": ("",), "string": ("", "exact", "contains"), "date": ("",),
    "quantity": ("",), "number": ("",),
}  # fmt: skip


def split_values(value: str) -> list[str]:
    """Cut at the commas that are not escaped; the pieces keep their escapes."""
    found = [""]
    for piece in _PIECE.findall(value):
        if piece == ",":
            found.append("")
        else:
            found[-1] += piece
    if not all(found):
        raise InvalidInput("an empty value between commas")
    return found


def read_term(
    parameter: Parameter, modifier: str, value: str, zone: ZoneInfo, bases: frozenset[str]
) -> Term:
    """Read one value of a parameter.

    Raises:
        InvalidInput: the modifier or the value does not fit the parameter.
    """
    if parameter.kind == "reference":
        return _pointer(parameter, modifier, _unescaped(value), bases)
    if modifier not in _MODIFIERS[parameter.kind]:
        raise InvalidInput(
            f"{parameter.code}: this modifier is not answered for a {parameter.kind}"
        )
    match parameter.kind:
        case "token":
            return _token(parameter, value)
        case "uri":
            return Token(_short(parameter, _unescaped(value)), "")
        case "string":
            return _words(parameter, modifier, _unescaped(value))
        case "date":
            return When(*_when(parameter.code, value, zone))
        case _:
            return _amount(parameter, value)


def read_updated(value: str, zone: ZoneInfo) -> Updated:
    """Read a value of _lastUpdated."""
    if "," in value:
        raise InvalidInput("_lastUpdated: one value; give the parameter twice for a range")
    prefix, low, high = _when("_lastUpdated", value, zone)
    return Updated(prefix, low, high)


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _bars(value: str) -> list[str]:
    """Cut at the bars that are not escaped."""
    parts = [""]
    for piece in _PIECE.findall(value):
        if piece == "|":
            parts.append("")
        else:
            parts[-1] += piece
    return [_unescaped(part) for part in parts]


def _short(parameter: Parameter, text: str) -> str:
    """Values are kept to so many characters: a longer one could match by its beginning alone."""
    if len(text) >= KEY_LENGTH:
        raise InvalidInput(f"{parameter.code}: at most {KEY_LENGTH - 1} characters")
    return text


def _token(parameter: Parameter, value: str) -> Token:
    parts = [_short(parameter, part) for part in _bars(value)]
    if len(parts) > 2 or not any(parts):
        raise InvalidInput(f"{parameter.code}: written code, system|code, |code or system|")
    if len(parts) == 1:
        return Token(parts[0], None)
    system, code = parts
    if system in parameter.systems:
        system = ""  # a bare code stands for itself in the system that it is bound to
    return Token(code or None, system)


def _words(parameter: Parameter, modifier: str, text: str) -> Words:
    if modifier == "exact":
        return Words("exact", text)
    folded = _short(parameter, plain(text))
    return Words("contains" if modifier == "contains" else "begins", folded)


def _when(code: str, value: str, zone: ZoneInfo) -> tuple[Prefix, datetime, datetime]:
    found = _PREFIXED.fullmatch(value)
    assert found is not None
    prefix = cast("Prefix", found[1] or "eq")
    if prefix == "ap":
        raise InvalidInput(f"{code}: how near is near is not agreed for dates; say from and to")
    try:
        low, high = bounds(interval(found[2].replace(" ", "+"), zone))
    except ValueError:
        raise InvalidInput(f"{code}: not a FHIR date or time") from None
    return prefix, low.astimezone(UTC), high.astimezone(UTC)


def _pointer(parameter: Parameter, modifier: str, text: str, bases: frozenset[str]) -> Pointer:
    """Read an id, Type/id, or an address; the modifier may be a type."""
    if modifier and modifier not in parameter.targets:
        raise InvalidInput(f"{parameter.code}: this modifier is not answered for a reference")
    allowed = (modifier,) if modifier else parameter.targets
    if valid_id(text):
        return Pointer(allowed, text)
    target = parse_reference(text)
    if target.form == "absolute" and target.base in bases:
        text, target = f"{target.type}/{target.id}", parse_reference(f"{target.type}/{target.id}")
    if target.form == "relative" and target.version is None:
        if target.type not in allowed:
            raise InvalidInput(f"{parameter.code} never leads to that type")
        return Pointer((target.type,), target.id)
    if "://" in text or text.startswith("urn:"):
        return Pointer(("",), _short(parameter, text))
    raise InvalidInput(f"{parameter.code}: not an id, a reference Type/id, or an address")


def _amount(parameter: Parameter, value: str) -> Amount:
    found = _PREFIXED.fullmatch(value)
    assert found is not None
    parts = _bars(found[2])
    if len(parts) not in ((1,) if parameter.kind == "number" else (1, 3)):
        raise InvalidInput(f"{parameter.code}: written number, or number|system|code")
    try:
        exact = Decimal(parts[0]) if _NUMBER.fullmatch(parts[0]) else None
    except InvalidOperation:
        exact = None
    if exact is None:
        raise InvalidInput(f"{parameter.code}: not a number")
    prefix = cast("Prefix", found[1] or "eq")
    slack = _slack(prefix, exact)
    system, unit = (parts[1], parts[2]) if len(parts) == 3 else ("", "")
    if system and not unit:
        raise InvalidInput(f"{parameter.code}: a system needs a unit's code behind it")
    return Amount(
        prefix, float(exact), float(exact - slack), float(exact + slack), system or None,
        _short(parameter, unit),
    )  # fmt: skip


def _slack(prefix: Prefix, exact: Decimal) -> Decimal:
    """Return what the digits leave open on either side: 5.4 means from 5.35 up to 5.45."""
    if prefix == "ap":
        return abs(exact) * APPROXIMATE
    exponent = exact.as_tuple().exponent
    assert isinstance(exponent, int)
    return Decimal(5).scaleb(exponent - 1)
