"""A hepatitis that a treatment has cured: "HCV treated with Epclusa, SVR12 achieved"."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from indexing.language.stretch import Stretch

_HEPATITIS: Final = re.compile(r"(?<!\w)(?:chronic )?(?:hcv|hep(?:atitis)?[ -]c)\b")
_CURE: Final = re.compile(
    r"[^.;\n]{0,100}?\b(?<!no )(?<!not )(?<!without )(?<!for )(?<!until )"
    r"(?P<cure>(?:with |achieved |attained |reached |in |documented )?"
    r"(?:svr(?:[ -]?\d{1,2})?|sustained virolog\w+ response)\b"
    r"(?! (?:pending|not|unknown|is due|due|to be|testing|check|lab))|"
    r"(?:is |was |now )?(?<!be )(?<!not )(?<!being )(?:cured|eradicated))"
)


def cured(folded: str) -> Iterator[Stretch]:
    """Yield each hepatitis C of a folded text that is told to be cured in its sentence."""
    if "svr" not in folded and "sustained vir" not in folded and "cured" not in folded:
        return
    for name in _HEPATITIS.finditer(folded):
        cure = _CURE.match(folded, name.end())
        if cure:
            yield Stretch(*name.span(), *cure.span("cure"))
