"""What a lexical index reads of a note: the whole of it, what it asserts, what it denies.

Every engine builds its fields from these views, so that all of them hide the same words.
The asserted one hides, too, letters that are no abbreviation where they stand: a payer's "(HCC)"
behind a diagnosis, the initials of who signed. The title before a name it hides from words alone,
so that MS finds no "Ms. Smith" and the phrase "Ms. Smith" does.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from indexing.analysis import TOKEN, both
from indexing.language.other_meanings import other_letters, titles
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

    starts: Sequence[int]
    ends: Sequence[int]
    exact: Sequence[str]
    stems: Sequence[str]


def views(entry: LexicalEntry) -> Views:
    """Cut one document into its views."""
    text = entry.document.text
    every, called = _analyse(text), _analyse(entry.document.title)
    misread, addressed = other_letters(text), titles(text)

    def asserting(section: str) -> _Terms:
        hidden = _places(m for m in entry.mentions if hides(m, section))
        return _unaddressed(_shown(every, [*hidden, *misread]), addressed)

    title, whole, shown = _view(called), _view(every), asserting("")
    asserted = whole if shown is every else _view(shown)
    sections: dict[str, View] = {}
    whole_sections: dict[str, View] = {}
    by_name: dict[str, list[Section]] = {}
    for section in entry.sections:
        by_name.setdefault(section.name, []).append(section)
    by_name.pop("", None)
    for name, part in sorted(by_name.items()):
        seen = asserting(name) if name in IMPLIED else shown
        inside = [_inside(every, each.body, each.end) for each in part]
        sections[name] = _stretch(seen, inside)
        if seen is not every:
            plain = _stretch(every, inside)
            if plain.exact != sections[name].exact:  # a title alone is no second copy worth
                whole_sections[name] = plain
    read = _view(_unaddressed(called, titles(entry.document.title)))
    return Views(
        _joined(read, View((), ())),
        _joined(title, whole),
        _joined(read, asserted),
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
    found = list(TOKEN.finditer(text))
    if not found:
        return _Terms([], [], [], [])
    exact, stems = zip(*[both(match[0]) for match in found], strict=True)
    starts, ends = [match.start() for match in found], [match.end() for match in found]
    return _Terms(starts, ends, exact, stems)


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


def _places(mentions: Iterable[Mention]) -> Iterator[tuple[int, int]]:
    return ((mention.start, mention.end) for mention in mentions)


def _shown(every: _Terms, hidden: Sequence[tuple[int, int]]) -> _Terms:
    """Return the text with a filler for each token that overlaps something hidden."""
    if not hidden:
        return every
    exact, stems = list(every.exact), list(every.stems)
    for start, end in hidden:
        for at in _inside(every, start, end):
            exact[at] = stems[at] = FILLER
    return _Terms(every.starts, every.ends, exact, stems)


def _unaddressed(every: _Terms, addressed: Sequence[tuple[int, int]]) -> _Terms:
    """Return the text with a filler for the stem of each title before a name."""
    if not addressed:
        return every
    stems = list(every.stems)
    for start, end in addressed:
        for at in _inside(every, start, end):
            stems[at] = FILLER
    return _Terms(every.starts, every.ends, every.exact, stems)


def _stretch(every: _Terms, inside: Iterable[range]) -> View:
    exact: list[str] = []
    stems: list[str] = []
    for each in inside:
        exact += every.exact[each.start : each.stop]
        stems += every.stems[each.start : each.stop]
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
