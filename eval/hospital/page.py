"""A note under way: sections, lists and sentences in one author's manner."""

from __future__ import annotations

from eval.hospital.case import Case
from eval.hospital.dice import Dice
from eval.hospital.people import Author
from eval.hospital.prose import Slot, Writer
from eval.hospital.vocabulary import phrases

_MARKED = frozenset({"bullet", "numbered"})


class Page(Writer):
    """A note under way: a writer that knows the case, its encounter and the clock."""

    def __init__(
        self, dice: Dice, author: Author, case: Case, facts: dict[str, Slot], *, lay: bool = False
    ) -> None:
        super().__init__(dice, author.style, facts, lay)
        self.author = author
        self.case = case
        self._number = 0

    def heading(self, name: str) -> None:
        """Begin a section in the author's style."""
        title = self.dice.pick(phrases()[f"h_{name}"])
        style = self.style.headings
        self._number += 1
        gap = "" if not self.length else "\n" if style in ("numbered", "bullet") else "\n\n"
        if style == "dictated":
            self._append(f"{' ' if self.length else ''}{title.upper()}:  ")
        elif style == "numbered":
            self._append(f"{gap}{self._number}. {title}: ")
        elif style == "bullet":
            self._append(f"{gap}• {title}: ")
        elif style == "caps_own_line":
            self._append(f"{gap}{title.upper()}\n")
        else:
            self._append(f"{gap}{title.upper() if style == 'caps' else title}: ")
        self._begins = True

    def item(self, turn: int) -> None:
        """Begin one item of a list, on its own line unless the note was dictated."""
        if self.style.headings == "dictated":
            self._append(f"{turn}. " if turn == 1 else f"  {turn}. ")
        else:
            self._append("\n" + (f"{turn}. " if self.style.headings not in _MARKED else "- "))

    def gap(self) -> None:
        """Part two sentences."""
        if self.last and self.last not in "\n :":
            self._append(" ")

    def sentence(self, phrase: str, **filled: Slot) -> None:
        """Write one more sentence from the phrase file."""
        self.gap()
        self.phrase(phrase, **filled)

    def several(self, phrase: str, count: int) -> None:
        """Write different variants of one phrase, one after the other."""
        for line in self.dice.some(phrases()[phrase], count):
            self.gap()
            self.say(line)

    def free(self, template: str) -> None:
        """Write one more sentence of the disease's own."""
        self.gap()
        self.say(template)

    def some(self, keys: tuple[str, ...], most: int) -> tuple[str, ...]:
        """Draw some of the concepts."""
        return tuple(self.dice.some(keys, most))
