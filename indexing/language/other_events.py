"""Words that mean an event or a drug only as they stand: who "fell" and what did, "ASA" as aspirin
and as the class of whoever is to be put to sleep."""

from __future__ import annotations

import re
from typing import Final


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# --- "fell asleep", "her hemoglobin fell", "symptoms that fell short of" ---
_FELL: Final = _re(
    r"[ ](?:(?:back[ ])?asleep|ill|sick|short|behind|within|below|under|apart|into|in love|"
    r"in[ ]to|in[ ](?:(?:the|a|an)[ ])?(?:[a-z]+[ ]){1,4}range|through|away|silent|"
    r"pregnant|victim|outside|between|off to sleep|back[ ]|"
    r"(?:from|to|by)[ ](?:a[ ](?:low|nadir)|[<>]?\d)|due[ ]to[ ]be|slightly|steadily|precipitously)"
)
_NUMBER_FELL: Final = _re(
    r"\b(?:h(?:a)?emoglobin|hgb|hct|h(?:a)?ematocrit|bp|pressures?|sats?|saturations?|spo2|sodium|na|"
    r"potassium|k|counts?|levels?|rates?|hr|temp(?:erature)?|weight|creatinine|cr|platelets?|plts?|"
    r"inr|ef|function|output|glucose|sugars?|score|gcs|wbc|anc|a1c|troponins?|lactate|ph|bilirubin|"
    r"cord|scabs?|tooth|teeth|sutures?|staples|bandage|dressing|hair|tube|catheter|line|drain|fever|"
    r"values?|numbers?|results?|performance|"
    r"learning|ability|scores|car|tree|branch|box|objects?|tv|television|shelf|something|"
    r"psa|cea|fev1|flow|percentage|mole|wart|lesion)"
    r"(?:[ ](?:then|had|has|since|quickly|just|out))*[ ]$"
)


def nobody_fell(_word: str, before: str, after: str) -> bool:
    """Whether nobody fell: somebody fell asleep, or a number did."""
    return bool(_FELL.match(after) or _NUMBER_FELL.search(before))


# --- "ASA 2", "ASA class III", "ASA PS: 3E"; but "ASA 81 mg" ---
_WORD: Final = r"(?:physical status|class(?:ification)?|score|status|grade|ps|risk|category)"
_CLASS: Final = re.compile(
    rf"(?:[ ]{_WORD})+[ ]?[:=#-]?[ ]?(?:[1-6]|i{{1,3}}|iv|vi?)e?\b|"
    # Without such a word it stands by itself: "quit ASA 6 months ago" is aspirin.
    r"[ ]?[:=#-]?[ ]?(?:[1-5]|i{1,3}|iv|v)e?(?=[ ]*(?:$|[,;)\n]|[.](?!\d)))",
    re.IGNORECASE,
)


def is_class(_word: str, _before: str, after: str) -> bool:
    """Whether "ASA" is the anesthetist's class, not aspirin."""
    return _CLASS.match(after) is not None
