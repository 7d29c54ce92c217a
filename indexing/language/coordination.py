"""Share a head or modifier over a list: "chest and abdominal pain", "hepatitis B and C"."""

from __future__ import annotations

from collections.abc import Callable

from indexing.language.terminology.lexicon import AND, BREAK, PLACE, UNKNOWN

Found = tuple[int, int, int]  # first and last character, concept row
_JOINTS = frozenset([AND, "/", ","])
_STOPS = frozenset([AND, "/", ",", BREAK, UNKNOWN, PLACE])
_MEMBERS = 8  # members of one list that are tried: "neck, chest, back, arm and leg pain"


def distribute(text: str, found: list[Found], lookup: Callable[[str], int | None]) -> list[Found]:
    """Return `found` with the members of coordinations added; they replace what lay inside them.

    `lookup` gives the concept of a key put together from both parts, or None.
    """
    if AND not in text and "/" not in text:
        return found
    taken = {first: (first, last, row) for first, last, row in found}
    for match in found:
        if match[1] > match[0]:
            for member in _before(text, match, lookup) + _after(text, match, taken, lookup):
                _replace(taken, member)
    return sorted(taken.values())


def _replace(taken: dict[int, Found], member: Found) -> None:
    for first in range(member[0], member[1] + 1):
        taken.pop(first, None)
    taken[member[0]] = member


def _before(text: str, match: Found, lookup: Callable[[str], int | None]) -> list[Found]:
    """Find members left of a full name: they lack its last words."""
    first, last, row = match
    members: list[Found] = []
    at = first
    seen_and = False
    while len(members) < _MEMBERS:
        end = at
        while end > 0 and text[end - 1] in _JOINTS:
            end -= 1
            seen_and = seen_and or text[end] != ","
        if end == at or not seen_and:
            break
        member = _member(
            text, end, [text[i : last + 1] for i in range(first + 1, last + 1)], lookup
        )
        if member is None or member[2] == row:
            break
        members.append(member)
        at = member[0]
    return members


def _member(
    text: str, end: int, tails: list[str], lookup: Callable[[str], int | None]
) -> Found | None:
    """Find the words just before `end` that make a name with one of `tails`."""
    for size in (2, 1):
        words = text[max(0, end - size) : end]
        if len(words) == size and not _STOPS.intersection(words):
            for tail in tails:
                row = lookup(words + tail)
                if row is not None:
                    return end - size, end - 1, row
    return None


def _after(
    text: str, match: Found, taken: dict[int, Found], lookup: Callable[[str], int | None]
) -> list[Found]:
    """Find members right of a full name: they lack its first words."""
    first, last, row = match
    members: list[Found] = []
    at = last + 1
    while len(members) < _MEMBERS:
        start = at
        while start < len(text) and text[start] in _JOINTS:
            start += 1
        joint = text[at:start]
        if not joint or not (set(joint) - {","} or _closes(text, start)):
            break
        other = taken.get(start)
        sizes = (2, 1) if other is None else (other[1] - start + 1,)
        member = None
        for size in sizes:
            words = text[start : start + size]
            if member is None and len(words) == size <= 2 and not _STOPS.intersection(words):
                concept = lookup(text[first:last] + words)
                if concept is not None and concept != row:
                    member = (start, start + size - 1, concept)
        if member is None:
            break
        members.append(member)
        at = member[1] + 1
    return members


def _closes(text: str, start: int) -> bool:
    """Say whether a comma list that goes on at `start` ends with "and" within a few words."""
    return AND in text[start : start + 8].split(BREAK)[0]
