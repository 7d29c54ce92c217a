"""What an ambiguous abbreviation means here: by section, by words around, by what else is there."""

from __future__ import annotations

import re
from collections.abc import Sequence, Set
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import NamedTuple

from indexing.language.terminology import Terminology
from indexing.language.terminology.seed import concept_id
from indexing.language.terminology.words import fold

_SURE = 0.8  # posterior from which a reading is taken without asking
_LIKELY = 0.5  # posterior of no concept from which a word of a note names none
_CUE, _SECTION, _NAMED, _NEAR = 8.0, 16.0, 60.0, 3.0  # how much each piece of evidence multiplies
_LEAST = 0.02  # readings less likely than this are not offered
_NOTHING = -1  # the row of a sense that is no concept


class Reading(NamedTuple):
    """One meaning: a concept's row and the share of uses that mean it."""

    row: int
    share: float


@dataclass(frozen=True, slots=True)
class _Sense:
    name: str  # the seed's preferred name; "-" for no concept
    prior: float
    cues: frozenset[str]
    sections: tuple[str, ...]


@cache
def _table() -> dict[str, tuple[_Sense, ...]]:
    """Read `data/ambiguous.txt`: `SHORT | name .prior : cue cue @section | …`."""
    text = (files("indexing.language") / "data" / "ambiguous.txt").read_text("utf-8")
    table: dict[str, tuple[_Sense, ...]] = {}
    for line in text.split("\n"):
        if line.strip() and not line.startswith("#"):
            short, *senses = (part.strip() for part in line.split("|"))
            table[short] = tuple(_sense(s) for s in senses)
    return table


def _sense(text: str) -> _Sense:
    head, _, evidence = text.partition(":")
    found = re.fullmatch(r"(.+?) (\.\d+|1)", head.strip())
    if found is None:
        raise ValueError(f"ambiguous.txt: no prior in {head!r}")
    words = evidence.split()
    return _Sense(
        found[1],
        float(found[2]),
        frozenset(w for w in words if w[0] != "@"),
        tuple(w[1:] for w in words if w[0] == "@"),
    )


class Senses:
    """The abbreviations of one terminology and the evidence for each meaning."""

    def __init__(self, terminology: Terminology) -> None:
        self._terminology = terminology
        self._words: dict[int, frozenset[str]] = {}

    def decide(
        self,
        written: str,
        readings: Sequence[Reading],
        window: Sequence[str],
        section: str,
        certain: Set[int],
        *,
        asked: bool = False,
    ) -> tuple[list[int], bool]:
        """Return the concept rows that remain, likeliest first, and whether the context decided.

        A word that most likely names no concept names none; in a question (`asked`) it may, since
        somebody typed it to find something.
        """
        words = {token.lower() for token in window} - {written.lower()}
        short = written[:-1] if written.endswith("s") else written
        senses = _table().get(short) or _table().get(short.upper())
        scores = self._listed(senses, words, section) if senses else {}
        if not scores:
            scores = {r.row: r.share for r in readings}
            scores[_NOTHING] = max(0.0, 1.0 - sum(scores.values()))
            for row in scores:
                scores[row] *= _NEAR ** min(2, len(self._around(row) & words))
        for row in scores:
            if row in certain:
                scores[row] *= _NAMED
        return _remaining(scores, asked=asked)

    def _listed(self, senses: Sequence[_Sense], words: set[str], section: str) -> dict[int, float]:
        scores: dict[int, float] = {}
        for sense in senses:
            row = _NOTHING
            if sense.name != "-":
                own = concept_id(sense.name)
                if own not in self._terminology:
                    continue
                row = self._terminology.row(own)
            stems = sum(1 for cue in sense.cues if _present(cue, words))
            score = sense.prior * _CUE ** min(3, stems)
            if any(part in section for part in sense.sections):
                score *= _SECTION
            scores[row] = max(score, scores.get(row, 0.0))
        return scores

    def _around(self, row: int) -> frozenset[str]:
        """Return the telling words in the names of a concept and of those one edge away."""
        if row == _NOTHING:
            return frozenset()
        if row not in self._words:
            own = self._terminology.concept_ids()[row]
            near = [own, *list(self._terminology.neighbourhood({own: 1.0}, 1, limit=40))]
            names = [self._terminology.concept(i).name for i in near]
            self._words[row] = frozenset(
                fold(w) for name in names for w in name.split() if len(w) > 4
            )
        return self._words[row]


def _present(cue: str, words: set[str]) -> bool:
    """Say whether a cue is among the words; "embol*" stands for every word beginning so."""
    if cue.endswith("*"):
        return any(word.startswith(cue[:-1]) for word in words)
    return cue in words


def _remaining(scores: dict[int, float], *, asked: bool) -> tuple[list[int], bool]:
    total = sum(scores.values()) or 1.0
    ordered = sorted(scores, key=lambda row: (-scores[row], row))
    named = ordered[0] != _NOTHING
    if not asked and scores.get(_NOTHING, 0.0) / total >= _LIKELY:
        return [], True
    if named and scores[ordered[0]] / total >= _SURE:
        return [ordered[0]], True
    rows = [r for r in ordered if r != _NOTHING and scores[r] / total >= _LEAST]
    return rows, named and len(rows) == 1
