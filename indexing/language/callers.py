"""Of whom a caller speaks: where a daughter calls, "Mom has a fever" is said of the patient."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from indexing.language.cues import Hit, Kind, Reach, Rule

_CHILD, _PARENT = "daughter|son", "mother|father|mom|dad|mum|parent"
_CALLED: Final = re.compile(
    r"(?:called|calls|calling|phoned|phoning|telephoned|rang|on the (?:phone|line)|"
    r"left (?:a )?(?:message|vm|voicemail))\b"
    r"(?![ ](?:(?:an?|the)[ ](?!office|clinic|practice|nurse|ward|unit)|911|9-1-1|999|ems|him|her|"
    r"it|them|emergency|paramedics|for (?:an |the )?(?:ambulance|help)))"
)
_CALLER: Final = re.compile(
    rf"\b(?P<who>{_CHILD}|{_PARENT}|wife|husband)(?:[ ][\w()]+)?,?[ ](?:is |has |just )?$"
)
_FROM: Final = re.compile(
    r"(?:call|tc|message|voicemail)[ ]from[ ](?:\w[\w']*[ ]){0,2}"
    rf"(?P<who>{_CHILD}|{_PARENT}|wife|husband)\b"
)
# Plain searches for these take a tenth of what the patterns take, and most notes hold none.
_OF_CALLS: Final = (
    " called", " calls", " calling", "phon", " rang", "on the line", "left a m", "left a v",
    "left message", "left vm", "left voicemail", "call from", "tc from", "message from",
    "voicemail from",
)  # fmt: skip
_NEAR: Final = 40  # code points between a caller and the call
_PATIENT: Final = {
    "wife": frozenset({"husband"}),
    "husband": frozenset({"wife"}),
    "daughter": frozenset(_PARENT.split("|")),
    "son": frozenset(_PARENT.split("|")),
}
_CHILDREN: Final = frozenset(_CHILD.split("|"))


# A daughter calls of nobody who died, nor of the patient's own mother.
_NOT_PATIENT: Final = re.compile(
    r"(?<!patient's )(?<!pt's )(?<!pts )"
    r"(?!\w+[ ](?:had[ ]|has[ ])?(?:died|deceased|passed[ ]away)\b)"
)

# The patient is spoken of: no longer somebody of the family.
_OF_PATIENT: Final = (Rule(Kind.END, True, Reach.LIST, frozenset({Kind.FAMILY})),)


# "PCP: father had a stroke"; but "HPI: mother has noticed a rash", "mother had him take it".
_HAS: Final = re.compile(
    r"(?:(?:his|her|patient's|maternal|paternal|older|younger) )?"
    r"(?:mother|father|mom|dad|sister|brother|aunt|uncle|grandmother|grandfather|cousin|son|daughter|"
    r"wife|husband)(?: (?:also|both|who))?"
    r" (?:has|had|was diagnosed|diagnosed|died|takes|uses|developed|smokes|drinks)"
    r"(?! (?:also )?(?:noticed|noted|been|reported|observed|brought|called|seen|tried|given|taken|"
    r"concerns?|questions?|concerned|worried|not|no|her|them|the|pt|patient|child|baby|care|"
    r"video|pictures?|photos?|him|to)\b)"
)
_KIN: Final = (Rule(Kind.FAMILY, True, Reach.LIST),)


def of_kin(folded: str, hit: Hit, first: int) -> list[Hit]:
    """Return whom the first words behind a heading name, where the rest is told of them; `hit` is
    what they are taken for together with the heading's colon."""
    kin = any(rule.kind is Kind.FAMILY for rule in hit.rules)
    has = _HAS.match(folded, first) if kin else None
    return [Hit(first, has.end(), _KIN)] if has else []


def of_patient(folded: str, hits: list[Hit]) -> list[Hit]:
    """Return the cues of a folded text, those of kinship that name the caller left out, and those
    that mean the patient, because who stands in that relation calls, as the end of what is said of
    others."""
    if not any(hit.rules[0].kind is Kind.FAMILY for hit in hits):
        return hits
    calls = [*_callers(folded)]
    if not calls:
        return hits
    callers = {match.start("who") for match in calls}
    who = {match["who"] for match in calls}
    kin = frozenset[str]().union(*(_PATIENT.get(each, _CHILDREN) for each in who))
    return [
        Hit(hit.start, hit.end, _OF_PATIENT)
        if folded[hit.start : hit.end] in kin and _NOT_PATIENT.match(folded, hit.start)
        else hit
        for hit in hits
        if hit.start not in callers or hit.rules[0].kind is not Kind.FAMILY
    ]


def _callers(folded: str) -> Iterator[re.Match[str]]:
    """Who calls. The call is looked for first, because kin are named far more often."""
    if not any(word in folded for word in _OF_CALLS):
        return
    for call in _CALLED.finditer(folded):
        caller = _CALLER.search(folded, max(0, call.start() - _NEAR), call.start())
        if caller is not None:
            yield caller
    yield from _FROM.finditer(folded)
