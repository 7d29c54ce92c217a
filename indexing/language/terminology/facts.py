"""What one source file says, in one shape for every format, before anything is merged.

A source id is "NAMESPACE:local" ("DOID:1612", "HP:0000012", "ENTREZ:2798", "anm:chest-pain").
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import orjson

from indexing.language.terminology.model import EdgeKind, NameKind, SemanticType


@dataclass(slots=True)
class Facts:
    """The statements of one source; rows are tuples so that they sort, hash and serialise.

    `edges` are (subject, kind, object, weight, licence); an object may be given by label as
    "=NAMESPACE=label", or "=*=label" for a concept of any namespace. `abbreviations` are (short,
    long, weight, source): the long form finds its concept when all sources are together.
    """

    terms: list[tuple[str, str, SemanticType]] = field(default_factory=list)
    names: list[tuple[str, str, NameKind]] = field(default_factory=list)
    xrefs: list[tuple[str, str, str]] = field(default_factory=list)
    edges: list[tuple[str, EdgeKind, str, float, str]] = field(default_factory=list)
    definitions: list[tuple[str, str]] = field(default_factory=list)
    abbreviations: list[tuple[str, str, float, str]] = field(default_factory=list)
    aliases: list[tuple[str, str]] = field(default_factory=list)  # (old id, id) of one source
    types: list[tuple[str, SemanticType]] = field(default_factory=list)  # for terms typed OTHER
    retired: list[tuple[str]] = field(default_factory=list)  # ids withdrawn by their source

    def extend(self, other: Facts) -> None:
        """Take over every row of `other`."""
        for name in _TABLES:
            getattr(self, name).extend(getattr(other, name))

    def sort(self) -> None:
        """Put every table in an order that does not depend on how it was filled."""
        for name in _TABLES:
            setattr(self, name, sorted(set(getattr(self, name))))

    def count(self) -> int:
        """Count the rows of every table."""
        return sum(len(getattr(self, name)) for name in _TABLES)


_TABLES = (
    "terms",
    "names",
    "xrefs",
    "edges",
    "definitions",
    "abbreviations",
    "aliases",
    "types",
    "retired",
)


def dump(facts: Facts) -> bytes:
    """Serialise for keeping beside the snapshot."""
    return orjson.dumps({name: getattr(facts, name) for name in _TABLES})


def restore(data: bytes) -> Facts:
    """Read what `dump` wrote."""
    tables: dict[str, list[list[Any]]] = orjson.loads(data)
    return Facts(
        terms=[(i, n, SemanticType(t)) for i, n, t in tables["terms"]],
        names=[(i, n, NameKind(k)) for i, n, k in tables["names"]],
        xrefs=[(i, s, c) for i, s, c in tables["xrefs"]],
        edges=[(s, EdgeKind(k), o, w, c) for s, k, o, w, c in tables["edges"]],
        definitions=[(i, d) for i, d in tables["definitions"]],
        abbreviations=[(s, n, w, o) for s, n, w, o in tables["abbreviations"]],
        aliases=[(a, b) for a, b in tables["aliases"]],
        types=[(i, SemanticType(t)) for i, t in tables["types"]],
        retired=[(i,) for (i,) in tables["retired"]],
    )


# Names of one code system in the files we read, to the one name we keep.
_SYSTEMS = {
    "MSH": "MESH",
    "MIM": "OMIM",
    "ORDO": "ORPHA",
    "ORPHANET": "ORPHA",
    "UMLS_CUI": "UMLS",
    "SNOMEDCT": "SNOMED",
    "ICD10": "ICD10CM",
    "ICD9": "ICD9CM",
    "LNC": "LOINC",
    "ICD-O": "ICDO",
}
_DATED = re.compile(r"_(?:US_)?\d{4}(?:_\d{1,2}){0,2}\Z|_US\Z")


def code_system(name: str) -> str:
    """Return the canonical name of a code system ("SNOMEDCT_US_2025_09_01" → "SNOMED")."""
    bare = _DATED.sub("", name.strip().upper())
    return _SYSTEMS.get(bare, bare)


def namespace(source_id: str) -> str:
    """Return the part of a source id before the colon."""
    return source_id.partition(":")[0]
