"""What a patient was only near: "exposed to TB", "influenza exposure", "contact with COVID". Only
what is caught from others counts; asbestos, smoke and drugs are met with themselves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

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
    rf"\b(?P<what>{_CAUGHT})[ -]"
    r"(?:(?:positive|sick|close|household|known|recent|possible|occupational|needle ?stick)[ ])?$"
)
_NEAR: Final = re.compile(
    r"(?:expos(?:ures?|ed)|contacts?)\b"
    r"(?![ ](?:precaution|isolation|dermatitis|tracing|lens|(?:to|us|me|the|your|our|his|her)\b|"
    r"and (?:infection|illness|disease)))"
)
# "Exposed to COVID, tested positive": the patient has caught it.
_CAUGHT_IT: Final = re.compile(
    r"(?:[ -]?(?:positive|pos)\b)?"  # of whom one was near to
    r"[^\n]{0,120}?\b(?:"
    r"(?:test(?:s|ed|ing)?|swab|pcr|antigen|rapid|culture|titer|serology|screen|result|now|is|was|"
    r"returned|back|turned)[ ](?:(?!not\b|never\b)[a-z0-9'-]+[ ]){0,3}?(?:positive|pos|reactive)\b"
    r"|positive[ ](?:[a-z]+[ ]){0,2}?(?:test|swab|pcr|antigen|culture|result)|"
    r"contracted|caught|infected|came down|(?:has|have|got|developed)[ ](?:it|the[ ]same)\b)"
)
_WIDEST: Final = 60  # code points beside the word for the exposure in which it is told to what


class Exposure(NamedTuple):
    """`[start, end)` names what the cue at `[cue_start, cue_end)` says the patient was near to."""

    start: int
    end: int
    cue_start: int
    cue_end: int


def exposures(folded: str) -> list[Exposure]:
    """Return what a folded text (line breaks kept) tells of exposures, in order."""
    return sorted(found for place in _places(folded) if (found := _told(folded, place)))


def _places(folded: str) -> Iterator[int]:
    for word in ("expos", "contact"):
        place = folded.find(word)
        while place >= 0:
            if not folded[place - 1 : place].isalnum():
                yield place
            place = folded.find(word, place + 1)


def _told(folded: str, place: int) -> Exposure | None:
    to = _TO.match(folded, place)
    what = to and _WHAT.match(folded, to.end(), to.end() + _WIDEST)
    if to and what:
        if _CAUGHT_IT.match(folded, what.end()):
            return None
        return Exposure(what.start(), what.end(), place, to.end() - 1)
    near = _NEAR.match(folded, place)
    of = near and _OF.search(folded, max(0, place - _WIDEST), place)
    if near is None or of is None or _CAUGHT_IT.match(folded, near.end()):
        return None
    return Exposure(*of.span("what"), place, near.end())
