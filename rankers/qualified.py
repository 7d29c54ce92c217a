"""Words beside a name that say which of it is asked: the form of a drug ("fentanyl patch", "IV
vancomycin"), how bad an illness is ("severe aortic stenosis"), in which lobe it lies, in which
fluid a thing is measured."""

from __future__ import annotations

import re
from typing import Final, TypeVar

from indexing.language.terminology import SemanticType
from indexing.language.values import HasOffsets
from rankers.meanings import DRUGS
from rankers.sentence import sentence_of

UNTOLD = 0.8  # of what a note does not say whether it is the one that is asked
OTHERWISE = 0.5  # it is another
UNSAID = 0.3  # it says nothing of what is asked
Place = TypeVar("Place", bound=HasOffsets)

_FORMS: Final = {
    "patch": r"patch(?:es)?|transdermal(?:ly)?|duragesic",
    "drip": r"drips?|gtt|infusions?|infus(?:ed|ing)",
    "pca": r"pca|patient[- ]controlled",
    "pump": r"pumps?",
    "inhaled": r"inhal(?:ers?|ed|ation)|mdi|hfa|nebuli[sz]ers?|nebuli[sz]ed|nebs?|puffs?",
    "iv": r"iv|i\.v\.?|intravenous(?:ly)?|ivpb?",
    "oral": r"oral(?:ly)?|po|p\.o\.?|by mouth|tablets?|pills?|capsules?",
    "topical": r"topical(?:ly)?|creams?|ointments?|gels?|lotions?",
    "im": r"im|i\.m\.?|intramuscular(?:ly)?",
    "subcutaneous": r"subcut(?:aneous(?:ly)?|\.)?|subq|sub-?q|sq|s\.?c\.?",
    "drops": r"drops?|gtts",
}
ROUTES: Final = frozenset(("iv", "oral"))  # which notes often leave unsaid
_GRADES: Final = {
    "mild": r"mild(?:ly)?",
    "moderate": r"moderate(?:ly)?",
    "severe": r"severe(?:ly)?",
}
# "Stage 2 sacral ulcer", "CKD stage III", "NYHA class IV"; a murmur has six grades.
_STAGES: Final = {
    f"stage{number}": rf"(?:stage|class|grade)[ -]?(?:{number}|{roman})[abc]?"
    for number, roman in enumerate(("0", "I", "II", "III", "IV", "V", "VI"))
}
_PARTS: Final = {
    "upper": r"upper[- ]lobes?|[RL]UL", "middle": r"middle[- ]lobe|RML",
    "lower": r"lower[- ]lobes?|[RL]LL",
}  # fmt: skip
# "Has not had a colonoscopy": one that found nothing was had.
UNDONE: Final = "undone"
_NOT_HAD: Final = re.compile(
    r"\b(?:not|n['’]?t|never)(?: yet| ever)? (?:had|undergone|received|gotten|been given)\b"
    r"[^,;]{0,20}$",
    re.IGNORECASE,
)
_RESULT: Final = re.compile(
    r"\b(?:negative|unremarkable|normal|ruled out|showed|complications?)\b", re.IGNORECASE
)
_FLUIDS: Final = {
    "urine": r"urin(?:e|ary)", "csf": r"csf|cerebrospinal fluid|spinal fluid",
    "pleural": r"pleural(?: fluid)?", "ascitic": r"(?:ascitic|peritoneal)(?: fluid)?",
    "synovial": r"(?:synovial|joint)(?: fluid)?", "stool": r"stool|fecal", "sweat": r"sweat",
}  # fmt: skip
# "Positive FIT test": of a test it is asked what came of it.
POSITIVE: Final = "positive"
_RESULTS: Final = {
    POSITIVE: r"(?<!if )(?<!false )(?<!non-)(?<!not )(?:positive|pos|reactive|detected|abnormal)",
    "negative": r"(?:negative|neg|non-?reactive|not detected|undetected|normal|"
    r"pending|no growth)",
}  # fmt: skip
# So a note says it too: "troponin elevated", "blood cultures grew MSSA".
_RAISED: Final = re.compile(
    r"(?<!not )\b(?:elevated|raised|(?:grew|growing)(?! (?:no|nothing)\b))\b", re.IGNORECASE
)
# "Anaphylaxis to penicillin": of an allergy, how it showed.
_REACTIONS: Final = {
    "anaphylaxis": r"(?<!no )(?<!without )(?<!not )anaphyla\w+",
}  # fmt: skip
_AHEAD, _BEHIND = 24, 48  # code points of a note beside a name, within its sentence
_STOP: Final = re.compile(r"[;,\n]|\.(?=\s+[A-Z])")


def _any(kinds: dict[str, str]) -> re.Pattern[str]:
    told = "|".join(f"(?P<{kind}>{words})" for kind, words in kinds.items())
    return re.compile(rf"(?<![\w/])(?:{told})(?!\w)", re.IGNORECASE)


ILLS: Final = frozenset({SemanticType.DISORDER, SemanticType.SYMPTOM, SemanticType.FINDING})
_OF_DRUGS: Final = _any(_FORMS)
_OF_PARTS: Final = _any(_PARTS)
STAGE: Final = _any(_STAGES)
_OF_ILLS: Final = (_any(_GRADES), _OF_PARTS, STAGE)
_OF_LABS: Final = _any(_FLUIDS)
_OF_RESULTS: Final = _any(_RESULTS)
_OF_REACTIONS: Final = _any(_REACTIONS)
_REACTED: Final = re.compile(r"\banaphyla\w+[ ](?:to|with|from|after)[ ]$", re.IGNORECASE)
# What may stand between: "pneumonia in the right lower lobe".
_BETWEEN: Final = re.compile(
    r"(?:[ ,-]+(?:of|in|at|by|via|the|right|left|lt|rt|both|bilateral))*[ ,-]+", re.IGNORECASE
)


def qualities(text: str, start: int, end: int, kind: SemanticType) -> frozenset[str]:
    """Return which of it a question asks for by the words in and beside `text[start:end]`."""
    if kind is SemanticType.PROCEDURE:
        return frozenset((UNDONE,)) if _NOT_HAD.search(text, 0, start) else frozenset()
    labs = (_OF_LABS,) if kind is SemanticType.LAB_TEST else ()
    told = (_OF_DRUGS,) if kind in DRUGS else _OF_ILLS if kind in ILLS else labs
    named = kind is not SemanticType.DRUG_CLASS  # "blood pressure pills" are called so
    found = {_beside(kinds, text, start, end, named=named) for kinds in told}
    if labs and _beside(_OF_RESULTS, text, start, end, named=named) == POSITIVE:
        found.add(POSITIVE)  # a negative one is asked for as a denial
    if kind in DRUGS and _REACTED.search(text, 0, start):
        found |= _REACTIONS.keys()
    return frozenset(found - {""})


def _had(text: str, place: HasOffsets) -> bool:
    """Say whether a note tells a test's result in the sentence that seems to deny it."""
    first, last = sentence_of(text, place.start, place.end, 120, 80)
    return _RESULT.search(text, first, last) is not None


def of_other_fluid(text: str, place: HasOffsets) -> bool:
    """Say whether a note tells a measurement of something else than the blood: "random urine sodium
    was low at 12"."""
    if _OF_LABS.search(text, place.start, place.end):
        return True
    ahead = [m.end() for m in _OF_LABS.finditer(text, max(0, place.start - _AHEAD), place.start)]
    return bool(ahead) and not text[ahead[-1] : place.start].strip()


def is_form(words: str) -> bool:
    """Say whether words name nothing but a form: the "drip" of "insulin drip"."""
    return _OF_DRUGS.fullmatch(words) is not None


def _beside(kinds: re.Pattern[str], text: str, start: int, end: int, *, named: bool) -> str:
    between = _BETWEEN.match(text, end)
    found = (named and kinds.search(text, start, end)) or (
        between and kinds.match(text, between.end())
    )
    for ahead in () if found else kinds.finditer(text, max(0, start - 16), start):
        if not text[ahead.end() : start].strip(" -,"):
            found = ahead
    return str(found.lastgroup) if found else ""


def qualified(text: str, said: list[Place], asked: frozenset[str]) -> tuple[float, list[Place]]:
    """Weigh what a note says of the form, the grade or the part that is asked, and return the
    places that tell it as it is asked, or all where none does."""
    weight = 1.0
    if UNDONE in asked:
        fits = [each for each in said if not _had(text, each)]
        return (1.0, fits) if fits else (UNSAID, said)
    for kinds in _EVERY if asked else ():
        wanted = asked & kinds.groupindex.keys()
        told = [(each, _told(kinds, text, each)) for each in said] if wanted else []
        fits = [each for each, names in told if wanted <= names]
        if fits:
            said = fits
        elif wanted:
            weight *= OTHERWISE if all(names for _, names in told) else UNTOLD
    return weight, said


_EVERY: Final = (_OF_DRUGS, _OF_LABS, _OF_RESULTS, _OF_REACTIONS, *_OF_ILLS)


def _told(kinds: re.Pattern[str], text: str, place: HasOffsets) -> set[str]:
    near = (place.start, place.end, _AHEAD, _BEHIND)
    first, last = sentence_of(text, *near, _STOP)
    if kinds is _OF_PARTS:  # "consolidation, left lower lobe"
        _, last = sentence_of(text, *near)
    if kinds is _OF_RESULTS and _RAISED.search(text, first, last):
        return {POSITIVE}
    return {str(m.lastgroup) for m in kinds.finditer(text, first, last)}
