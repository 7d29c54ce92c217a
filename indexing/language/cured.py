"""A hepatitis that a treatment has cured: "HCV treated with Epclusa, SVR12 achieved"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from indexing.language.stretch import Stretch

_HEPATITIS: Final = re.compile(r"(?<!\w)(?:chronic )?(?:hcv|hep(?:atitis)?[ -]c)\b")
# What may not stand between: "HCV, never achieved SVR", "relapsed after SVR", "hopes to be cured".
_NOT_YET: Final = (
    r"(?!\b(?:no|not|never|without|cannot|fail\w*|unable|relaps\w*|recur\w*|re-?infect\w*|if|can|"
    r"could|may|might|will|would|should|until|unless|hop\w+|goal|aim\w*|expect\w*|awaiting|pending|"
    r"curable|nor|non-?respon\w*|but)\b|n['’]t\b)"
)
_CURE: Final = re.compile(
    rf"(?:{_NOT_YET}[^.;\n]){{0,100}}?\b(?<!for )"
    r"(?P<cure>(?:with |achieved |attained |reached |in |documented )?"
    r"(?:svr(?:[ -]?\d{1,2})?|sustained virolog\w+ response)\b"
    r"(?! (?:pending|not|unknown|is due|due|to be|testing|check|lab)))"
    r"(?![^.;\n]{0,60}\b(?:relaps|recur|re-?infect|not achieved|not (?:yet )?reached))"
)
# What is cured stands right before it: of "hepatitis C, UTI cured" that is the infection.
_CURED: Final = re.compile(
    r"(?:[ ]?[,(]?[ ](?:genotype|treated|s/p|status|after|took|received|completed|diagnosed|in|on|"
    r"had|has|infection|virus)\b"
    rf"(?:(?![ ]and[ ](?!(?:is|was|now|been|has|cured)\b)){_NOT_YET}[^.;\n]){{0,80}}?)?"
    r"[ ]?[,(:–-]?[ ]?(?P<cure>(?:(?:and|which|has|now|is|was|been|since|completely|fully|"
    r"successfully|considered)[ ])*\b(?:cured|eradicated))\b"
)


def cured(folded: str) -> Iterator[Stretch]:
    """Yield each hepatitis C of a folded text that is told to be cured in its sentence."""
    if not any(word in folded for word in ("svr", "sustained vir", "cured", "eradicated")):
        return
    for name in _HEPATITIS.finditer(folded):
        cure = _CURE.match(folded, name.end()) or _CURED.match(folded, name.end())
        if cure:
            yield Stretch(*name.span(), *cure.span("cure"))
