"""Cut text into the tokens that names are made of, and fold one word's spelling."""

from __future__ import annotations

import re
import unicodedata

# Words (with digits, combining marks and a possessive), decimals, line ends that end a line's
# thought, punctuation. A hyphen or apostrophe inside a word is no token: "X-ray" is "X", "ray".
# A single newline after a line of 50 or more characters is a wrapped line, so it is no token.
# The one group lets `split` give gaps and tokens in turn, which is the fastest way to offsets.
TOKEN = re.compile(
    r"(\d+(?:\.\d+)+(?!\w)"
    r"|[^\W_]+(?:[\u0300-\u036f]+[^\W_]*)*(?:['’][sS](?!\w))?"
    r"|(?<![^\n]{50})\n|\n(?=[ \t\r]*\n)"
    r"|(?!['’`])(?!(?<=\w)[-\u2010-\u2013](?=\w))[^\w\s])"
)

DETERMINERS = frozenset("the an his her their my your our this that these those its".split())
PREPOSITIONS = frozenset("of in on at within over inside".split())
CONJUNCTIONS = frozenset(["and", "or", "&", "and/or", "plus"])

_ASCII = re.compile(r"[a-z0-9.]+\Z")


def fold(token: str) -> str:
    """Return the token without case, accents and possessive."""
    word = token.casefold()
    if len(word) > 2 and word[-2] in "'’":
        word = word[:-2]
    if _ASCII.match(word):
        return word
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(c for c in decomposed if not unicodedata.combining(c)) or word


def tokens(text: str) -> list[str]:
    """Return the folded tokens of a name or query."""
    return [fold(token) for token in TOKEN.findall(text)]
