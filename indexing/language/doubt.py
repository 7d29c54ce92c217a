"""Which way a word of doubt looks: on, as in "the rash is likely eczema" and "there is possible
pneumonia", or back, as in "PE is likely given the tachycardia" and "GERD more likely"."""

from __future__ import annotations

import re
from typing import Final

# "Anemia, likely due to kidney disease": the cause is in doubt, and the anemia there.
_OF_CAUSE: Final = re.compile(
    r"(?:(?:is|are|was|were) )?(?:(?:also|still|most|more|very|highly) )?"
    r"(?:possibl[ey]|probabl[ey]|likely) "
    r"(?:due to|d/t|2/2|secondary to|from|because of|related to|caused by)\b"
)
# "The rash is likely eczema": what it names is in doubt. "PE is likely given the tachycardia",
# "GERD is likely the cause of her cough": what stands before.
_IS_LIKELY: Final = re.compile(
    r"(?:is|are|was|were) (?:(?:also|still|most|more|very|highly) )?likely"
)
# "There is possible pneumonia"; but "PE is suspected clinically".
_IS_MAYBE: Final = re.compile(
    r"(?:is|are|was|were) (?:(?:also|still) )?"
    r"(?:possible|suspected|probable|questionable|presumed)"
)
_SAYS_HOW: Final = re.compile(
    r"[ ](?:[a-z]+ly|here|versus|vs|or|until|unless|if|whether|which|who|again|too|that)\b"
)
_NAMES_IT: Final = re.compile(
    r"[ ](?:(?:to (?:be|represent|reflect) )?(?:an?|her|his|just|simply)|"
    r"that (?:he|she|they|this|it|there|the patient|patient|pt))\b"
)
_IS_NAMED: Final = re.compile(
    r"[ ](?:(?:that|around|going|able|unable|one)\b|(?:(?:an?|the)[ ])?(?:(?:important|major|main|"
    r"primary|contributing|underlying)[ ])?(?:causes?|source|reason|etiology|culprit|explanation|"
    r"trigger|factors?|contributors?|component)\b)"
)
# "CHF is likely to worsen", "is likely improving": neither is in doubt.
_GOES_ON: Final = re.compile(
    r"[ ](?:to(?! (?:be|represent|reflect)\b)|"
    r"(?!coming|being|having|representing|developing)[a-z]+ing|at)\b"
)
# "Obesity makes apnea more likely".
_MAKES: Final = re.compile(r"\b(?:mak(?:es?|ing)|renders?)\b")
# "Suspicion for PE is low".
_SUSPECTS: Final = ("suspicion", "concern", "likelihood", "probability", "risk")
_IS_LOW: Final = re.compile(
    r"[ ][^.;:,]{1,50}?[ ](?:is|was|remains)[ ](?:very |quite |extremely |relatively |fairly )?"
    r"(?:low|minimal)\b(?!,?[ ](?:but|though|however|although))"
)
# "GERD more likely than angina"; but "a mass most likely a thrombus".
_MORE: Final = re.compile(r"(?:more|most)[ ]+likely|presumed")
_NO_MORE: Final = re.compile(r"[ ]*(?:$|[.,;)]|(?:given|although|though|but)\b|than\b(?! not\b))")
NO_NOUN: Final = re.compile(
    r"[ ]*(?:$|[^\w\s]|(?:in|on|by|last|after|with|without|off|due|d/t|2/2|because|for|at|since|"
    r"when|\d+|x|x[ ]?\d|"
    r"and|but|today|now|yesterday|spontaneously|completely|one|two|three|four|five|six|several|many|a|"
    r"per|given|based|from|as|prior|this|times|overnight|secondary|following|though|however|to|"
    r"approximately|approx|about|around|roughly|nearly|almost|over(?=[ ])|shortly|recently|earlier|"
    r"seven|eight|nine|ten|(?:pod|hd)[ ]?#?\d+)\b)"
)
_NEAR: Final = 80  # code points before a word of doubt
_CAUSED: Final = re.compile(
    r"(?:due to|d/t|secondary to|related to|caused by|attributable to|result of|because of|"
    r"resulting from|(?:sequela|manifestation|complication) of)$"
)
_KNOWN: Final = re.compile(
    r" (?:(?:the|his|her|their|your|my|(?:patient|pt)'s|known|underlying|chronic|"
    r"long[- ]?(?:term|standing)|(?:poorly |un)controlled)\b|"
    # What the patient took or went through is there; whether it did it, is not sure.
    r"(?:[\w-]+ ){0,3}(?:use|overuse|abuse|therapy|surgery|medications?)\b)"
)
_FEAR: Final = re.compile(
    r"(?<![^ ])(?!(?:and|but|now|is|are|was|were|more|most|very) )[\w)-]+ "
    r"(?:suspicious|worrisome|concerning|suggestive|indicative|diagnostic|evidence) $"
)


def looks_back(folded: str, first: int, cue: tuple[int, int], last: int) -> bool | None:
    """Whether the cue at `cue`, in a sentence `[first, last)`, doubts what stands before it; None
    where it is no such word."""
    start, end = cue
    if _OF_CAUSE.match(folded, start, last) is not None:
        return False
    if not folded.endswith(("likely", "presumed"), start, end):
        return None
    if _IS_LIKELY.fullmatch(folded, start, end):
        return not _names_it(folded, end, last) and _GOES_ON.match(folded, end, last) is None
    if _MORE.fullmatch(folded, start, end):
        made = _MAKES.search(folded, max(first, start - _NEAR), start)
        return made is None and _NO_MORE.match(folded, end, last) is not None
    return None


def looks_on(folded: str, cue: tuple[int, int], last: int) -> bool | None:
    """Whether "is likely" or "is possible" at `cue` doubts what is named behind it; None where it
    is no such word."""
    start, end = cue
    if folded.endswith("likely", start, end):
        if _IS_LIKELY.fullmatch(folded, start, end) is None:
            return None
        return _OF_CAUSE.match(folded, start, last) is None and _names_it(folded, end, last)
    if _IS_MAYBE.fullmatch(folded, start, end) is None:
        return None
    return _SAYS_HOW.match(folded, end, last) is None and NO_NOUN.match(folded, end, last) is None


def is_low(folded: str, cue: tuple[int, int], last: int) -> bool:
    """Whether what "suspicion for" at `cue` speaks of is then called unlikely."""
    suspects = folded.startswith(_SUSPECTS, cue[0])
    return suspects and _IS_LOW.match(folded, cue[1], last) is not None


def _names_it(folded: str, end: int, last: int) -> bool:
    """Whether what "is likely", which ends at `end`, doubts is named behind it."""
    if _NAMES_IT.match(folded, end, last):
        return _IS_NAMED.match(folded, end, last) is None or folded.startswith(" th", end)
    if _IS_NAMED.match(folded, end, last) or _GOES_ON.match(folded, end, last):
        return False
    return NO_NOUN.match(folded, end, last) is None and folded[end:last].strip() != ""


def fears(folded: str, cue: tuple[int, int]) -> bool:
    """Whether the word at `cue` is the "for" of "no lesion suspicious for melanoma", which ends no
    denial; ", suspicious for" and "is suspicious for" tell something else."""
    return (
        cue[1] - cue[0] == 3
        and folded.startswith("for", cue[0])
        and (_FEAR.search(folded, max(0, cue[0] - 40), cue[0]) is not None)
    )


def takes_for_granted(folded: str, cue: tuple[int, int], last: int) -> bool:
    """Whether what the cue at `cue` doubts is how two things hang together, and the second is known
    to be there: "likely due to her known asthma"."""
    return (
        folded.endswith((" to", " of", "d/t", " from", " by"), *cue)
        and _CAUSED.search(folded, *cue) is not None
        and _KNOWN.match(folded, cue[1], last) is not None
    )
