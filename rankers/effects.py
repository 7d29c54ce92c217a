"""What a note tells of a treatment beside its name: that it helped, that it did not, that it was
refused."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from indexing.language.cues import fold
from indexing.language.refusals import refused
from indexing.ports import Derived
from rankers.cues import Asked
from rankers.evidence import OF_NOBODY, Said
from rankers.sentence import sentence_of

_AROUND: Final = 160  # code points beside a name, within its sentence
_GOOD: Final = (
    r"(?:improv(?:e[ds]?|ing|ement)|respon(?:d(?:ed|s|ing)?|se|sive)|reliev(?:e[ds]?|ing)|relief|"
    r"help(?:ed|s|ful|ing)?|effective(?:ly)?|better|resol(?:ved?|ving|ution)|benefit(?:s|ed)?|"
    r"beneficial|subsid(?:ed|ing)|success(?:ful|fully)?|work(?:ed|s|ing)? well|well controlled)"
)
_HELPED: Final = re.compile(
    rf"(?<!would )(?<!will )(?<!may )(?<!might )(?<!could )(?<!should )(?<!can )\b{_GOOD}\b",
    re.IGNORECASE,
)
_NOT_HELPED: Final = re.compile(
    r"\b(?:no|not|never|nor|without|little|minimal(?:ly)?|poor(?:ly)?|inadequate|insufficient|"
    rf"lack of|failed to|(?:did|does|do|was|has|have)n['’]?t)\b[^.;,\n]{{0,30}}?\b{_GOOD}\b|"
    r"\b(?:unresponsive|non-?responsive|ineffective|unsuccessful(?:ly)?|unhelpful|refractory|"
    r"resistant to|to no avail|(?:did|does|do) (?:nothing|little)|(?:no|without|little) effect|"
    r"fail(?:s|ed|ing|ure of)|worse(?:ned|ning)? (?:on|with|despite))\b",
    re.IGNORECASE,
)
_DESPITE: Final = re.compile(r"\bdespite\b[^.;\n]{0,60}$", re.IGNORECASE)  # "pain despite morphine"
_REFUSED: Final = re.compile(
    r"\b(?:refus(?:e[ds]?|ing|al)|declin(?:e[ds]|ing)|unwilling|(?:did|does|do) not (?:want|wish))"
    r"\b[^.;\n]{0,60}$",
    re.IGNORECASE,
)
_WAS_REFUSED: Final = re.compile(
    r"[^.;,\n]{0,30}\b(?:(?:was|were|is|are|been) (?:refused|declined)|refused|declined)\b",
    re.IGNORECASE,
)


def effects(note: Derived, asked: Asked, said: Iterable[Said]) -> tuple[list[Said], bool]:
    """Return the places where a treatment's effect is told as it is asked, and whether it is told
    otherwise elsewhere."""
    text, own = note.document.text, (s for s in said if s.assertion not in OF_NOBODY)
    told = [(s, tells_effect(text, s.start, s.end, asked)) for s in own]
    return [s for s, tells in told if tells], any(tells is False for _, tells in told)


def tells_effect(text: str, start: int, end: int, asked: Asked) -> bool | None:
    """Say whether the sentence around a treatment tells of its effect as it is asked; None where it
    tells of none."""
    first, last = sentence_of(text, start, end, _AROUND, _AROUND)
    failed = _NOT_HELPED.search(text, first, last) or _DESPITE.search(text, first, start)
    if not failed and not _HELPED.search(text, first, last):
        return None
    return asked is Asked.EFFECT or bool(failed) == (asked is Asked.NOT_HELPED)


def tells_refusal(text: str, start: int, end: int) -> bool:
    """Say whether somebody would not have what stands there: "adamantly refused blood products"."""
    first = max(0, start - _AROUND)
    if _REFUSED.search(text[first:start]) or _WAS_REFUSED.match(text, end):
        return True
    around = text[first : end + _AROUND]
    told = refused(around, fold(around).replace("\n", " "))
    return any(each.start < end - first and start - first < each.end for each in told)


_PREVENTION: Final = re.compile(
    r"\b(?:prophyla(?:xis|ctic(?:ally)?)|ppx|prevent(?:s|ed|ing|ion)?)\b", re.IGNORECASE
)


def tells_prevention(text: str, start: int, end: int) -> bool:
    """Say whether it stands there as what somebody is kept from: "heparin for DVT prophylaxis"."""
    return _PREVENTION.search(text, max(0, start - 30), end + 20) is not None
