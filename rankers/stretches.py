"""The words of a question that are left beside its names, cues, numbers, sides and times."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from indexing.analysis import STOP_WORDS, TOKEN
from indexing.language.values import sides
from rankers.asking import ASKING
from rankers.latest import newest_words
from rankers.qualified import STAGE
from rankers.times import times_told

_HOW_OFTEN: Final = re.compile(
    r"\b(?:(?:once|twice|three times|four times) (?:a |per )?(?:day|daily|week|weekly)|"
    r"(?:per|a|each|every) (?:day|week|month|year)|daily|weekly|nightly|bid|tid|qid)\b",
    re.IGNORECASE,
)
# Where on its side a thing lies: "left lower lobe pneumonia" is about pneumonia.
_PART: Final = re.compile(
    r"\b(?:upper|middle|mid|lower)[ -](?:lobes?|lung|quadrant|extremit(?:y|ies)|limb)\b",
    re.IGNORECASE,
)

# How something went: who asks for "extubated without difficulty" asks for no denial of a finding.
_MANNER: Final = re.compile(
    r"(?<=\w )(?:without|w/o|with no|no)(?: any| much)? (?:difficult(?:y|ies)|incidents?|events?|"
    r"complications?|problems?|issues?|trouble|sequelae|delay|relief|improvement|benefit|success)\b",
    re.IGNORECASE,
)


def manners(text: str) -> list[tuple[int, int]]:
    """Return where a question tells how something went that it names before."""
    return [match.span() for match in _MANNER.finditer(text)]


def stretches(text: str, taken: Iterable[tuple[int, int]], *, dosed: bool) -> list[tuple[int, int]]:
    """Return the runs of content words beside what is `taken`, sides, times, and, of what is
    `dosed`, how often."""
    sided = [(found.start, found.end) for found in sides(text)]
    aside = [*taken, *sided, *times_told(text)]
    if sided:
        aside += [match.span() for match in _PART.finditer(text)]
    aside += [match.span() for match in STAGE.finditer(text)]  # "stage IV lung cancer" is of that
    if dosed:  # what is eaten each day is what a question is about
        aside += [match.span() for match in _HOW_OFTEN.finditer(text)]
    aside += [*newest_words(text), *manners(text)]
    runs: list[tuple[int, int]] = []
    open_ = False
    for match in TOKEN.finditer(text):
        covered = any(a < match.end() and match.start() < b for a, b in aside)
        word = match.group().lower()
        if covered or word in STOP_WORDS or word in ASKING or word.isdigit():
            open_ = False
        elif open_:
            runs[-1] = (runs[-1][0], match.end())
        else:
            runs.append(match.span())
            open_ = True
    return runs
