"""Names most like a text: by shared words weighted by rarity, then by spelling."""

from __future__ import annotations

import math
from collections import defaultdict
from functools import lru_cache
from heapq import nlargest

from rapidfuzz.distance import JaroWinkler
from rapidfuzz.process import extract

from indexing.language.terminology.compiled import Compiled
from indexing.language.terminology.words import tokens

_REMEMBERED = 4096  # words
_COMMON = 4000  # a word in more names than this finds nothing


class NameIndex:
    """Postings from word to name over every name of a terminology."""

    def __init__(self, compiled: Compiled) -> None:
        self._texts = compiled.name_texts
        self._owner = [0] * len(self._texts)
        for row in range(len(compiled.ids)):
            for i in range(compiled.name_ptr[row], compiled.name_ptr[row + 1]):
                self._owner[i] = row
        self._postings: dict[str, list[int]] = defaultdict(list)
        self._lengths = []  # in words
        for i, text in enumerate(self._texts):
            words = tokens(text)
            self._lengths.append(len(words))
            for word in set(words):
                self._postings[word].append(i)
        self._words = sorted(w for w in self._postings if len(w) > 3)
        # Questions repeat their words, and a word that no name has takes milliseconds.
        self._like = lru_cache(_REMEMBERED)(self._spelled)

    def search(self, text: str, limit: int) -> list[tuple[int, float]]:
        """Return (concept row, score below 1), best first."""
        words = [w for w in tokens(text) if w.isalnum()]
        scores: dict[int, float] = defaultdict(float)
        total = 0.0
        for word in words:
            matches = self._like(word)
            rarity = math.log(1 + len(self._texts) / (1 + len(self._postings.get(word, ()))))
            total += rarity
            for found, likeness in matches:
                for i in self._postings[found]:
                    scores[i] += rarity * likeness
        best: dict[int, float] = {}
        for i, score in nlargest(limit * 8, scores.items(), key=lambda s: (s[1], -s[0])):
            extra = self._lengths[i] - len(words)
            value = min(0.99, score / max(total, 1e-9)) / (1 + 0.1 * max(extra, 0))
            best[self._owner[i]] = max(value, best.get(self._owner[i], 0.0))
        return sorted(best.items(), key=lambda item: (-item[1], item[0]))[:limit]

    def _spelled(self, word: str) -> list[tuple[str, float]]:
        """Return the indexed words that are, begin with or nearly spell `word`."""
        if 0 < len(self._postings.get(word, ())) <= _COMMON:
            return [(word, 1.0)]
        if len(word) < 4 or word in self._postings:
            return []
        near = extract(word, self._words, scorer=JaroWinkler.similarity, score_cutoff=0.9, limit=5)
        return [(found, score * 0.9) for found, score, _ in near]
