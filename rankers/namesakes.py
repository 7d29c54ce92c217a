"""Concepts that share a name: what notes that say the one may have been read as.

Sources split what others join. A term of one source whose name is a synonym in another stays a
concept of its own, and yet each mention of that name is read as the other: without its namesakes
such a concept would stand in no note.
"""

from __future__ import annotations

from indexing.language.terminology import NameKind, Terminology
from indexing.language.terminology.merge import compatible

MOST_NAMES = 24  # of one concept, looked up


def namesakes(terminology: Terminology, concept: str) -> tuple[str, ...]:
    """Return the other concepts of the same sort of thing that a concept's own names mean: all
    those of its preferred name, and the likeliest of each synonym."""
    kind = terminology.concept(concept).semantic_type
    found: dict[str, None] = {}
    for name in terminology.names(concept)[:MOST_NAMES]:
        if name.kind not in (NameKind.PREFERRED, NameKind.SYNONYM):
            continue
        meant = terminology.find(name.text)
        for other in meant if name.kind is NameKind.PREFERRED else meant[:1]:
            if compatible(terminology.concept(other).semantic_type, kind):
                found[other] = None
    found.pop(concept, None)
    return tuple(found)
