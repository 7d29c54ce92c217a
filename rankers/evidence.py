"""Where a note speaks of what is asked, and what it says there."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

from indexing.analysis import STOP_WORDS, TOKEN
from indexing.language.assertion import Offsets, assess
from indexing.language.other_meanings import is_title
from indexing.language.sections import section_at
from indexing.language.status import copied_stretches
from indexing.model import Assertion, Section
from indexing.ports import Derived
from indexing.views import HIDDEN
from rankers.cues import CANDIDACY, Asked
from rankers.meanings import MEASURED
from rankers.pregnancy import DAYS, lasted
from rankers.wants import Want

SURGERY, PREMATURITY = "anm:surgery", "anm:prematurity"
MOST_PLACES = 6  # of the same words in one note, judged
AROUND = 300  # characters on both sides that decide what is said of them
# A treatment of a relative, or one that may be given, is none that somebody here has.
OF_NOBODY = frozenset({Assertion.FAMILY, Assertion.HYPOTHETICAL})


class Said(NamedTuple):
    """One place of a note that speaks of what is asked, or of something `narrower`."""

    start: int
    end: int
    assertion: Assertion
    status: Assertion
    section: Section | None
    narrower: bool = False


def said_of(note: Derived, want: Want) -> list[Said]:
    """Return where a note speaks of it: its mentions, its short names beside a number, and else
    its words as they stand."""
    concepts = want.concepts
    places = [m for m in note.mentions if m.concept_id in concepts]
    found = [
        Said(
            m.start,
            m.end,
            told(want, m.concept_id, m.assertion),
            told(want, m.concept_id, m.status),
            section_at(note.sections, m.start),
            bool(want.meaning.itself) and m.concept_id not in want.meaning.itself,
        )
        for m in places
    ]
    own = [s for s, m in zip(found, places, strict=True) if m.concept_id in want.meaning.own]
    found = own or found
    if want.meaning.short and (want.bound is not None or want.meaning.kind in MEASURED):
        found += _shortly(note, want.meaning.short)
    return found or _worded(note, want.words)


def places_of(note: Derived, want: Want) -> list[Said]:
    """Return where a note speaks of it; of what must have a number or a side, words that mean
    nothing known may stand apart in one sentence: "robotic-assisted right pyeloplasty"."""
    said = said_of(note, want)
    if want.bound is not None and want.bound.unit == DAYS:
        born = PREMATURITY in want.concepts
        if born:  # "27 weeks" by itself may be a pregnancy's
            said = [s for s in said if any(m.start == s.start for m in note.mentions)]
        told = lasted(note, born=born)
        weeks = [Said(g.start, g.end, a, a, section_at(note.sections, g.start)) for g, a in told]
        return weeks or said
    if want.asked in CANDIDACY and SURGERY in want.concepts:
        said = [*said, *_worded(note, "surgical candidate"), *_worded(note, "operative candidate")]
    if said or want.concepts or want.asked is not Asked.PRESENT:
        return said
    return heads_apart(note, want.words) if want.side or want.bound else said


def _shortly(note: Derived, names: Sequence[str]) -> list[Said]:
    """Return where a number stands right behind a short name: "K 6.4" is potassium."""
    spelled = "|".join(re.escape(name) for name in names)
    number = r"(?:[ ](?:of|is|was))?[ ]?[:=]?[ ]?\(?[<>]?\d"
    beside = re.compile(rf"(?<![\w/.-])(?:{spelled})\+?(?={number})")
    return [
        Said(m.start(), m.end(), Assertion.PRESENT, Assertion.PRESENT, None)
        for m in beside.finditer(note.document.text)
        if not any(n.start < m.end() and m.start() < n.end for n in note.mentions)
    ]


def _worded(note: Derived, words: str) -> list[Said]:
    text = note.document.text
    if _lacks(text, words):
        return []
    apart = r"[\W_]+".join(re.escape(word) for word in words.split())
    spelled = re.compile(rf"(?<!\w){apart}(?!\w)", re.IGNORECASE)
    found = []
    for match, _ in zip(spelled.finditer(text), range(MOST_PLACES), strict=False):
        if is_title(text, *match.span()):  # who asks for MS means nobody's title
            continue
        if any(m.start <= match.start() and match.end() <= m.end for m in note.mentions):
            continue  # part of another name: "hemoglobin" in "hemoglobin A1c"
        found.append(_judged(note, match))
    return found


def _lacks(text: str, words: str) -> bool:
    """Say that one of these words stands nowhere in a text; of most texts that is soon told, and a
    pattern that ignores case takes fifty times as long. Beyond ASCII it alone knows."""
    if not (text.isascii() and words.isascii()):
        return False
    low = text.lower()
    return any(word not in low for word in words.lower().split())


def _judged(note: Derived, match: re.Match[str]) -> Said:
    """Return what is said of some words."""
    text = note.document.text
    part = section_at(note.sections, match.start())
    first = max(part.start if part else 0, match.start() - AROUND)
    last = min(part.end if part else len(text), match.end() + AROUND)
    place = Offsets(match.start() - first, match.end() - first)
    inner = (
        (Section(0, max(0, part.body - first), last - first, part.name, part.loinc),)
        if part and part.name
        else ()
    )
    (judged,) = assess(text[first:last], inner, [place])
    return Said(match.start(), match.end(), judged.assertion, judged.assertion, part)


def heads_apart(note: Derived, words: str) -> list[Said]:
    """Return where the head of a name is said of the patient in a sentence that holds each of its
    words, though not side by side: of "thyroid nodule" the nodule in "Thyroid ultrasound: nodule of
    the right lobe". A name of one word has none."""
    before, *_after = _LINKS.split(words, maxsplit=1)
    spelled = [_spelled(word) for word in TOKEN.findall(words) if word.lower() not in STOP_WORDS]
    if len(spelled) < 2:
        return []
    text, head = note.document.text, _spelled(TOKEN.findall(before)[-1])
    ends = [0, *(match.end() for match in _SENTENCE.finditer(text)), len(text)]
    found = [
        match
        for start, end in pairwise(ends)
        if all(each.search(text, start, end) for each in spelled)
        for match in head.finditer(text, start, end)
    ]
    said = (_judged(note, match) for match in found[:MOST_PLACES])
    return [each for each in said if each.assertion not in HIDDEN]


_SENTENCE = re.compile(r"[.;](?=\s)|\n")
# What follows them in a name is not its head: "fracture of the wrist" is a fracture.
_LINKS = re.compile(r"\s+(?:of|in|on|at|to|from|with|by)\s+", re.IGNORECASE)


def _spelled(word: str) -> re.Pattern[str]:
    """Match a word, one or many."""
    one = re.escape(word.removesuffix("s"))
    return re.compile(rf"(?<!\w){one}(?:e?s)?(?!\w)", re.IGNORECASE)


def told(want: Want, concept: str, status: Assertion) -> Assertion:
    """Return what a status comes to where the concept's own name tells one: "never smoker"."""
    told = want.meaning.told.get(concept)
    return told if told is not None and status not in HIDDEN else status


def label(said: Said, old: Sequence[tuple[int, int]]) -> Assertion:
    """Hidden where the mention or the note as a whole hides it; past where either is, or where it
    was copied from an earlier note; else what the mention says."""
    for one in (said.assertion, said.status):
        if one in HIDDEN:
            return one
    over = Assertion.HISTORICAL in (said.assertion, said.status)
    if over or any(start <= said.start < end for start, end in old):
        return Assertion.HISTORICAL
    return said.assertion


def copied(note: Derived) -> list[tuple[int, int]]:
    told = [(each.start, each.end) for each in note.copied]
    return told + copied_stretches(note.document.text)


def stands(said: Iterable[Said]) -> bool:
    return any(s.assertion is Assertion.PRESENT and s.status is Assertion.PRESENT for s in said)
