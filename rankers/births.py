"""How often somebody was pregnant and gave birth, as it is written otherwise: "G3P2" is "gravida 3,
para 2"."""

from __future__ import annotations

import re
from typing import Final

_SHORT: Final = re.compile(r"G(?P<pregnant>\d{1,2})P(?P<born>\d{1,2})(?:\d{3})?", re.IGNORECASE)


def other_counts(word: str) -> list[str]:
    """Return how else notes write what one word counts; none where it is no such word."""
    match = _SHORT.fullmatch(word)
    if match is None:
        return []
    pregnant, born = match["pregnant"], match["born"]
    return [f"gravida {pregnant} para {born}", f"G{pregnant} P{born}"]
