"""The R4 search parameters, as `make_facts` compiled them; read once, on first use."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal, cast

Kind = Literal["token", "string", "date", "reference", "quantity", "number", "uri"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """`names` are the value names that it reads, any of them; `targets` the types that a reference
    may point at; `systems` those that a bare code implies."""

    code: str
    kind: Kind
    names: tuple[str, ...]
    targets: tuple[str, ...] = ()
    systems: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Leaf:
    """Where one value stands: property names from the resource down, a filter as (name, inner
    name, inner value)."""

    kind: Kind
    name: str
    steps: tuple[str | tuple[str, str, str], ...]
    datatype: str


@cache
def _table() -> Mapping[str, Any]:
    raw = (files("indexing.fhir") / "data" / "r4_search.json.gz").read_bytes()
    table: dict[str, Any] = json.loads(gzip.decompress(raw))
    return table


@cache
def parameters(resource_type: str) -> Mapping[str, Parameter]:
    """Return the parameters of a type by their code; none for what is no R4 type."""
    systems: dict[str, set[str]] = {}
    for _, name, _, datatype, bound in _table()["leaves"].get(resource_type, ()):
        if datatype == "code":
            systems.setdefault(name, set()).update(bound)
    return {
        code: Parameter(
            code, row["k"], tuple(row["v"]), tuple(row.get("to", ())),
            frozenset().union(*(systems.get(name, ()) for name in row["v"])),
        )
        for code, row in _table()["params"].get(resource_type, {}).items()
    }  # fmt: skip


def known_types() -> Sequence[str]:
    """Return every type that can be searched."""
    return sorted(_table()["params"])


def refused(resource_type: str) -> Sequence[str]:
    """Return the R4 parameters of a type that are not answered here."""
    return cast("Sequence[str]", _table()["refused"].get(resource_type, ()))


@cache
def leaves(resource_type: str) -> tuple[Leaf, ...]:
    """Return everything that a resource of this type is searched by."""
    return tuple(
        Leaf(kind, name, tuple(s if isinstance(s, str) else (s[0], s[1], s[2]) for s in steps), t)
        for kind, name, steps, t, _ in _table()["leaves"].get(resource_type, ())
    )


@cache
def summary_elements(resource_type: str) -> frozenset[str]:
    """Return the top-level elements that belong to a type's summary."""
    return frozenset(_table()["summary"].get(resource_type, ()))
