"""Which relation a question of medical knowledge names: "what treats gout" asks for the far ends of
edges, and gout is not the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from indexing.language.terminology import EdgeKind

# Kinds of edges, and from which end.
Wanted = Mapping[EdgeKind, bool | None]

_DRUGS = r"(?:drugs?|medications?|medicines?|agents?|treatments?|therap(?:y|ies))"
_SIGNS = r"(?:signs?|symptoms?|signs? (?:and|or) symptoms?|presentations?|features?)"
# Each with the preposition or the question's own shape: "treated hypertension" asks for nothing. An
# edge is wanted as seen from what is asked of: inverse or not, either way where None.
_ASKED: tuple[tuple[str, Wanted], ...] = (
    (
        (
            rf"{_DRUGS}(?: (?:that|which|used|given))*"
            r" (?:of|for|against|in|to treat|treats?|treating)|(?<=what )treats"
            r"|(?:treats?|treated|used|given)\s*\??$|used (?:for|against|to treat)"
            r"|treated (?:with|by)"
        ),
        {EdgeKind.TREATS: None},
    ),
    (
        rf"{_SIGNS} (?:of|in)|presents? with|presents?\s*\??$",
        {EdgeKind.PRESENTS: None},
    ),
    (
        r"(?:side|adverse) (?:effects?|events?|reactions?) (?:of|to|from)",
        {EdgeKind.CAUSES: False},
    ),
    (  # what presents with a symptom is its cause
        r"causes? of|(?<=what )causes?|caused by|causes?\s*\??$",
        {EdgeKind.CAUSES: None, EdgeKind.PRESENTS: True},
    ),
    (
        r"interactions? (?:of|with|between)|interacts? with|interacts?\s*\??$",
        {EdgeKind.INTERACTS: None},
    ),
    (
        r"(?:genes?|proteins?) (?:of|for|in|behind)|(?:associated|linked|tied) (?:with|to)",
        {EdgeKind.ASSOCIATES: None},
    ),
    (
        r"(?:kinds?|types?|forms?|subtypes?|examples?) of",
        {EdgeKind.IS_A: True},
    ),
)
_PATTERNS = tuple(
    (re.compile(rf"\b(?:{pattern})(?=\W|$)", re.IGNORECASE), wanted) for pattern, wanted in _ASKED
)
_FILLER: Final = re.compile(
    r"^(?:(?:what|which|how|who|that|does|do|is|are|can|the|a|an|all|list|of|other)\b\s*)+",
    re.IGNORECASE,
)


def relation_of(question: str) -> tuple[Wanted, str] | None:
    """Return which edges a question names and the words for what it is asked of; None where it
    names none, or nothing is left of it."""
    for pattern, wanted in _PATTERNS:
        if met := pattern.search(question):
            rest = f"{question[: met.start()]} {question[met.end() :]}"
            about = _FILLER.sub("", " ".join(rest.split())).strip(" ?.,;:")
            if about:
                return wanted, about
    return None
