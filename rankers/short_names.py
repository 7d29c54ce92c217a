"""Short names that mean a measured thing only beside a limit: "K > 6" asks for potassium, where K
by itself is a letter, and "Mg" or "Ca" name illnesses."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from indexing.language.matcher import Span
from indexing.language.terminology import Terminology
from indexing.language.values import Bound

_NAMES: Final = {
    "k": "potassium", "na": "sodium", "cl": "chloride", "ca": "calcium", "mg": "magnesium level",
    "cr": "creatinine", "glu": "glucose", "gluc": "glucose", "t": "body temperature",
    "systolic": "systolic blood pressure",
}  # fmt: skip
_BEFORE: Final = re.compile(rf"(?<![\w/.-])(?:{'|'.join(_NAMES)})(?= ?$)", re.IGNORECASE)


def measured_beside(
    terminology: Terminology, text: str, bounds: Iterable[Bound]
) -> list[Span]:  # fmt: skip
    """Return the short names that stand right before a limit ("K > 6", "t above 39"); what only
    equals a number ("Ca 125") is none."""
    found = []
    for bound in bounds:
        match = _BEFORE.search(text, 0, bound.start) if bound.op != "=" else None
        concepts = terminology.find(_NAMES[match[0].lower()]) if match else ()
        if match and concepts:
            name = terminology.concept(concepts[0]).name
            found.append(Span(match.start(), match.end(), concepts[0], name))
    return found
