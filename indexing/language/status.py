"""What a note says of each concept in the end: later text wins over earlier.

"Ruled out" cancels an earlier suspicion, "stopped" an earlier "on", unless it is resumed further
down. A plain denial ("no", "denies") does not undo what the same note asserts: a template review
of systems stands below the complaint. What was copied forward counts as history.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Protocol

from indexing.language.assertion import Assessment
from indexing.model import Assertion


class HasConcept(Protocol):
    """A place in the text and the concept found there."""

    @property
    def start(self) -> int: ...
    @property
    def end(self) -> int: ...
    @property
    def concept_id(self) -> str: ...


_DECIDED: Final = re.compile(
    r"\b(?:rul(?:e[sd]?|ing)|excluded?|negative|-ve|unlikely|not (?:seen|present|identified|found)|"
    r"contraindicated|avoid\w*|never)\b",
    re.IGNORECASE,
)
_ENDED: Final = re.compile(
    r"\b(?:stop\w*|discontinu\w*|d/c'?d?|dc'?d|quit|resol\w+|no longer|h[eo]ld|off|"
    r"wean\w*|taper\w*|"
    r"ceased|gone|went away|subsided|complet\w+|finished|remission|switched|changed|removed|"
    r"withdrawn|replaced|on hold|cured|eradicated|svr[ -]?\d*|sustained virolog\w+ response)\b",
    re.IGNORECASE,
)
# A paragraph that says itself that it was taken over from an earlier note. Every repeat is bounded:
# two open ones in a row made a line of blanks quadratic.
_COPIED: Final = re.compile(
    r"^[ \t]{0,40}[\[(*-]{0,8}[ \t]{0,8}"
    r"(?:copied|carried|pulled|imported|pasted)[ \t]+(?:forward|from|over)\b"
    r"|^[ \t]{0,40}[\[(*-]{0,8}[ \t]{0,8}"
    r"(?:from|per)[ \t]+(?:the[ \t]+)?(?:prior|previous|last|earlier)[ \t]+"
    r"(?:note|visit|admission|encounter|discharge summary|progress note)\b"
    r"|^[ \t]*(?:prior|previous|last)[ \t]+(?:note|visit|hpi)\b[^\n]{0,40}:",
    re.IGNORECASE | re.MULTILINE,
)
_BLANK: Final = re.compile(r"\n[ \t]*\n")


def copied_stretches(text: str) -> list[tuple[int, int]]:
    """Return the paragraphs that say of themselves that they were copied forward."""
    found = []
    for match in _COPIED.finditer(text):
        blank = _BLANK.search(text, match.end())
        found.append((match.start(), blank.start() if blank else len(text)))
    return found


def statuses(
    text: str,
    spans: Sequence[HasConcept],
    assessments: Sequence[Assessment],
    copied: Sequence[tuple[int, int]] = (),
) -> list[Assertion]:
    """Return the note-level status of each span's concept, in the order of the spans, which are
    in the order of the text. `copied` are stretches known to come from an earlier note."""
    old = sorted([*copied, *copied_stretches(text)])
    latest: dict[str, Assertion] = {}
    place = 0
    for span, judged in zip(spans, assessments, strict=True):
        while place < len(old) and old[place][1] <= span.start:
            place += 1
        taken_over = place < len(old) and old[place][0] <= span.start
        known = latest.get(span.concept_id)
        latest[span.concept_id] = _later(known, judged, taken_over)
    return [latest[span.concept_id] for span in spans]


def _later(known: Assertion | None, judged: Assessment, taken_over: bool) -> Assertion:
    said = judged.assertion
    if taken_over and said in (Assertion.PRESENT, Assertion.UNCERTAIN):
        said = Assertion.HISTORICAL
    if known is None or known in (Assertion.HYPOTHETICAL, Assertion.FAMILY):
        return known if known and said in (Assertion.HYPOTHETICAL, Assertion.FAMILY) else said
    cue = judged.cue.text if judged.cue else ""
    match said:
        case Assertion.PRESENT:
            return said
        case Assertion.UNCERTAIN:
            return known if known is Assertion.PRESENT else said
        case Assertion.NEGATED:
            firm = known in (Assertion.PRESENT, Assertion.HISTORICAL)
            return said if not firm or _DECIDED.search(cue) else known
        case Assertion.HISTORICAL:
            return said if known is not Assertion.PRESENT or _ENDED.search(cue) else known
        case _:
            return known
