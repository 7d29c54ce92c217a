"""Paragraphs that were copied from note to note, found by MinHash (Broder 1997).

A paragraph's signature estimates the Jaccard overlap of its three-word shingles with another's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from rensa import RMinHash, RMinHashLSH

Signature = NDArray[np.uint32]  # (PERMUTATIONS,)
Prints = NDArray[np.uint8]  # (n, PERMUTATIONS): the lowest byte of each of n signatures

PERMUTATIONS: Final = 128
THRESHOLD: Final = 0.75  # one changed word in a sentence of twenty still counts as the same
_BANDS: Final = 32
_SEED: Final = 20_261
_SHINGLE: Final = 3
_SHORTEST: Final = 8  # words; "No acute distress." is a habit, not a copy

_BLOCK: Final = re.compile(r"\S[^\n]*(?:\n(?![ \t\r]*\n)[^\n]*)*")
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Place:
    """A paragraph of one note: `note` is its number in the order given."""

    note: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Repeated:
    """A paragraph and where later notes repeat it; "repeated in n later notes" is
    `later_notes`."""

    first: Place
    later: tuple[Place, ...]

    @property
    def later_notes(self) -> int:
        return len({place.note for place in self.later} - {self.first.note})


def paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Yield the blocks between blank lines that are long enough to be told apart."""
    for block in _BLOCK.finditer(text):
        start, end = block.span()
        end -= len(block[0]) - len(block[0].rstrip())
        words = 0
        for words, _ in enumerate(_WORD.finditer(text, start, end), start=1):
            if words == _SHORTEST:
                yield start, end
                break


def signature(paragraph: str) -> Signature:
    """Return the paragraph's signature; case, punctuation and numbers' layout do not matter."""
    return np.array(_minhash(paragraph).digest(), dtype=np.uint32)


def similarity(one: Signature, other: Signature) -> float:
    """Return the estimated overlap of two paragraphs, 0 to 1."""
    return float(np.mean(one == other))


def copied(text: str, earlier: Sequence[Signature]) -> list[tuple[int, int]]:
    """Return the paragraphs of `text` that stand in an earlier note, by those notes' signatures."""
    if not earlier:
        return []
    known = np.stack(earlier)
    return [
        (start, end)
        for start, end in paragraphs(text)
        if np.mean(known == signature(text[start:end]), axis=1).max() >= THRESHOLD
    ]


def prints(text: str) -> tuple[tuple[tuple[int, int], ...], Prints]:
    """Return the paragraphs of a text and a short print of each, a byte per permutation.

    Two unlike bytes are equal by chance once in 256 times: an overlap is read .004 too high.
    Source: Li & König 2010, b-bit minwise hashing.
    """
    places = tuple(paragraphs(text))
    marks = np.empty((len(places), PERMUTATIONS), dtype=np.uint8)
    for row, (start, end) in enumerate(places):
        marks[row] = signature(text[start:end]) & 0xFF
    return places, marks


def alike(some: Prints, others: Prints) -> NDArray[np.bool_]:
    """Say which paragraphs are near copies of which: (n, m) for n and m prints."""
    found = np.zeros((len(some), len(others)), dtype=bool)
    for row, one in enumerate(some):
        found[row] = (others == one).sum(axis=1) >= THRESHOLD * PERMUTATIONS
    return found


def repeated(texts: Iterable[str]) -> list[Repeated]:
    """Group the near-identical paragraphs of notes given in their order of time; each group is
    the first author's, with its later copies. Paragraphs that occur once are left out."""
    index = RMinHashLSH(THRESHOLD, PERMUTATIONS, _BANDS)
    firsts: list[tuple[Place, RMinHash]] = []
    copies: list[list[Place]] = []
    for note, text in enumerate(texts):
        for start, end in paragraphs(text):
            place, sketch = Place(note, start, end), _minhash(text[start:end])
            alike = [(firsts[k][1].jaccard(sketch), -k) for k in index.query(sketch)]
            best = max(alike, default=(0.0, 0))
            if best[0] >= THRESHOLD:
                copies[-best[1]].append(place)
            else:
                index.insert(len(firsts), sketch)
                firsts.append((place, sketch))
                copies.append([])
    return [
        Repeated(place, tuple(later))
        for (place, _), later in zip(firsts, copies, strict=True)
        if later
    ]


def _minhash(paragraph: str) -> RMinHash:
    words = _WORD.findall(paragraph.lower().encode("utf-8", "replace").decode())
    sketch = RMinHash(num_perm=PERMUTATIONS, seed=_SEED)
    last = max(1, len(words) - _SHINGLE + 1)
    sketch.update([" ".join(words[i : i + _SHINGLE]) for i in range(last)])
    return sketch
