"""Whether a note tells that somebody is a candidate for a treatment, or is none."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from indexing.model import Assertion
from indexing.ports import Derived
from rankers.cues import Asked
from rankers.evidence import Said

_AROUND: Final = 140  # code points beside a name, within its sentence
_END: Final = re.compile(r"[;\n]|\.(?=\s)")
_CHOSEN: Final = r"(?:candida(?:tes?|cy)|eligible|suitable|fit)\b"
_UNFIT: Final = re.compile(
    r"\b(?:(?<!whether or )not|\w+n['’]t|never|no longer|poor|bad|sub-?optimal|marginal)"
    rf"\b[^.;,\n]{{0,40}}?\b{_CHOSEN}|"
    r"\b(?:ineligible|unfit|unsuitable|(?:in|non-?)operable|unresectable|prohibitive(?:ly)?|"
    r"contraindicated)\b",
    re.IGNORECASE,
)
_FIT: Final = re.compile(rf"\b{_CHOSEN}(?! to\b)", re.IGNORECASE)
_NOBODYS: Final = frozenset({Assertion.FAMILY})


def candidacy(note: Derived, asked: Asked, said: Iterable[Said]) -> tuple[list[Said], bool]:
    """Return the places where a note tells of a candidate as it is asked, and whether it tells the
    contrary elsewhere."""
    text = note.document.text
    own = [s for s in said if s.assertion not in _NOBODYS]
    told = [(s, tells_candidacy(text, s.start, s.end, asked)) for s in own]
    return [s for s, tells in told if tells], any(tells is False for _, tells in told)


def tells_candidacy(text: str, start: int, end: int, asked: Asked) -> bool | None:
    """Say whether the sentence around a treatment tells of a candidate for it as it is asked; None
    where it tells of none."""
    before = text[max(0, start - _AROUND) : start]
    begun = [match.end() for match in _END.finditer(before)]
    stop = _END.search(text, end, end + _AROUND)
    sentence = before[begun[-1] if begun else 0 :]
    sentence += text[start : stop.start() if stop else end + _AROUND]
    unfit = _UNFIT.search(sentence) is not None
    if not unfit and not _FIT.search(sentence):
        return None
    return unfit == (asked is Asked.UNFIT)
