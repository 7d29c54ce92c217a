"""Names most like a text: by shared words weighted by rarity, then by spelling."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from heapq import nlargest
from typing import Final, Protocol

from rapidfuzz.distance import JaroWinkler
from rapidfuzz.process import extract

from indexing.language.terminology.compiled import Compiled
from indexing.language.terminology.words import tokens

SHORTEST: Final = 4  # letters of a word that may be misspelt
_REMEMBERED: Final = 4096  # words
_COMMON: Final = 4000  # a word in more names than this finds nothing

# A name: the row of its concept, how many words it has, what those that it shares weigh.
Shared = tuple[int, int, float]


class Postings(Protocol):
    """Which names of a terminology hold which words; `names` counts all of them."""

    @property
    def names(self) -> int: ...
    def spread(self, words: Sequence[str]) -> Mapping[str, int]:
        """Count the names that hold each word."""
        ...

    def spelled(self, word: str) -> Sequence[str]:
        """Return words of `SHORTEST` letters or more that may be spelled like this one, by their
        letters."""
        ...

    def shared(self, weights: Mapping[str, float], most: int) -> Sequence[Shared]:
        """Return the names whose words weigh most, best first; equal ones by their row."""
        ...


class NameIndex:
    """Names by their words, wherever the postings are."""

    def __init__(self, postings: Postings) -> None:
        self._postings = postings
        # Questions repeat their words, and a word that no name has takes milliseconds.
        self._seen: dict[str, tuple[int, list[tuple[str, float]]]] = {}

    def search(self, text: str, limit: int) -> list[tuple[int, float]]:
        """Return (concept row, score below 1), best first. Raises: as the postings."""
        words = [w for w in tokens(text) if w.isalnum()]
        known = self._known(words)
        weights: dict[str, float] = defaultdict(float)
        total = 0.0
        for word in words:
            count, matches = known[word]
            rarity = math.log(1 + self._postings.names / (1 + count))
            total += rarity
            for found, likeness in matches:
                weights[found] += rarity * likeness
        best: dict[int, float] = {}
        for owner, size, score in self._postings.shared(weights, limit * 8) if weights else ():
            value = min(0.99, score / max(total, 1e-9)) / (1 + 0.1 * max(size - len(words), 0))
            best[owner] = max(value, best.get(owner, 0.0))
        return sorted(best.items(), key=lambda item: (-item[1], item[0]))[:limit]

    def _known(self, words: Iterable[str]) -> dict[str, tuple[int, list[tuple[str, float]]]]:
        """Return how many names hold each word, and the words that are, or nearly spell, it."""
        seen = self._seen
        found = {word: seen[word] for word in words if word in seen}
        if new := [word for word in dict.fromkeys(words) if word not in found]:
            spread = self._postings.spread(new)
            made = {word: self._like(word, spread.get(word, 0)) for word in new}
            # In place of the one that others may be reading.
            self._seen = made if len(seen) + len(made) > _REMEMBERED else seen | made
            found |= made
        return found

    def _like(self, word: str, count: int) -> tuple[int, list[tuple[str, float]]]:
        if 0 < count <= _COMMON:
            return count, [(word, 1.0)]
        if len(word) < SHORTEST or count:
            return count, []
        every = self._postings.spelled(word)
        near = extract(word, every, scorer=JaroWinkler.similarity, score_cutoff=0.9, limit=5)
        return 0, [(found, score * 0.9) for found, score, _ in near]


class HeldNames:
    """The postings of every name of a terminology, in this process."""

    def __init__(self, compiled: Compiled) -> None:
        self._owner = [0] * len(compiled.name_texts)
        for row in range(len(compiled.ids)):
            for i in range(compiled.name_ptr[row], compiled.name_ptr[row + 1]):
                self._owner[i] = row
        self._rows: dict[str, list[int]] = defaultdict(list)
        self._lengths = []  # in words
        for i, text in enumerate(compiled.name_texts):
            words = tokens(text)
            self._lengths.append(len(words))
            for word in set(words):
                self._rows[word].append(i)
        self._words = sorted(w for w in self._rows if len(w) >= SHORTEST)

    @property
    def names(self) -> int:
        """How many there are."""
        return len(self._lengths)

    def spread(self, words: Sequence[str]) -> Mapping[str, int]:
        """Count the names that hold each word."""
        return {word: len(self._rows.get(word, ())) for word in words}

    def spelled(self, _word: str) -> Sequence[str]:
        """Return every word: all of them are at hand."""
        return self._words

    def shared(self, weights: Mapping[str, float], most: int) -> Sequence[Shared]:
        """Return the names whose words weigh most, best first; equal ones by their row."""
        scores: dict[int, float] = defaultdict(float)
        for word, weight in weights.items():
            for i in self._rows[word]:
                scores[i] += weight
        best = nlargest(most, scores.items(), key=lambda s: (s[1], -s[0]))
        return [(self._owner[i], self._lengths[i], score) for i, score in best]
