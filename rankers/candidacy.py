"""Whether a note tells that somebody is a candidate for a treatment, or is none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from indexing.model import Assertion
from indexing.ports import Derived
from rankers.cues import Asked
from rankers.evidence import Said
from rankers.near_cues import NO_CARE
from rankers.sentence import sentence_of

_AROUND: Final = 140  # code points beside a name, within its sentence
_CHOSEN: Final = rf"(?:candida(?:tes?|cy)|eligible|suitable|fit)\b{NO_CARE}"
_UNFIT: Final = re.compile(
    r"\b(?:(?<!whether or )not|\w+n['’]t|never|no longer|poor|bad|sub-?optimal|marginal)"
    rf"\b[^.;,\n]{{0,40}}?\b{_CHOSEN}|"
    rf"\b(?:ineligible|unfit|unsuitable)\b{NO_CARE}|"
    r"\b(?:(?:in|non-?)operable|unresectable|prohibitive(?:ly)?|contraindicated)\b",
    re.IGNORECASE,
)
_FIT: Final = re.compile(rf"\b{_CHOSEN}(?! to\b)", re.IGNORECASE)


def candidacy(note: Derived, asked: Asked, said: Iterable[Said]) -> tuple[list[Said], bool]:
    """Return the places where a note tells of a candidate as it is asked, and whether it tells the
    contrary elsewhere."""
    text = note.document.text
    own = [s for s in said if s.assertion is not Assertion.FAMILY]
    told = [(s, tells_candidacy(text, s.start, s.end, asked)) for s in own]
    return [s for s, tells in told if tells], any(tells is False for _, tells in told)


def tells_candidacy(text: str, start: int, end: int, asked: Asked) -> bool | None:
    """Say whether the sentence around a treatment tells of a candidate for it as it is asked; None
    where it tells of none."""
    first, last = sentence_of(text, start, end, _AROUND, _AROUND)
    unfit = _UNFIT.search(text, first, last) is not None
    if not unfit and not _FIT.search(text, first, last):
        return None
    return unfit == (asked is Asked.UNFIT)
