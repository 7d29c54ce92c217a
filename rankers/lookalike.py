"""What is mistaken for what: drugs by their spelling, measurements by a name within a name.

Source: the measure is in the manner of Kondrak and Dorr 2006, "Automatic identification of
confusable drug names": shared letters in order, weighed more where the names begin alike.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from rapidfuzz import process
from rapidfuzz.distance import OSA, Indel

from indexing.analysis import TOKEN, fold, terms
from indexing.language.terminology import NameKind, SemanticType, Terminology
from indexing.language.terminology.compile import TYPES

SHORTEST: Final = 5  # letters of a name; shorter ones resemble everything
ALIKE: Final = 0.65  # share of letters in common, in order, on both sides
ALIKE_AT_FIRST: Final = 0.5  # where the first three letters agree
_FIRST: Final = 3
_KEPT: Final = 2_000  # texts whose words are remembered: one question looks at two hundred
_NAME: Final = re.compile(r"[A-Za-z]{5,}")


def look_alikes(terminology: Terminology, name: str) -> frozenset[str]:
    """Return the drugs whose names look like `name`; the drug of that name is not among them."""
    word = name.strip().lower()
    if not _NAME.fullmatch(word):
        return frozenset()
    names, ids = _drugs(terminology)
    own = frozenset(terminology.find(name))
    found = process.extract(
        word, names, scorer=Indel.normalized_similarity, score_cutoff=ALIKE_AT_FIRST, limit=None
    )
    return frozenset(
        ids[place]
        for other, score, place in found
        if ids[place] not in own and (score >= ALIKE or other[:_FIRST] == word[:_FIRST])
    )


def drugs_spelled(terminology: Terminology, word: str, most: int) -> frozenset[str]:
    """Return the names of drugs that are at most so many letters away from a word."""
    names, _ = _drugs(terminology)
    found = process.extract(word, names, scorer=OSA.distance, score_cutoff=most, limit=None)
    return frozenset(name for name, _, _ in found)


def holds_alike(name: str, text: str) -> bool:
    """Say whether a text holds a word that looks like this name and is another."""
    one = name.lower()
    if not _NAME.fullmatch(one):
        return False
    found = process.extract(
        one, _long_words(text), scorer=Indel.normalized_similarity, score_cutoff=ALIKE_AT_FIRST,
        limit=None,
    )  # fmt: skip
    return any(
        two != one and (score >= ALIKE or two[:_FIRST] == one[:_FIRST]) for two, score, _ in found
    )


@lru_cache(maxsize=_KEPT)
def _long_words(text: str) -> tuple[str, ...]:
    words = map(fold, set(TOKEN.findall(text)))
    return tuple({word for word in words if len(word) >= SHORTEST and word.isalpha()})


@lru_cache(maxsize=4)
def _drugs(terminology: Terminology) -> tuple[list[str], list[str]]:
    """Return every one-word drug name in small letters, and its concept beside it."""
    drug = TYPES.index(SemanticType.DRUG)
    every = terminology.concept_ids()
    names: list[str] = []
    ids: list[str] = []
    for row in (row for row, kind in enumerate(terminology.compiled.types) if kind == drug):
        for name in terminology.names(every[row]):
            if name.kind is not NameKind.ABBREVIATION and _NAME.fullmatch(name.text):
                names.append(name.text.lower())
                ids.append(every[row])
    return names, ids


def longer_names(terminology: Terminology, concept_id: str) -> frozenset[str]:
    """Return the measurements whose names hold a name of this one and say more: "hemoglobin A1c"
    is no hemoglobin."""
    own = [_words(name.text) for name in terminology.names(concept_id)]
    return frozenset(
        other
        for words, other in _measures(terminology)
        if other != concept_id and any(name and name < words for name in own)
    )


@lru_cache(maxsize=4)
def _measures(terminology: Terminology) -> list[tuple[frozenset[str], str]]:
    kinds = {TYPES.index(SemanticType.LAB_TEST), TYPES.index(SemanticType.VITAL)}
    every = terminology.concept_ids()
    return [
        (_words(name.text), every[row])
        for row, kind in enumerate(terminology.compiled.types)
        if kind in kinds
        for name in terminology.names(every[row])
    ]


def _words(name: str) -> frozenset[str]:
    return frozenset(terms(name))
