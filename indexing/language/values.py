"""Sides beside a mention, and how a drug stands there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

from indexing.model import Assertion, Section


class HasOffsets(Protocol):
    """Anything with a place in the text."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...


class Side(StrEnum):
    """Which side of the body."""

    LEFT = "left"
    RIGHT = "right"
    BILATERAL = "bilateral"


_OF_EYES: Final = re.compile(
    r"\b(?:(?:intra)?ocular|eye(?:s|lids?)?|lids?|ophthalm\w*|optic|vis(?:ion|ual)|acuity|cataracts?|"
    r"glaucoma\w*|retin\w+|macul\w+|corneal?|lens(?:es)?|pupils?|irid\w+|iris|iritis|uveitis|"
    r"conjunctiv\w*|phaco\w*|vitre\w+|ptosis|bleph\w+|kerat\w+|pterygi\w+|chalazi\w+|myopi\w*|"
    r"drusen|IOP|P?C?IOL|20/\d{2,3})\b",
    re.I,
)


_SIDED: Final = (
    r"\b(?!right (?:dose|amount|way|time|kind|type|choice|answer|food|diet|balance|now|away)\b)"
    r"(?!left (?:the|a|untreated|alone|against|home|work)\b)"
    r"(?:(?P<left>left(?:-sided)?|lt\.?|l\.|(?-i:L(?:[LU][ELQ])?)%s)"
    r"|(?P<right>right(?:-sided)?|rt\.?|r\.|(?-i:R(?:[LU][ELQ]|ML)?)%s)"
    r"|(?P<both>bilateral(?:ly)?|both|b/l|(?-i:B[LU]E)%s))(?![\w])"
)


def _sides(left: str = "", right: str = "", both: str = "") -> re.Pattern[str]:
    """Match words that name a side, these among them."""
    return re.compile(_SIDED % (left, right, both), re.I)


_SIDE: Final = _sides()
# Of an eye "OD" is the right one; elsewhere it is once a day, and too much of a drug.
_LETTERS: Final = (
    r"|(?-i:O\.?S\b\.?(?!\.? ?(?:and|&|/|[<>=,]+) ?O\.?D))",
    r"|(?-i:O\.?D\b\.?(?!\.? ?(?:and|&|/|[<>=,]+) ?O\.?S))",
    r"|(?-i:O\.?U\b\.?|O\.?[DS]\.? ?(?:and|&|/|[<>=,]+) ?O\.?[DS]\b\.?)",
)
_EYE: Final = _sides(*_LETTERS)
_ASKED_EYE: Final = _sides(*(each.replace("(?-i:", "(?:") for each in _LETTERS))


@dataclass(frozen=True, slots=True)
class Sided:
    """A word that names a side, and where it stands."""

    start: int
    end: int
    side: Side


def sides(text: str) -> list[Sided]:
    """Return every word of a short text that names a side."""
    asked = _ASKED_EYE if _OF_EYES.search(text) else _SIDE
    return [Sided(m.start(), m.end(), _which(m)) for m in asked.finditer(text)]


def eye_letters(text: str) -> list[tuple[int, int]]:
    """Return where letters of a short text stand for an eye: "glaucoma OD"."""
    return [(s.start, s.end) for s in sides(text) if text[s.start].lower() == "o"]


def _which(match: re.Match[str]) -> Side:
    return Side.LEFT if match["left"] else Side.RIGHT if match["right"] else Side.BILATERAL


# "Foreign body, right foot."; but no "knee pain, left hip pain".
_SIDE_LAST: Final = {
    each: re.compile(rf"[ ]?, {each.pattern[2:]}(?:[ ]\w+)?[ ]*(?=[.;\n]|$)", re.I)
    for each in (_SIDE, _EYE)
}
_SIDE_WITHIN: Final = 100  # characters before a mention, of its own sentence
_STOP: Final = re.compile(r"[.](?=\s)|[,;\n]")
# What stands behind a mention tells of it no further; the stops of "O.D." end nothing.
_CUT: Final = re.compile(
    r"(?<!\bO)(?<!\bO\.[DSU])[.]|[;,\n]|\b(?:and(?! O\.?[DSU]\b)|or|versus|vs|with|without)\b"
)


def side(text: str, mention: HasOffsets) -> Side | None:
    """Return the side that the mention's words, the few around them, or else what stands before
    them in their sentence, name: "MRI L shoulder: full-thickness tear"."""
    named = _EYE if _of_eye(text, mention) else _SIDE
    stop = max(text.rfind(c, 0, mention.start) for c in (". ", ";", ",", "\n"))
    before = text[max(0, stop - 3) : stop].lower()
    if before[-2:] in ("lt", "rt", " l", " r") or before in ("o.d", "o.s", "o.u"):
        stop = -1
    before = text[max(stop + 1, mention.start - 24) : mention.end]
    found = [*named.finditer(before)]
    if not found and (behind := _SIDE_LAST[named].match(text, mention.end)):
        return _which(behind)
    if not found:
        tail = text[mention.end : mention.end + 24]
        cut = _CUT.search(tail)
        found = [*named.finditer(tail[: cut.start()] if cut else tail)][:1]
    if not found:
        sentence = text[max(0, mention.start - _SIDE_WITHIN) : mention.start]
        ends = [m.end() for m in _STOP.finditer(sentence)]
        found = [*named.finditer(sentence, ends[-1] if ends else 0)]
    return _which(found[-1]) if found else None


def _of_eye(text: str, mention: HasOffsets) -> bool:
    near = text[max(0, mention.start - _SIDE_WITHIN) : mention.end + _SIDE_WITHIN]
    # Most notes have no such letter near, which is soon told.
    return "O" in near and _OF_EYES.search(near) is not None


class DrugStatus(StrEnum):
    """How a drug stands with this patient."""

    CURRENT = "current"
    STOPPED = "stopped"
    INTOLERANCE = "intolerance"
    ALLERGY = "allergy"
    NOT_TAKEN = "not_taken"


# A drug may be taken for them: "Claritin for seasonal allergies", "allergic rhinitis".
_ALLERGIC: Final = re.compile(
    r"\b(?!allergic (?:rhinitis|conjunctivitis|sinusitis|asthma|symptoms|dermatitis)"
    r"|allergy (?:symptoms|shots?|season|pills?|medic\w+))"
    r"(?<!seasonal )(?<!environmental )(?<!nasal )(?<!pollen )(?<!for )(?<!for his )(?<!for her )"
    r"(?:allerg|anaphyla|hypersensitiv|hives|angioedema)\w*",
    re.I,
)
_INTOLERANT: Final = re.compile(
    r"\b(?:intoleran|could not tolerate|did not tolerate|unable to tolerate|side effect|"
    r"adverse reaction|reaction to|sensitivity)\w*",
    re.I,
)
# "Rash, which occurred from penicillin"; but "relief of the itching from hydroxyzine".
_REACTED: Final = re.compile(
    r"\b(?:rash|hives|urticaria|itching|pruritus|swelling|angioedema|anaphyla\w+)\b"
    r"[^.;\n]{0,40}?\b(?:from|due to|secondary to|caused by|induced by)[ ](?:the |her |his |a )?$",
    re.I,
)
_RELIEVED: Final = re.compile(r"\b(?:relie|improv|resol|better|respon)", re.I)
_DENIES: Final = r"\b(?:no|not|denie[sd]|denying|without|never)\b"
_NO_BUT: Final = r"(?!\b(?:but|except|only|however|other than)\b)"  # "no wheeze but hives"
_NO_ALLERGY: Final = re.compile(rf"{_DENIES}(?:{_NO_BUT}[^.;\n]){{0,30}}$", re.I)
# "No rash, hives or anaphylaxis": the denial reaches as far as reactions are listed; of "penicillin
# allergy, no problems with cephalosporins, hives" the hives are there.
_NO_REACTION: Final = re.compile(
    rf"{_DENIES}(?:(?:{_NO_BUT}[^.;,\n]){{0,30}}|"
    r"(?:[ ,/]+(?:or|and|nor|any|known|rash|hives|urticaria|itching|pruritus|facial|lip|throat|"
    r"swelling|wheez\w+|angioedema|anaphyla\w+|trouble breathing|shortness of breath|dyspnea|"
    r"nausea|vomiting|fever))*[ ,/]*)$",
    re.I,
)
_NO_HARM: Final = re.compile(
    r"\b(?:no|not|denie[sd]|denying|without)\b[^.;\n]{0,30}\b(?:side effect|adverse|reaction)", re.I
)
_AROUND: Final = 60


def drug_status(
    text: str, mention: HasOffsets, assertion: Assertion, section: Section | None = None
) -> DrugStatus:
    """Return how the drug at `mention` stands, from its assertion, its section and the words
    of its sentence."""
    start = max(text.rfind(c, 0, mention.start) for c in ".;\n") + 1
    start = max(start, mention.start - _AROUND)
    end = min((i for c in ".;\n" if (i := text.find(c, mention.end)) >= 0), default=len(text))
    around = text[start : min(end, mention.end + _AROUND)]
    before = text[start : mention.start]
    reacted = _REACTED.search(before) and not _RELIEVED.search(before)
    if (_INTOLERANT.search(around) and not _NO_HARM.search(around)) or reacted:
        return DrugStatus.INTOLERANCE
    if any(_is_told(around, harm) for harm in _ALLERGIC.finditer(around)):
        return DrugStatus.ALLERGY
    if section is not None and section.name == "allergies" and assertion is not Assertion.NEGATED:
        return DrugStatus.ALLERGY
    match assertion:
        case Assertion.PRESENT:
            return DrugStatus.CURRENT
        case Assertion.HISTORICAL:
            return DrugStatus.STOPPED
        case _:
            return DrugStatus.NOT_TAKEN


def _is_told(around: str, harm: re.Match[str]) -> bool:
    """Whether a reaction is told of, not denied: "observed for 20 minutes, no anaphylaxis"."""
    denied = _NO_ALLERGY if harm[0].lower().startswith("allerg") else _NO_REACTION
    return denied.search(around, 0, harm.start()) is None
