"""Write text while keeping account of every concept named in it.

Templates carry marks: `[key]` present, `[-key]` negated, `[?key]` uncertain, `[~key]` historical,
`[^key]` family, `[>key]` hypothetical, each with `:words` to fix the wording; `{slot}` takes a
word, or `Said` concepts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from eval.hospital.dice import Dice
from eval.hospital.model import Concept, TruthMention
from eval.hospital.people import Style
from eval.hospital.vocabulary import concepts, phrases
from indexing.model import Assertion

SIGNS = {
    "": Assertion.PRESENT,
    "-": Assertion.NEGATED,
    "?": Assertion.UNCERTAIN,
    "~": Assertion.HISTORICAL,
    "^": Assertion.FAMILY,
    ">": Assertion.HYPOTHETICAL,
}
_MARK = re.compile(r"\[([-?~^>]?)([a-z0-9_]{2,})(?::([^\]]+))?\]|\{([A-Za-z0-9_]+)\}")
_WORD = re.compile(r"\b[a-z]{6,}\b")


@dataclass(frozen=True, slots=True)
class Said:
    """Concepts to be named in one place, with what is said of them."""

    keys: tuple[str, ...]
    assertion: Assertion = Assertion.PRESENT
    last: str = "and"


@dataclass(frozen=True, slots=True)
class Block:
    """A finished paragraph that can be pasted into a later note."""

    text: str
    mentions: tuple[TruthMention, ...]


Slot = str | Said
_Piece = tuple[str, str, str, str]  # (literal, "", "", "") | ("", key, sign, words) | slot


@lru_cache(maxsize=8192)
def _pieces(template: str) -> tuple[_Piece, ...]:
    """Cut a template into literals, marks and slots."""
    out: list[_Piece] = []
    at = 0
    for found in _MARK.finditer(template):
        if found.start() > at:
            out.append((template[at : found.start()], "", "", ""))
        sign, key, words, slot = found.groups()
        out.append(("", "", slot, "") if slot else ("", key, sign, words or ""))
        at = found.end()
    if at < len(template):
        out.append((template[at:], "", "", ""))
    return tuple(out)


def marks(template: str) -> list[tuple[str, str]]:
    """List the (sign, concept) marks of a template."""
    return [(sign, key) for literal, key, sign, _ in _pieces(template) if key and not literal]


def _typo(dice: Dice, word: str) -> str:
    """Slip once, as fingers do: swap two letters, drop one, or double one."""
    at = dice.between(1, len(word) - 3)
    kind = dice.between(0, 2)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :] if kind == 1 else word[: at + 1] + word[at:]


class Writer:
    """A page in one author's hand: text goes in at the end, concepts are noted as they fall."""

    def __init__(self, dice: Dice, style: Style, slots: Mapping[str, Slot], lay: bool) -> None:
        self.dice = dice
        self.style = style
        self.slots = slots
        self.lay = lay
        self._parts: list[str] = []
        self._length = 0
        self.last = ""
        self._begins = True
        self.reacting = False  # what is named now is what the patient reacts to
        self.formal = False  # names only, as in lists of drugs
        self.mentions: list[TruthMention] = []

    @property
    def text(self) -> str:
        """Give the page as it stands."""
        return "".join(self._parts)

    def _append(self, text: str) -> None:
        self._parts.append(text)
        self._length += len(text)
        self.last = text[-1:] or self.last
        tail = text.rstrip(" ")
        if tail:
            self._begins = tail[-1] in ".!?\n]" or tail.endswith(("\n-", "•"))

    def literal(self, text: str) -> None:
        """Add plain words, now and then with a slip of the fingers."""
        if self.style.typos and self.dice.chance(self.style.typos * len(text) / 12):
            words = list(_WORD.finditer(text))
            if words:
                at = self.dice.pick(words)
                text = text[: at.start()] + _typo(self.dice, at.group()) + text[at.end() :]
        self._append(text)

    def _surface(self, concept: Concept) -> str:
        """Choose the words for a concept: lay, short or clinical, as the hand likes."""
        dice = self.dice
        if self.formal:
            return concept.name
        if self.lay and concept.lay and dice.random() < 0.75:
            return dice.pick(concept.lay)
        rate = self.style.short_forms * (0.3 if self.lay else 1.0)
        if concept.short and dice.random() < rate:
            return dice.pick(concept.short)
        if concept.terms and dice.random() < 0.35:
            return dice.pick(concept.terms)
        return concept.name

    def concept(self, key: str, assertion: Assertion, words: str = "") -> None:
        """Name a concept here."""
        surface = words or self._surface(concepts()[key])
        if self._begins and surface[:1].islower():
            surface = surface[0].upper() + surface[1:]
        start = self._length
        self._append(surface)
        self.mentions.append(
            TruthMention(start, self._length, surface, key, assertion, allergy=self.reacting)
        )

    def listed(self, said: Said) -> None:
        """Name several concepts as a list in the author's manner."""
        slash = self.style.joiner == "slash" and len(said.keys) < 4 and not self.lay
        for turn, key in enumerate(said.keys):
            if turn and slash:
                self._append("/")
            elif turn and turn == len(said.keys) - 1:
                comma = "," if self.style.joiner == "oxford" and turn > 1 else ""
                self._append(f"{comma} {said.last} ")
            elif turn:
                self._append(", ")
            self.concept(key, said.assertion)

    def say(self, template: str, **slots: Slot) -> None:
        """Write a template out."""
        for literal, key, sign, words in _pieces(template):
            if literal:
                self.literal(literal)
            elif key:
                self.concept(key, SIGNS[sign], words)
            else:
                value = slots[sign] if sign in slots else self.slots[sign]
                if isinstance(value, Said):
                    self.listed(value)
                else:
                    self._append(value)

    def phrase(self, name: str, **slots: Slot) -> None:
        """Write one of the variants that stand under a name in the phrase file."""
        self.say(self.dice.pick(phrases()[name]), **slots)

    def paste(self, block: Block) -> None:
        """Copy an earlier paragraph forward, word for word."""
        shift = self._length
        self._append(block.text)
        self.mentions += [
            replace(m, start=m.start + shift, end=m.end + shift, copied=True)
            for m in block.mentions
        ]

    def clip(self, start: int) -> Block:
        """Take what was written since `start` as a paragraph to paste later."""
        mentions = tuple(
            replace(m, start=m.start - start, end=m.end - start)
            for m in self.mentions
            if m.start >= start
        )
        return Block(self.text[start:], mentions)

    @property
    def length(self) -> int:
        """Say how long the page is, in code points."""
        return self._length


_RANK = (
    Assertion.PRESENT,
    Assertion.UNCERTAIN,
    Assertion.HISTORICAL,
    Assertion.NEGATED,
    Assertion.HYPOTHETICAL,
    Assertion.FAMILY,
)


def note_status(mentions: Iterable[TruthMention]) -> dict[str, Assertion]:
    """Decide each concept's status in the whole note: a denial ends an earlier suspicion."""
    seen: dict[str, list[Assertion]] = {}
    for m in mentions:
        copied = m.copied and m.assertion is Assertion.PRESENT
        seen.setdefault(m.concept, []).append(Assertion.HISTORICAL if copied else m.assertion)
    status = {}
    for key, said in seen.items():
        own = [a for a in said if a in _RANK[:4]]
        if own and own[-1] is Assertion.NEGATED and Assertion.PRESENT not in own:
            status[key] = Assertion.NEGATED
        else:
            status[key] = min(said, key=_RANK.index)
    return status
