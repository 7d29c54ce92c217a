"""Treatments that are withheld, and what they were for: of "anticoagulation for atrial fibrillation
was declined" the anticoagulation is denied, and the fibrillation is there."""

from __future__ import annotations

import re
from typing import Final

_WITHHELD: Final = re.compile(
    r"(?:declined|refused|contraindicated|not (?:indicated|recommended|needed|required|advised|"
    r"warranted|given|started|used|tolerated))$"
)
# "Testing for HIV was declined": what is looked for, or guarded against, is not there.
_LOOKED_FOR: Final = re.compile(
    r"\b(?:test\w*|screen\w*|work-?up|evaluat\w+|check\w*|assess\w*|concern\w*|suspicion|risks?|"
    r"needs?|indications?|consent|criteria|positive|negative|look\w*|search\w*|evidence|signs?|"
    r"cta?|mri|mra|ultrasound|us|dopplers?|duplex|imaging|scan|x-?rays?|cultures?|swab|labs?|pcr|"
    r"serolog\w+|antibod\w+|counsel\w+|education|monitor\w*|surveillance|precautions|isolation|"
    r"biops\w+|panel|titers?|watch\w*|puncture|lp|\w+scopy|egd|echo\w*|cath\w*|\w+gra(?:m|phy)|"
    r"stress|study|studies|exam\w*|consult\w*|referral|requests?|requested|requesting|ask(?:s|ed|ing)?|"
    r"prescriptions?|scripts?|rx|orders?|plans?|planned|recommendations?|offers?|offered|came|comes?|"
    r"coming|came in|comes in|here|wants?|wanted|hop(?:es|ing)|appointment|scheduled"
    r")(?: (?:done|sent|performed|specifically|only|just))?[ ]$"
)
# What it was for, in a few words.
_AIM: Final = re.compile(
    r"[ ](?:(?!(?:that|which|whom?|this|i|he|she|they|we|explained|said|told|but)[ ])"
    r"[\w'/-]+[ ,]+){1,6}"
)
# "Biopsy for a breast mass was declined": what is felt or seen is there, whatever it turns out.
_FELT: Final = re.compile(
    r"\b(?:pains?|\w*aches?|mass(?:es)?|lumps?|nodules?|lesions?|wounds?|ulcers?|cough|dyspnea|"
    r"shortness of breath|bleeding|weakness|dizziness|syncope|weight loss|an(?:a)?emia|"
    r"h(?:a)?ematuria|swelling|rash|vomiting|diarrhea|dysphagia)[ ,]*$"
)
_OPENS: Final = re.compile(r"[,;:(]|\b(?:and|but|with|so|therefore|as)[ ]")
# "For three days statins were not given".
_HOW_LONG: Final = re.compile(
    r"[ ](?:now|the (?:time|moment)|several|a few|\d+|one|two|three|four|five|six)\b"
)
# "He was seen for knee pain and surgery was not recommended": that is told for itself.
_TOLD: Final = re.compile(
    r"\b(?:he|she|they|who|pt|patient|was|were|is|are|has|had|been|seen|admitted|treated|"
    r"referred|evaluated|presents?|presented|presenting|brought|transferred|hospitali[sz]ed|followed|"
    r"takes?|taking|took|started|receiv(?:es|ed|ing))[ ]"
)


def treatment(folded: str, first: int, cue: tuple[int, int], start: int) -> tuple[int, int] | None:
    """Return the treatment that the cue at `cue` denies, where the scope that looks back from it
    begins at `start`, behind the "for" of what it was for; None where it denies something else."""
    if _WITHHELD.search(folded, *cue) is None:
        return None
    if folded[start - 3 : start] != "for":  # "admitted for CHF and dialysis was declined"
        start = folded.find(" for ", start, cue[0]) + len(" for")
        if start < len(" for") or not _TOLD.search(folded, first, start - 3):
            return None
    end = start - 3
    if _AIM.fullmatch(folded, start, cue[0]) is None or _HOW_LONG.match(folded, start):
        return None  # "came for antibiotics and I explained that antibiotics are not indicated"
    if _LOOKED_FOR.search(folded, first, end) and not _FELT.search(folded, start, cue[0]):
        return None
    opens = [match.end() for match in _OPENS.finditer(folded, first, end)]
    begin = opens[-1] if opens else first
    other = folded.rfind(" and ", start, cue[0])
    clause = max(first, *(folded.rfind(stop, first, end) for stop in (", ", "; ", " and ")))
    if other >= 0 and _TOLD.search(folded, clause, end):
        return other + len(" and "), cue[0]
    return (begin, end) if folded[begin:end].strip() else None
