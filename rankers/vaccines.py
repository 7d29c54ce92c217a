"""Vaccines that a question names by what they are against: "vaccinated for shingles"."""

from __future__ import annotations

import re
from typing import Final

from indexing.language.matcher import Span
from indexing.language.terminology import Terminology

MOST_WORDS = 3  # of what a vaccine is against

# "Vaccinated for shingles" asks for the vaccine, not for who has them.
_VACCINATED: Final = re.compile(
    r"\b(?:vaccinat(?:ed|ion)|immuni[sz](?:ed|ation)|vaccines?|shot)[ ](?:for|against)[ ]"
    r"(?:the[ ])?(?P<what>[a-z0-9][a-z0-9 -]*[a-z0-9])",
    re.IGNORECASE,
)


def vaccines(terminology: Terminology, text: str) -> list[Span]:
    """Return the vaccines that a question names by what they are against."""
    found = []
    for match in _VACCINATED.finditer(text):
        words = match["what"].split()
        for count in range(min(MOST_WORDS, len(words)), 0, -1):
            name = " ".join(words[:count])
            concepts = terminology.find(f"{name} vaccine")
            if concepts:
                end = match.start("what") + len(name)
                named = terminology.concept(concepts[0]).name
                found.append(Span(match.start(), end, concepts[0], named))
                break
    return found
