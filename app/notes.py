"""From a note to its page: sections, marks, and a citation for every hit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from urllib.parse import quote

from markupsafe import Markup

from app.answers import MARK_LABELS
from app.marking import Span, marked
from app.pages import partial_date, words
from indexing.model import Assertion, Document, Mention, Section
from indexing.ports import Derived
from rankers.snippets import TITLES

SENTENCE_MOST = 400  # code points on each side: dictated notes may know no full stop

ASSERTION_LABELS = {
    Assertion.PRESENT: "",
    Assertion.NEGATED: "denied",
    Assertion.UNCERTAIN: "uncertain",
    Assertion.HYPOTHETICAL: "hypothetical",
    Assertion.HISTORICAL: "history",
    Assertion.FAMILY: "family",
    Assertion.NOT_ASSESSED: "not assessed",
}


@dataclass(frozen=True, slots=True)
class Found:
    """A stretch of the note that answers the question; `kind` as in the results' marks."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True, slots=True)
class Citation:
    """What is copied: the sentence, and where it stands."""

    anchors: tuple[str, ...]
    sentence: str
    source: str
    link: str


@dataclass(frozen=True, slots=True)
class Part:
    """One section of the note as the page shows it."""

    anchor: str
    name: str
    html: Markup
    hits: int


@dataclass(frozen=True, slots=True)
class NoteView:
    """A note as the template takes it."""

    document: Document
    title: str
    date: str
    parts: Sequence[Part]
    hits: int
    citations: Sequence[Citation]
    assertions: Sequence[tuple[str, str, int]]
    assessed: bool


def view_of(derived: Derived, found: Sequence[Found], zone: tzinfo, site: str) -> NoteView:
    """Prepare a note; `site` is the address that citations link to, with its final slash."""
    document = derived.document
    every = _distinct(found, len(document.text))
    hits = _jumped(every)
    spans = [*_hit_spans(every, hits), *_mention_spans(derived.mentions)]
    covering = list(_covering(derived.sections, len(document.text)))
    parts = [
        _part(document, section, number, spans, hits) for number, section in enumerate(covering)
    ]
    date = partial_date(document.date_start, document.told_until, zone)
    return NoteView(
        document,
        document.title or document.type or "Untitled note",
        date,
        parts,
        len(hits),
        _citations(document, covering, hits, date, site),
        _counted(derived.mentions),
        bool(derived.language_version),
    )


def _distinct(found: Sequence[Found], length: int) -> list[Found]:
    """Order the hits; of those that overlap the longest stays, so that each is jumped to once."""
    kept: list[Found] = []
    for hit in sorted(found, key=lambda h: (h.start, -h.end)):
        if hit.start < hit.end <= length and (not kept or hit.start >= kept[-1].end):
            kept.append(hit)
    return kept


# Near concepts and what is not asserted are marked, but jumped to only where nothing better is.
_STRONG = frozenset({"phrase", "literal", "synonym", "semantic"})


def _jumped(hits: Sequence[Found]) -> list[Found]:
    strong = [hit for hit in hits if hit.kind in _STRONG]
    return strong or [hit for hit in hits if hit.kind != "cue"]


def _hit_spans(every: Sequence[Found], hits: Sequence[Found]) -> list[Span]:
    anchors = {hit: f"hit-{number}" for number, hit in enumerate(hits, 1)}
    return [
        Span(
            hit.start, hit.end, f"m m-{hit.kind}", MARK_LABELS.get(hit.kind, hit.kind),
            anchor=anchors.get(hit, ""), strong=hit.kind != "cue",
        )
        for hit in every
    ]  # fmt: skip


def _mention_spans(mentions: Sequence[Mention]) -> list[Span]:
    spans = []
    for mention in mentions:
        word = ASSERTION_LABELS[mention.assertion]
        label = f"{mention.name}{f', {word}' if word else ''}"
        if mention.status is not mention.assertion:
            label += f" (in this note as a whole: {words(mention.status)})"
        classes = f"c c-{mention.assertion.value}"
        spans.append(Span(mention.start, mention.end, classes, label))
        if mention.cue is not None:
            spans.append(
                Span(mention.cue.start, mention.cue.end, "cue", f"cue: {word or 'present'}")
            )
    return spans


def _covering(sections: Sequence[Section], length: int) -> Iterable[Section]:
    """Return sections that cover the whole text once, whatever the pipeline left out."""
    at = 0
    for section in sorted(sections, key=lambda s: s.start):
        if section.start < at:
            continue
        if section.start > at:
            yield Section(at, at, section.start, "")
        yield section
        at = section.end
    if at < length or length == 0:
        yield Section(at, at, length, "")


def _part(
    document: Document, section: Section, number: int, spans: list[Span], hits: Sequence[Found]
) -> Part:
    inside = sum(section.start <= hit.start < section.end for hit in hits)
    html = marked(document.text, spans, section.start, section.end)
    return Part(f"section-{number}", words(section.name), html, inside)


# Where one sentence ends and the next begins: a stop before white space, an empty line, a line
# that begins a list item, the line after a heading; notes are wrapped at any word.
_NO_TITLE = "".join(rf"(?<!\b{title}\.)" for title in TITLES)
_BETWEEN = re.compile(
    rf"(?<=[.!?]){_NO_TITLE}\s+|\n\s*\n|\n(?=\s*(?:[-*•\[]|\d+[.)]))|(?<=:)[ \t]*\n"
)


def sentence(text: str, start: int, end: int) -> str:
    """Return the sentence around [start, end), white space folded."""
    low, high = max(0, start - SENTENCE_MOST), min(len(text), end + SENTENCE_MOST)
    for between in _BETWEEN.finditer(text, low, high):
        if between.end() <= start:
            low = between.end()
        elif between.start() >= end:
            high = between.start()
            break
    return " ".join(text[low:high].split())


def _citations(
    document: Document, sections: Sequence[Section], hits: Sequence[Found], date: str, site: str
) -> Sequence[Citation]:
    """Return one citation per sentence, with the anchors of all its hits."""
    anchors: dict[tuple[str, int], list[str]] = {}
    for number, hit in enumerate(hits, 1):
        part = next(n for n, s in enumerate(sections) if s.start <= hit.start < s.end)
        key = sentence(document.text, hit.start, hit.end), part
        anchors.setdefault(key, []).append(f"hit-{number}")
    page = f"{site}notes/{quote(document.doc_id, safe='')}"
    return [
        # The link is for others, too: hits are marked for whoever searched, sections for everybody.
        Citation(
            tuple(found), quoted, _source(document, date, sections[part].name),
            f"{page}#section-{part}",
        )
        for (quoted, part), found in anchors.items()
    ]  # fmt: skip


def _source(document: Document, date: str, section: str) -> str:
    facts = (document.title or document.type, date, document.author, words(section))
    return " · ".join(fact for fact in facts if fact)


def _counted(mentions: Sequence[Mention]) -> list[tuple[str, str, int]]:
    counts = dict.fromkeys(Assertion, 0)
    for mention in mentions:
        counts[mention.assertion] += 1
    return [(k.value, ASSERTION_LABELS[k] or "present", n) for k, n in counts.items() if n]
