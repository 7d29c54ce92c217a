"""Find the terminology's concepts in text: longest match, offsets of the original text."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from threading import Lock

import numpy as np
from ahocorasick_rs import AhoCorasick, Implementation, MatchKind

from indexing.language.coordination import distribute
from indexing.language.other_meanings import means_other
from indexing.language.senses import Reading, Senses
from indexing.language.spelling import caps_around, spelled_short
from indexing.language.terminology import Terminology
from indexing.language.terminology.forms import ADJECTIVES
from indexing.language.terminology.lexicon import (
    BREAK,
    CASED,
    FREE,
    LOOSE,
    PLACE,
    SHORT,
    UNKNOWN,
)
from indexing.language.terminology.words import TOKEN, fold
from indexing.model import Section

_NEVER_CERTAIN = 0.98  # an abbreviation is weighed against its context, whatever its share
_CACHE = 250_000  # word types remembered; beyond that the cache starts again
# A text this short without sections is read as a question: loose words count, and when it is all in
# lower case, abbreviations are taken as typed without shift.
_QUESTION = 120


@dataclass(frozen=True, slots=True)
class Span:
    """A concept found at `text[start:end]` (code points). `name` is its preferred name.

    `ambiguous`: the words mean several concepts and the context did not decide; `candidates` are
    all of them, likeliest first, `concept_id` the first. When decided, `candidates` is empty.
    In "chest and abdominal pain" the spans are "chest" (chest pain) and "abdominal pain".
    """

    start: int
    end: int
    concept_id: str
    name: str
    ambiguous: bool = False
    candidates: tuple[str, ...] = ()


class _Characters(dict[str, str]):
    """Token as written → its character, each word type settled once."""

    def __init__(self, terminology: Terminology) -> None:
        super().__init__()
        self._keyer = terminology.keyer
        self.named = terminology.patterns.__contains__
        self._lock = Lock()

    def __missing__(self, token: str) -> str:
        character = self._keyer.code(fold(token), correct=True)
        with self._lock:
            if len(self) > _CACHE:
                self.clear()
            self[token] = character
        return character


# The first of a range of numerals, and a range that names nothing by its first alone.
_FIRST_OF = frozenset("I II III IV V VI VII VIII IX X XI 2 3".split())
_RANGE = re.compile(
    r"(?:[IVX]+[ ]?(?:[-–]|to|thro?u(?:gh)?)[ ]?[IVX]+\b|[23][ ]?(?:[-–]|to|thro?u(?:gh)?)[ ]?12\b)"
)
# Words for a side of the body, after "of" or "in".
_SIDES = frozenset({"left", "right", "both", "bilateral"})


class _Text:
    """A text as one character per token: character i is token `place[i]`."""

    __slots__ = ("characters", "lenient", "place", "question", "starts", "text", "tokens")

    def __init__(self, text: str, sections: Sequence[Section], known: _Characters) -> None:
        self.text = text
        self.question = len(text) < _QUESTION and not sections
        self.lenient = self.question and text.islower()
        pieces: list[str] = TOKEN.split(text)  # a gap, a token, a gap, …
        self.tokens = pieces[1::2]
        self.starts = list(accumulate(map(len, pieces)))[:-1:2]
        codes = list(map(known.__getitem__, self.tokens))
        for edge in {edge for s in sections for edge in (s.start, s.body)}:
            at = bisect_left(self.starts, edge)
            if 0 < at < len(codes):
                codes[at] = BREAK + codes[at]  # no name crosses a section's edge
        self._pass_over_sides(codes, known)
        self._part_ranges(codes)
        self.characters = "".join(codes)
        self.place = [i for i, code in enumerate(codes) for _ in code]

    def _pass_over_sides(self, codes: list[str], known: _Characters) -> None:
        """Let "fracture of the left hip" read like "fracture of the hip", unless side and what
        follows name something together: "dilation of the left ventricle"."""
        for place, code in enumerate(codes):
            if code != PLACE:
                continue
            at = place + 1
            while at < len(codes) and not codes[at]:
                at += 1
            sided = at + 1 < len(codes) and self.tokens[at].lower() in _SIDES
            if sided and not known.named(codes[at] + codes[at + 1]):
                codes[at] = ""

    def _part_ranges(self, codes: list[str]) -> None:
        """Let the first of "II-XII" or of "2 through 12" be no part of a name: "cranial nerves
        II-XII" are not the optic nerve."""
        for place, token in enumerate(self.tokens):
            if token in _FIRST_OF and _RANGE.match(self.text, self.starts[place]):
                codes[place] = UNKNOWN

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Return the code points from character `first` up to and including `last`."""
        end = self.place[last]
        return self.starts[self.place[first]], self.starts[end] + len(self.tokens[end])


class Matcher:
    """Every name of one terminology, compiled; safe to share between threads."""

    def __init__(self, terminology: Terminology) -> None:
        self.terminology = terminology
        compiled = terminology.compiled
        lexicon = compiled.lexicon
        self._known = _Characters(terminology)
        self._search = AhoCorasick(
            lexicon.patterns,
            matchkind=MatchKind.LeftmostLongest,
            store_patterns=False,
            implementation=Implementation.ContiguousNFA,
        )
        self._ptr = lexicon.ptr.tolist()
        self._concept = lexicon.concept.tolist()
        self._flag = lexicon.flag.tolist()
        self._weight = lexicon.weight.tolist()
        self._plain = self._plain_patterns()
        self._settled: dict[str, list[Reading]] = {}  # single words that need no context
        self._senses = Senses(terminology)
        self._ids = compiled.ids
        first = compiled.name_ptr[:-1].tolist()
        self._names = [compiled.name_texts[i] for i in first]

    def _plain_patterns(self) -> list[int]:
        """Return, per pattern, its concept when no spelling or context matters, else -1."""
        lexicon = self.terminology.compiled.lexicon
        bound = np.maximum.reduceat(lexicon.flag, lexicon.ptr[:-1])
        single = np.array([len(pattern) == 1 for pattern in lexicon.patterns], dtype=np.bool_)
        first = lexicon.concept[lexicon.ptr[:-1]]
        plain: list[int] = np.where((bound == FREE) & ~single, first, -1).tolist()
        return plain

    def find(self, text: str, sections: Sequence[Section] = ()) -> list[Span]:
        """Return the non-overlapping mentions in order. `sections` help to decide what an
        ambiguous abbreviation means; a short text without any is read as a question."""
        read = _Text(text, sections, self._known)
        if not read.characters:
            return []
        found: list[tuple[int, int, int]] = []  # first and last character, concept row
        open_: list[tuple[int, int, list[Reading]]] = []
        for pattern, first, end in self._search.find_matches_as_indexes(read.characters):
            row = self._plain[pattern]
            if row < 0:
                readings = self._readings(pattern, read, first, end - 1)
                if len(readings) != 1 or readings[0].share < 1.0:
                    if readings:
                        open_.append((first, end - 1, readings))
                    continue
                row = readings[0].row
            found.append((first, end - 1, row))
        found = distribute(read.characters, found, self._distributed)
        spans = [self._span(read, first, last, row) for first, last, row in found]
        if open_:
            spans += self._decided(read, sections, open_, {row for _, _, row in found})
        spans.sort(key=lambda span: span.start)
        return _apart([span for span in spans if not means_other(text, span.start, span.end)])

    def _readings(self, pattern: int, read: _Text, first: int, last: int) -> list[Reading]:
        """Return what the words at a place can mean, given how they are spelled there."""
        token = read.tokens[read.place[first]] if first == last else ""
        settled = self._settled.get(token)
        if settled is not None and not read.question:
            return settled
        start, end = read.span(first, last)
        written = read.text[start:end]
        entries = range(self._ptr[pattern], self._ptr[pattern + 1])
        free = [i for i in entries if self._flag[i] == FREE]
        if free:
            adjective = first == last and fold(written) in ADJECTIVES
            found = [] if adjective else [Reading(self._concept[free[0]], 1.0)]
        elif read.question and any(self._flag[i] == LOOSE for i in entries):
            found = [Reading(self._concept[i], 1.0) for i in entries if self._flag[i] == LOOSE][:1]
        else:
            found = self._spelled(entries, read, start, end)
        if first == last and (free or written.islower()) and not read.question:
            if len(self._settled) > _CACHE:
                self._settled.clear()
            self._settled[token] = found
        return found

    def _spelled(self, entries: range, read: _Text, start: int, end: int) -> list[Reading]:
        """Return the readings of a word that must be written as an abbreviation or a symbol."""
        written = read.text[start:end]
        capitals = caps_around(read.text, start, end)
        if spelled_short(written, capitals=capitals, lenient=read.lenient):
            short = [
                Reading(self._concept[i], min(self._weight[i], _NEVER_CERTAIN))
                for i in entries
                if self._flag[i] == SHORT and self.terminology.spells(self._concept[i], written)
            ]
            if short:
                return short
        if capitals:
            return []
        return [
            Reading(self._concept[i], 1.0)
            for i in entries
            if self._flag[i] == CASED and self.terminology.is_name(self._concept[i], written)
        ][:1]

    def _distributed(self, key: str) -> int | None:
        """Return the one plain concept of a key put together from a coordination."""
        pattern = self.terminology.patterns.get(key)
        if pattern is None or self._plain[pattern] < 0:
            return None
        return self._plain[pattern]

    def _decided(
        self,
        read: _Text,
        sections: Sequence[Section],
        open_: list[tuple[int, int, list[Reading]]],
        certain: set[int],
    ) -> list[Span]:
        spans = []
        begins = [section.start for section in sections]
        for first, last, readings in open_:
            start, end = read.span(first, last)
            window = read.tokens[max(0, read.place[first] - 40) : read.place[last] + 41]
            at = bisect_right(begins, start) - 1
            section = sections[at].name if at >= 0 else ""
            left, sure = self._senses.decide(
                read.text[start:end], readings, window, section, certain, asked=read.question
            )
            if sure and left:
                spans.append(self._span(read, first, last, left[0]))
            elif left:
                ids = tuple(self._ids[row] for row in left)
                spans.append(Span(start, end, ids[0], self._names[left[0]], True, ids))
        return spans

    def _span(self, read: _Text, first: int, last: int, row: int) -> Span:
        start, end = read.span(first, last)
        return Span(start, end, self._ids[row], self._names[row])


def _apart(spans: list[Span]) -> list[Span]:
    """Drop what overlaps an earlier span."""
    kept: list[Span] = []
    for span in spans:
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept
