"""What stands in a denial and is not denied: the circumstance of what is. "No pain with ambulation"
says that the patient walks; "no redness at the catheter site", that there is a catheter. Nor is
denied or over what a drug was for."""

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
# "No evidence of bleeding from wound": what is looked for is no place.
_SOUGHT: Final = re.compile(
    r"\b(?:evidence|signs?|symptoms?|suggestion|indication|history|hx|complaints?|reports?|"
    r"recurrence|episodes?|features|concerns?|absence|lack|findings|suspicion|note)[ ]"
    r"(?:of|from|about)[ ](?:[a-z-]+[ ]){0,2}$"
)
_SITE: Final = re.compile(
    r"(?:[ ](?!(?:at|in|on|of|from|over|around|near|along|about|to|with|and|or|the|per)\b)[\w-]+)?"
    r"[ ](?:sites?|tract|pocket|wound|scars?|incisions?|bed)\b"
)
_ABOUT: Final = re.compile(
    r"(?<![\w-])(?:(?:around|adjacent to)[ ](?:(?:the|his|her|a|an)[ ])?|"
    r"(?:near|surrounding|overlying|underlying)[ ](?:the|his|her)[ ])$"
)
# "Denies hearing a pop at the time of the injury": when it was is told, and that it was.
_AT_THE_TIME: Final = re.compile(
    r"\b(?:at|around|about|from|since|before|until)[ ](?:the[ ])?"
    r"(?:time|moment|onset|start|beginning|site)[ ]of[ ]"
    r"(?:(?:the|this|that|his|her|a|an|recent|initial|original|prior|previous)[ ])*$"
)
# "No complications of the surgery", "denies side effects of metformin": what they are of is there.
_CAME_OF: Final = re.compile(
    r"\b(?:complications?|sequelae|side[ -]effects?|adverse (?:effects?|events?))[ ]"
    r"(?:of|to|from|with|due to|related to|secondary to|associated with)[ ]"
    r"(?:(?:the|this|that|his|her|a|an|these|any|prior|previous|current)[ ])*$"
)
# "Prior treatment with methotrexate for arthritis", "Avoid: NSAIDs given kidney disease".
_OF_DRUGS: Final = re.compile(
    r"\b(?:stop(?:ped|ping)?|discontinu(?:ed|ing|ation)|held|avoid\w*|"
    r"not (?:taking|given|start|initiate|restart)|meds?|medications?|"
    r"medicines?|drugs?|trials?|courses?|treatments?|therap(?:y|ies)|chemotherapy|regimens?|use|"
    # "Ineligible for transplant given alcohol use".
    r"(?:not|no longer) (?:a candidate|eligible|qualif\w+)|ineligible)\b"
)
# "Plan on having surgery for breast cancer", "has not completed antibiotics for pneumonia".
_UNFINISHED: Final = re.compile(
    r"plan(?:s|ned|ning)? on\b|(?:\bnot|n't) (?:yet )?(?:completed|finished)\b"
)
_PURPOSE: Final = re.compile(
    r"\b(?:for[ ](?:(?!(?:and|or|with|then)\b)[\w'][\w'-]*[ ]){0,4}|"
    r"(?:given|due to|d/t|because of)[ ][^.;:\n]{0,50})$"
)


def is_circumstance(folded: str, first: int, start: int, end: int, last: int) -> bool:
    """Whether the mention `[start, end)` of the sentence `[first, last)` says when or where the
    denied thing is looked for, and is not itself denied."""
    begin = max(first, start - _BEFORE)
    place = _PLACE.search(folded, begin, start)
    if place is not None and _SITE.match(folded, end, last):
        return _SOUGHT.search(folded, begin, start) is None
    if any(told.search(folded, begin, start) for told in (_ABOUT, _CAME_OF, _AT_THE_TIME)):
        return True
    return any(
        doing.start() < start and end <= doing.end()
        for doing in _DOING.finditer(folded, begin, min(last, end + 40))
    )


def is_purpose(folded: str, cue: tuple[int, int], start: int, *, told: bool = True) -> bool:
    """Whether the mention at `start` is what a drug was for that `cue` says is over or denied;
    where it is not `told`, what a treatment is for that it says is to come or not complete."""
    first, last = cue[0], min(cue[1], cue[0] + _BEFORE)
    return (_OF_DRUGS if told else _UNFINISHED).search(
        folded, first, last
    ) is not None and _PURPOSE.search(folded, max(last, start - _BEFORE), start) is not None
