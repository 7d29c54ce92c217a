"""The fixed list of section names: which headings mean which, and their LOINC codes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Final

OTHER: Final = "other"

# Headings of one organ system: under an examination or a review of systems they are part of it.
SYSTEMS: Final = frozenset(
    {
        "constitutional",
        "head_eyes_ears_nose_throat",
        "neck",
        "respiratory",
        "cardiovascular",
        "breasts",
        "gastrointestinal",
        "genitourinary",
        "musculoskeletal",
        "skin",
        "neurological",
        "psychiatric",
        "endocrine",
        "hematologic",
        "vital_signs",
        "mental_status_exam",
    }
)
PARENTS: Final = frozenset({"physical_exam", "review_of_systems", "objective"})

_CHOICE = re.compile(r"\{([^{}]*)\}")
_SPACE = re.compile(r"\s+")
_QUALIFIER = re.compile(r"\s*(?:\([^()]{0,40}\)|#\s?\d{1,3})$")


def expand(pattern: str) -> Iterator[str]:
    """Yield every wording of `pattern`, in which {a|b|} is a choice."""
    match = _CHOICE.search(pattern)
    if match is None:
        yield _SPACE.sub(" ", pattern).strip()
        return
    for choice in match[1].split("|"):
        yield from expand(pattern[: match.start()] + choice + pattern[match.end() :])


def alternatives(field: str) -> Iterator[str]:
    """Split at the bars that stand outside braces."""
    depth, start = 0, 0
    for i, char in enumerate(field):
        depth += (char == "{") - (char == "}")
        if char == "|" and depth == 0:
            yield field[start:i]
            start = i + 1
    yield field[start:]


@cache
def _table() -> tuple[dict[str, str], dict[str, str | None]]:
    names: dict[str, str] = {}
    codes: dict[str, str | None] = {OTHER: None}
    text = resources.files("indexing.language").joinpath("data/sections.tsv").read_text("utf-8")
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        name, code, headings = line.split("\t")
        codes[name] = None if code == "-" else code
        names.setdefault(name.replace("_", " "), name)
        for pattern in alternatives(headings):
            for heading in expand(pattern):
                names.setdefault(heading, name)
    return names, codes


def normalise(heading: str) -> str:
    """Fold case, white space and decoration, so that headings can be looked up."""
    return _SPACE.sub(" ", heading).strip(" \t:.-*#_=•").lower()


@cache
def lookup(heading: str) -> str | None:
    """Return the canonical name that a normalised heading means; None when it is not listed."""
    names = _table()[0]
    for form in (heading, _QUALIFIER.sub("", heading), heading.replace("&", "and")):
        found = names.get(form) or (names.get(form[:-1]) if form.endswith("s") else None)
        if found:
            return found
    return None


def loinc(name: str) -> str | None:
    """Return the LOINC code of a canonical name, None where LOINC has none."""
    return _table()[1].get(name)


def canonical_names() -> tuple[str, ...]:
    """Return the fixed list, `other` first."""
    return tuple(_table()[1])
