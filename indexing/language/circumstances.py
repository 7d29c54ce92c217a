"""What stands in a denial and is not denied: the circumstance of what is. "No pain with ambulation"
says that the patient walks; "no redness at the catheter site", that there is a catheter."""

from __future__ import annotations

import re
from typing import Final

_BEFORE: Final = 80  # code points before a mention in which its circumstance begins

_ACTIVITY: Final = (
    r"exertion(?:al activity)?|effort|exercis(?:e|es|ing)|(?:physical )?activit(?:y|ies)|"
    r"ambulat(?:ion|ing)|walk(?:s|ing)?|running|jogging|(?:climbing )?stairs?|stair climbing|"
    r"steps|lifting|bending|twisting|turning|standing|sitting|sitting up|lying(?: (?:flat|down))?|"
    r"movements?|motion|range of motion|rom|weight[- ]?bearing|bearing weight|"
    r"position(?:al)? changes?|changes? in position|rest|palpation|percussion|"
    r"inspiration|expiration|"
    r"(?:deep )?(?:breaths?|breathing)|urination|voiding|micturition|defecation|bowel movements?|"
    r"swallowing|chewing|eating|meals?|food|intercourse|sleep(?:ing)?|talking|speech|speaking|"
    r"reading|housework|sports?|physical therapy|pt|transfers?|gait|flexion|extension|rotation|"
    r"straining|valsalva|contact|touch|pressure|recumbency"
)
_KIND: Final = (
    r"(?:any|mild|minimal|moderate|strenuous|heavy|vigorous|significant|usual|ordinary|normal|daily|"
    r"light|even|the|his|her|active|passive|full|deep|prolonged|rapid|short|long|repeated|hip|knee|"
    r"neck|shoulder|back|ankle|further|increased)"
)
# "With walking, running or stairs": the mention is the last word so far of such a list.
_DOING: Final = re.compile(
    rf"\b(?:with|w/|on|upon|during|after|at|while|when|from)[ ]*(?:{_KIND}[ ])*(?:{_ACTIVITY})"
    rf"(?:(?:,|,? (?:or|and)|/)[ ]?(?:(?:with|on|at|during)[ ])?(?:{_KIND}[ ])*(?:{_ACTIVITY}))*"
    r"(?=[ ]*(?:$|[^\w ]|(?:or|and|but|to|of|in|at|today|as|for|anymore|now|this|since|"
    r"a|an|one|two|three|four|six|several|up|uphill|down|outside|around|denied|absent|is|was)\b|"
    r"[ ]\d))"
)
_PLACE: Final = re.compile(
    r"\b(?:at|around|near|over|from|about|surrounding|along|in|of|to|adjacent to|through)[ ]"
    r"(?:(?:the|his|her|this|old|new|prior|left|right|previous|a|an)[ ]|(?:[lr])[ ])*$"
)
_SITE: Final = re.compile(r"(?:[ ][\w-]+)?[ ](?:sites?|tract|pocket|wound|scars?|incisions?|bed)\b")
_ABOUT: Final = re.compile(
    r"(?<![\w-])(?:(?:around|adjacent to|near)[ ](?:(?:the|his|her|a|an)[ ])?|"
    r"(?:surrounding|overlying|underlying)[ ](?:the|his|her)[ ])$"
)


def is_circumstance(folded: str, first: int, start: int, end: int, last: int) -> bool:
    """Whether the mention `[start, end)` of the sentence `[first, last)` says when or where the
    denied thing is looked for, and is not itself denied."""
    begin = max(first, start - _BEFORE)
    place = _PLACE.search(folded, begin, start)
    if place is not None and _SITE.match(folded, end, last):
        return True
    if _ABOUT.search(folded, begin, start):
        return True
    return any(
        doing.start() < start and end <= doing.end()
        for doing in _DOING.finditer(folded, begin, min(last, end + 40))
    )
