"""Text to index terms: one tokeniser for every lexical engine, for highlights and for queries.

Numbers keep their decimals ("2.5") and stand apart from their unit ("5mg" is "5", "mg"); a letter
may carry digits ("A1c", "B12"); hyphens and slashes part words; an apostrophe does not.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import tantivy

TOKEN = re.compile(
    r"\d+(?:\.\d+)*"
    r"|[^\W\d][\w\u0300-\u036f]*(?:['’][^\W\d_][\w\u0300-\u036f]*)*"
)
LONGEST_TOKEN = 100  # code points; longer runs are cut, so that junk cannot fill the dictionary
CACHED_TOKENS = 200_000

# Words that are not ranked by when anything else is asked for; phrases keep them.
# Source: the 33 English stop words of Lucene's EnglishAnalyzer, and question words.
STOP_WORDS = frozenset(
    "a an and are as at be but by for if in into is it no not of on or such that the their then "
    "there these they this to was will with what which who how does do did from has have".split()
)

_stemmer = (
    tantivy.TextAnalyzerBuilder(tantivy.Tokenizer.raw())
    .filter(tantivy.Filter.stemmer("english"))
    .build()
)
_folded: dict[str, str] = {}
_stems: dict[str, str] = {}
_both: dict[str, tuple[str, str]] = {}


class Token(NamedTuple):
    """One term of a text, `text[start:end]` folded (lower case, no accents)."""

    start: int
    end: int
    term: str


def fold(word: str) -> str:
    """Lower the case, drop accents and unify compatibility forms: "Café" is "cafe"."""
    if word.isascii():
        return word[:LONGEST_TOKEN].lower()
    known = _folded.get(word)
    if known is None:
        if len(_folded) >= CACHED_TOKENS:
            _folded.clear()
        plain = unicodedata.normalize("NFKD", word.replace("’", "'")).lower()
        known = "".join(c for c in plain if not unicodedata.combining(c))[:LONGEST_TOKEN]
        # A lone surrogate cannot be written to any index.
        known = _folded[word] = known.encode("utf-8", "replace").decode()
    return known


def stem(term: str) -> str:
    """Return the Snowball (Porter 2) stem of a folded term."""
    known = _stems.get(term)
    if known is None:
        if len(_stems) >= CACHED_TOKENS:
            _stems.clear()
        found = _stemmer.analyze(term)
        known = _stems[term] = found[0] if found and found[0] else term
    return known


def both(word: str) -> tuple[str, str]:
    """Return a word folded, and its stem."""
    known = _both.get(word)
    if known is None:
        term = fold(word)
        known = term, stem(term)
        if len(_both) >= CACHED_TOKENS:
            _both.clear()
        if len(word) <= LONGEST_TOKEN:
            _both[word] = known
    return known


def tokens(text: str) -> Iterator[Token]:
    """Yield the terms of `text` with their offsets (code points)."""
    for match in TOKEN.finditer(text):
        yield Token(match.start(), match.end(), fold(match.group()))


def terms(text: str) -> list[str]:
    """Return the folded terms of `text` in order."""
    return [fold(word) for word in TOKEN.findall(text)]


def stems(text: str) -> list[str]:
    """Return the stemmed terms of `text` in order."""
    return [stem(fold(word)) for word in TOKEN.findall(text)]


def without_stop_words(words: Iterable[str]) -> list[str]:
    """Drop the stop words, unless nothing else would be left."""
    listed = list(words)
    return [word for word in listed if word.lower() not in STOP_WORDS] or listed
