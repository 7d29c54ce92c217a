"""What a lexical index reads of a note: the whole of it, what it asserts, what it denies.

Every engine builds its fields from these views, so that all of them hide the same words.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from indexing.analysis import TOKEN, both
from indexing.model import Assertion, Mention, Section
from indexing.ports import LexicalEntry

# Stands for a hidden run of words: no text holds it (private use), so that no phrase bridges it.
FILLER = "\ue000"

# Statuses that say nothing of this patient having it now: default search does not count them.
HIDDEN = frozenset(
    {Assertion.NEGATED, Assertion.FAMILY, Assertion.HYPOTHETICAL, Assertion.NOT_ASSESSED}
)

# A section that itself implies an assertion: scoped to it, that assertion is what is asked for.
IMPLIED: dict[str, frozenset[Assertion]] = {"family_history": frozenset({Assertion.FAMILY})}


@dataclass(frozen=True, slots=True)
class View:
    """Index terms in order; `FILLER` stands where words are hidden."""

    exact: tuple[str, ...]
    stems: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Views:
    """`sections` and `whole_sections` by canonical name, a name's stretches joined by fillers;
    `whole_sections` has only the sections where it differs."""

    title: View
    whole: View
    asserted: View
    denied: View
    sections: dict[str, View] = field(default_factory=dict)
    whole_sections: dict[str, View] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Terms:
    """Every token of a text: offsets and both forms, made once."""

    starts: list[int]
    ends: list[int]
    exact: list[str]
    stems: list[str]


def views(entry: LexicalEntry) -> Views:
    """Cut one document into its views."""
    text = entry.document.text
    every = _analyse(text)
    title = _view(_analyse(entry.document.title))
    whole = _view(every)
    hidden = [m for m in entry.mentions if hides(m, "")]
    asserted = _masked(every, hidden) if hidden else whole
    sections: dict[str, View] = {}
    whole_sections: dict[str, View] = {}
    by_name: dict[str, list[Section]] = {}
    for section in entry.sections:
        by_name.setdefault(section.name, []).append(section)
    by_name.pop("", None)
    for name, part in sorted(by_name.items()):
        kept = [m for m in entry.mentions if hides(m, name)]
        sections[name] = _stretch(every, part, kept)
        if kept:
            plain = _stretch(every, part, [])
            if plain != sections[name]:
                whole_sections[name] = plain
    return Views(
        _joined(title, View((), ())),
        _joined(title, whole),
        _joined(title, asserted),
        _denied(every, entry.mentions),
        sections,
        whole_sections,
    )


def hides(mention: Mention, section: str) -> bool:
    """Say whether default search, scoped to `section` ("" for none), ignores the mention."""
    if mention.status not in HIDDEN and mention.assertion not in HIDDEN:
        return False
    return mention.assertion not in IMPLIED.get(section, ())


def _analyse(text: str) -> _Terms:
    spans: list[tuple[int, int]] = []
    forms: list[tuple[str, str]] = []
    for match in TOKEN.finditer(text):
        spans.append(match.span())
        forms.append(both(match.group()))
    starts, ends = [a for a, _ in spans], [b for _, b in spans]
    return _Terms(starts, ends, [term for term, _ in forms], [stem for _, stem in forms])


def _view(every: _Terms) -> View:
    return View(tuple(every.exact), tuple(every.stems))


def _joined(first: View, second: View) -> View:
    if not first.exact:
        return second
    return View(
        (*first.exact, FILLER, *second.exact),
        (*first.stems, FILLER, *second.stems),
    )


def _inside(every: _Terms, start: int, end: int) -> range:
    """Return the tokens that overlap [start, end)."""
    return range(bisect_right(every.ends, start), bisect_left(every.starts, end))


def _shown(every: _Terms, hidden: Sequence[Mention]) -> tuple[list[str], list[str]]:
    """Return both forms with a filler for each token that overlaps something hidden."""
    if not hidden:
        return every.exact, every.stems
    exact, stems = every.exact.copy(), every.stems.copy()
    for mention in hidden:
        for at in _inside(every, mention.start, mention.end):
            exact[at] = stems[at] = FILLER
    return exact, stems


def _masked(every: _Terms, hidden: Sequence[Mention]) -> View:
    exact, stems = _shown(every, hidden)
    return View(tuple(exact), tuple(stems))


def _stretch(every: _Terms, parts: Iterable[Section], hidden: Sequence[Mention]) -> View:
    shown_exact, shown_stems = _shown(every, hidden)
    exact: list[str] = []
    stems: list[str] = []
    for part in parts:
        inside = _inside(every, part.body, part.end)
        exact += shown_exact[inside.start : inside.stop]
        stems += shown_stems[inside.start : inside.stop]
        exact.append(FILLER)
        stems.append(FILLER)
    return View(tuple(exact), tuple(stems))


def _denied(every: _Terms, mentions: Iterable[Mention]) -> View:
    """Keep only what the note denies, each mention apart from the next."""
    exact: list[str] = []
    stems: list[str] = []
    for mention in mentions:
        if Assertion.NEGATED not in (mention.status, mention.assertion):
            continue
        inside = _inside(every, mention.start, mention.end)
        exact.extend(every.exact[at] for at in inside)
        stems.extend(every.stems[at] for at in inside)
        exact.append(FILLER)
        stems.append(FILLER)
    return View(tuple(exact), tuple(stems))
