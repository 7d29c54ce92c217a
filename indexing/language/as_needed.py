"""What a drug is to be taken for, once it is needed: "ibuprofen as needed for pain or fever"."""

from __future__ import annotations

import re
from typing import Final

_CUE: Final = re.compile(r"(?:prn|p\.r\.n\.?|as needed)(?P<what> for)?")
# "PRN morphine given x1": what was needed was given, for what there was.
_GIVEN: Final = re.compile(r"\b(?:given|administered|received|x ?[1-9])\b")
# "Albuterol as needed, Allegra 100 mg daily", "pain, and Zofran p.r.n. nausea": the next drug.
_NEXT_DRUG: Final = re.compile(
    r"[,;][ ](?:and[ ])?(?=[^,;]*?(?:\d|p\.?r\.?n\b|(?:daily|nightly|weekly|bid|tid|b\.i\.d|"
    r"t\.i\.d|puffs?|tablets?|capsules?|inhaler|patch)\b))"
)
_ENDED: Final = re.compile(r"[ ]?[,;)]")


def was_given(folded: str, cue: tuple[int, int], last: int) -> bool:
    """Whether the cue at `cue` says "as needed" of a drug that was given."""
    match = _CUE.fullmatch(folded, *cue)
    return (
        match is not None
        and match["what"] is None
        and _GIVEN.search(folded, cue[1], last) is not None
    )


def until_next_drug(folded: str, cue: tuple[int, int], end: int) -> int:
    """Return where ends, at `end` or before it, what the drug "as needed" at `cue` is needed for;
    `end` for other cues."""
    if folded[cue[0]] not in "pa" or (match := _CUE.fullmatch(folded, *cue)) is None:
        return end
    if match["what"] is None and _ENDED.match(folded, cue[1], end):
        return cue[1]
    drug = _NEXT_DRUG.search(folded, cue[1], end)
    return drug.start() if drug else end
