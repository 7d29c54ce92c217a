"""What a note tells of a treatment that was prescribed and is not taken: run out of, skipped, left
off. "Not taking her insulin" asks for that; who was never on it is another patient."""

from __future__ import annotations

import re
from typing import Final

from indexing.language.sections import section_at
from indexing.model import Assertion
from indexing.ports import Derived
from rankers.evidence import OF_NOBODY, Said, stands
from rankers.sentence import sentence_of

NONCOMPLIANCE: Final = "anm:medication-noncompliance"
_AROUND: Final = 120  # code points beside a name, within its sentence
_TAKE: Final = (
    r"(?:tak(?:e|es|en|ing)|took|us(?:e|es|ed|ing)|fill(?:ed|ing)?|refill\w*|afford\w*|get(?:ting)?|"
    r"inject\w*|wear\w*|tolerat(?:e|ing) taking|pick(?:ed|ing)? up)"
)
# "Has not missed dialysis", "no skipped doses", "never runs out of it": it is taken.
_NOT: Final = (
    r"(?<!\bnot )(?<!\bnever )(?<!n't )(?<!n’t )(?<!\bno )(?<!\bwithout )(?<!\bdenies )"
    r"(?<!\bdenied )(?<!\bdenies any )(?<!\bwithout any )(?<!\bnot been )"
)
_UNTAKEN: Final = re.compile(
    r"\b(?:non-?complian(?:t|ce)|non-?adheren(?:t|ce)|"
    r"(?:not|\w+n['’]t|poorly|less than) (?:\w+ ){0,3}?(?:compliant|adherent|complied|complying)|"
    r"(?:poor|lack of|incomplete|questionable|(?:issues|problems|difficulty) with) (?:\w+ ){0,2}?"
    rf"(?:compliance|adherence)|{_NOT}r[au]n(?:s|ning)? out|"
    r"(?:is|was|been) out of (?!breath|control|range|bed)|"
    rf"{_NOT}skip(?:s|ped|ping)?|"
    rf"{_NOT}miss(?:es|ed|ing) (?:\w+ ){{0,4}}?(?:doses?|medic\w+|meds|pills?)|"
    r"forg[eo]t\w* (?:to|his|her|their)|off (?:of )?(?:all )?(?:of )?(?:his|her|their)|"
    r"(?<!should )(?<!must )(?<!may )(?<!do )(?<!to )"
    rf"(?:not|(?:did|does|has|have|had|is|was|are)n['’]t) (?:\w+ ){{0,3}}?{_TAKE}|"
    r"(?:unable to|cannot|can['’]t|could(?: not|n['’]t)) (?:\w+ ){0,2}?afford|"
    r"(?:due to|because of) (?:the )?(?:high )?costs?|"
    rf"(?:no longer|stopped|stops|quit|refus\w+|declin\w+|without) "
    rf"(?:\w+ ){{0,2}}?{_TAKE}|self-?discontinu\w+|"
    r"(?:stopped|discontinued) (?:[\w']+ ){0,5}on (?:his|her|their) own)\b",
    re.IGNORECASE,
)
_MISSED: Final = re.compile(
    rf"{_NOT}\bmiss(?:es|ed|ing) (?:(?:his|her|their|some|several|many|most|multiple|all|of|the|a|"
    r"an|last|first|recent|previous|scheduled|outpatient|one|two|three|four|\d+) )*$",
    re.IGNORECASE,
)
_OVER: Final = frozenset({Assertion.NEGATED, Assertion.HISTORICAL})


def untaken(note: Derived, said: list[Said]) -> tuple[list[Said], bool]:
    """Return the places where a note tells that what is `said` there is not taken as it should be,
    and whether it does so by name: else it says so of the medicines as a whole, or that this one
    is denied or over."""
    text = note.document.text
    own = [s for s in said if s.assertion not in OF_NOBODY and tells_untaken(text, s.start, s.end)]
    if own:
        return own, True
    generally = [
        Said(m.start, m.end, m.assertion, m.status, section_at(note.sections, m.start))
        for m in note.mentions
        if m.concept_id == NONCOMPLIANCE and m.assertion not in OF_NOBODY | {Assertion.NEGATED}
    ]
    if generally:
        return generally, False
    over = [s for s in said if s.assertion in _OVER]
    return [] if stands(said) else over, False


def tells_untaken(text: str, start: int, end: int) -> bool:
    """Say whether the sentence around a treatment tells that it is not taken: "ran out of her
    metoprolol two weeks ago"."""
    first, last = sentence_of(text, start, end, _AROUND, _AROUND)
    missed = _MISSED.search(text, first, start) is not None
    return missed or _UNTAKEN.search(text, first, last) is not None
