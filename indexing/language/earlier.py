"""What an earlier study did not show is new, and there: "a nodule, not present on the prior CT"."""

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
    r"(?:stud(?:y|ies)|cts?|mri|pet|scans?|films?|x-?rays?|cxr|radiographs?|imaging|ultrasound|"
    r"echo(?:cardiogram)?|mammograms?|exam(?:ination)?)\b)"
    # "Not seen on prior or current films": nor is it there now.
    r"(?![ ](?:[a-z]+[ ])?(?:or|and|nor)[ ](?:the[ ]|on[ ]|is[ ])?"
    r"(?:not|current|this|today|present|now)\b)"
)


def is_new(folded: str, cue: tuple[int, int], last: int) -> bool:
    """Whether the denial at `cue`, in a sentence up to `last`, speaks of an earlier study only."""
    return (
        _NOT_SEEN.fullmatch(folded, *cue) is not None
        and _EARLIER.match(folded, cue[1], last) is not None
    )
