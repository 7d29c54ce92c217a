"""What a patient was told or thought to have, and a test then refuted: "told he had hepatitis C but
testing negative"."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final

from indexing.language.cues import Hit, Kind, Reach, Rule

_TOLD: Final = re.compile(
    r"(?:(?:told|informed|advised)\b(?![ ](?:me|us|him|her|them|the|you|staff|his|my)\b)|"
    r"(?:thought|believed|assumed|suspected|feared|convinced|labell?ed)\b)"
)
_HAVING: Final = re.compile(
    r"(?:[ ](?!not\b|no\b|never\b)[\w'-]+){0,8}?[ ](?:had|has|have|having|with|as|of|about|"
    r"(?:was|is|were|be) positive for)(?=[ ])"
)
_FEARED: Final = re.compile(
    r"(?:concerns?|suspicions?|worry|worries|worried|fears?)[ ]"
    r"(?:about|for|of|regarding|over)(?=[ ])"
)
_REFUTED: Final = re.compile(
    r"[ ](?P<what>(?!not\b|no\b|never\b)[^.;:\n]{2,80}?)"
    r"(?P<but>(?:[,;]|[ ]?[-–])?[ ](?P<word>but|however|though|although|yet|and[ ]then)|[,;]|"
    r"[ ][-–])"
    r"(?:,?[ ](?:that|it|this|was|were|is|are|be|has|have|had|been|came|come|comes|back|returned|"
    r"later|subsequent(?:ly)?|repeat(?:ed|edly)?|further|then|since|here|today|now|always|"
    r"his|her|the|our|all|any|own|their|he|she|they|confirmatory|follow-?up|formal|actual|"
    r"tests?|testing|tested|retested|screen(?:s|ing|ed)?|serolog(?:y|ies)|labs?|labwork|bloods?|"
    r"blood ?work|antibod(?:y|ies)|titers?|pcr|rna|dna|viral load|work-?up|results?|"
    r"biops(?:y|ies)|imaging|scans?|ultrasound|us|cta?|mri|x-?rays?|cxr|films?|dopplers?|duplex|"
    r"echo(?:cardiogram)?|angiogram|ekg|ecg|show(?:s|ed)|repeat|on|in|at|twice|"
    r"again|out|by|for|it|to|found|shown)){0,8}"
    # Of "thought to have migraine, CT normal" nothing is refuted: a result needs a word against it.
    r"[ ](?:(?(word)(?:negative|neg)|(?!))|"
    r"ruled[ ]out|excluded|refuted|disproved|disproven|disconfirmed|"
    r"(?:show(?:s|ed)|found|with)[ ]none|"
    r"not[ ](?:confirmed|found|borne out|supported)|"
    r"(?:did not|didn't)[ ]confirm(?:[ ](?:it|this))?|"
    r"without[ ](?:confirmation|evidence of (?:it|this)))\b"
    # A "negative for HIV" speaks of another thing, "negative cultures" of what was tested.
    r"(?=[ ]*(?:$|[.,;:)\n]|[ ][ ]|(?:and|so|but|on|in|at|by|x|here|today|twice|again|then|this|"
    r"yesterday|last|now|since|each|both)\b))"
)
# What a test alone can tell is refuted by it whoever told: "told the team he had hepatitis C".
_SAID: Final = re.compile(
    r"(?:told|informed|reports?|reported|states?|stated|says|said|claims?|claimed)\b"
    r"(?:[ ](?!not\b|no\b|never\b)[\w'-]+){0,7}?[ ](?:had|has|have|having|with|was|is|were)"
    r"(?:[ ](?:an?|the|active|acute|chronic|latent))?"
    r"(?=[ ](?:hep(?:atitis)?[ ][abc]|hepatitis|hiv|aids|hcv|hbv|tb|tuberculosis|syphilis|"
    r"chlamydia|gonorrho?ea|covid|influenza|flu|strep|mono|mononucleosis|lyme|malaria|rsv|"
    r"pregnant)\b)"
)
_OF_SAID: Final = ("told", "informed", "report", "state", "say", "said", "claim")
_OF_TESTED: Final = (
    " hep", " hiv", " aids", " hcv", " hbv", " tb", " tuberc", " syph", " chlam", " gono",
    " covid", " influ", " flu", " strep", " mono", " lyme", " malaria", " rsv", " pregnant",
)  # fmt: skip
# No such test decides what is only thought or feared: "concern for appendicitis, labs negative".
_UNDECIDED: Final = re.compile(
    r".*\b(?:labs|labwork|bloods?|blood ?work|ekg|ecg)\b.*(?<=[ ])neg(?:ative)?"
)
# Without a virus in the blood the patient may well have HIV, and latent TB with clear lungs.
_TREATED: Final = re.compile(
    r".*\b(?:latent|cxr|chest x-?ray)\b|"
    r".*\b(?:hiv|aids|hbv|hep(?:atitis)? b)\b.*\b(?:viral load|rna|dna)\b"
)
_OF_TOLD: Final = (
    "told", "informed", "advised", "thought", "believed", "assumed", "suspected", "feared",
    "convinced", "labe",
)  # fmt: skip
_OF_FEARED: Final = ("concern", "suspicion", "worry", "worries", "worried", "fear")
_LINE: Final = re.compile(r"\n[ \t]*(?![a-z])")  # not one that an editor wrapped
_WIDEST: Final = 260  # code points from "told" to what refutes it


def refuted(text: str, folded: str) -> Iterator[Hit]:
    """Yield, as a cue that looks back, each "but testing negative" behind what was only told or
    feared. `folded` is the text without line feeds."""
    for frame, told in sorted(_frames(folded)):
        match = _REFUTED.match(folded, frame, frame + _WIDEST)
        if match is None or _LINE.search(text, frame, match.end()) is not None:
            continue
        if _TREATED.match(folded, frame, match.end()):
            continue
        if told or _UNDECIDED.fullmatch(folded, match.end("but"), match.end()) is None:
            begin = match.end("but") - len(match["but"].lstrip(" ,;-–"))
            yield Hit(begin, match.end(), (Rule(Kind.NEGATED, False, Reach.LIST),))


def _frames(folded: str) -> Iterator[tuple[int, bool]]:
    """Where what was told or feared begins, and whether it was told."""
    for place in _places(folded, _OF_TOLD):
        told = _TOLD.match(folded, place)
        having = told and _HAVING.match(folded, told.end(), told.end() + _WIDEST)
        if having:
            yield having.end(), folded.startswith(("told", "informed", "advised", "labe"), place)
    for place in _places(folded, _OF_FEARED):
        feared = _FEARED.match(folded, place)
        if feared:
            yield feared.end(), False
    if any(word in folded for word in _OF_TESTED):
        for place in _places(folded, _OF_SAID):
            said = _SAID.match(folded, place, place + _WIDEST)
            if said:
                yield said.end(), True


def _places(folded: str, words: Iterable[str]) -> Iterator[int]:
    """Where words of the text begin with one of `words`. A plain search for each takes a tenth of
    what a pattern for all of them takes."""
    for word in words:
        place = folded.find(word)
        while place >= 0:
            if not folded[place - 1 : place].isalnum():
                yield place
            place = folded.find(word, place + 1)
