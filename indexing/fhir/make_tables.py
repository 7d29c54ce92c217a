"""Derive the compact R4 tables that the validator carries.

Run: `python -m indexing.fhir.make_tables FOLDER [PACKAGE]`, where FOLDER holds the base
StructureDefinitions (`structuredefinitions_r4_base.jsonl.gz`), the value sets and code systems
(`valuesets_codesystems_r4.jsonl.gz`) and US Core (`uscore_3.1.0_structuredefinitions.jsonl.gz`),
one JSON resource a line. PACKAGE is the unpacked HL7 package hl7.fhir.r4.core 4.0.1 (CC0-1.0),
read for its extension definitions; without it that table stays as it is. The definitions stay
outside the project: only names, cardinalities, types, codes and invariants are kept.
"""

from __future__ import annotations

import gzip
import json
import sys
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Any

DATA = Path(__file__).parent / "data"
TARGET = DATA / "r4_tables.json.gz"
EXTENSIONS = DATA / "r4_extensions.json.gz"
FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
# Preferred, but with a required outer limit: all languages of BCP 47.
LANGUAGES = "http://hl7.org/fhir/ValueSet/languages"
CORE = "http://hl7.org/fhir/StructureDefinition/"
# Reported by their own code, or true of every element by construction of the walk.
NATIVE = frozenset({"ele-1", "ext-1", "dom-2", "dom-3", "dom-4", "dom-5", "dom-6", "ref-1"})
NATIVE_TOO = frozenset({"txt-1", "txt-2", "per-1", "rng-2", "ctm-1", "bdl-7"})

# Bound in R4, but defined with HL7 v3, whose files are not read here.
FROM_V3 = {
    "http://terminology.hl7.org/ValueSet/v3-ConfidentialityClassification": {
        "http://terminology.hl7.org/CodeSystem/v3-Confidentiality": ["L", "M", "N", "R", "U", "V"]
    }
}

Json = dict[str, Any]


def read_lines(path: Path) -> Iterator[Json]:
    """Yield the resources of a gzipped file of JSON lines."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def type_code(row: Json) -> str:
    """Name the FHIR type of a `type` row, also where it says `System.String`."""
    for extension in row.get("extension", []):
        if extension["url"] == FHIR_TYPE:
            return str(extension["valueUrl"])
    return str(row["code"])


def element_row(element: Json, bindings: set[str]) -> Json:
    """Keep what the walk needs of one ElementDefinition; absent keys mean 0..1, no binding."""
    path = element["path"]
    row: Json = {"n": path.rsplit(".", 1)[1]}
    if element["min"]:
        row["min"] = element["min"]
    if element["max"] != "1":
        row["max"] = element["max"]
    if "contentReference" in element:
        row["t"] = [element["contentReference"].removeprefix("#")]
    else:
        row["t"] = [type_code(t) for t in element["type"]]
        if row["t"][0] in ("BackboneElement", "Element"):
            row["t"] = [path]
    targets = sorted(
        {p.removeprefix(CORE) for t in element.get("type", []) for p in t.get("targetProfile", [])}
    )
    if targets and "Resource" not in targets:
        row["r"] = targets
    binding = element.get("binding", {})
    bound = binding.get("strength") == "required" or binding.get("valueSet") == LANGUAGES
    if bound and "valueSet" in binding:
        row["vs"] = binding["valueSet"].split("|")[0]
        bindings.add(row["vs"])
    rules = constraints(element)
    if rules and row["t"] != [path]:
        row["c"] = rules
    return row


def constraints(element: Json) -> list[list[str]]:
    """Invariants stated on this very element, as [key, severity, human, expression]."""
    return [
        [c["key"], c["severity"], c["human"], c["expression"]]
        for c in element.get("constraint", [])
        if c["key"] not in NATIVE | NATIVE_TOO and c.get("expression")
    ]


def types_of(definition: Json, bindings: set[str]) -> dict[str, Json]:
    """Split one StructureDefinition into its root type and its inner types."""
    found: dict[str, Json] = {}
    for element in definition["snapshot"]["element"]:
        path = element["path"]
        if "." not in path:
            found[path] = {"k": definition["kind"], "c": constraints(element), "e": []}
            continue
        parent = path.rsplit(".", 1)[0]
        found[parent]["e"].append(element_row(element, bindings))
        codes = [t["code"] for t in element.get("type", [])]
        if codes in (["BackboneElement"], ["Element"]) and path != "Element.extension":
            found[path] = {"k": "inner", "c": constraints(element), "e": []}
    if definition.get("abstract"):
        found[definition["type"]]["a"] = True
    return found


def concept_codes(concepts: list[Json]) -> Iterator[str]:
    """All codes of a concept tree."""
    for concept in concepts:
        yield concept["code"]
        yield from concept_codes(concept.get("concept", []))


def value_set_codes(value_set: Json, systems: dict[str, list[str]]) -> dict[str, list[str]] | None:
    """Enumerate a value set as {system: codes}; None where that needs a terminology server."""
    found: dict[str, list[str]] = {}
    for include in value_set.get("compose", {}).get("include", []):
        if "filter" in include or "valueSet" in include:
            return None
        system = include["system"]
        if "concept" in include:
            codes = [c["code"] for c in include["concept"]]
        elif system in systems:
            codes = systems[system]
        else:
            return None
        found[system] = sorted({*found.get(system, []), *codes})
    return None if "exclude" in value_set.get("compose", {}) else found


def make(folder: Path) -> Json:
    """Build all tables from the definition files in `folder`."""
    bindings: set[str] = set()
    types: dict[str, Json] = {}
    for definition in read_lines(folder / "structuredefinitions_r4_base.jsonl.gz"):
        if definition["kind"] == "primitive-type":
            continue
        types |= types_of(definition, bindings)
    systems: dict[str, list[str]] = {}
    value_sets: dict[str, Json] = {}
    for resource in read_lines(folder / "valuesets_codesystems_r4.jsonl.gz"):
        if resource["resourceType"] == "ValueSet":
            value_sets[resource["url"]] = resource
        elif resource.get("content") == "complete":
            systems[resource["url"]] = sorted(set(concept_codes(resource.get("concept", []))))
    bound = {
        url: codes
        for url in sorted(bindings)
        if url in value_sets and (codes := value_set_codes(value_sets[url], systems)) is not None
    }
    bound |= {url: codes for url, codes in FROM_V3.items() if url in bindings}
    # A bound value set that is a whole code system points at it instead of repeating its codes.
    compact = {
        url: {s: ("*" if c == systems.get(s) else c) for s, c in codes.items()}
        for url, codes in bound.items()
    }
    return {
        "types": types,
        "value_sets": compact,
        "systems": {url: codes for url, codes in sorted(systems.items()) if codes},
        "value_set_urls": sorted(value_sets),
    }


def extension_row(definition: Json) -> Json:
    """Where an extension may stand, what it may hold, and which inner ones it has."""
    row: Json = {"c": sorted({c["expression"] for c in definition.get("context", [])})}
    inner: dict[str, str] = {}
    for element in definition["snapshot"]["element"]:
        path, name = element["path"], element.get("id", "")
        if path == "Extension.value[x]" and element["max"] != "0":
            row["t"] = [type_code(t) for t in element["type"]]
        elif path == "Extension.extension.url" and "fixedUri" in element:
            inner[element["fixedUri"]] = name
        elif path == "Extension" and element.get("isModifier"):
            row["m"] = True
    if inner:
        row["n"] = sorted(inner)
    return row


def extensions(definitions: Iterator[Json]) -> Json:
    """The table of extensions by URL."""
    return {
        d["url"]: extension_row(d)
        for d in sorted(definitions, key=lambda d: str(d["url"]))
        if d.get("type") == "Extension" and d.get("derivation") == "constraint"
    }


def package(folder: Path) -> Iterator[Json]:
    """The StructureDefinitions of an unpacked package."""
    for path in sorted(folder.glob("StructureDefinition-*.json")):
        yield json.loads(path.read_text(encoding="utf-8"))


def write(path: Path, table: Json) -> None:
    """Write a table; the same input gives the same bytes."""
    raw = json.dumps(table, separators=(",", ":"), ensure_ascii=False)
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(raw.encode(), 9, mtime=0))
    print(f"{path.name}: {path.stat().st_size:,} bytes")


def main() -> int:
    """Write the tables."""
    if len(sys.argv) not in (2, 3):
        print("usage: python -m indexing.fhir.make_tables FOLDER [PACKAGE]", file=sys.stderr)
        return 2
    folder = Path(sys.argv[1])
    write(TARGET, make(folder))
    if len(sys.argv) == 3:
        us_core = read_lines(folder / "uscore_3.1.0_structuredefinitions.jsonl.gz")
        write(EXTENSIONS, extensions(chain(package(Path(sys.argv[2])), us_core)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
