"""Names that mean a measured thing only beside a limit: "K > 6" asks for potassium, where K by
itself is a letter, "Mg" or "Ca" name illnesses, and "iron < 30" for what is measured in the serum,
where iron is a drug."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from indexing.language.bounds import Bound
from indexing.language.matcher import Span
from indexing.language.terminology import SemanticType, Terminology
from indexing.language.units import DURATIONS, NUMBER, number

_NAMES: Final = {
    "k": "potassium", "na": "sodium", "cl": "chloride", "ca": "calcium", "mg": "magnesium level",
    "cr": "creatinine", "glu": "glucose", "gluc": "glucose", "t": "body temperature",
    "systolic": "systolic blood pressure", "diastolic": "diastolic blood pressure",
    "temperature": "body temperature", "bicarb": "bicarbonate",
    "oxygen": "oxygen saturation", "o2": "oxygen saturation",
}  # fmt: skip
_HEAT: Final = (
    "Temperature",
    "temperature",
    "TEMPERATURE",
    "Temp",
    "Tmax",
    "TMAX",
    "T ",
    "T:",
    "T=",
)  # not "T2"
# What is measured: what else its numbers are told of, and the names that are such only beside one.
_TOLD: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    "magnesium level": ("", ("Mg", "MG")),
    "body temperature": ("fever", _HEAT),
    "fever": ("body temperature", _HEAT),
    "body weight": ("", ("Wt", "WT", "wt")),
    "bicarbonate": ("bicarb", ("CO2",)),
    "blood pressure": ("", ("Systolic", "systolic", "Diastolic", "diastolic")),
}
# Findings whose limits are those of what is measured: "hyperkalemia > 5.5" of potassium.
_FOUND_BY: Final[Mapping[str, tuple[str, tuple[str, ...]]]] = {
    finding: told
    for findings, told in (
        ("hyperkalemia, hypokalemia", ("potassium", ("K",))),
        ("hypernatremia, hyponatremia", ("sodium", ("Na",))),
        ("hyperglycemia, hypoglycemia", ("glucose", ())),
        ("hypercalcemia, hypocalcemia", ("calcium", ("Ca",))),
        ("hypomagnesemia", ("magnesium level", ("Mg",))),
        ("hypertension, hypotension", ("blood pressure", ("BP",))),
        ("tachycardia, bradycardia", ("heart rate", ("HR",))),
        ("anemia", ("hemoglobin", ("Hgb", "Hb"))),
        ("thrombocytopenia, thrombocytosis", ("platelet count", ("Plt",))),
        ("leukocytosis, leukopenia", ("white blood cell count", ("WBC",))),
        ("neutropenia", ("neutrophil count", ("ANC",))),
        ("hypoxemia", ("oxygen saturation", ("SpO2",))),
        ("obesity", ("body mass index", ("BMI",))),
    )
    for finding in findings.split(", ")
}
_BEFORE: Final = re.compile(
    rf"(?<![\w/.-])(?:(?P<name>{'|'.join(_NAMES)})\+?)(?= ?(?:level )?$)", re.IGNORECASE
)
_OF_DOSES: Final = frozenset({"mg", "mcg", "g", "units", "ml", "l", "l/min"})
# How the name of a measured thing comes of what is measured: "serum iron", "vitamin D level".
_MEASURED_AS: Final = ("serum {}", "{} level")
# What is taken as well as measured; "Ca" and "Mg" name illnesses.
_TAKEN: Final = frozenset({SemanticType.DRUG, SemanticType.DRUG_CLASS, SemanticType.SUBSTANCE})
_STRIPPED: Final = re.compile(r"^serum | level$", re.IGNORECASE)
# In these it is another measurement: "urine protein", "CSF protein".
_ELSEWHERE: Final = frozenset(
    "urine urinary csf spinal pleural ascitic peritoneal synovial fluid stool sweat dietary".split()
)
_RANGE: Final = re.compile(
    rf"(?:[ ](?:of|is|was))?[ ]*[:=]?[ ]*(?P<low>{NUMBER})[-–](?P<high>{NUMBER})(?![\w./%-])"
)
_BARE: Final = re.compile(
    rf"(?:[ ](?:of|is|was))?[ ]*:?[ ]*(?P<value>{NUMBER})(?![\w./%:-]|,\d)"
    rf"(?![ ]*(?:[-–x/<>=]|to\b|times\b|(?:{'|'.join(sorted(DURATIONS))}|hr|yr|mo|wk|min)))",
    re.IGNORECASE,
)
_YEARS: Final = re.compile(r"(?:19|20)\d\d")
_WORDS_BEFORE: Final = re.compile(
    r"(?<![\w/.-])((?:[A-Za-z][\w'-]*[ ]){0,2}[A-Za-z][\w'-]*?)(?:[ ]levels?)?[ ]?$", re.IGNORECASE
)


def measured_beside(terminology: Terminology, text: str, bounds: Iterable[Bound]) -> list[Span]:
    """Return the names that mean a measured thing because they stand right before a limit ("K > 6",
    "t above 39", "iron < 30"); what only equals a number ("Ca 125"), or is a dose, is none."""
    found = []
    for bound in bounds:
        if bound.op == "=" or bound.unit in _OF_DOSES:
            continue
        match = _BEFORE.search(text, 0, bound.start)
        if match:
            concepts = terminology.find(_NAMES[match["name"].lower()])
            found += [_span(terminology, *match.span(), each) for each in concepts[:1]]
        elif not bound.unit or "/" in bound.unit:  # no "oxygen over 4 l", "alcohol > 3 drinks"
            found += _measured_as(terminology, text, bound.start)
    return found


def _span(terminology: Terminology, start: int, end: int, concept: str) -> Span:
    return Span(start, end, concept, terminology.concept(concept).name)


def _measured_as(terminology: Terminology, text: str, end: int) -> list[Span]:
    """Return the name that ends before a limit where it names nothing measured by itself, and does
    as "serum …" or "… level"."""
    match = _WORDS_BEFORE.search(text, 0, end)
    words = match[1].split() if match else []
    for first in range(len(words)):
        name = " ".join(words[first:])
        meant = terminology.find(name)
        measured = [each for each in meant if _is_measured(terminology, each)]
        if measured and match and len(meant) > 1:  # "PSA > 4" is no psoriatic arthritis
            return [_span(terminology, match.end(1) - len(name), match.end(1), measured[0])]
        if measured:
            return []
        level = [each for each in _levels(terminology, name) if _is_measured(terminology, each)]
        if level and match and (not first or words[first - 1].lower() not in _ELSEWHERE):
            return [_span(terminology, match.end(1) - len(name), match.end(1), level[0])]
    return []


def range_behind(text: str, end: int) -> Bound | None:
    """Return the range right behind the name of something measured: "EF 35-40"; years are none."""
    match = _RANGE.match(text, end)
    low, high = (number(match["low"]), number(match["high"])) if match else (0.0, 0.0)
    if match is None or low >= high or _YEARS.fullmatch(match["low"]):
        return None
    return Bound("", ">=", low, "", match.start("low"), match.end(), high)


def number_behind(text: str, end: int) -> Bound | None:
    """Return the number that stands alone right behind the name of something measured: "GCS 3",
    "heart rate of 150"; years, times and durations are none."""
    match = _BARE.match(text, end)
    if match is None or _YEARS.fullmatch(match["value"]):
        return None
    return Bound("", "=", number(match["value"]), "", *match.span("value"), bare=True)


def _levels(terminology: Terminology, name: str) -> list[str]:
    return [each for how in _MEASURED_AS for each in terminology.find(how.format(name))]


def _is_measured(terminology: Terminology, concept: str) -> bool:
    """Say whether it is one measurement; a "drug level" is that of whichever drug."""
    kind = terminology.concept(concept).semantic_type
    return kind is SemanticType.LAB_TEST and concept not in terminology.find("drug level")


class Told(NamedTuple):
    """What else a number may be told of: other concepts, and short names right before it."""

    concepts: frozenset[str] = frozenset()
    short: tuple[str, ...] = ()


def told_as(terminology: Terminology, concept: str) -> Told:
    """Return what else the numbers of a concept are told of: a temperature's of a fever, those of
    "vitamin D level" of vitamin D."""
    measured = _is_measured(terminology, concept)
    names = [name.text for name in terminology.names(concept)] if measured else []
    bare = [_STRIPPED.sub("", name) for name in names if _STRIPPED.search(name)]
    found = {each for name in bare for each in terminology.find(name)[:1]}
    concepts = {each for each in found if terminology.concept(each).semantic_type in _TAKEN}
    short: tuple[str, ...] = ()
    for name, (other, beside) in (*_TOLD.items(), *_FOUND_BY.items()):
        if concept in terminology.find(name):
            concepts |= set(terminology.find(other)[:1]) if other else set()
            short += beside
    return Told(frozenset(concepts) - {concept}, short)
