"""Journeys that are still to be made: "trip to India planned next month", "plans to travel to
Peru". Who asks for travel asks where somebody has been."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from indexing.language.stretch import Stretch

_AHEAD: Final = re.compile(
    r"\b(?:plan(?:s|ned|ning)?|upcoming|future|hop(?:es|ing) to|intends? to|going to|about to|will|"
    r"before (?:his|her|their|any)|prior to (?:his|her|their|any)|wants to|would like to|"
    r"(?:is|are|be) going on|leaves? for|leaving for)[ ]"
    r"(?:(?:to|on|a|an|the|his|her|their|be|go|for|take|taking|going|business|family)[ ]){0,4}$"
)
_JOURNEY: Final = re.compile(
    r"(?:(?:recent|foreign|overseas|international)[ ])?"
    r"(?:travel(?:l?ing)?|trips?|vacation(?:ing)?)\b"
    r"(?:[ ](?:to|abroad|overseas|in(?![ ](?:\d|an?\b|one|two|three|four|six|several)))\b)?"
)
_BEHIND: Final = re.compile(
    r"[^.;:,\n]{0,40}?\b(?:(?:is|are|now)[ ])?(?:planned(?! by)|upcoming|scheduled|tomorrow|"
    r"next (?:week|month|year|spring|summer|fall|autumn|winter|january|february|march|april|may|"
    r"june|july|august|september|october|november|december)|"
    r"in (?:\d+|a|one|two|three|four|six|a few|several) (?:days|weeks?|months?))\b(?![ ]ago)"
)
# "She was sick before her trip last month": it is made since.
_BEFORE: Final = re.compile(r"\b(?:before|prior to)\b")
_MADE: Final = re.compile(
    r"[^.;\n]{0,60}?\b(?:last|ago|yesterday|in (?:19|20)\d\d|(?:he|she|they|patient|pt) "
    r"(?:had|was|were|developed|got|became|noticed|felt))\b"
)
_WORDS: Final = ("travel", "trip", "vacation")
_NEAR: Final = 60  # code points before the word in which its plan stands


def journeys_to_come(folded: str) -> Iterator[Stretch]:
    """Yield the journeys of a folded text that are still to be made."""
    for word in _WORDS:
        place = folded.find(word)
        while place >= 0:
            found = None if folded[place - 1 : place].isalnum() else _to_come(folded, place)
            if found:
                yield found
            place = folded.find(word, place + 1)


def _to_come(folded: str, place: int) -> Stretch | None:
    word = _JOURNEY.match(folded, place)
    if word is None:
        return None
    first = max(0, place - _NEAR)
    ahead = _AHEAD.search(folded, first, place)
    if ahead:
        if _BEFORE.match(folded, ahead.start()) and _MADE.match(folded, word.end()):
            return None
        return Stretch(place, word.end(), ahead.start(), place - 1)
    behind = _BEHIND.match(folded, word.end())
    return Stretch(place, word.end(), word.end(), behind.end()) if behind else None
