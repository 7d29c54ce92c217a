"""What the entries of a vector space are filtered by: the conditions and drugs in a record or a
note, as ids of concepts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from indexing.model import Mention
from indexing.spaces import Metadata
from indexing.statuses import COUNTED

_CONDITIONS: Final = frozenset({"disorder"})
_DRUGS: Final = frozenset({"drug", "drug_class"})

Codes = Callable[[Sequence[Mention]], Metadata]


def none(_: Sequence[Mention]) -> Metadata:
    """Tell no codes: of vectors that nobody filters."""
    return {}


def codes(concepts: Iterable[str], kind: Callable[[str], str]) -> Metadata:
    """Tell conditions from drugs; `kind` is a concept's semantic type, "" for what is none."""
    kinds = {concept: kind(concept) for concept in concepts}
    return {
        "conditions": tuple(sorted(each for each, sort in kinds.items() if sort in _CONDITIONS)),
        "medications": tuple(sorted(each for each, sort in kinds.items() if sort in _DRUGS)),
    }


def said(mentions: Sequence[Mention]) -> frozenset[str]:
    """Return the concepts that a note says of its patient, now or before, surely or not."""
    return frozenset(each.concept_id for each in mentions if each.status in COUNTED["present"])
