"""How often somebody was pregnant and gave birth, as it is written otherwise: "G3P2" is "gravida 3,
para 2"."""

from __future__ import annotations

import re
from typing import Final

# Of four digits the first two count births at term and before it; losses and the living follow.
_SHORT: Final = re.compile(
    r"G(?P<pregnant>\d{1,2})P(?:(?P<born>\d{1,2})|(?P<term>\d)(?P<preterm>\d)\d\d)", re.IGNORECASE
)


def other_counts(word: str) -> list[str]:
    """Return how else notes write what one word counts; none where it is no such word."""
    match = _SHORT.fullmatch(word)
    if match is None:
        return []
    pregnant = match["pregnant"]
    born = match["born"] or str(int(match["term"]) + int(match["preterm"]))
    return [f"gravida {pregnant} para {born}", f"G{pregnant} P{born}"]
