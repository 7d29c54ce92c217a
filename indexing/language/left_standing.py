"""What is called unlikely and yet not excluded is still possible: "PE less likely but not
excluded", "low suspicion for meningitis, however not ruled out"."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_WEAK: Final = re.compile(
    r".*(?:likely(?: to (?:be|represent|have))?|doubt(?:ful)?|improbable|"
    r"(?:low|minimal|little) (?:suspicion|probability|likelihood|concern|pretest probability|"
    r"index of suspicion) (?:for|of))"
)
# Between the cue and its "but": what "less likely" speaks of, or why it is so.
_STANDS: Final = re.compile(
    r"(?:[ ][^.;:,]{1,60}?)?"
    r"(?P<but>[,;]?[ ](?:but|though|although|however|yet|albeit|and)|[ ]?[;–-]|,)[ ,]*"
    r"(?:(?:it|this|that|which|still|also|is|are|was|were|has|have|been|remains?|yet)[ ])*"
    r"(?:(?:(?:can|could|may)[ ]?not|can't|couldn't|not|isn't|hasn't|wasn't|unable to|never)[ ]"
    r"(?:(?:be|been|yet|entirely|completely|definitively|fully|absolutely|totally)[ ])*"
    r"(?:excluded?|ruled?(?:[ ](?:it|this|that))?[ ]out|r/o'?d?)"
    r"(?:[ ](?:it|this|that)|[ ](?:(?:an?|the)[ ])?(?P<again>[a-z][a-z0-9 -]{1,30}?))??|"
    r"possible|a[ ](?:possibility|consideration|concern)|(?:in|on)[ ]the[ ]differential)"
    r"(?=[ ]*(?:$|[.,;:)]|(?:on|at|in|by|without|w/o|with|until|till?|yet|given|based|this|today|"
    r"here|entirely|completely|definitively|clinically|from|as|so|and|because|due|pending)\b))"
)
_NEAR: Final = 60
_WIDEST: Final = 140  # code points behind the cue in which it is left standing


def left_standing(folded: str, cue: tuple[int, int], last: int) -> bool:
    """Whether the denial at `cue`, in a sentence up to `last`, only calls unlikely what the words
    behind it do not exclude."""
    start, end = cue
    if not _is_weak(folded[start:end]):
        return False
    match = _STANDS.match(folded, end, min(last, end + _WIDEST))
    if match is None:
        return False
    # "But cannot exclude pneumonia" leaves another thing open.
    said = f" {folded[max(0, start - _NEAR) : match.start('but')]} "
    return match["again"] is None or f" {match['again']} " in said


@lru_cache(maxsize=4_096)
def _is_weak(words: str) -> bool:
    return _WEAK.fullmatch(words) is not None
