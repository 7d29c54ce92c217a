"""Find the terminology's concepts in text: longest match, offsets of the original text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from indexing.language.terminology import Terminology
from indexing.model import Section


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


class Matcher:
    """Every name of one terminology, compiled; safe to share between threads."""

    def __init__(self, terminology: Terminology) -> None:
        self.terminology = terminology

    def find(self, text: str, sections: Sequence[Section] = ()) -> list[Span]:
        """Return the non-overlapping mentions in order. `sections` help to decide what an
        ambiguous abbreviation means; pass none for a query."""
        raise NotImplementedError
