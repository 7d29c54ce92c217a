"""The string in a FHIR Reference, taken apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ReferenceForm = Literal["relative", "absolute", "contained", "urn", "conditional", "unknown"]


@dataclass(frozen=True, slots=True)
class Target:
    """`type` and `id` are "" where the form has none; `version` None where none is named."""

    form: ReferenceForm
    type: str = ""
    id: str = ""
    base: str = ""
    version: str | None = None


def parse_reference(text: str) -> Target:
    """Take a reference apart: relative, absolute, versioned, contained, urn, conditional."""
    raise NotImplementedError


def valid_id(text: str) -> bool:
    """Say whether `text` is a FHIR id. Source: R4, datatypes.html#id."""
    raise NotImplementedError
