"""The string in a FHIR Reference, taken apart."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from indexing.fhir.types import RESOURCE_TYPES

ReferenceForm = Literal["relative", "absolute", "contained", "urn", "conditional", "unknown"]

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_LITERAL = re.compile(
    r"(?P<base>https?://.+/)?(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9\-.]{1,64})"
    r"(?:/_history/(?P<version>[A-Za-z0-9\-.]{1,64}))?(?:#.*)?"
)
_CONDITIONAL = re.compile(r"(?P<type>[A-Z][A-Za-z]+)\?(?P<search>.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Target:
    """`type` and `id` are "" where the form has none; `version` None where none is named.

    For a contained resource `id` is its local id; for a urn, what stands behind "urn:uuid:".
    """

    form: ReferenceForm
    type: str = ""
    id: str = ""
    base: str = ""
    version: str | None = None


@lru_cache(maxsize=16384)
def parse_reference(text: str) -> Target:
    """Take a reference apart: relative, absolute, versioned, contained, urn, conditional."""
    if text.startswith("#"):
        return Target("contained", id=text[1:])
    if text.startswith("urn:"):
        return Target("urn", id=text.removeprefix("urn:uuid:"))
    if (found := _LITERAL.fullmatch(text)) and found["type"] in RESOURCE_TYPES:
        base = found["base"] or ""
        form: ReferenceForm = "absolute" if base else "relative"
        return Target(form, found["type"], found["id"], base, found["version"])
    if (found := _CONDITIONAL.fullmatch(text)) and found["type"] in RESOURCE_TYPES:
        return Target("conditional", found["type"])
    return Target("unknown")


def valid_id(text: str) -> bool:
    """Say whether `text` is a FHIR id. Source: R4, datatypes.html#id."""
    return _ID.fullmatch(text) is not None
