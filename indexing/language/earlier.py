"""What an earlier study did not show is new, and there: "a nodule, not present on the prior CT".
Told with no word more, that is a guess: "PE not seen on prior CT"."""

from __future__ import annotations

import re
from typing import Final

_NOT_SEEN: Final = re.compile(
    r"(?:[a-z']+ ){0,3}?(?:not|[a-z]+n't|never) (?:present|seen|identified|found|noted|appreciated|"
    r"demonstrated|detected|visualized|evident|apparent|observed|documented)"
)
_EARLIER: Final = re.compile(
    r",?[ ](?:(?:on|in|at|during|by)[ ])?"
    r"(?:(?:the|his|her|their|any|that|patient's|most recent)[ ])?"
    r"(?:previously(?=[ ]*(?:$|[.,;)]))|"
    r"(?:prior|previous|earlier|preceding|older|comparison|last)[ ]"
    r"(?:(?!or\b|and\b|nor\b)[a-z0-9/-]+[ ]){0,2}?"
    r"(?:stud(?:y|ies)|cts?|cta|mr[ai]|pet|scans?|films?|x-?rays?|c?xr|kub|radiographs?|imaging|"
    r"ultrasound|sonogram|doppler|duplex|angiogra(?:m|phy)|echo(?:cardiogram)?|tte|tee|"
    r"e[ck]g|mammograms?|colonoscopy|endoscopy|egd|exam(?:ination)?)\b)"
    # "Not seen on prior or current films": nor is it there now.
    r"(?!,?[ ](?:[a-z]+[ ])?(?:or|and|nor)[ ](?:the[ ]|on[ ]|is[ ])?"
    r"(?:not|current|this|today|present|now)\b)"
)

# A bare name: no article, size or place that tells of a thing which is there.
_BARE: Final = re.compile(
    r"[ ]*(?:(?!(?:an?|the|this|that|these|those|there|new(?:ly)?|now|has|have|is|in|of|at|on|"
    r"with|and|which|some|several|multiple|many|few|two|three|small|tiny|large|mild|moderate|"
    r"severe|increas(?:ed|ing)|worsening|enlarging|shows?|"
    # What has no other name than how it looks is looked at.
    r"nodul(?:es?|ar|arity)|lesions?|mass(?:es)?|opacit(?:y|ies)|densit(?:y|ies)|foc(?:us|i))\b)"
    r"[a-z'/-]+[ ]){1,4}"
)


def is_new(folded: str, cue: tuple[int, int], last: int) -> bool:
    """Whether the denial at `cue`, in a sentence up to `last`, speaks of an earlier study only."""
    return (
        _NOT_SEEN.fullmatch(folded, *cue) is not None
        and _EARLIER.match(folded, cue[1], last) is not None
    )


def is_guess(folded: str, first: int, cue: tuple[int, int], last: int) -> bool:
    """Whether a sentence `[first, last)` for which `is_new` holds tells nothing else."""
    begin = max(first, *(folded.rfind(c, first, cue[0]) + 1 for c in ":;"))
    told = _EARLIER.match(folded, cue[1], last)
    return (
        told is not None
        and _BARE.fullmatch(folded, begin, cue[0]) is not None
        and not folded[told.end() : last].strip(" .;)")
    )
