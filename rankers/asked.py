"""What a question asks beside its names, shown back as chips: its cues and its numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from indexing.language.assertion import NONE_KNOWN
from indexing.language.bounds import Bound
from rankers.chips import Chip, without
from rankers.cues import Asked
from rankers.pregnancy import DAYS, spelled
from rankers.query import ParsedQuery
from rankers.wants import Wants

_MEANT: Final[Mapping[Asked, str]] = {
    Asked.PRESENT: "present",
    Asked.CURRENT: "now",
    Asked.CONFIRMED: "certain",
    Asked.SUSPECTED: "suspected",
    Asked.HISTORY: "history",
    Asked.PAST: "in the past",
    Asked.CHILDHOOD: "as a child",
    Asked.NEGATED: "denied",
    Asked.FAMILY: "in the family",
    Asked.NO_FAMILY: "not in the family",
    Asked.TAKING: "takes it now",
    Asked.STOPPED: "stopped",
    Asked.NOT_TAKING: "does not take it",
    Asked.UNTAKEN: "prescribed, not taken",
    Asked.FIT: "a candidate",
    Asked.UNFIT: "no candidate",
    Asked.ALLERGY: "allergy",
    Asked.INTOLERANCE: "not tolerated",
    Asked.REFUSED: "refused",
    Asked.PREVENTED: "prevented",
    Asked.HELPED: "it helped",
    Asked.NOT_HELPED: "it did not help",
    Asked.EFFECT: "whether it helped",
    Asked.ANY: "whatever is said",
}


def with_asked(parsed: ParsedQuery, wants: Wants) -> tuple[Chip, ...]:
    """Return the chips of a question, the words of a cue or of a number in one chip that says how
    they were understood; without it the question asks for the name alone."""
    made = [chip for chip in _made(parsed, wants) if chip is not None]
    kept = [
        chip
        for chip in parsed.chips
        if not any(new.start <= chip.start and chip.end <= new.end for new in made)
    ]
    return tuple(sorted([*kept, *made], key=lambda chip: (chip.start, chip.end)))


def _made(parsed: ParsedQuery, wants: Wants) -> Iterator[Chip | None]:
    literal = bool(wants.wants) and all(want.asked is Asked.ANY for want in wants.wants)
    for cue in () if literal else wants.cues:
        if cue.plain and any(other.first == cue.start for other in wants.cues):
            continue  # in "no acute distress" it is the denial that is asked
        yield _chip(parsed, "cue", cue.start, cue.end, _MEANT[cue.asked])
    for want in () if literal else wants.wants:
        if NONE_KNOWN.fullmatch(want.words):
            yield _chip(parsed, "cue", want.start, want.end, "no known allergy")
    for bound in (want.bound for want in wants.wants if want.bound is not None):
        yield _chip(parsed, "value", bound.start, bound.end, _spelled(bound))
        if bound.front is not None:  # both say the whole condition
            yield _chip(parsed, "value", *bound.front, _spelled(bound))


def _chip(parsed: ParsedQuery, kind: str, start: int, end: int, meaning: str) -> Chip | None:
    """Return the chip of `text[start:end]`, at its place in the query as typed; None where syntax
    stands between its words."""
    words = parsed.text[start:end].split()
    before = parsed.text[:start].split()
    spelled = r"\s+".join(re.escape(word) for word in words)
    for match in re.finditer(rf"(?<!\S){spelled}(?!\w)|{spelled}", parsed.source):
        if len(parsed.source[: match.start()].split()) < len(before):
            continue
        label = f"{match.group()} → {meaning}"
        rest = without(parsed.source, *match.span())
        return Chip(kind, label, match.start(), match.end(), rest)
    return None


def _spelled(bound: Bound) -> str:
    if bound.unit == DAYS:
        return spelled(bound)
    unit = f" {bound.unit}" if bound.unit else ""
    if bound.bare:
        return f"{bound.value:g} first"  # it orders, and hides nothing
    if bound.upper is None:
        return f"{bound.op} {bound.value:g}{unit}"
    if (bound.op, bound.upper_op) == (">=", "<="):
        return f"{bound.value:g} to {bound.upper:g}{unit}"
    how = "or" if bound.outside else "and"
    return f"{bound.op} {bound.value:g} {how} {bound.upper_op} {bound.upper:g}{unit}"
