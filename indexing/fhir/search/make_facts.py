"""Derive the compact table of R4 search parameters that ingest and search work from.

Run: `python -m indexing.fhir.search.make_facts FOLDER`, where FOLDER holds
`searchparameters_r4.jsonl.gz` and `structuredefinitions_r4_base.jsonl.gz`, one JSON resource a
line. Only names, types, element paths, reference targets and the names of summary elements are
kept. A parameter whose expression is not a plain path (extensions, composites, `near`) is listed as
refused, so that asking for it fails by its name.

Table: {"params": {TYPE: {CODE: {"k": kind, "v": [value names], "to"?: [types]}}}, "refused": {TYPE:
[codes]}, "leaves": {TYPE: [[kind, value name, steps, datatype, systems]]}, "summary": {TYPE:
[elements]}}. A step is a JSON property name, or [name, inner name, inner value] for a filter.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from indexing.fhir.definitions import ElementSpec, definition, resource_types, value_set
from indexing.fhir.make_tables import Json, read_lines, write

TARGET = Path(__file__).parents[1] / "data" / "r4_search.json.gz"
KINDS = frozenset({"token", "string", "date", "reference", "quantity", "number", "uri"})
# The data types that each kind of parameter reads. Source: R4, search.html, tables per type.
READ = {
    "token": "code string uri id boolean Coding CodeableConcept Identifier ContactPoint markdown "
    "oid canonical url uuid positiveInt",
    "string": "string markdown HumanName Address",
    "date": "date dateTime instant Period Timing",
    "reference": "Reference canonical uri",
    "quantity": "Quantity Age Duration Count Money SampledData Range",
    "number": "decimal integer positiveInt unsignedInt",
    "uri": "uri url canonical oid uuid",
}
# `deceased` of Patient is a sentence about an element rather than a path to one.
DECEASED = "Patient.deceased.exists() and Patient.deceased != false"
EVERYWHERE = {
    "_tag": ("token", "meta.tag"),
    "_security": ("token", "meta.security"),
    "_profile": ("uri", "meta.profile"),
    "_source": ("uri", "meta.source"),
}
_RESOLVE = re.compile(r"(.+)\.where\(resolve\(\) is (\w+)\)")
_CAST = re.compile(r"\(?([\w.]+)(?: as (\w+)\)|\.as\((\w+)\))(.*)")
_FILTER = re.compile(r"(\w+)\.where\((\w+)='([\w-]+)'\)")
_PLAIN = re.compile(r"[\w.]+")

Step = str | list[str]


class Unreadable(Exception):
    """The expression is not a plain path."""


def steps_of(path: str) -> list[tuple[str, list[str]]]:
    """Cut "telecom.where(system='phone').value" into (name, filter) pairs."""
    marked = _FILTER.sub(r"\1@\2=\3", path)
    if not re.fullmatch(r"[\w.@=-]+", marked):
        raise Unreadable(path)
    found = []
    for piece in marked.split("."):
        name, _, rule = piece.partition("@")
        found.append((name, rule.split("=") if rule else []))
    return found


def element(owner: str, name: str) -> ElementSpec:
    """Return an element of a type, choices by their stem."""
    for each in definition(owner).elements:
        if each.name in (name, name + "[x]"):
            return each
    raise Unreadable(f"{owner}.{name}")


def walk(owner: str, path: list[tuple[str, list[str]]], cast: str) -> Iterator[Json]:
    """Yield {"s": steps, "t": datatype, "e": element} for every type the path's end may have."""
    (name, rule), rest = path[0], path[1:]
    spec = element(owner, name)
    for key, kind in spec.json_names():
        if cast and not rest and kind != cast:
            continue
        step: Step = [key, *rule] if rule else key
        if not rest:
            yield {"s": [step], "t": kind, "e": spec}
            continue
        for found in walk(kind, rest, cast):
            yield {**found, "s": [step, *found["s"]]}


def branches(expression: str, kind: str) -> Iterator[tuple[list[tuple[str, list[str]]], str, str]]:
    """Yield (path, cast, target) of each branch of an expression that is about `kind`."""
    for raw in expression.split(" | "):
        part, target, cast = raw.strip(), "", ""
        if found := _RESOLVE.fullmatch(part):
            part, target = found[1], found[2]
        if found := _CAST.fullmatch(part):
            part, cast = found[1], found[2] or found[3]
            if found[4]:
                raise Unreadable(raw)
        base, _, path = part.partition(".")
        if base == kind and path:
            yield steps_of(path), cast, target


def leaf_name(path: list[tuple[str, list[str]]], cast: str) -> str:
    """Name what a path reads, the same for every parameter that reads it."""
    text = ".".join(n + (f"[{r[0]}={r[1]}]" if r else "") for n, r in path)
    return f"{text}:{cast}" if cast else text


def systems_of(spec: ElementSpec) -> list[str]:
    """Return the code systems that a bound `code` implies."""
    bound = value_set(spec.value_set) if spec.value_set else None
    return sorted(bound) if bound else []


def parameter(row: Json, kind: str, leaves: dict[str, Json]) -> Json:
    """Compile one parameter for one type, adding what it reads to `leaves`.

    Raises:
        Unreadable: not a plain path.
    """
    sort = row["type"]
    if row.get("expression") == DECEASED:
        leaves["token deceased!"] = {"k": "token", "n": "deceased!", "s": [], "t": "", "y": []}
        return {"k": "token", "v": ["deceased!"]}
    if sort not in KINDS or not row.get("expression"):
        raise Unreadable(row["code"])
    names: list[str] = []
    targets: set[str] = set()
    for path, cast, target in branches(row["expression"], kind):
        name, known = leaf_name(path, cast), False
        for number, found in enumerate(walk(kind, path, cast)):
            if found["t"] not in READ[sort].split():
                continue
            known = True
            if sort == "reference":
                targets |= {target} if target else set(found["e"].targets or row.get("target", []))
            leaves[f"{sort} {name} {number}"] = {
                "k": sort, "n": name, "s": found["s"], "t": found["t"],
                "y": systems_of(found["e"]) if found["t"] == "code" else [],
            }  # fmt: skip
        if known:
            names.append(name)
    if not names:
        raise Unreadable(row["code"])
    made: Json = {"k": sort, "v": sorted(set(names))}
    if sort == "reference":
        # Where the two disagree altogether, the element is right (Condition-subject in 4.0.1).
        made["to"] = sorted(targets & set(row.get("target") or targets)) or sorted(targets)
    return made


def rows(folder: Path) -> dict[str, list[Json]]:
    """Return the parameters that each type has, its own only."""
    found: dict[str, list[Json]] = {kind: [] for kind in resource_types()}
    for row in read_lines(folder / "searchparameters_r4.jsonl.gz"):
        for base in row.get("base", []):
            if base in found:
                found[base].append(row)
    return found


def summaries(folder: Path) -> dict[str, list[str]]:
    """Return the elements of each type that belong to its summary."""
    found: dict[str, list[str]] = {}
    for source in read_lines(folder / "structuredefinitions_r4_base.jsonl.gz"):
        if source["kind"] != "resource" or source.get("abstract"):
            continue
        for each in source["snapshot"]["element"]:
            path = each["path"].split(".")
            if len(path) == 2 and each.get("isSummary"):
                found.setdefault(path[0], []).append(path[1])
    return {kind: sorted(names) for kind, names in sorted(found.items())}


def make(folder: Path) -> Json:
    """Build the table."""
    params: dict[str, Any] = {}
    refused: dict[str, list[str]] = {}
    leaves: dict[str, Any] = {}
    for kind, listed in sorted(rows(folder).items()):
        own: dict[str, Json] = {}
        for row in sorted(listed, key=lambda row: str(row["code"])):
            try:
                params.setdefault(kind, {})[row["code"]] = parameter(row, kind, own)
            except Unreadable:
                refused.setdefault(kind, []).append(row["code"])
        for code, (sort, path) in EVERYWHERE.items():
            row = {"code": code, "type": sort, "expression": f"{kind}.{path}"}
            params.setdefault(kind, {})[code] = parameter(row, kind, own)
        leaves[kind] = [
            [each["k"], each["n"], each["s"], each["t"], each["y"]]
            for _, each in sorted(own.items())
        ]
    return {"params": params, "refused": refused, "leaves": leaves, "summary": summaries(folder)}


def main() -> int:
    """Write the table."""
    if len(sys.argv) != 2:
        print("usage: python -m indexing.fhir.search.make_facts FOLDER", file=sys.stderr)
        return 2
    table = make(Path(sys.argv[1]))
    write(TARGET, table)
    known = sum(map(len, table["params"].values()))
    print(f"{known} parameters of {len(table['params'])} types; refused:", table["refused"])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
