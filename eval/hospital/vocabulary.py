"""The generator's own words: concepts, labs, disease courses and phrases, read once from files."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from eval.hospital.model import Archetype, Concept, Lab, Weighted

_HERE = Path(__file__).parent
_KINDS = ("conditions", "findings", "drugs", "procedures")


def _rows(name: str) -> Iterator[list[str]]:
    """Read one pipe-separated table; `#` begins a comment line."""
    for line in (_HERE / "words" / f"{name}.psv").read_text("utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            yield [cell.strip() for cell in line.split("|")]


def _list(cell: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in cell.split(";") if part.strip())


@cache
def concepts() -> Mapping[str, Concept]:
    """Read every concept by key."""
    found = {}
    for table in _KINDS:
        for row in _rows(table):
            key, name, code, fourth, terms, short, lay, parents = (row + [""] * 8)[:8]
            drug = table == "drugs"
            found[key] = Concept(
                key,
                table.removesuffix("s"),
                name,
                code,
                "" if drug else fourth,
                _list(terms),
                _list(short),
                _list(lay),
                _list(parents),
                _list(fourth) if drug else (),
            )
    return MappingProxyType(found)


@cache
def labs() -> Mapping[str, Lab]:
    """Read every lab by key."""
    return MappingProxyType(
        {
            r[0]: Lab(r[0], r[1], r[2], r[3], float(r[4]), float(r[5]), int(r[6]), r[7])
            for r in _rows("labs")
        }
    )


def _weighted(text: str) -> Weighted:
    pairs = (item.split(":") for item in text.split())
    return tuple((key, int(tenths) / 10) for key, tenths in pairs)


def _series(text: str) -> tuple[tuple[str, float, float], ...]:
    out = []
    for item in text.split():
        key, values = item.split(":")
        first, last = values.split("/")
        out.append((key, float(first), float(last)))
    return tuple(out)


def _numbers(text: str) -> tuple[tuple[str, float], ...]:
    return tuple((k, float(v)) for k, v in (item.split(":") for item in text.split()))


def _archetype(key: str, raw: Mapping[str, Any]) -> Archetype:
    """Build one course from its table; a missing field is an error of the file, at load."""
    weighted = ("symptoms", "signs", "comorbid", "drugs", "acute", "procedures", "complications")
    return Archetype(
        key=key,
        disease=raw["disease"],
        service=raw["service"],
        weight=float(raw["weight"]),
        ages=(raw["ages"][0], raw["ages"][1]),
        sex=raw.get("sex", "any"),
        inpatient=raw["setting"] == "inpatient",
        denies=tuple(raw["denies"].split()),
        stages=tuple(tuple(stage.split()) for stage in raw["stages"]),
        grades=tuple(raw.get("grades", ("mild", "moderate", "severe"))),
        labs=_series(raw["labs"]),
        vitals=MappingProxyType(dict(_numbers(raw["vitals"]))),
        options=_numbers(raw["options"]),
        consider=tuple(raw["consider"].split()),
        counsel=tuple(raw["counsel"].split()),
        colour=tuple(raw["colour"]),
        story=tuple(raw["story"]),
        plan=tuple(raw["plan"]),
        imaging=tuple((i[0], i[1], i[2]) for i in raw["imaging"]),
        **{name: _weighted(raw[name]) for name in weighted},
    )


@cache
def archetypes() -> tuple[Archetype, ...]:
    """Read every disease course, in the order of the files."""
    found = []
    for path in sorted((_HERE / "courses").glob("*.toml")):
        raw = tomllib.loads(path.read_text("utf-8"))
        found += [_archetype(key, table) for key, table in raw.items()]
    return tuple(found)


@cache
def phrases() -> Mapping[str, tuple[str, ...]]:
    """Read the phrase variants, by what they are for."""
    raw = tomllib.loads((_HERE / "words" / "phrases.toml").read_text("utf-8"))
    return MappingProxyType({key: tuple(value) for key, value in raw.items()})


@cache
def descendants(key: str) -> frozenset[str]:
    """List the keys below a concept in the is-a tree, itself left out."""
    below: set[str] = set()
    grew = True
    while grew:
        wanted = below | {key}
        found = {c.key for c in concepts().values() if wanted & set(c.parents)}
        grew = not found <= below
        below |= found
    return frozenset(below - {key})
