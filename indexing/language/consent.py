"""What a patient was told may come of an operation: "the risks were explained, including
infection". None of it has come to pass."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from indexing.language.cues import Hit, Kind, Reach, Rule

_TOLD: Final = re.compile(
    r"\b(?:discuss|explain|review|offer|given|inform|aware|understand|understood|describ|outlin|counsel|told|"
    r"accept|consent|disclos|detail|benefit|alternative|advis|went over|cover|occur|happen|"
    r"propos|potential|possib)"
)
_TOLD_BEHIND: Final = re.compile(
    r"\b(?:was|were|have been|has been|are) (?:all |also |fully |then |thoroughly )?"
    r"(?:discuss|review|explain|offer|outlin|describ|consider|present|disclos)"
)
_LIST: Final = re.compile(
    r"(?:risks?|complications?|hazards|options)\b(?! (?:factor|score|stratif|assess|manag|reduc|"
    r"modif|adjust|category|group|level))"
    r"(?P<between>[^.;:\n]{0,170}?)[ ,(]"
    r"(?P<cue>(?:includ(?:es?|ed|ing)|involving|consisting of|such as|namely)\b"
    r"(?:,? ?\(?(?:but )?(?:(?:is|are|was|were|be) )?not (?:necessarily )?"
    r"(?P<more>(?:limited|restricted|confined|exclusive|inclusive|excluding)(?: (?:to|of))?)\)?"
    r"(?: (?:that of|those of|the following))?[,:]?)?)"
)
# What comes of what was told: "and he wishes to proceed with the operation".
_AGREED: Final = re.compile(
    r"[,;]? (?:and |who |which |all of which |but )?(?:all (?:of )?(?:his|her|the|their|these) "
    r"questions|"
    r"(?:he|she|they|the patient|patient|pt|the (?:family|parents?|mother|father)|"
    r"(?:his|her) family) "
    r"(?:(?:also|then|fully|clearly|seems? to|appears? to|has|have|had|is|was|were) )*"
    r"(?:agree|accept|consent|elect|wish|want|would like|decid|desire|request|opt|gave|willing|"
    r"understand|understood|voic|verbaliz|express|acknowledg)|"
    r"(?:informed |written |verbal |signed )*consent|(?:were|was|have been|has been) "
    r"(?:all |also |fully )?(?:discuss|explain|review|outlin|describ|understood|accept))"
)
_LONGEST: Final = 600  # code points of such a list
_MAY_COME: Final = (Rule(Kind.HYPOTHETICAL, True, Reach.LIST),)
_OVER: Final = (Rule(Kind.END, True, Reach.LIST, frozenset({Kind.HYPOTHETICAL})),)


def risks_told(folded: str) -> Iterator[Hit]:
    """Yield each list of what may come of a treatment in a folded text, and where it ends."""
    seen: set[int] = set()
    for word in ("risk", "complication", "hazard", "options"):
        place = folded.find(word)
        while place >= 0:
            match = _LIST.match(folded, place)
            if match and match.start("cue") not in seen and _of_consent(folded, match):
                seen.add(match.start("cue"))
                yield Hit(*match.span("cue"), _MAY_COME)
                agreed = _AGREED.search(folded, match.end(), _sentence_end(folded, match.end()))
                if agreed:
                    yield Hit(*agreed.span(), _OVER)
            place = folded.find(word, place + 1)


def _of_consent(folded: str, match: re.Match[str]) -> bool:
    """Whether it is told what may come, not what came: "complications included sepsis"."""
    if match["more"] is not None:
        return True
    begin = folded.rfind(". ", max(0, match.start() - 60), match.start())
    begin = max(0, match.start() - 60) if begin < 0 else begin
    if _TOLD.search(folded, begin, match.start("cue")):
        return True
    behind = match.end()
    return _TOLD_BEHIND.search(folded, behind, _sentence_end(folded, behind)) is not None


def _sentence_end(folded: str, start: int) -> int:
    stop = folded.find(". ", start, start + _LONGEST)
    return stop if stop >= 0 else start + _LONGEST
