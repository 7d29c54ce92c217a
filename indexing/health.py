"""What a look at an engine's server finds: what it is, what is wrong, what to do about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that is wrong. `advice` says what to do."""

    what: str
    advice: str


@dataclass(frozen=True, slots=True)
class Health:
    """`words` name the server and its version; without troubles it can serve."""

    words: str
    troubles: tuple[Trouble, ...] = ()


def release(version: str) -> tuple[int, ...]:
    """Read "3.6.0" or "v1.39.0-rc.1" as numbers, as far as they are some."""
    numbers = []
    for part in version.lstrip("v").partition("-")[0].split("."):
        if not part.isdecimal():
            break
        numbers.append(int(part))
    return tuple(numbers)
