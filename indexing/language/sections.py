"""Cut a note at its headings, whatever style they come in, and name each part.

Read in one pass, line by line; every pattern is bounded, so the time is linear in the text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from indexing.language.denied_lines import carried
from indexing.language.headings import OTHER, PARENTS, SYSTEMS, loinc, lookup, normalise
from indexing.language.headings_say import headings_say
from indexing.model import Section

_LEAD = (
    r"(?:\#{1,6}[ \t]+|\*\*[ \t]*|__|(?:[-•*·>–]|\(?\d{1,2}[.)]|[A-Z][.)]|[IVX]{1,4}[.)])[ \t]+)"
)
_AT_LINE: Final = re.compile(
    rf"^[ \t]*(?P<lead>{_LEAD})?(?P<head>[A-Za-z][^\n:]{{0,78}}?)"
    r"(?P<mark>[ \t]*(?:\*\*|__)?[ \t]*(?::(?:\*\*|__)?|\#*[ \t]*$)|[ \t]+[-–][ \t])",
    re.MULTILINE,
)
_COLON: Final = re.compile(r"[A-Za-z]:(?=\s|$)")
_RUN_ON: Final = re.compile(
    r"(?:[.;:!?)\]\"”] |  |\t)(?P<head>[A-Z][A-Za-z/&,'\-]*(?:[ ][A-Za-z/&,'\-]+){0,6})$"
)
# In a dictation without stops: "by mouth daily DRUG ALLERGIES: codeine", if the list knows it.
_SHOUTED: Final = re.compile(
    r"(?<=[a-z0-9%] )(?P<head>[A-Z][A-Z/&\-]{2,}(?:[ ][A-Z/&\-]{2,}){0,4})$"
)
_RUN_ON_WIDTH: Final = 64
_SAMPLE: Final = 20_000
_ENOUGH: Final = 200  # letters; fewer say nothing about the style of a note
_NOT_CAPITALS: Final = bytes(c for c in range(256) if not 65 <= c <= 90)
_NOT_LETTERS: Final = bytes(c for c in range(256) if not chr(c).isascii() or not chr(c).isalpha())
_VALUE: Final = re.compile(r"\s*[<>~]?\s*\d")
_WORD: Final = re.compile(r"[A-Za-z]{3,}")
_DATE_FORM: Final = re.compile(r"[MDY/\-]+")
_PLAIN: Final = re.compile(r"[A-Za-z0-9 /&,'()#+.\-]+")
# Labels of a measurement: the number that follows is their value, nothing hangs below them.
_MEASURE: Final = frozenset(
    "bp hr rr t temp p pulse wt ht bmi o2 sat spo2 o2sat pox temperature weight height resp "
    "respirations respiration na k cl co2 bun cr wbc hgb hct plt inr pt ptt ast alt tsh a1c "
    "ph axis blood_pressure heart_rate respiratory_rate oxygen_saturation pulse_ox age".split()
)
_BULLETS: Final = frozenset("-•*·>–")
_IN_BULLETS: Final = frozenset(
    "chief_complaint history_of_present_illness past_medical_history past_surgical_history "
    "family_history social_history allergies medications review_of_systems physical_exam "
    "laboratory imaging assessment plan assessment_and_plan immunizations problem_list "
    "discharge_medications discharge_diagnosis hospital_course subjective objective".split()
)
_OWN_LINE: Final = frozenset({"vital_signs", "mental_status_exam"})
_FREE: Final = re.compile(r"(?:\n[ \t]*\n|\A)[ \t]*$")
_LIST: Final = 2_000  # characters that a list in capitals may go on
_BREAK: Final = re.compile(r"\n[ \t]*\n")
_GAP: Final = 40  # characters looked at before a heading
_LAID_OUT: Final = 3  # headings after a free line, from which on that is the note's way
_SHOUTING: Final = 0.6  # share of capitals above which capitals say nothing about headings


@dataclass(frozen=True, slots=True)
class _Heading:
    start: int
    body: int
    name: str


def sections(text: str) -> tuple[Section, ...]:
    """Return the parts of `text` in order: they cover it without gaps. What stands before the
    first heading is a part named ""; an empty text has none."""
    if not text:
        return ()
    found = _named(_candidates(text))
    parts: list[Section] = []
    first = found[0].start if found else len(text)
    if first > 0:
        parts.append(Section(0, 0, first, ""))
    for i, heading in enumerate(found):
        end = found[i + 1].start if i + 1 < len(found) else len(text)
        body = min(heading.body, end)
        parts.append(Section(heading.start, body, end, heading.name, loinc(heading.name)))
    return tuple(parts)


def section_at(parts: Sequence[Section], position: int) -> Section | None:
    """Return the part that holds `position`."""
    i = bisect_right(parts, position, key=lambda part: part.start) - 1
    return parts[i] if i >= 0 and position < parts[i].end else None


@dataclass(frozen=True, slots=True)
class _Candidate:
    start: int
    body: int
    name: str | None  # None: not in the list
    capitals: bool
    alone: bool  # nothing else on its line
    bullet: bool  # an item of a list, in lower case: a heading only if it is a usual one
    below: bool = False  # right below another line
    tight: bool = False  # so, in a note that leaves a line free before its headings


def _candidates(text: str) -> list[_Candidate]:
    sample = text[:_SAMPLE].encode("ascii", "ignore")
    letters = len(sample.translate(None, _NOT_LETTERS))
    shouting = (
        letters > _ENOUGH and len(sample.translate(None, _NOT_CAPITALS)) > _SHOUTING * letters
    )
    found = _laid_out(list(_at_lines(text, shouting)), text)
    taken = [c.start for c in found]
    bodies = [c.body for c in found]
    for candidate in _run_on(text, shouting):
        i = bisect_right(taken, candidate.start) - 1
        if i < 0 or candidate.start >= bodies[i]:
            found.append(candidate)
    return sorted(found, key=lambda c: c.start)


def _at_lines(text: str, shouting: bool) -> Iterator[_Candidate]:
    opened = -1  # where a heading alone on its line ends, whose list goes on to a free line
    lists = carried(text)
    for match in _AT_LINE.finditer(text):
        at = bisect_right(lists, match.start(), key=lambda each: each.body) - 1
        if at >= 0 and match.start() < lists[at].end:
            continue  # "SOB" below "Denies: CP"
        head, lead, mark = match["head"], match["lead"] or "", match["mark"]
        after = match.end()
        ends_line = "\n" in text[after : _body(text, after)]
        if ":" in mark and ends_line:
            opened = after
        opens = ":" in mark and ends_line and _says(head)
        if not (opens or _acceptable(head, text, after)):
            continue
        name = lookup(normalise(head))
        capitals = head.isupper() or head.removesuffix("(s)").isupper()
        colon = ":" in mark
        dash = not colon and mark.strip() in ("-", "–")
        marked = lead.startswith(("#", "**", "__"))
        shaped = _shaped(head, capitals and not shouting, colon, marked, dash)
        if name is None and not (shaped or opens):
            continue
        if name is not None and not _listed(head, capitals, colon, dash, lead):
            continue
        item = name is None or lead[:1] in _BULLETS  # "- PE" is no examination
        if item and not (colon or dash or marked) and opened >= 0:
            far = match.start() - opened > _LIST
            if not (far or _BREAK.search(text, opened, match.start())):
                continue  # in capitals, an item of the list and no heading
        if name is not None:
            opened = after if ends_line else -1
        start = match.start("lead") if lead else match.start("head")
        bullet = lead[:1] in _BULLETS and not marked and not capitals
        alone = not (colon or dash) and name in _OWN_LINE
        yield _Candidate(start, _body(text, after), name, capitals, alone, bullet)


def _says(head: str) -> bool:
    """Whether a heading says something of the list below it: "Patient denies:"."""
    spelled = f"{normalise(head)}:"
    return bool(headings_say(spelled, 0, len(spelled)))


def _laid_out(found: list[_Candidate], text: str) -> list[_Candidate]:
    """Mark what stands right below another line, where the note's headings have a free line before
    them: there it is a label inside a part."""
    below = [not _FREE.search(text, max(0, c.start - _GAP), c.start) for c in found]
    free = sum(c.capitals and not close for c, close in zip(found, below, strict=True))
    laid_out = free >= _LAID_OUT and 2 * free >= sum(c.capitals for c in found)
    return [
        replace(c, below=close, tight=close and laid_out)
        for c, close in zip(found, below, strict=True)
    ]


def _run_on(text: str, shouting: bool) -> Iterator[_Candidate]:
    for colon in _COLON.finditer(text):
        after = colon.end()
        from_ = max(0, after - _RUN_ON_WIDTH)
        match = _RUN_ON.search(text, from_, after - 1)
        if match is None:
            match = _SHOUTED.search(text, from_, after - 1)
            if match is None or lookup(normalise(match["head"])) not in _IN_BULLETS:
                continue
        head = match["head"]
        if not _acceptable(head, text, after):
            continue
        name = lookup(normalise(head))
        capitals = head.isupper()
        if name is None and (shouting or not capitals or len(head) < 5 or not _WORD.search(head)):
            continue
        yield _Candidate(match.start("head"), _body(text, after), name, capitals, False, False)


def _acceptable(head: str, text: str, after: int) -> bool:
    label = normalise(head).replace(" ", "_")
    if label in _MEASURE:
        return False
    return not (len(head) <= 12 and _VALUE.match(text, after) and lookup(normalise(head)) is None)


def _shaped(head: str, capitals: bool, colon: bool, marked: bool, dash: bool) -> bool:
    """Whether a heading that is not in the list looks like one all the same."""
    words = head.split()
    if dash or len(words) > (9 if colon else 14) or not _PLAIN.fullmatch(head):
        return False
    if marked:
        return True
    if not capitals or not _WORD.search(head) or _DATE_FORM.fullmatch(head):
        return False
    return colon or not head.endswith((".", ","))


def _listed(head: str, capitals: bool, colon: bool, dash: bool, lead: str) -> bool:
    """Whether a wording in the list stands here as a heading, not as a word of the sentence."""
    if colon or lead.startswith(("#", "**", "__")):
        return True
    if dash:
        return capitals or len(head.split()) > 1
    if head.endswith((".", ",")):
        return False
    return capitals or (not lead and head[0].isupper())


def _body(text: str, after: int) -> int:
    end = len(text)
    while after < end and text[after].isspace():
        after += 1
    return after


def _named(candidates: list[_Candidate]) -> list[_Heading]:
    found: list[_Heading] = []
    parent: str | None = None
    current = ""
    for candidate in candidates:
        name = candidate.name or OTHER
        inside = parent or (current and not candidate.capitals)
        if name in SYSTEMS and inside and not candidate.alone:
            continue  # "HEART:" inside an examination is a label; the part stays one
        if found and candidate.tight and (candidate.name is None or name in SYSTEMS):
            continue
        if parent and candidate.below and candidate.name is None:
            continue  # "UROLOGICAL:" below the lines of a review of systems
        if found and name == current and not candidate.capitals:
            continue  # "Cardiac exam:" inside an examination
        if candidate.bullet and (name == current or name not in _IN_BULLETS):
            continue
        parent, current = name if name in PARENTS else None, name
        found.append(_Heading(candidate.start, candidate.body, name))
    return found
