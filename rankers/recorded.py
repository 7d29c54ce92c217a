"""What a record says came of a treatment: good, not good, or nothing that can be counted."""

from __future__ import annotations

import re
from typing import Final

# Source: SNOMED CT, children of 394617004 (result) and of 418138009 (patient condition finding).
_GOOD_CODES: Final = frozenset(
    "385425000 385633008 268910001 385669000 370996005 413322009 359746009 385667003".split()
)
_BAD_CODES: Final = frozenset(
    "385671000 271299001 268911002 359748005 385634002 230993007 419099009".split()
)
# Looked for first: "not improved" names improvement too.
_BAD: Final = re.compile(
    r"\b(?:(?:not|no|without|never|little|lack of) (?:\w+ ){0,2}(?:improv\w+|respon\w+|better|"
    r"effect\w*|success\w*|change[ds]?|resol\w+|benefit\w*|help\w*)|unimproved|unchanged|"
    r"unsuccessful\w*|ineffective\w*|non-?respon\w+|refractory|wors\w+|deteriorat\w+|progress(?:ed|"
    r"ion)|fail\w*|relaps\w+|died|dead|death)\b",
    re.IGNORECASE,
)
_GOOD: Final = re.compile(
    r"\b(?:improv\w+|better|resol\w+|respon(?:se|ded|ding|sive|der)|success\w*|effective\w*|cured?|"
    r"recover\w*|remission|benefit\w*|controlled|healed|relieved|helped)\b",
    re.IGNORECASE,
)


def went_well(words: str, code: str = "") -> bool | None:
    """Say whether a recorded outcome is a good one, None where neither can be told."""
    if code in _GOOD_CODES or code in _BAD_CODES:
        return code in _GOOD_CODES
    if _BAD.search(words):
        return False
    return True if _GOOD.search(words) else None
