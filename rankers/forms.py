"""Where a text holds forms of the words that are asked for.

One pattern of all of them takes longer to compile than a page's notes take to search: most words
are looked up as they are, and only numbers, wildcards and the shortest words make a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from indexing.analysis import fold

_REST: Final = r"[\w\u0300-\u036f]*"  # of a word
_rest = re.compile(_REST).match
_SHORT: Final = 2  # letters, which stand in words without number


@dataclass(frozen=True, slots=True)
class Forms:
    """What the forms of words begin with, the longest first, and a pattern of what is spelled in
    another way; both for lowered text."""

    begun: tuple[str, ...]
    spelled: re.Pattern[str] | None

    @classmethod
    def of(cls, stems: Iterable[str], wildcards: Iterable[str]) -> Forms:
        """Look for the forms of stems, and for words with `*` in them."""
        plain: set[str] = set()
        spelled: set[str] = set()
        for word in stems:
            begun = _begun(word)
            if word[0].isdigit():  # no piece of another: 3 is not in 1.73
                spelled.add(rf"(?<!\d)(?<!\d[.,]){re.escape(begun)}{_REST}(?![.,]\d)")
            elif len(begun) > _SHORT:
                plain.add(begun)
            else:
                spelled.add(re.escape(begun) + _REST)
        every = sorted(spelled, key=len, reverse=True)
        every += [_REST.join(re.escape(fold(part)) for part in w.split("*")) for w in wildcards]
        pattern = rf"(?<![^\W\d])(?:{'|'.join(every)})" if every else None
        return cls(
            tuple(sorted(plain, key=len, reverse=True)), re.compile(pattern) if pattern else None
        )

    def places(self, text: str, most: int) -> Iterator[tuple[int, int]]:
        """Yield at most `most` places that do not overlap, in order; of those that begin together
        the longest."""
        found: dict[int, int] = {}
        for begun in self.begun:
            for _, (start, end) in zip(range(most), _words(text, begun), strict=False):
                found.setdefault(start, end)
        if self.spelled is not None:
            for _, match in zip(range(most), self.spelled.finditer(text), strict=False):
                found.setdefault(match.start(), match.end())
        done = 0
        for start in sorted(found):
            if start >= done and most:
                done, most = found[start], most - 1
                yield start, done


def _words(text: str, begun: str) -> Iterator[tuple[int, int]]:
    """Yield the words that begin so; a digit may stand before one, as in "5mg"."""
    at = text.find(begun)
    while at >= 0:
        after = at + 1
        before = text[at - 1] if at else " "
        if before.isdecimal() or not (before.isalnum() or before == "_"):
            match = _rest(text, at + len(begun))
            assert match is not None  # it may be empty
            after = match.end()
            yield at, after
        at = text.find(begun, after)


def _begun(stem: str) -> str:
    """Return what all forms begin with. A stem may end otherwise than the words it stands for:
    "happi" and "happy"."""
    return stem[: max(2, len(stem) - 1)] if stem[-1:] in "iey" else stem
