"""What somebody asked, as the form carries it and as a frozen page keeps it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, cast, get_args
from urllib.parse import unquote

from indexing.errors import InvalidInput, NotFound
from indexing.filters import FACETS
from indexing.ports import AssertionMode

LEGS: tuple[str, ...] = ("lexical", "vector", "graph")
LONGEST_QUERY = 10_000  # code points: room for a pasted note, not for a book
DEPTH = 200  # hits of a frozen page

Grouping = Literal["note", "patient", "newest"]


@dataclass(frozen=True, slots=True)
class Question:
    """`only[facet]` are the accepted values; `rejected` are expansions switched off by hand."""

    q: str = ""
    plain: bool = False
    rankers: tuple[str, ...] = LEGS
    assertion: AssertionMode | None = None
    only: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    rejected: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()
    group: Grouping = "note"

    def to_json(self) -> dict[str, Any]:
        """Return what a frozen page keeps."""
        return asdict(self)

    def as_text(self) -> str:
        """Write it in the query language, facets and all: what a book of judgements keeps."""
        parts = [self.q]
        for facet, values in self.only.items():
            name = "date" if facet == "period" else facet
            spelled = [f'{name}:"{value}"' if facet != "period" else f"{name}:{value}"
                       for value in values]  # fmt: skip
            parts.append(spelled[0] if len(spelled) == 1 else f"({' OR '.join(spelled)})")
        if self.assertion:
            parts.append(f"assertion:{self.assertion}")
        return " ".join(parts)

    def toggled(self, facet: str, value: str) -> Question:
        """Return the question with a facet's value switched on or off."""
        if facet not in FACETS:
            raise InvalidInput("no such facet")
        held = self.only.get(facet, ())
        now = tuple(v for v in held if v != value) if value in held else (*held, value)
        only = {name: values for name, values in self.only.items() if name != facet}
        return replace(self, only=only | {facet: now} if now else only)

    def selected(self, facet: str, value: str) -> bool:
        """Say whether a facet's value is switched on."""
        return value in self.only.get(facet, ())


_NOTE_PAGE = re.compile(r"(?:https?://[^/]+)?/notes/([^?#]+)(?:[?#].*)?")
_FIELDS = {each.name for each in fields(Question)}


def question_of(stored: Mapping[str, Any]) -> Question:
    """Read a question back from a frozen page. Raises: NotFound, where the page is no search's."""
    if stored.keys() - _FIELDS:
        raise NotFound("this page is not here any more", hint="ask again")
    lists = ("rankers", "rejected", "accepted")
    values: dict[str, Any] = {n: tuple(v) if n in lists else v for n, v in stored.items()}
    values["only"] = {name: tuple(v) for name, v in stored.get("only", {}).items()}
    return Question(**values)


def named_note(typed: str) -> str:
    """Return the id of a note that was named by it, or by the address of its page."""
    address = _NOTE_PAGE.fullmatch(typed.strip())
    return unquote(address[1]) if address else typed.strip()


def grouping(name: str, *, dated: bool = True) -> Grouping:
    """Return the order of that name, by note for any other; `dated`: notes' dates are told as they
    are. Where they are moved, the newest of several patients would tell by how much."""
    if name == "patient":
        return "patient"
    return "newest" if name == "newest" and dated else "note"


def legs(names: Sequence[str]) -> tuple[str, ...]:
    """Return the legs in their order; all for none.

    Raises:
        InvalidInput: there is no such leg.
    """
    if not set(names) <= set(LEGS):
        raise InvalidInput("no such ranker", hint=f"there are {', '.join(LEGS)}")
    return tuple(leg for leg in LEGS if leg in names) or LEGS


def mode(name: str) -> AssertionMode | None:
    """Return the assertion mode of that name, None for "".

    Raises:
        InvalidInput: there is no such mode.
    """
    if name == "":
        return None
    if name not in get_args(AssertionMode):
        raise InvalidInput(f"assertion is one of {', '.join(get_args(AssertionMode))}")
    return cast(AssertionMode, name)
