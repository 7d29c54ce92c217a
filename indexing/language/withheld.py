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
    r"stress|study|studies|exam\w*|consult\w*|referral"
    r")(?: (?:done|sent|performed))?[ ]$"
)
# What it was for, in a few words.
_AIM: Final = re.compile(
    r"[ ](?:(?!(?:that|which|who|i|he|she|they|we|explained|said|told|but)[ ])[\w'/-]+[ ,]+){1,6}"
)
_OPENS: Final = re.compile(r"[,;:(]|\b(?:and|but|with|so|therefore|as)[ ]")


def treatment(folded: str, first: int, cue: tuple[int, int], start: int) -> tuple[int, int] | None:
    """Return the treatment that the cue at `cue` denies, where the scope that looks back from it
    begins at `start`, behind the "for" of what it was for; None where it denies something else."""
    if folded[start - 3 : start] != "for" or _WITHHELD.search(folded, *cue) is None:
        return None
    end = start - 3
    if _AIM.fullmatch(folded, start, cue[0]) is None:
        return None  # "came for antibiotics and I explained that antibiotics are not indicated"
    if _LOOKED_FOR.search(folded, first, end):
        return None
    opens = [match.end() for match in _OPENS.finditer(folded, first, end)]
    begin = opens[-1] if opens else first
    return (begin, end) if folded[begin:end].strip() else None
