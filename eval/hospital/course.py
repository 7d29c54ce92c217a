"""Draw what is really the matter with a patient, before anybody writes it down."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import accumulate
from math import exp

from eval.hospital.dice import Dice, stable_id
from eval.hospital.model import Archetype, Course, FeatureRecord, Weighted
from eval.hospital.vocabulary import archetypes, concepts

DEFAULT_SEED = 7
_STAGE_SCALE = (0.8, 1.0, 1.15)
_ILLNESS_SCALE = (0.4, 1.0, 1.8)
_MALE_ONLY = frozenset({"bph"})
_FEMALE_ONLY = frozenset({"menorrhagia", "vaginitis", "gestational_diabetes", "breast_cancer"})
_ADULT_ONLY = frozenset({"tobacco_use", "hypertension", "alcohol_use", "osa"})
_ALLERGIES = ("penicillin", "sulfa", "codeine", "ibuprofen", "morphine", "vancomycin", "lisinopril")
_REACTIONS = {
    "penicillin": ("hives", "rash", "throat swelling", "anaphylaxis"),
    "sulfa": ("rash", "hives", "fever and rash"),
    "codeine": ("nausea", "itching"),
    "ibuprofen": ("hives", "wheezing"),
    "morphine": ("itching", "nausea"),
    "vancomycin": ("flushing", "rash"),
    "lisinopril": ("cough", "lip swelling"),
}
_KIN = {  # an allergy also rules these out
    "penicillin": {"amoxicillin", "amoxicillin_clavulanate", "piperacillin_tazobactam"},
    "sulfa": {"trimethoprim_sulfa", "sulfasalazine"},
    "ibuprofen": {"naproxen", "indomethacin", "ketorolac"},
}


def patient_id(seed: int, index: int) -> str:
    """Name patient `index` of the hospital that `seed` makes."""
    return stable_id("patient", seed, index)


@cache
def _ladder() -> tuple[float, ...]:
    return tuple(accumulate(a.weight for a in archetypes()))


def _archetype(dice: Dice, seed: int, index: int) -> Archetype:
    """Draw the course; the second of a pair never shares the first one's (template twins)."""
    mine = dice.at(archetypes(), _ladder())
    if index % 2:
        other = Dice(seed, index - 1, 1).at(archetypes(), _ladder())
        if other.disease == mine.disease:
            pool = archetypes()
            return pool[(pool.index(mine) + 1) % len(pool)]
    return mine


def _drawn(dice: Dice, items: Weighted, scale: float = 1.0) -> tuple[str, ...]:
    return tuple(key for key, probability in items if dice.random() < probability * scale)


def _sigmoid(x: float) -> float:
    return 1 / (1 + exp(-x))


def _comorbid(dice: Dice, kind: Archetype, age: int, female: bool) -> tuple[str, ...]:
    """Draw the company a disease keeps, within what age and sex allow."""
    barred = (_MALE_ONLY if female else _FEMALE_ONLY) | (_ADULT_ONLY if age < 18 else set())
    return tuple(k for k in _drawn(dice, kind.comorbid) if k not in barred and k != kind.disease)


def _option(dice: Dice, kind: Archetype, severity: int, allergy: str) -> tuple[str, float]:
    """Choose among rival drugs: never the contraindicated; sicker patients get the stronger."""
    barred = {allergy} | _KIN.get(allergy, set())
    allowed = [o for o in kind.options if o[0] not in barred]
    return dice.weighted(allowed, [1 + 0.25 * severity * effect for _, effect in allowed])


@dataclass(frozen=True, slots=True)
class _Fate:
    response: float
    improved: bool
    risk: float
    relapsed: bool
    died: bool


def _fate(dice: Dice, severity: int, age: int, burden: float, effect: float) -> _Fate:
    """Draw how it went; the coefficients are the hidden truth that models are held against."""
    response = _sigmoid(-1.0 + 1.3 * effect - 0.3 * (severity - 1))
    risk = _sigmoid(-2.9 + 0.8 * severity + 0.022 * (age - 60) + burden - 0.6 * effect)
    relapsed = dice.chance(risk)
    died = relapsed and severity == 2 and age > 40 and dice.chance(0.35)
    return _Fate(response, dice.chance(response), risk, relapsed, died)


def draw(seed: int, index: int) -> Course:
    """Draw the whole course of patient `index`."""
    dice = Dice(seed, index, 1)
    kind = _archetype(dice, seed, index)
    severity = dice.at((0, 1, 2), (0.4, 0.77, 1.0))
    age = dice.between(*kind.ages)
    female = dice.chance(0.5) if kind.sex == "any" else kind.sex == "female"
    symptoms = _drawn(dice, kind.symptoms, _STAGE_SCALE[severity]) or (kind.symptoms[0][0],)
    markers = tuple(k for k in kind.stages[severity] if dice.chance(0.92) and k not in symptoms)
    signs = tuple(k for k in _drawn(dice, kind.signs) if k not in symptoms and k not in markers)
    comorbid = _comorbid(dice, kind, age, female)
    ills = _drawn(dice, kind.complications, _ILLNESS_SCALE[severity])
    ills = tuple(k for k in ills if k not in comorbid and k != kind.disease)
    allergy = dice.pick(_ALLERGIES) if dice.chance(0.34) else ""
    option, effect = _option(dice, kind, severity, allergy)
    barred = {allergy, option} | _KIN.get(allergy, set())
    held = {*symptoms, *markers, *signs, *comorbid, *ills, kind.disease}
    fate = _fate(dice, severity, age, 0.25 * len(comorbid) + 0.5 * len(ills), effect)
    return Course(
        index, kind, severity, age, female, symptoms, signs, markers,
        excluded=tuple(k for k in kind.denies if k not in held and dice.chance(0.8)),
        comorbid=comorbid,
        complications=ills,
        drugs=tuple(k for k in _drawn(dice, kind.drugs) if k not in barred),
        acute=tuple(k for k in _drawn(dice, kind.acute) if k not in barred),
        procedures=_drawn(dice, kind.procedures),
        option=option,
        allergy=allergy,
        reaction=dice.pick(_REACTIONS[allergy]) if allergy else "",
        response=fate.response, improved=fate.improved,
        risk=fate.risk, relapsed=fate.relapsed, died=fate.died,
    )  # fmt: skip


def features(patients: int, seed: int = DEFAULT_SEED) -> Iterator[FeatureRecord]:
    """Stream patients as features only: no FHIR, no notes, the same people as `generate`."""
    table = concepts()
    for index in range(patients):
        course = draw(seed, index)
        found = [table[key] for key in course.observed]
        yield FeatureRecord(
            patient_id=patient_id(seed, index),
            age=course.age,
            sex="female" if course.female else "male",
            observed=tuple(c.name for c in found),
            codes=tuple(f"SNOMED|{c.code}" if c.code else "" for c in found),
            excluded=tuple(table[key].name for key in course.excluded),
            drugs=tuple(table[key].name for key in (course.option, *course.drugs)),
            cluster=course.cluster,
            twin_id=patient_id(seed, index ^ 1),
            risk=course.risk,
            relapsed=course.relapsed,
            treatment=table[course.option].name,
            improved=course.improved,
        )
