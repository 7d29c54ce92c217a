"""The R4 tables: what each type holds, which codes are bound, which invariants it states.

Derived by `indexing.fhir.make_tables`; read once, on first use.
"""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

JsonObject = dict[str, object]
UNBOUNDED = -1


@dataclass(frozen=True, slots=True)
class Rule:
    """An invariant as the definition states it; `expression` is FHIRPath."""

    key: str
    severity: str
    human: str
    expression: str


@dataclass(frozen=True, slots=True)
class ElementSpec:
    """One element: `types` are type names or the path of an inner type ("Patient.contact").

    `targets` are the resource types a Reference may point at (empty: any); `value_set` is the URL
    of a required binding, None without one.
    """

    name: str
    least: int
    most: int
    types: tuple[str, ...]
    targets: frozenset[str]
    value_set: str | None
    rules: tuple[Rule, ...]

    @property
    def is_choice(self) -> bool:
        return self.name.endswith("[x]")

    @property
    def many(self) -> bool:
        return self.most != 1

    def json_names(self) -> tuple[tuple[str, str], ...]:
        """Pairs of JSON property name and type; a choice has one for each type."""
        if not self.is_choice:
            return ((self.name, self.types[0]),)
        stem = self.name[:-3]
        return tuple((stem + t[0].upper() + t[1:], t) for t in self.types)


@dataclass(frozen=True, slots=True)
class Definition:
    """One type or inner type."""

    name: str
    kind: str
    abstract: bool
    elements: tuple[ElementSpec, ...]
    rules: tuple[Rule, ...]


@cache
def _tables() -> dict[str, Any]:
    raw = (files("indexing.fhir") / "data" / "r4_tables.json.gz").read_bytes()
    tables: dict[str, Any] = json.loads(gzip.decompress(raw))
    return tables


def _element(row: dict[str, Any]) -> ElementSpec:
    most = row.get("max", "1")
    return ElementSpec(
        name=row["n"],
        least=row.get("min", 0),
        most=UNBOUNDED if most == "*" else int(most),
        types=tuple(row["t"]),
        targets=frozenset(row.get("r", ())),
        value_set=row.get("vs"),
        rules=tuple(Rule(*c) for c in row.get("c", ())),
    )


@cache
def definition(name: str) -> Definition:
    """The definition of a type or inner type.

    Raises:
        KeyError: R4 has no such type.
    """
    row = _tables()["types"][name]
    return Definition(
        name=name,
        kind=row["k"],
        abstract=bool(row.get("a")),
        elements=tuple(_element(e) for e in row["e"]),
        rules=tuple(Rule(*c) for c in row["c"]),
    )


@cache
def resource_types() -> frozenset[str]:
    """The names of all concrete R4 resource types."""
    return frozenset(
        name
        for name, row in _tables()["types"].items()
        if row["k"] == "resource" and not row.get("a")
    )


@cache
def choices() -> dict[str, frozenset[str]]:
    """For each stem of a choice element, the JSON names it takes anywhere in R4."""
    found: dict[str, set[str]] = {}
    for name in _tables()["types"]:
        for element in definition(name).elements:
            if element.is_choice:
                found.setdefault(element.name[:-3], set()).update(
                    n for n, _ in element.json_names()
                )
    return {stem: frozenset(names) for stem, names in found.items()}


@cache
def system_codes(url: str) -> frozenset[str] | None:
    """All codes of an R4 code system; None for a system that is not part of R4."""
    codes = _tables()["systems"].get(url)
    return None if codes is None else frozenset(codes)


@cache
def value_set(url: str) -> dict[str, frozenset[str]] | None:
    """A required value set as {system: codes}; None where it cannot be enumerated."""
    row = _tables()["value_sets"].get(url)
    if row is None:
        return None
    return {
        s: (system_codes(s) or frozenset()) if c == "*" else frozenset(c) for s, c in row.items()
    }


@cache
def value_set_urls() -> frozenset[str]:
    """The URLs of R4's value sets: none of them is a code system."""
    return frozenset(_tables()["value_set_urls"])
