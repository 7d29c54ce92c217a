"""A FHIR search in our words: what was asked, checked against the parameters of R4.

Whatever is not understood fails: a filter that was ignored would answer with too much.
Source: hl7.org/fhir/R4/search.html.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_args
from zoneinfo import ZoneInfo

from indexing.errors import InvalidInput, NotAcceptable
from indexing.fhir.reference import valid_id
from indexing.fhir.search.facts import Parameter, known_types, parameters, refused
from indexing.fhir.search.terms import Term, Updated, read_term, read_updated, split_values

PAGE, MOST = 50, 1000
DEEPEST = 3  # references that one chain may follow
Summary = Literal["false", "true", "text", "data", "count"]


@dataclass(frozen=True, slots=True)
class Test:
    """Any of `terms` in any value that the parameter reads; `absent` turns it round."""

    parameter: Parameter
    terms: tuple[Term, ...]
    absent: bool = False


@dataclass(frozen=True, slots=True)
class Missing:
    """The parameter reads no value at all; `there` turns it round."""

    parameter: Parameter
    there: bool


@dataclass(frozen=True, slots=True)
class Chain:
    """Some reference of the parameter leads to a resource of `target` that satisfies `inner`."""

    parameter: Parameter
    target: str
    inner: Criterion


@dataclass(frozen=True, slots=True)
class Referred:
    """Some resource of `source` that satisfies `inner` refers here by the parameter (_has)."""

    source: str
    parameter: Parameter
    inner: Criterion


@dataclass(frozen=True, slots=True)
class Ids:
    """The resource is one of these."""

    ids: tuple[str, ...]


Criterion: TypeAlias = Test | Missing | Chain | Referred | Ids | Updated


@dataclass(frozen=True, slots=True)
class Order:
    """One key of the order; `parameter` None for `_id` and `_lastUpdated`, by `column`."""

    parameter: Parameter | None
    column: str = ""
    falling: bool = False


@dataclass(frozen=True, slots=True)
class Include:
    """References to follow from a page: of `source` by these value names, to `target` ("" for
    any); `back` follows them from the other end."""

    source: str
    names: tuple[str, ...]
    target: str
    back: bool


@dataclass(frozen=True, slots=True)
class FhirSearch:
    """One search of one type."""

    resource_type: str
    criteria: tuple[Criterion, ...] = ()
    order: tuple[Order, ...] = ()
    includes: tuple[Include, ...] = ()
    count: int = PAGE
    total: bool = True
    summary: Summary = "false"
    elements: tuple[str, ...] = ()


def read_search(
    resource_type: str, pairs: Sequence[tuple[str, str]], zone: ZoneInfo,
    bases: frozenset[str] = frozenset(),
) -> FhirSearch:  # fmt: skip
    """Read the parameters of a search; `bases` are this server's own addresses in references.

    Raises:
        InvalidInput: a parameter is unknown, refused, or has a value that it cannot have.
    """
    if resource_type not in known_types():
        raise InvalidInput("no such resource type in R4")
    asked = _Reading(resource_type, zone, bases)
    for name, value in pairs:
        if value == "":
            raise InvalidInput(f"{_shown(name)}: no value", hint="leave the parameter out")
        asked.take(name, value)
    return asked.search()


def _shown(name: str) -> str:
    """Quote a parameter's name, which the sender chose, as far as it can be one."""
    head = name.partition("=")[0][:60]
    plain = head.replace(":", "").replace("-", "").replace("_", "").replace(".", "")
    return head if plain.isalnum() and plain.isascii() else "a parameter"


class _Reading:
    """Takes the parameters of one search, one after the other."""

    def __init__(self, resource_type: str, zone: ZoneInfo, bases: frozenset[str]) -> None:
        self._type, self._zone, self._bases = resource_type, zone, bases
        self._criteria: list[Criterion] = []
        self._includes: list[Include] = []
        self._order: tuple[Order, ...] = ()
        self._once: dict[str, str] = {}

    def take(self, name: str, value: str) -> None:
        """Take one parameter."""
        if name in ("_include", "_revinclude"):
            self._includes.append(_include(self._type, value, back=name == "_revinclude"))
        elif name.startswith(("_include:", "_revinclude:")):
            raise InvalidInput(f"{_shown(name)}: this modifier is not answered",
                               hint="name each reference with _include=Type:parameter")  # fmt: skip
        elif name in _ONCE:
            if name in self._once:
                raise InvalidInput(f"{name} may be given once")
            self._once[name] = value
        else:
            self._criteria.append(self._criterion(self._type, name, value, 0))

    def search(self) -> FhirSearch:
        """Return what was asked."""
        once = self._once
        summary = _choice("_summary", once.get("_summary", "false"), Summary)
        elements = tuple(each.strip() for each in once.get("_elements", "").split(",") if each)
        if elements and summary != "false":
            raise InvalidInput("_elements and _summary exclude each other")
        for name, value in once.items():
            is_of_form(name, value)
        total = _choice("_total", once.get("_total", "accurate"), Total)
        return FhirSearch(
            self._type, tuple(self._criteria), _order(self._type, once.get("_sort", "")),
            tuple(self._includes), _count(once.get("_count", str(PAGE))), total != "none",
            summary, elements,
        )  # fmt: skip

    def _criterion(self, kind: str, name: str, value: str, depth: int) -> Criterion:
        if depth > DEEPEST:
            raise InvalidInput(f"a chain may follow {DEEPEST} references")
        if name == "_id":
            return _ids(value)
        if name == "_lastUpdated":
            return read_updated(value, self._zone)
        if name.startswith("_has:"):
            return self._referred(kind, name, value, depth)
        head, dot, rest = name.partition(".")
        code, _, modifier = head.partition(":")
        parameter = _parameter(kind, code)
        if dot:
            target = _chained(parameter, modifier, head)
            return Chain(parameter, target, self._criterion(target, rest, value, depth + 1))
        if modifier == "missing":
            return Missing(parameter, _choice(f"{code}:missing", value, Bool) == "false")
        terms = tuple(
            read_term(parameter, modifier, each, self._zone, self._bases)
            for each in split_values(value)
        )
        return Test(parameter, terms, absent=modifier == "not")

    def _referred(self, kind: str, name: str, value: str, depth: int) -> Criterion:
        pieces = name.split(":", 3)
        if len(pieces) != 4:
            raise InvalidInput("_has is written _has:Type:reference:parameter=value")
        _, source, code, rest = pieces
        parameter = _parameter(source, code)
        if parameter.kind != "reference" or kind not in parameter.targets:
            raise InvalidInput(f"_has: {source}.{code} is no reference to {kind}")
        return Referred(source, parameter, self._criterion(source, rest, value, depth + 1))


_ONCE = ("_sort", "_count", "_total", "_summary", "_elements", "_format", "_pretty")
_JSON = (
    "json", "application/json", "application/fhir+json", "text/json", "application/json+fhir",
)  # fmt: skip
VERSIONS = ("4.0", "4.0.0", "4.0.1")  # of FHIR, that a form may name
Bool = Literal["true", "false"]
Total = Literal["accurate", "estimate", "none"]


def _is_json(form: str) -> bool:
    media, *given = (part.strip().lower() for part in form.split(";"))
    versions = [value.strip('"') for each in given for name, _, value in [each.partition("=")]
                if name == "fhirversion"]  # fmt: skip
    # A plus that was not escaped is a blank.
    return media.replace(" ", "+") in _JSON and all(each in VERSIONS for each in versions)


def is_of_form(name: str, value: str) -> bool:
    """Say whether a parameter asks for a form of the answer alone: every interaction takes such,
    and they change nothing here. Source: hl7.org/fhir/R4/http.html#parameters

    Raises:
        NotAcceptable: it asks for a form in which nothing is answered.
        InvalidInput: it is neither true nor false.
    """
    if name == "_pretty":
        _choice(name, value, Bool)
    elif name == "_format" and not _is_json(value):
        raise NotAcceptable("_format: only JSON is answered here")
    return name in ("_format", "_pretty")


def _choice(name: str, value: str, choices: object) -> Any:
    allowed = get_args(choices)
    if value not in allowed:
        raise InvalidInput(f"{name} may be {', '.join(allowed)}")
    return value


def _count(value: str) -> int:
    if not value.isdecimal() or len(value) > 9:
        raise InvalidInput("_count is a whole number, 0 or more")
    return min(int(value), MOST)


def _parameter(kind: str, code: str) -> Parameter:
    if kind not in known_types():
        raise InvalidInput("no such resource type in R4")
    if code in parameters(kind):
        return parameters(kind)[code]
    if code in refused(kind):
        raise InvalidInput(f"{code} is a parameter of {kind}, but not one that is answered here")
    raise InvalidInput(
        f"{kind} has no search parameter {_shown(code)}", hint="see /fhir/metadata for those it has"
    )


def _chained(parameter: Parameter, modifier: str, head: str) -> str:
    """Return the type that a chain leads to."""
    if parameter.kind != "reference":
        raise InvalidInput(f"{_shown(head)} is no reference, so nothing can follow the point")
    targets = (modifier,) if modifier else parameter.targets
    if len(targets) != 1 or targets[0] not in parameter.targets:
        some = ", ".join(parameter.targets[:4])
        raise InvalidInput(
            f"say which type {parameter.code} leads to, as in {parameter.code}:{targets[0]}.…",
            hint=f"it may be {some}",
        )
    return targets[0]


def _ids(value: str) -> Ids:
    ids = tuple(split_values(value))
    if not all(valid_id(each) for each in ids):
        raise InvalidInput("_id: not a FHIR id")
    return Ids(ids)


def _order(kind: str, value: str) -> tuple[Order, ...]:
    return tuple(_sort_key(kind, each) for each in value.split(",")) if value else ()


def _sort_key(kind: str, text: str) -> Order:
    falling, code = text.startswith("-"), text.removeprefix("-")
    if code in ("_id", "_lastUpdated"):
        return Order(None, "id" if code == "_id" else "last_updated", falling)
    return Order(_parameter(kind, code), falling=falling)


def _include(kind: str, value: str, *, back: bool) -> Include:
    """Read Type:parameter[:Target]; `*` for every reference of the type itself."""
    name = "_revinclude" if back else "_include"
    if value == "*" and not back:
        every = {n for p in parameters(kind).values() if p.kind == "reference" for n in p.names}
        return Include(kind, tuple(sorted(every)), "", back)
    pieces = value.split(":")
    if len(pieces) not in (2, 3) or pieces[0] not in known_types():
        raise InvalidInput(f"{name} is written {name}=Type:parameter or Type:parameter:Target")
    parameter = _parameter(pieces[0], pieces[1])
    if parameter.kind != "reference":
        raise InvalidInput(f"{name}: {pieces[0]}.{parameter.code} is no reference")
    target = pieces[2] if len(pieces) == 3 else ""
    if not back and pieces[0] != kind:
        raise InvalidInput(f"_include: the search is for {kind}, not for {pieces[0]}")
    if target and target not in parameter.targets:
        raise InvalidInput(f"{name}: {pieces[0]}.{parameter.code} never leads to that type")
    if back and (target or kind) != kind:
        raise InvalidInput(f"_revinclude: the target must be {kind}, which is searched for")
    if back and kind not in parameter.targets:
        raise InvalidInput(f"_revinclude: {pieces[0]}.{parameter.code} never leads to {kind}")
    targets = parameter.targets if len(parameter.targets) == 1 else ()
    return Include(pieces[0], parameter.names, target or (targets[0] if targets else ""), back)
