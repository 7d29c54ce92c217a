"""Headings that say something of all that is below them: what is unsettled, might come, is over or
is not there."""

from __future__ import annotations

import re
from typing import Final

from indexing.language.cues import Kind, Reach, Rule

_DRUGS: Final = (
    r"(?:meds?|medications?|medicines?|drugs?|prescriptions?|treatments?|therap(?:y|ies)|trials?|"
    r"regimens?|antibiotics|psychotropics?|chemotherapy)"
)
_STOPPED: Final = r"(?:stopped|discontinued|d/?c'?d|held|no longer (?:taking|taken|prescribed))"
_UNSURE: Final = re.compile(
    r"\W*(?:differential\b|ddx\b|d/dx\b|rule[- ]outs?\b|"
    r"(?:possible|suspected|presumptive|provisional|working) diagnos)"
)
_MIGHT: Final = re.compile(
    r"\W*(?:return (?:precautions?|instructions?)|(?:return|call|come back|seek (?:care|help))\b"
    r"[^:]{0,40}\b(?:if|for|when|with)\b|when to (?:call|return|seek)|warning signs?|red flags?|"
    r"(?:possible |potential )?(?:risks\b|side effects)|(?:possible|potential) complications|"
    r"reasons to (?:call|return)|precautions\b)"
)
_OVER: Final = re.compile(
    rf"\W*(?:{_STOPPED}|stop(?: taking)?(?: (?:these|the following)(?: {_DRUGS})?)?|"
    rf"{_DRUGS} (?:that (?:were|are) )?(?:{_STOPPED}|to stop)|"
    rf"(?:previous|past|prior|former|failed|old|stopped|discontinued|held)(?: \w+)? {_DRUGS}|"
    r"(?:resolved|inactive)(?: \w+)? (?:problems?|diagnos\w+|conditions?|issues?|complications?))"
    r"(?: (?:on|at|upon|this|during|in)\b[^:\n]{0,30})?\s*(?:[:(-]|$)"
)
_THE_FOLLOWING: Final = r"(?: (?:(?:any|all) of )?the following(?: symptoms| conditions)?)"
_NOT: Final = re.compile(
    rf"\W*(?:(?:(?:pertinent |significant )?negatives?|negative ros)(?: for)?{_THE_FOLLOWING}?|"
    r"(?:(?:(?:the )?(?:patient|pt)|he|she|they) (?:currently )?)?(?:denies|denied)"
    rf"(?: any| having)?{_THE_FOLLOWING}?|none of the following(?: symptoms| conditions)?|"
    r"no (?:known |prior |personal |significant )?(?:history|hx|evidence|signs?|symptoms?|"
    rf"complaints?) of{_THE_FOLLOWING}?|(?:does|do|did) not have{_THE_FOLLOWING}?|"
    r"(?:the following )?(?:diagnoses |conditions )?(?:(?:have|has) been |were |was |are )?"
    rf"(?:ruled out|excluded)|{_DRUGS} to avoid|avoid|"
    r"do not (?:take|use|give)|not (?:taking|given|present))\s*(?:[:(-]|$)"
)
_SAYING: Final = (
    (_MIGHT, Kind.HYPOTHETICAL),
    (_UNSURE, Kind.UNCERTAIN),
    (_OVER, Kind.HISTORICAL),
    (_NOT, Kind.NEGATED),
)


def headings_say(folded: str, start: int, end: int) -> tuple[Rule, ...]:
    """Return what the heading at `[start, end)` of a folded text says of what is below it; none for
    a heading that only names its part."""
    for pattern, kind in _SAYING:
        if pattern.match(folded, start, end):
            return (Rule(kind, True, Reach.LIST),)
    return ()
