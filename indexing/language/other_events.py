"""Words that mean an event or a drug only as they stand: who "fell" and what did, "ASA" as aspirin
and as the class of whoever is to be put to sleep."""

from __future__ import annotations

import re
from typing import Final


def _re(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE)


# --- "fell asleep", "her hemoglobin fell", "symptoms that fell short of" ---
_FELL: Final = _re(
    r"[ ](?:(?:back[ ])?asleep|ill|sick|short|behind|within|below|under|apart|in ?to|in love|"
    r"through|away|silent|pregnant|victim|outside|between|off to sleep|back[ ]|"
    r"(?:from|to|by)[ ](?:a[ ](?:low|nadir)|[<>]?\d+)|"
    r"\d+[.]\d+|\d+[ ]?(?:points?|percent|mg)|due[ ]to[ ]be|"
    r"(?:solidly[ ]|well[ ])?in[ ](?:(?:the|a)[ ])?(?:[\w-]+[ ]){0,4}(?:ranges?|percentiles?|rank)|"
    r"slightly|steadily|precipitously|gradually|significantly|markedly|substantially|sharply|"
    r"dramatically|less|by[ ](?:half|an?|over|more|nearly|almost|about|approximately|two|three))\b"
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
# "DAS28 fell after it", "ESR was high, but fell as it was treated": what does so in time and is
# nobody. Who slipped, or stood somewhere, may fall after or during anything.
_IN_TIME: Final = _re(r"[ ](?:after|as|during|over|with|between|following|since)\b")
_SOMEBODY: Final = _re(
    r"\b(?:he|she|i|they|who|you|pt|patient|m(?:r|r?s)|(?:fe)?male|(?:wo)?man|boy|girl|lady|gentleman|"
    r"child|baby|infant|son|daughter|mother|father|mom|dad|wife|husband|sister|brother|rh[mf]|"
    r"tripp\w+|slipp\w+|stumbl\w+|balance|footing|dizz\w+|faint\w*|sync\w+|legs?|stood|standing|"
    r"walk\w*|bed|chair|toilet|stairs?|ladder)\b[^.;\n]*$"
)


def nobody_fell(_word: str, before: str, after: str) -> bool:
    """Whether nobody fell: somebody fell asleep, or a number did."""
    if _FELL.match(after) or _NUMBER_FELL.search(before):
        return True
    ahead = re.split(r"[.;\n]", before)[-1].strip()
    return bool(ahead and _IN_TIME.match(after) and not _SOMEBODY.search(ahead))


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
