"""Bare limits beside what is not measured: "pregnant over 35" and "stroke under 45" are ages.

No note is held against them, and the page says so. What numbers are told of by itself keeps its
limit: a value that is high or low, a size, a share, a score.
"""

from __future__ import annotations

import re
from typing import Final

from indexing.language.bounds import Bound

_OLDEST: Final = 110
# Values of what is too high or too low, on that side alone: "hypertension under 40" is an age.
_ANALYTES: Final = (
    r"kal\w+|natr\w+|glyc\w+|calc\w+|magnes\w+|phosph\w+|chlor\w+|tens\w+|therm\w+|pyrex\w+|capn\w+|"
    r"bilirubin\w+|uric\w+|triglycer\w+|ammon\w+|album\w+|osmol\w+|ox\w+|xia|xemia|xic"
)
_HIGH: Final = re.compile(
    rf"\b(?:hyper(?:{_ANALYTES})|tachy\w+|fever\w*|febrile|pyrexia|\w+cytosis|polycyth\w+|obes\w+|"
    r"overweight|azotemia|uremia|jaundice|(?:high|elevated|raised|increased)\b)",
    re.IGNORECASE,
)
_LOW: Final = re.compile(
    rf"\b(?:hypo(?:{_ANALYTES})|brady\w+|\w+penia|an(?:a)?emia|an(?:a)?emic|desaturat\w+|"
    r"underweight|(?:low|decreased|reduced)\b)",
    re.IGNORECASE,
)
_SIZED: Final = re.compile(  # in millimetres or centimetres
    r"\b(?:nodul\w+|mass(?:es)?|cysts?|stones?|calcul\w+|polyps?|aneurysms?|lesions?|tumou?rs?|"
    r"fibroids?|nodes?|hematomas?|abscess\w*|ulcers?|wounds?|effusions?|dilat\w+|thicken\w*|loss)\b",
    re.IGNORECASE,
)
_LARGEST: Final = 30
_SHARED: Final = re.compile(  # in hundredths, or in grams
    r"\b(?:stenos[ei]s|occlusion|blockage|burns?|\w+uria|regurgitation)\b", re.IGNORECASE
)
_SCORED: Final = re.compile(r"\b(?:pain\w*|\w*ache|discomfort)\b", re.IGNORECASE)  # of ten
_HIGHEST: Final = 10


def is_age(name: str, bound: Bound) -> bool:
    """Say whether a limit beside the name of something that is not measured is one of age."""
    limits = [bound.value] if bound.upper is None else [bound.value, bound.upper]
    if bound.unit or any(limit != int(limit) or not 0 < limit <= _OLDEST for limit in limits):
        return False
    if bound.upper is None and (_HIGH if bound.op[0] == ">" else _LOW).search(name):
        return False
    if _SHARED.search(name) or (bound.upper and (_HIGH.search(name) or _LOW.search(name))):
        return False
    most = _LARGEST if _SIZED.search(name) else _HIGHEST if _SCORED.search(name) else 0
    return max(limits) > most
