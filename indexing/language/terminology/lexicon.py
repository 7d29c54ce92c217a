"""Every name as a short string of one character per word, and what each such key may mean.

A word becomes the character of its canonical form, so that inflection, spelling and typos are
settled once per word type and matching is plain string search. Determiners have no character;
prepositions of place share one; "," "/" and "and" have their own; a word of no name is UNKNOWN.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from indexing.language.terminology.forms import Forms, common, english
from indexing.language.terminology.model import NameKind, SemanticType
from indexing.language.terminology.words import CONJUNCTIONS, DETERMINERS, PREPOSITIONS, tokens

UNKNOWN, BREAK, AND, PLACE = "\x01", "\x02", "\x03", "\x04"
_FIXED = {"/": "/", ",": ","}
_FIRST = 0x80  # code points below stand for themselves or for the marks above
_MAX_WORDS = 10  # a longer name is a description: nobody writes it in a note

# How a text must spell the name: anyhow, as given, as an abbreviation; LOOSE: only in a question.
FREE, CASED, SHORT, LOOSE = 0, 1, 2, 3

# Heads that also stand first: "fractured hip", "swelling ankles", "enlarged liver".
_LEADING = frozenset(
    """fracture swelling enlargement tear dislocation rupture dilation inflammation obstruction
    perforation infection pain bruise ulcer herniation hypertrophy atrophy high low""".split()
)
_TURNABLE = frozenset(
    [SemanticType.DISORDER, SemanticType.SYMPTOM, SemanticType.FINDING, SemanticType.PROCEDURE]
)
_ROMAN = {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5"}
_NUMERALS = _ROMAN | {arabic: roman for roman, arabic in _ROMAN.items()}
_ORDINAL_HEADS = frozenset("type stage grade class degree".split())
_HYPHENED = re.compile(r"(?<!\w)([^\W\d_]+)-(\w+)(?![\w-])")


class Row(NamedTuple):
    """One name on its way into the lexicon; `trusted` names come from the shipped seed."""

    concept: int
    text: str
    kind: NameKind
    weight: float
    semantic_type: SemanticType
    trusted: bool


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The compiled names. Entries of pattern i are rows `ptr[i]:ptr[i+1]`, likeliest first."""

    codes: dict[str, str]  # canonical word → its character
    settled: dict[str, str]  # every word of every name → its canonical form
    drugs: list[str]  # words of drug names: typos are never bridged to them when look-alikes exist
    patterns: list[str]
    ptr: NDArray[np.int32]
    concept: NDArray[np.int32]
    flag: NDArray[np.uint8]
    weight: NDArray[np.float32]
    kind: NDArray[np.uint8]


class Keyer:
    """Turn names into keys, with the vocabulary of one terminology."""

    def __init__(self, codes: dict[str, str], forms: Forms) -> None:
        self.codes = codes
        self.forms = forms
        self.leading = frozenset(codes[head] for head in _LEADING if head in codes)

    def code(self, word: str, correct: bool = False) -> str:
        """Return the character of a folded token, "" for one that is skipped."""
        fixed = _fixed(word)
        if fixed is not None:
            return fixed
        canonical = self.forms.canonical(word)
        if canonical is None and correct:
            canonical = self.forms.corrected(word)
        return self.codes.get(canonical, UNKNOWN) if canonical is not None else UNKNOWN

    def key(self, name: str, correct: bool = False) -> str:
        """Return a name's own key, without its punctuation."""
        codes = [self.code(token, correct) for token in tokens(name)]
        return "".join(code for code in codes if code != BREAK)


def _fixed(word: str) -> str | None:
    """Return the character of a token that is no content word; None for a word."""
    if word in DETERMINERS:
        return ""
    if word in PREPOSITIONS:
        return PLACE
    if word in CONJUNCTIONS:
        return AND
    if word.isalnum() or "." in word[1:-1] or (word[:1].isalnum()):
        return None
    return _FIXED.get(word, BREAK)


def keyer(names: Iterable[str], drug_names: Iterable[str]) -> Keyer:
    """Give every word of `names` its character, frequent words the short ones."""
    counts: Counter[str] = Counter()
    for name in names:
        counts.update(t for t in tokens(name) if _fixed(t) is None)
        counts.update(_joined(name))
    drugs = {t for name in drug_names for t in tokens(name) if t.isalpha() and len(t) > 4}
    forms = Forms.of(counts, drugs - english())
    canonical: Counter[str] = Counter()
    for word, count in counts.items():
        canonical[forms.canonical(word) or word] += count
    ordered = sorted(canonical, key=lambda w: (-canonical[w], w))
    return Keyer({word: _character(i) for i, word in enumerate(ordered)}, forms)


def _character(index: int) -> str:
    point = _FIRST + index
    return chr(point if point < 0xD800 else point + 0x800)  # surrogates are no characters


def _joined(name: str) -> list[str]:
    """Return "followup" for "follow-up": hyphened words are also written as one."""
    return [(a + b).casefold() for a, b in _HYPHENED.findall(name) if len(a + b) > 4]


def build(rows: Sequence[Row], keys: Keyer) -> Lexicon:
    """Compile the names of a terminology."""
    table: dict[str, dict[int, tuple[int, float, NameKind, bool]]] = {}
    for row in rows:
        words = tokens(row.text)
        flag = _flag(row, words)
        for key in _keys(row, words, keys) if flag is not None else ():
            entries = table.setdefault(key, {})
            known = entries.get(row.concept)
            if flag is not None and (known is None or _order(known) > _order((flag, *row[3:1:-1]))):
                entries[row.concept] = (flag, row.weight, row.kind, row.trusted)
    return _pack(table, keys)


def _order(entry: tuple[object, ...]) -> tuple[object, ...]:
    """Order readings of one key by concept: free spelling first, then the better kind of name."""
    return (entry[0], _KINDS.index(entry[2]))  # type: ignore[arg-type]


_KINDS = list(NameKind)


def _flag(row: Row, words: Sequence[str]) -> int | None:
    """Say how the name must be spelled; None for one that must not be looked for in text."""
    if row.kind is NameKind.ABBREVIATION:
        return SHORT if len(row.text) > 1 and not row.text.isdigit() else None
    if row.kind is NameKind.LOOSE:
        return LOOSE
    if row.semantic_type is SemanticType.GENE and len(words) < 4:
        return CASED if len(row.text) > 2 else None
    if len(words) > _MAX_WORDS or not any(w.isalpha() and len(w) > 2 for w in words):
        return SHORT if row.trusted and words else None
    if row.semantic_type is SemanticType.OTHER and not row.trusted:
        return None
    content = [w for w in words if _fixed(w) is None]
    if len(content) == 1 and not row.trusted:
        if content[0] in common() or row.semantic_type is SemanticType.PROCESS:
            return None
        if row.text.isupper() and len(row.text) < 6:
            return SHORT
    return FREE


def _keys(row: Row, words: Sequence[str], keys: Keyer) -> Iterator[str]:
    """Yield the name's key and the keys of its regular rewordings."""
    codes = [keys.code(w) for w in words]
    plain = "".join(c for c in codes if c not in (BREAK, ","))
    yield plain
    if row.kind is NameKind.ABBREVIATION:
        return
    if codes.count(",") == 1 and BREAK not in codes:
        cut = codes.index(",")
        yield "".join(codes)
        yield "".join(codes[cut + 1 :] + codes[:cut])
    for joined in _joined(row.text):
        if len(words) == 2:
            yield keys.code(joined)
    yield from _numbered(words, keys)
    if len(words) > 2 and words[0] in _ORDINAL_HEADS and words[1] in _NUMERALS:
        for number in (words[1], _NUMERALS[words[1]]):  # "diabetes type 2", "diabetes, type II"
            for joint in ([], [","]):
                turned = [*words[2:], *joint, words[0], number]
                yield "".join(c for c in map(keys.code, turned) if c != BREAK)
    if row.semantic_type in _TURNABLE and "," not in codes and BREAK not in codes:
        yield from _turned(plain, keys)


def _numbered(words: Sequence[str], keys: Keyer) -> Iterator[str]:
    """Yield "type 2" for "type II" and the other way round."""
    for i, (head, word) in enumerate(pairwise(words)):
        other = _NUMERALS.get(word) if head in _ORDINAL_HEADS else None
        if other:
            turned = [keys.code(w) for w in (*words[: i + 1], other, *words[i + 2 :])]
            yield "".join(c for c in turned if c not in (BREAK, ","))


def _turned(plain: str, keys: Keyer) -> Iterator[str]:
    """Yield "pain in chest" for "chest pain", "lung carcinoma" for "carcinoma of lung"."""
    if any(mark in plain for mark in (AND, "/", UNKNOWN)):
        return
    if plain.count(PLACE) == 1:
        left, right = plain.split(PLACE)
        if 0 < len(left) <= 3 and 0 < len(right) <= 2:
            yield right + left
    elif PLACE not in plain and 2 <= len(plain) <= 3:
        yield plain[-1] + PLACE + plain[:-1]
        if plain[-1] in keys.leading:
            yield plain[-1] + plain[:-1]
        if plain[0] in keys.leading:
            yield plain[1:] + plain[0]
            yield plain[0] + PLACE + plain[1:]


def _pack(table: dict[str, dict[int, tuple[int, float, NameKind, bool]]], keys: Keyer) -> Lexicon:
    table.pop("", None)
    patterns = sorted(key for key in table if UNKNOWN not in key and max(key) >= chr(_FIRST))
    ptr, concept, flag, weight, kind = [0], [], [], [], []
    for pattern in patterns:
        entries = table[pattern]
        for index in sorted(entries, key=lambda i: _preference(i, entries[i])):
            concept.append(index)
            flag.append(entries[index][0])
            weight.append(entries[index][1])
            kind.append(_KINDS.index(entries[index][2]))
        ptr.append(len(concept))
    return Lexicon(
        codes=keys.codes,
        settled=dict(keys.forms.settled),
        drugs=list(keys.forms.drugs),
        patterns=patterns,
        ptr=np.array(ptr, np.int32),
        concept=np.array(concept, np.int32),
        flag=np.array(flag, np.uint8),
        weight=np.array(weight, np.float32),
        kind=np.array(kind, np.uint8),
    )


def _preference(index: int, entry: tuple[int, float, NameKind, bool]) -> tuple[object, ...]:
    flag, weight, kind, trusted = entry
    return (
        flag in (CASED, LOOSE),
        kind is NameKind.ABBREVIATION,
        -weight,
        not trusted,
        _KINDS.index(kind),
        index,
    )
