"""Words by which a question asks for the newest of what it names ("latest hemoglobin", "most recent
echo", "last seizure"): they order its notes, and no note has to hold them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

_WORD: Final = re.compile(r"[\w'-]+")
# Behind "last" these tell a time or a name: "last year", "last 3 weeks", "last name".
_NO_ORDER: Final = frozenset(
    "name night few couple several day days week weeks month months year years two three four five "
    "six seven eight nine ten eleven twelve known".split()
)

_WHOSE: Final[tuple[list[str], ...]] = ([], ["her"], ["his"], ["their"])


def ordering(words: Sequence[str]) -> frozenset[int]:
    """Return which of a question's words ask for the newest; none where there is nothing else. What
    is no word of its own stands as ""."""
    found: set[int] = set()
    for at, word in enumerate(words):
        following = words[at + 1 : at + 2]
        if word in ("latest", "newest"):
            found.add(at)
        elif word == "most" and following == ["recent"]:
            found |= {at, at + 1}
        elif word == "last" and words[at - 1 : at] in _WHOSE and following:
            behind = following[0]
            if not behind[:1].isdigit() and behind not in _NO_ORDER:
                found.add(at)
    return frozenset(found) if len(found) < len(words) else frozenset()


def asks_for_latest(query: str) -> bool:
    """Say whether a question asks for the newest of what it names."""
    return bool(ordering(_WORD.findall(query.lower())))
