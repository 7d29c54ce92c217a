"""Short names that mean a measured thing only beside a limit: "K > 6" asks for potassium, where K
by itself is a letter, and "Mg" or "Ca" name illnesses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from indexing.language.bounds import Bound
from indexing.language.matcher import Span
from indexing.language.terminology import Terminology

_NAMES: Final = {
    "k": "potassium", "na": "sodium", "cl": "chloride", "ca": "calcium", "mg": "magnesium level",
    "cr": "creatinine", "glu": "glucose", "gluc": "glucose", "t": "body temperature",
    "systolic": "systolic blood pressure", "diastolic": "diastolic blood pressure",
    "magnesium": "magnesium level", "temperature": "body temperature",
    "vitamin d": "vitamin d level", "bicarb": "bicarbonate",
}  # fmt: skip
_HEAT: Final = ("Temperature", "temperature", "TEMPERATURE", "Temp", "T ", "T:", "T=")  # not "T2"
# What is measured: what else its numbers are told of, and the names that are such only beside one.
_TOLD: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "magnesium level": ("magnesium", ("Mg", "MG")),
    "body temperature": ("fever", _HEAT),
    "fever": ("body temperature", _HEAT),
    "vitamin d level": ("vitamin d", ()),
    "bicarbonate": ("bicarb", ("CO2",)),
    "blood pressure": ("", ("Systolic", "systolic", "Diastolic", "diastolic")),
}
_BEFORE: Final = re.compile(
    rf"(?<![\w/.-])(?:(?P<name>{'|'.join(_NAMES)})\+?)(?= ?(?:level )?$)", re.IGNORECASE
)
_OF_DOSES: Final = frozenset({"mg", "mcg", "g", "units", "ml"})


def measured_beside(terminology: Terminology, text: str, bounds: Iterable[Bound]) -> list[Span]:
    """Return the short names that stand right before a limit ("K > 6", "t above 39"); what only
    equals a number ("Ca 125"), or is a dose, is none."""
    found = []
    for bound in bounds:
        limits = bound.op != "=" and bound.unit not in _OF_DOSES
        match = _BEFORE.search(text, 0, bound.start) if limits else None
        concepts = terminology.find(_NAMES[match["name"].lower()]) if match else ()
        if match and concepts:
            name = terminology.concept(concepts[0]).name
            found.append(Span(match.start(), match.end(), concepts[0], name))
    return found


class Told(NamedTuple):
    """What else a number may be told of: other concepts, and short names right before it."""

    concepts: frozenset[str] = frozenset()
    short: tuple[str, ...] = ()


def told_as(terminology: Terminology, concept: str) -> Told:
    """Return what else the numbers of a concept are told of: a temperature's of a fever."""
    for measured, (other, short) in _TOLD.items():
        if concept in terminology.find(measured):
            return Told(frozenset(terminology.find(other)[:1]), short)
    return Told()
