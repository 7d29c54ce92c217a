"""Answers by a letter or a bare word in a list of questions: "Fever N Chills N Cough Y", "Cough
Yes", "N fever, Y cough".

An N may as well be a newton, a stage, a type or somebody's initial, so a letter answers only among
others that do, or in a line that holds nothing but what is asked and its answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from indexing.language.cues import Hit, Kind, Reach, Rule
from indexing.language.marks import CLOSES_ALL, NEGATES

# The letter comes first in the pattern, because one class of characters is found fastest.
_BEHIND: Final = re.compile(
    r"[NnYy+–-](?:(?<=[A-Za-z)][ \t].)|(?<=[ \t][ \t].)|(?<=[(\[][NnYy]))"
    r"(?:(?<=[Nn])(?:o|O)|(?<=[Yy])(?:es|ES))?"
    r"(?=[ \t]*(?:$|[.,;)\]])|[ \t]{2}|[ \t]+[A-Z])",
    re.MULTILINE,
)
_BEFORE: Final = re.compile(
    r"^[ \t]*(?:[-*•·][ \t]*)?[NY][ \t]+"
    r"(?!gonorrh|meningit|acetyl|methyl|pestis|enterocol|terminal|linked|telo)[A-Za-z]{2}",
    re.MULTILINE,
)
_LED: Final = re.compile(r"(?<![^\s,;*•·-])[NY](?=[ \t]+[A-Za-z]{2})")
_MARK: Final = re.compile(r"[ \t]*(?:[-*•·+][ \t]*|\(?\d{1,2}[.)][ \t]+)?")
_LABEL: Final = re.compile(r"[A-Za-z][A-Za-z/ ]{0,30}:")
_ITEM: Final = re.compile(r"[A-Za-z][\w/'’()-]*(?:[ \t]+[A-Za-z(][\w/'’()-]*){0,4}")
_WORD: Final = re.compile(r"[\w/'’()-]+")
# Before these an N or a Y is a kind, a number or a name: "vitamin N", "Roux en Y", "T N M".
_NAMED_BY_LETTERS: Final = re.compile(
    r"\w|[pcy]?t\d?[a-d]?|[nm]\d[a-c]?|.*\d|vitamins?|hepatitis|types?|subtypes?|grades?|stages?|"
    r"class|groups?|serogroup|serotype|strain|factor|protein|neuropeptide|immunoglobulin|"
    r"h(?:a)?emoglobin|influenza|cytochrome|antigen|allele|genotype|chromosomes?|patients?|"
    r"subjects?|case|figure|table|option|plan|ward|room|bed|unit|team|site|arm|lot|level|section|"
    r"part|appendix|form|account|record|chart|invoice|reg|mr|mrs|ms|dr|nurse|roux|limb|"
    r"a|an|the|en|and|or|to|of|in|on|by|with|from|for|per|at|via|through|using|under|into|is|was|are|were|said|says|vs|as"
)
# "Hepatitis C N": the first letter is part of the name, the second answers.
_LETTERED: Final = re.compile(
    r"(?:hepatitis|hep|influenza|flu|vitamin|h(?:a)?emophilia|strep|group|type)[ ][a-e]"
)
_MOST_ALONE: Final = 2  # words of a thing asked that stands alone in the note with its letter


class _Answer(NamedTuple):
    """A letter or word at `[start, end)`. `whole`: it and what it answers are all of the line;
    `doubtful`: "(N)", which stands for "normal" too, or a sign, which may be a dash."""

    start: int
    end: int
    before: bool
    words: int
    whole: bool
    doubtful: bool


class _Line(NamedTuple):
    start: int
    end: int
    answers: Sequence[_Answer]


def letters(text: str) -> list[Hit]:
    """Return the answers by a letter of a text as cues, in order. Time is linear in the text."""
    found: list[Hit] = []
    lines = [*_lines(text)]
    for i, line in enumerate(lines):
        near = [
            other
            for other in lines[max(0, i - 1) : i + 2]
            if other is line or other.end + 1 == line.start or line.end + 1 == other.start
        ]
        found += (_hit(text, each) for each in _told(text, line, near))
    return found


def _told(text: str, line: _Line, near: Sequence[_Line]) -> Iterator[_Answer]:
    """The answers of a line that others beside them, or the line itself, prove to be answers."""
    around = [each for other in near for each in other.answers]
    many = len(line.answers) > 1
    some_yes = any(each.doubtful and not _denies(text, each) for each in around)
    for each in line.answers:
        if each.doubtful:
            if some_yes:
                yield each
        elif many or (each.whole and (len(around) > 1 or each.words <= _MOST_ALONE)):
            yield each


def _denies(text: str, answer: _Answer) -> bool:
    return text[answer.start] not in "Yy+"


def _hit(text: str, answer: _Answer) -> Hit:
    start, end = answer.start, answer.end
    if not _denies(text, answer):
        return Hit(start, end, (CLOSES_ALL,))
    if answer.before:
        return Hit(start, end, (CLOSES_ALL, NEGATES))
    return Hit(start, end, (Rule(Kind.NEGATED, False, Reach.PHRASE), CLOSES_ALL))


def _lines(text: str) -> Iterator[_Line]:
    """Every line with answers, in order."""
    led = {_line(text, match.end()) for match in _BEFORE.finditer(text)}
    behind = groupby(_placed(text), lambda found: found[0])
    found = [
        _Line(place[0], place[1], answers)
        for place, matches in behind
        if place not in led and (answers := [*_behind(text, place, [each for _, each in matches])])
    ]
    found += (_Line(*place, answers) for place in led if (answers := _led(text, place)))
    yield from sorted(found, key=lambda line: line.start)


def _placed(text: str) -> Iterator[tuple[tuple[int, int], re.Match[str]]]:
    """Every answer that may be one behind what is asked, with its line."""
    line = (0, -1)
    for match in _BEHIND.finditer(text):
        if match.start() > line[1]:  # looked for once a line: a note may be a single long one
            line = _line(text, match.start())
        yield line, match


def _line(text: str, place: int) -> tuple[int, int]:
    end = text.find("\n", place)
    return text.rfind("\n", 0, place) + 1, len(text) if end < 0 else end


def _behind(
    text: str, place: tuple[int, int], matches: Sequence[re.Match[str]]
) -> Iterator[_Answer]:
    """The answers of one line that stand behind what is asked."""
    first, last = place
    at = after_mark = _MARK.match(text, first, last).end()  # type: ignore[union-attr]
    tail = text[matches[-1].end() : last].strip(" \t.,;)]")
    for match in matches:
        start, end = match.span()
        bracketed = text[start - 1] in "(["
        sign = text[start] not in "NnYy"
        word = end - start > 1
        closed = text[end : end + 1] in ("", "\n", ".", ",", ";", ")", "]")
        # In capitals "NO" leads on; and a list by words has none left over behind its last answer.
        if word and not closed and (text[start:end].isupper() or tail):
            continue
        if not word and not closed and (sign or text[start].islower()):
            continue
        begin = max(at, *(text.rfind(c, at, start) + 1 for c in ".,;:"))
        item = text[begin : start - bracketed].strip()
        if _is_asked(item):
            alone = begin <= after_mark or _LABEL.fullmatch(text, after_mark, begin) is not None
            whole = alone and not text[end + bracketed : last].strip(" \t.,;\r")
            yield _Answer(start, end, False, len(item.split()), whole, bracketed or sign)
        at = end


def _is_asked(item: str) -> bool:
    """Whether these words are something that a list asks about."""
    if _ITEM.fullmatch(item) is None:
        return False
    words = [word.lower() for word in _WORD.findall(item)[-2:]]
    if _LETTERED.fullmatch(" ".join(words)):
        return True
    return _NAMED_BY_LETTERS.fullmatch(words[-1]) is None


def _led(text: str, place: tuple[int, int]) -> list[_Answer]:
    """The answers of one line that stand before what is asked."""
    first, last = place
    matches = [*_LED.finditer(text, first, last)]
    found = []
    for i, match in enumerate(matches):
        until = matches[i + 1].start() if i + 1 < len(matches) else last
        item = text[match.end() : until].strip(" \t,;.\r")
        if _ITEM.fullmatch(item) is None or item[-2:] in (" N", " Y"):
            return []
        plain = len(matches) == 1 and item == item.lower()
        words = len(item.split()) if plain else _MOST_ALONE + 1
        found.append(_Answer(match.start(), match.end(), True, words, len(matches) == 1, False))
    return found
