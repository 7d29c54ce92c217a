"""The lexicon of cues, compiled once: words that decide what a mention says, and their reach."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from typing import Final, NamedTuple

from ahocorasick_rs import AhoCorasick

from indexing.language.headings import alternatives, expand


class Kind(StrEnum):
    """What a cue says of the mentions in its scope."""

    NEGATED = "negated"
    UNCERTAIN = "uncertain"
    HYPOTHETICAL = "hypothetical"
    HISTORICAL = "historical"  # over: stopped, former, resolved, remote
    BACKGROUND = "background"  # "history of": over if an event, still there if chronic
    FAMILY = "family"
    NOT_ASSESSED = "not_assessed"  # nobody looked or asked
    PSEUDO = "pseudo"  # hides the shorter cues inside it
    END = "end"  # closes scopes


class Reach(StrEnum):
    """How far a cue reaches."""

    LIST = "list"
    PHRASE = "phrase"
    NEAR = "near"
    NEXT = "next"


class Rule(NamedTuple):
    """One wording's meaning. `ends` are the kinds whose scopes it closes (END only)."""

    kind: Kind
    forward: bool
    reach: Reach
    ends: frozenset[Kind] = frozenset()


class Hit(NamedTuple):
    """A cue in the text: `rules` are all meanings of its wording."""

    start: int
    end: int
    rules: tuple[Rule, ...]


_SCOPED: Final = frozenset(Kind) - {Kind.PSEUDO, Kind.END}
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_RUN: Final = re.compile(r"  +")
_FLAT: Final = dict.fromkeys((9, 11, 12, 13, 133, 160, 8232, 8233), " ") | {
    0x2019: "'",
    0x2018: "'",
    0x2010: "-",
    0x2011: "-",
    0x2212: "-",
}


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Every wording and its rules, behind one automaton."""

    automaton: AhoCorasick
    rules: tuple[tuple[Rule, ...], ...]
    closers: tuple[tuple[Rule, ...], ...]


def _rules(kind: str, direction: str, reach: str) -> tuple[Rule, ...]:
    if kind.startswith("end:"):
        names = kind.removeprefix("end:").split(",")
        ends = _SCOPED if names == ["all"] else frozenset(Kind(name) for name in names)
        return (Rule(Kind.END, True, Reach.LIST, ends),)
    forward = {"pre": (True,), "post": (False,), "both": (True, False)}[direction]
    return tuple(Rule(Kind(kind), f, Reach(reach)) for f in forward)


@cache
def lexicon() -> Lexicon:
    """Return the compiled lexicon of `data/cues.tsv`."""
    table: dict[str, list[Rule]] = {}
    text = resources.files("indexing.language").joinpath("data/cues.tsv").read_text("utf-8")
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        kind, direction, reach, wordings = line.split("\t")
        rules = _rules(kind, direction, reach)
        for pattern in alternatives(wordings):
            for wording in expand(pattern):
                known = table.setdefault(wording, [])
                known.extend(rule for rule in rules if rule not in known)
    table.pop("", None)
    return Lexicon(
        AhoCorasick(list(table)),
        tuple(tuple(r for r in rules if r.kind is not Kind.END) for rules in table.values()),
        tuple(tuple(r for r in rules if r.kind is Kind.END) for rules in table.values()),
    )


def fold(text: str) -> str:
    """Lower the case and plain the quotes and blanks (line feeds stay), without moving any offset;
    unpaired surrogates become U+FFFD."""
    low = text.lower()
    if len(low) != len(text):
        low = "".join(c if len(c.lower()) != 1 else c.lower() for c in text)
    low = low.translate(_FLAT)
    return low if low.isascii() else _SURROGATE.sub("�", low)


def find(folded: str) -> list[Hit]:
    """Return the cues of a folded text without line feeds, in order, none inside another."""
    squeezed, starts, shifts = _squeeze(folded)
    whole: list[tuple[int, int, int]] = []
    length = len(squeezed)
    for number, start, end in lexicon().automaton.find_matches_as_indexes(
        squeezed, overlapping=True
    ):
        if start and squeezed[start - 1].isalnum() and squeezed[start].isalnum():
            continue
        if end < length and squeezed[end].isalnum() and squeezed[end - 1].isalnum():
            continue
        whole.append((start, -end, number))
    whole.sort()
    return [
        Hit(_place(start, starts, shifts), _place(end - 1, starts, shifts) + 1, found)
        for start, end, found in _longest(whole)
    ]


def _longest(whole: list[tuple[int, int, int]]) -> Iterator[tuple[int, int, tuple[Rule, ...]]]:
    """Keep the longest wordings. Closing words hide no cue and no cue hides them, save that a
    pseudo-cue hides all inside it ("not only" holds no "only"). A longer closing word hides what
    is inside it, but not how it begins: ", and she has" closes what ", and she" closes."""
    rules, closers = lexicon().rules, lexicon().closers
    free = closed = hidden = 0
    opened = -1
    for start, minus_end, number in whole:
        end = -minus_end
        if closers[number] and start >= hidden and (start >= closed or start == opened):
            closed, opened = max(closed, end), start
            yield start, end, closers[number]
        if start >= free and rules[number]:
            free = end
            if rules[number][0].kind is Kind.PSEUDO:
                hidden = end
            yield start, end, rules[number]


def _squeeze(text: str) -> tuple[str, Sequence[int], Sequence[int]]:
    """Return the text with runs of blanks made one, and where the offsets shift by how much."""
    starts, shifts, shift = [0], [0], 0
    for run in _RUN.finditer(text):
        shift += run.end() - run.start() - 1
        starts.append(run.end() - shift)
        shifts.append(shift)
    return (_RUN.sub(" ", text) if shift else text), starts, shifts


def _place(position: int, starts: Sequence[int], shifts: Sequence[int]) -> int:
    return position + shifts[bisect_right(starts, position) - 1]
