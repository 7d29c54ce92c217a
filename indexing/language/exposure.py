"""What a patient was only near: "exposed to TB", "influenza exposure", "contact with COVID". Only
what is caught from others counts; asbestos, smoke and drugs are met with themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from indexing.language.stretch import Stretch

_CAUGHT: Final = (
    r"(?:tb|tuberculosis|covid(?:[- ]?19)?|sars-cov-2|coronavirus|(?:influenza|flu)(?: [ab])?|"
    r"(?:group [ab] )?strep(?:tococcus)?(?: throat| pharyngitis)?|gbs|pertussis|whooping cough|"
    r"measles|rubella|mumps|varicella|chicken ?pox|zoster|shingles|hiv|"
    r"hep(?:atitis)?[ -][abce]|hepatitis|h[abc]v|syphilis|chlamydia|gonorrho?ea|stis?|stds?|"
    r"mono(?:nucleosis)?|(?:bacterial |viral )?meningitis|rsv|norovirus|rotavirus|"
    r"c\.? ?diff(?:icile)?|mrsa|vre|scabies|lice|bed ?bugs|hfmd|"
    r"hand,? foot,? (?:and|&) mouth(?: disease)?|mpox|monkeypox|ebola|zika|"
    r"rabies|malaria|gastroenteritis|stomach (?:flu|bug|virus)|"
    r"pink ?eye|conjunctivitis|impetigo|ringworm|cmv|herpes|hsv|diphtheria|polio|typhoid|cholera|"
    r"parvovirus|fifth disease|uri)"
)
_KNOWN: Final = (
    r"(?:(?:a|an|the|known|active|recent|confirmed|suspected|possible|untreated|someone's)[ ]){0,3}"
)
_TO: Final = re.compile(
    r"(?:exposed(?:[ ](?:at|in|from|through|via|by|during)[ ][a-z' ]{1,25}?)?[ ]to|"
    r"exposures?(?:[ ]to|:)|contacts?[ ]with)[ \n]"
)
_WHAT: Final = re.compile(
    rf"{_KNOWN}{_CAUGHT}\b(?:(?:,? (?:and|or) (?:to )?|, ?|/){_KNOWN}{_CAUGHT}\b){{0,4}}"
)
_OF: Final = re.compile(
    rf"(?<!isolation: )(?<!isolation )(?<!precautions: )\b(?P<what>{_CAUGHT})[ -]"
    r"(?:(?:positive|sick|close|household|known|recent|possible|occupational|needle ?stick)[ ])?$"
)
_NEAR: Final = re.compile(
    r"(?:expos(?:ures?|ed)|contacts?)\b"
    r"(?![ /+]+(?:(?:[a-z]+[ /+]+){0,3}(?:precaution|isolat|iso\b)|"
    r"dermatitis|tracing|investigation|lens|(?:to|us|me|the|your|our|his|her)\b|"
    r"and (?:infection|illness|disease)))"
    # Of whom it is the patient who has it: "scabies contacts to be treated".
    r"(?!(?<=contacts)[ ](?:(?:all|were|are|have|been|to|be|should|will|need|also)[ ]){0,3}"
    r"(?:notified|informed|advised|traced|identified|listed|screened|treated|tested|quarantine))"
    r"(?!(?<=exposed)[ ](?:staff|co-?workers?|others|family|relatives|contacts|nurses|residents))"
)
# "By a coworker who tested positive": it is not the patient who did.
_OTHER: Final = (
    r"(?:\b(?:contact|source|partner|spouse|wife|husband|son|daughter|mother|mom|father|dad|"
    r"brother|sister|sibling|roommate|boyfriend|girlfriend|friend|teacher|co-?worker|colleague|"
    r"neighbou?r|classmate|child|kids?)[ ](?:who[ ])?(?:(?:has|have|had|just|recently|also|later|"
    r"then|since|is|was|being|tested|came|back|turned|got|caught|contracted)[ ]){0,4}"
    r"(?:positive|pos\b|it\b|treated for)|"
    r"(?:(?<!patient)(?<!\bpt)|(?<=source patient)|(?<=source pt))'s[ ](?:[a-z0-9-]+[ ]){0,4}?"
    r"(?:positive|pos\b|reactive|vl\b|viral load))"
)
# "Exposed to COVID, tested positive": the patient has caught it.
_CAUGHT_IT: Final = re.compile(
    r"(?:[ -]?(?:positive|pos)\b)?"  # of whom one was near to
    rf"(?:{_OTHER}|(?!{_OTHER})[^\n]){{0,120}}?\b(?:"
    r"(?:test(?:s|ed|ing)?|swab|pcr|naat|antigen|ag|igm|ppd|igra|quantiferon|rapid|culture|smear|"
    r"titer|serology|screen|result(?:s|ed)?|now|is|was|returned|back|turned)[ ]"
    r"(?:(?!not\b|never\b)[a-z0-9'-]+[ ]){0,3}?(?:(?:positive|pos)\b|\+(?![ ]?[a-z]))|"
    r"(?<!non[ -])(?<!not )(?<!igg )reactive\b|"
    r"(?:covid|flu|[a-z]*ag|rna|pcr|igm|swab|test)(?:\+|[ ](?:is[ ]|was[ ])?detected)|"
    r"positive[ ](?:[a-z]+[ ]){0,2}?(?:test|swab|pcr|antigen|culture|result)|"
    # So much of it in the blood.
    r"(?:vl|viral load|(?:rna|dna|copies)(?: pcr)?)[ ]?(?:[:=]|(?:is|was|of|at)\b)?[ ]?>?[ ]?[1-9]|"
    r"(?<!not )(?<!never )treated for|smear p\.|confirmed (?:by|on|via)\b|"
    r"(?:by|from) (?:the |this )?(?:pt|patient)\b|"
    r"contracted|caught|infected|came down|(?:has|have|got|developed)[ ](?:it|the[ ]same)\b)"
)
_WIDEST: Final = 60  # code points beside the word for the exposure in which it is told to what


def exposures(folded: str) -> list[Stretch]:
    """Return what a folded text (line breaks kept) tells of exposures, in order."""
    return sorted(found for place in _places(folded) if (found := _told(folded, place)))


def _places(folded: str) -> Iterator[int]:
    for word in ("expos", "contact"):
        place = folded.find(word)
        while place >= 0:
            if not folded[place - 1 : place].isalnum():
                yield place
            place = folded.find(word, place + 1)


def _told(folded: str, place: int) -> Stretch | None:
    to = _TO.match(folded, place)
    what = to and _WHAT.match(folded, to.end(), to.end() + _WIDEST)
    if to and what:
        if _CAUGHT_IT.match(folded, what.end()):
            return None
        return Stretch(what.start(), what.end(), place, to.end() - 1)
    near = _NEAR.match(folded, place)
    of = near and _OF.search(folded, max(0, place - _WIDEST), place)
    if near is None or of is None or _CAUGHT_IT.match(folded, near.end()):
        return None
    return Stretch(*of.span("what"), place, near.end())
