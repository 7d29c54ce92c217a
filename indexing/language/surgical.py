"""Surgical shorthand: "s/p CABG x4, AVR", "POD#2 from colectomy", "LP if headache worsens"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from indexing.language.cues import Hit, Kind, Reach, Rule
from indexing.language.stretch import Stretch

_NAMED_SO: Final = r"[a-z-]+(?:ectomy|otomy|ostomy|plasty|pexy|rraphy|scopy|desis|centesis)"
_DONE: Final = (
    rf"(?:{_NAMED_SO}|appy|chole|cabg|avr|mvr|tavr|pci|pacemaker|aicd|tka|tkr|tha|thr|orif|crif|"
    r"i&d|turp|turbt|tah|bso|tah[/-]bso|tlh|loa|sbr|lar|evar|tevar|cea|acdf|tlif|plif|bka|aka|ercp|"
    r"egd|trach|repairs?|bypass|transplant|resection|reduction|fixation|fusion|ablation|"
    r"cardioversion|amputation|excision|c-?section|cesarean|ltcs|svd|nsvd|d&c|btl|ex ?lap|"
    r"debridement|washout|stent(?:s|ing)?|xrt|radiation|lysis of adhesions)"
)
_OPERATION: Final = re.compile(_DONE)
# Asked for once something comes to pass.
_ASKED_FOR: Final = re.compile(
    rf"(?:(?:repeat|urgent|emergent|stat|head|brain|chest|abdominal)[ ])*"
    rf"(?:{_NAMED_SO}|lp|lumbar puncture|(?:ct|cta|mri|mra|x-?ray|cxr|kub|echo(?:cardiogram)?|tte|"
    r"tee|eeg|ekg|ecg|egd|ercp|ultrasound|doppler|dialysis|hd|crrt|intubation|transfusion|biopsy|cath|"
    r"lavage|paracentesis|thoracentesis|cardioversion|drainage|bronch)"
    r"(?:[ ](?:scan|head|brain|chest|abdomen|abd|abd/pelvis|spine|angiogram|pulmonary angiogram))?)"
)
_BEGUN: Final = re.compile(r"(?<![a-z])(?:start|begin|initiate|add) $")
_FAR: Final = 40  # code points in which a dose stands
_IF: Final = re.compile(
    r"(?:[ ](?:gtt|drip|iv|po|\d+[ ]?(?:mg|mcg|g|units)|daily|bid|tid)){0,4}"
    r"[ ](if)\b(?! (?:not|negative|positive|possible|able|tolerated|"
    r"i|anything|memory|you (?:do|don't|would))\b)"
)
_AFTER: Final = re.compile(r"s/p|s\.p\.|status[ -]post|.*\d.*")
_LISTED: Final = re.compile(
    r", (?:and )?(?:(?!(?:after|before|for|from|with|since|following|needs?|requires?|"
    r"awaiting|another|will|plan|no)\b)"
    rf"[\w/&#-]+[ ]){{0,3}}?{_DONE}\b(?=[ ]*(?:$|[^\w ]|(?:in|on|of|to|for|at|with|w/|"
    r"by|and|via|using|from|c/b|x|repair|surgery|procedure|placement|revision|removal)\b|x?\d))"
    r"(?![ ](?:to|on)[ ](?:be|monday|tuesday|wednesday|thursday|friday)\b)[^,;.:]*"
)
# What came of it, or with it, is not over as it is.
_CAME_OF_IT: Final = re.compile(
    r"(?P<of>[ ](?:c/b|complicated by|(?:with|w/)[ ]residual)\b)|"
    r"\b(?:fall|mv[ac]|gsw|trauma|assault|accident|collision|crash|injury)\b[^,;.]{0,30}?"
    r"(?P<beside>[ ](?:with|w/)(?![ ]subsequent\b))"
)
_WITH: Final = re.compile(r"(?P<beside>[ ](?:with|w/)[ ](?!mesh|graft|dr\b|hardware|drain))")
_DAYS: Final = re.compile(
    rf"(?:pod|post-?op(?:erative)?[ ]day)[ ]?#?[ ]?\d{{1,3}}"
    rf"(?:[ ]?[,:-])?(?:[ ](?:s/p|status post|from|after|following|out from|of)\b|"
    rf"(?=[ ](?:(?:right|left|r|l|open|lap|laparoscopic|robotic|total)[ ])*{_DONE}\b))"
)
# "Should lose 20 pounds before TKA": neither is done; "should have stopped it before surgery" was.
_TO_DO_FIRST: Final = re.compile(
    r"\b(?:should(?! have)|must(?! have)|needs? to|ha(?:s|ve) to|will need|asked to|advised to|"
    r"told to|encouraged to|required to|recommended to|goal of)\b[^.;:\n]{3,90}?[ ]"
    r"(?<!since )(?<!was )(?<!did )(?P<before>before|prior to)[ ]"
)
# "Told to stop aspirin prior to surgery last week", "scheduled for CABG on Monday, tolerated it".
_WAS_DONE: Final = re.compile(
    r"[^.;:\n]{0,60}?\b(?:last|ago|yesterday|in (?:19|20)\d\d|(?:was|were) (?:done|performed)|"
    r"went|tolerated|underwent|completed|recovered|successful\w*|without incident)\b"
)
# "Scheduled for C-section next week"; without a day it may be what she came in for.
_SCHEDULED: Final = re.compile(
    r"\b(?P<for>(?:scheduled|booked|planned|listed|on the schedule|set|due) "
    r"(?:for|to (?:have|undergo)))[ ]"
)
_ON_A_DAY: Final = re.compile(
    r"[^.;,\n]{0,40}?\b(?:tomorrow|"
    r"next (?:week|month|year|spring|summer|fall|winter|mon|tue|wed|thu|fri)|"
    r"in (?:\d+|a|one|two|three|four|six|a few|several) (?:days|weeks?|months?)|"
    r"(?:on )?(?:mon|tues|wednes|thurs|fri)day)\b"
)
_TO_COME: Final = re.compile(
    r"(?:(?:any|a|an|the|his|her|their|elective|repeat|primary|possible|planned|proceeding with|"
    r"considering|"
    r"undergoing|having|scheduling|getting|right|left|r|l|bilateral|total|knee|hip|shoulder|joint)"
    rf"[ ])*(?:{_DONE}|surgery|operation|replacement|arthroplasty)\b"
)
_OVER: Final = (Rule(Kind.HISTORICAL, True, Reach.PHRASE),)


def is_operation(word: str) -> bool:
    """Whether a folded word names an operation."""
    return _OPERATION.fullmatch(word) is not None


def days_after(folded: str) -> Iterator[Hit]:
    """Yield each "POD#2 from" of a folded text as a cue."""
    for word in ("pod", "post-op", "postop", "post op"):
        place = folded.find(word)
        while place >= 0:
            match = None if folded[place - 1 : place].isalnum() else _DAYS.match(folded, place)
            if match:
                yield Hit(place, match.end(), _OVER)
            place = folded.find(word, place + 1)


def behind(folded: str, cue: tuple[int, int], end: int, last: int) -> int:
    """Return where ends what "s/p" or "POD#2" at `cue` says is done, which without more would end
    at `end`, in a sentence up to `last`."""
    if not folded.startswith(("s", "p"), cue[0]) or _AFTER.fullmatch(folded, *cue) is None:
        return end
    came = _CAME_OF_IT.search(folded, cue[1], end)
    if came is None and folded[cue[0]] == "p":  # of the last days
        came = _WITH.search(folded, cue[1], end)
    if came:
        return came.start(came.lastgroup or 0)
    while listed := _LISTED.match(folded, end, last):
        end = listed.end()
    return end


def to_come(folded: str) -> Iterator[Stretch]:
    """Yield the operations of a folded text that are still to be made ready for."""
    if " before " in folded or " prior to " in folded:
        for first in _TO_DO_FIRST.finditer(folded):
            operation = _TO_COME.match(folded, first.end())
            if operation and not _WAS_DONE.match(folded, operation.end()):
                yield Stretch(first.end(), operation.end(), *first.span("before"))
    for told in _SCHEDULED.finditer(folded):
        operation = _TO_COME.match(folded, told.end())
        day = _ON_A_DAY.match(folded, operation.end()) if operation else None
        if operation and day and not _WAS_DONE.match(folded, day.end()):
            yield Stretch(told.end(), operation.end(), *told.span("for"))


def asked_for(folded: str, first: int, start: int, end: int, last: int) -> re.Match[str] | None:
    """Return the "if" behind the test, operation or begun treatment at `[start, end)` of the
    sentence `[first, last)`; None for none and for other things: "chest pain if he runs" is there.
    """
    if folded.find(" if ", end, end + _FAR) < 0:
        return None
    match = _IF.match(folded, end, last)
    if match and (
        _ASKED_FOR.fullmatch(folded, start, end)
        or _BEGUN.search(folded, max(first, start - 10), start)
    ):
        return match
    return None
