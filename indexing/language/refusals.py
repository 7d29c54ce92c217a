"""Treatments that were spoken of and not taken, told in two steps: "offered a flu shot, patient
declined", "discussed hospice; he declines it for now", "asked about TPN; not indicated"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from indexing.language.persistence import is_chronic
from indexing.language.stretch import Stretch

_OFFERED: Final = (
    r"(?:offer(?:ed|ing|s)?|recommend(?:ed|ing|s)?|suggest(?:ed|ing|s)?|advis(?:ed|ing|es)|"
    r"discuss(?:ed|ing|es)?|propos(?:ed|ing|es)|encourag(?:ed|ing|es)|urged|counsel(?:l?ed|l?ing)?|"
    r"request(?:ed|ing|s)?|ask(?:ed|ing|s)? (?:about|for))"
)
_WHO: Final = (
    r"(?:(?:he|she|they|pt|patient|the (?:patient|pt|family|parents)|family|parents?|mother|father|"
    r"mom|dad|(?:his|her) (?:wife|husband|son|daughter|family|mother|father))"
    r"(?:[ ](?:and|&)[ ](?:(?:his|her|the)[ ])?(?:family|wife|husband|son|daughter|children|"
    r"parents?|mother|father|patient))?[ ])"
)
_HOW: Final = (
    r"(?:(?:again|still|also|has|have|had|is|was|were|but|politely|adamantly|repeatedly|firmly|"
    r"respectfully|both|currently|strongly|continues to|continued to|ultimately|initially)[ ])"
)
_DECLINED: Final = (
    r"(?:declin(?:ed|es|ing|e)|refus(?:ed|es|ing|e)|(?:did|does|do) not (?:want|wish for|desire)"
    r"(?=[ ](?:it|this|that|these|them|any|one|either)\b))"
)
# Nor is it there that somebody asked for, and the house would not give.
_NOT_FIT: Final = (
    r"(?:(?:is|was|felt|felt to be|deemed|thought to be)[ ])*not (?:currently |yet |felt to be )?"
    r"(?:indicated|recommended|needed|appropriate|necessary|warranted|advised|advisable)"
)
_WAITS: Final = (
    r"(?:(?:want(?:s|ed)|would like|prefer(?:s|red)|wish(?:es|ed)|elect(?:s|ed)|decided|chose|"
    r"needs time) to (?:wait|hold off|defer|delay|postpone|think|consider|discuss)|"
    r"(?:is |was |remains )?(?:undecided|considering|thinking about|hesitant|reluctant)|"
    r"will (?:think|consider|let us know))\b"
)
# Nothing else may be what was declined: "offered pain medication, declined lunch".
_NO_MORE: Final = (
    r"(?:[ ](?:it|this|that|these|them|both|either|all|one|any|treatment|intervention))?"
    r"(?=[ ]*(?:$|[.;,:)\n]|(?:for now|for the time being|at this (?:time|point|visit)|at present|"
    r"currently|today|tonight|again|this (?:time|year|visit)|due to|because|as|given|and|but|until|"
    r"unless|since|saying|stating|citing|after|despite|in favor|preferring|wishing)\b))"
)
_BUT: Final = (
    rf"(?:(?:[ ]?[;,/–-]|[ ]?,?[ ](?:but|and|however|which)),?[ ]{_WHO}?|[.][ ]{_WHO})"
    rf"{_HOW}*(?:(?:{_DECLINED}|{_NOT_FIT}){_NO_MORE}|{_WAITS})"
)
_BEFORE: Final = re.compile(
    rf"{_OFFERED}[ ](?:(?:to|with|him|her|them|pt|patient|the|a|an|on|about|regarding|again|today|"
    r"starting|getting|having|taking|option of|possibility of|use of|benefits of)[ ])*"
    rf"(?P<what>(?!for[ ]|against[ ])[^.;:,\n]{{2,70}}?)(?:,[^.;:\n]{{0,60}}?)?{_BUT}"
)
_BEHIND: Final = re.compile(
    rf"(?:[ ](?:was|were|is|are|has been|have been))?:?[ ](?:again[ ]|also[ ])?{_OFFERED}"
    r"(?:[ ](?:to (?:him|her|pt|the patient|patient)|today|again|for [^.;:,\n]{2,40}?))*"
    rf"{_BUT}"
)
_WAS: Final = re.compile(
    r"(?:[ ](?:was|were|is|are|has been|have been))?:?[ ](?:again[ ]|also[ ])?$"
)
# What a treatment is for, or follows, is there: "recommended CT for his abdominal pain".
_AIM: Final = re.compile(
    r"[ ](?:for|to|due to|given|because|in (?:view|light) of|after|as|if|since|when|with|of)\b"
)
# Where what was offered begins: "knee pain and injection offered but declined" is an injection.
_OPENS: Final = re.compile(
    r"[.;:,\n)]|\b(?:and|or|with|w/|has|had|have|for|so|since|after|from|to|on|was|were|is|are|"
    r"therefore|re)[ ]"
)
# Of "depression treatment" the treatment was declined, and the depression is there.
_OF_AN_ILL: Final = re.compile(
    r"[ ](?=(?:treatments?|management|medications?|medicines?|meds|inhalers?|control|screening|"
    r"education|evaluation|work-?up|testing|clinic|class(?:es)?|program|referral|follow-?up|"
    r"surgery|repair|resection|specialist|counseling|injections?|procedure|pills?)\b)"
)
# An illness is discussed too, and is none that could be declined.
_SPOKEN_OF: Final = re.compile(
    r"(?:discuss|counsel)[a-z]* (?:(?:with|him|her|them|pt|patient|the|about|on|regarding) )*"
    r"(?:his|her|their|diagnos\w+|results?|findings?|prognosis)\b"
)
# Who will not stop a drug goes on with it: "recommended stopping metformin, patient declined".
_LESS: Final = re.compile(
    r"(?:\w+[ ]){0,2}(?:stop|hold|wean|taper|reduc|decreas|increas|lower|rais|chang|switch|adjust|"
    r"discontinu|de-?escalat|withdraw|cut|quit|titrat|mov)(?:ing|e|p?ping|ting|tion|[ ])"
)
# Nor could one be where it is only named: "discussed chest pain, patient declined".
_ILL: Final = re.compile(
    r"(?:\b(?:pains?|aches?|\w*aches|cancers?|tumou?rs?|mass(?:es)?|nodules?|lesions?|cysts?|polyps?|"
    r"metastas[ie]s|mets|malignancy|fractures?|injur(?:y|ies)|wounds?|ulcers?|burns?|bleeding|"
    r"h(?:a)?emorrhages?|strokes?|tia|mi|infarct\w*|embolism|embol[iu]s?|pe|dvt|clots?|thromb\w+|"
    r"infections?|pneumonia|sepsis|uti|cellulitis|abscess(?:es)?|fevers?|cough|rash|swelling|edema|"
    r"nausea|vomiting|diarrhea|constipation|weakness|numbness|dizziness|fatigue|falls?|syncope|"
    r"seizures?|ideation|thoughts|psychosis|mania|symptoms?|attacks?|smoking|drinking|"
    r"(?:alcohol|drug|tobacco|substance|opioid|cocaine|cannabis|marijuana) use|abuse|"
    r"misuse|pregnancy|miscarriage|aneurysms?|hernias?|stones?|effusions?|failure|insufficiency|"
    r"attempts?|overdose|exacerbations?|withdrawal|loss|gain|dysplasia|"
    r"(?!\w*stoma\b|anastomosis)\w+(?:itis|emia|oma|omas|osis|pathy|algia|uria|rrhea|pnea|penia|"
    r"megaly|plegia|phasia|phagia|uresis|cardia|tension))|"
    r"\b(?:abnormal|elevated|positive|worsening|suspicious|"
    r"(?:low|high)(?![ -](?:dose|risk|flow|fiber|fat|sodium|res)))[ ][^.;\n]*)[ ]*$"
)
_WORDS: Final = (
    "declin", "refus", " to wait", " hold off", " to defer", " to delay", " to postpone", " think",
    "consider", " to discuss", "undecided", "hesitant", "reluctant", "let us know",
)  # fmt: skip
# Behind "not", which is looked for once.
_NOT: Final = (
    "want", "wish", "desire", "indicated", "recommended", "needed", "appropriate", "necessary",
    "warranted", "advis", "currently ", "yet ", "felt to be ",
)  # fmt: skip
_DECLINES: Final = re.compile(_DECLINED)
_WAITED: Final = re.compile(_WAITS)
_LINE: Final = re.compile(r"\n[ \t]*(?![a-z])")  # not one that an editor wrapped
_FAR: Final = 170  # code points between the offer and its refusal
_LONGEST: Final = 60  # code points of what is named before "offered"


def put_off(folded: str, told: Stretch) -> bool:
    """Say whether it is not refused, and may come: "discussed AICD, patient wants to wait"."""
    return _WAITED.search(folded, told.cue_start, told.cue_end) is not None


def refused(text: str, folded: str) -> list[Stretch]:
    """Return the treatments of a text that were offered and declined, in order."""
    return [
        each
        for each in refusals(text, folded)
        if _DECLINES.search(folded, each.cue_start, each.cue_end)
    ]


def refusals(text: str, folded: str) -> list[Stretch]:
    """Return the treatments of a text that were offered and declined, or asked for and not given,
    in order; `folded` is the text without line feeds."""
    found: set[Stretch] = set()
    for place in sorted(set(_places(folded))):
        first = max(0, place - _FAR)
        for word in re.finditer(_OFFERED, folded[first:place]):
            at = first + word.start()
            if folded[at - 1 : at].isalnum():
                continue
            before = None if _SPOKEN_OF.match(folded, at) else _BEFORE.match(folded, at)
            if before and _LESS.match(folded, before.start("what")) is None:
                aim = _AIM.search(folded, before.start("what"), before.end("what"))
                end = aim.start() if aim else before.end("what")
                start = _opens(folded, before.start("what"), end)
                found.add(Stretch(start, end, end, before.end()))
            was = _WAS.search(folded, max(0, at - 20), at)
            behind = _BEHIND.match(folded, was.start() if was else at)
            if behind:
                start = _opens(folded, max(0, behind.start() - _LONGEST), behind.start())
                found.add(Stretch(start, behind.start(), *behind.span()))
    return sorted(
        each
        for each in found
        if each.start < each.end
        and not is_chronic(folded[each.start : each.end])
        and _ILL.search(folded, each.start, each.end) is None
        and _LESS.match(folded, each.start, each.end) is None
        and _LINE.search(text, each.start, each.cue_end) is None
    )


def _places(folded: str) -> Iterator[int]:
    for word in _WORDS:
        place = folded.find(word)
        while place >= 0:
            yield place
            place = folded.find(word, place + 1)
    place = folded.find("not ")
    while place >= 0:
        if folded.startswith(_NOT, place + 4):
            yield place
        place = folded.find("not ", place + 1)


def _opens(folded: str, first: int, end: int) -> int:
    """Return where in `folded[first:end]` begins what was offered last, or all that was."""
    ends = [match.end() for match in _OPENS.finditer(folded, first, end)]
    first = ends[-1] if ends else first
    tail = _OF_AN_ILL.search(folded, first, end)
    return tail.end() if tail else first
