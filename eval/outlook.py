"""How good the outlook is, on invented patients whose truth is known: calibration, skill, ranking.

The generator draws each patient's risk and response from a hidden formula; what is seen is the
chart's findings, and whether the patient relapsed or improved.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from eval.hospital import features
from eval.hospital.model import FeatureRecord
from eval.hospital.vocabulary import archetypes, concepts
from indexing.features import Profile, table_of
from rankers.composite import Composite
from rankers.outcomes import (
    Calibration,
    Floats,
    KnownPatient,
    NearestRisk,
    brier_skill,
    calibration_error,
    reliability,
    subgroups,
)
from rankers.patients import PatientIndex
from rankers.treatments import Case, Caution, rank

SEED = 20261128
_RESAMPLED = 500
Chances = Callable[[Sequence[KnownPatient]], tuple[Floats, NDArray[np.bool_]]]


@dataclass(frozen=True, slots=True)
class RiskFigures:
    """On held-out patients: `error` expected calibration error, `skill` Brier skill over the base
    rate with its 95 % bootstrap interval, `withheld` how many were told nothing; `truth_error` is
    the mean distance to the generator's own risk, NaN where no truth is known."""

    known: int
    held_out: int
    withheld: int
    base_rate: float
    error: float
    skill: float
    low: float
    high: float
    truth_error: float
    groups: Mapping[str, tuple[int, float, float]]
    bins: tuple[tuple[int, float, float, float, float], ...] = ()


def known_patient(record: FeatureRecord) -> KnownPatient:
    """Return a generated patient as a model sees one."""
    return KnownPatient(
        record.patient_id, frozenset({*record.observed, *record.drugs}), record.age, record.sex,
        record.relapsed,
    )  # fmt: skip


def risk(known: int, held_out: int, calibration: Calibration, seed: int = SEED) -> RiskFigures:
    """Fit on `known` patients and measure on as many others as asked."""
    records = list(features(known + held_out, seed))
    people = [known_patient(each) for each in records]
    model = NearestRisk(people[:known], calibration)
    truth = np.array([each.risk for each in records[known:]])
    return measured(model.chances, people[known:], model.base_rate, known, truth)


def measured(
    chances_of: Chances, held_out: Sequence[KnownPatient], base_rate: float, known: int,
    truth: Floats | None = None,
) -> RiskFigures:  # fmt: skip
    """Hold what a model tells of patients that it has not seen against what became of them."""
    chances, withheld = chances_of(held_out)
    told = ~withheld
    outcome = np.array([bool(each.outcome) for each in held_out], np.float64)[told]
    own = chances[told]
    low, high = interval(own, outcome, base_rate)
    kept = [each for each, one in zip(held_out, told.tolist(), strict=True) if one]
    apart = float("nan") if truth is None else float(np.abs(own - truth[told]).mean())
    return RiskFigures(
        known, len(held_out), int(withheld.sum()), base_rate, calibration_error(own, outcome),
        brier_skill(own, outcome, base_rate), low, high, apart, subgroups(kept, own),
        reliability(own, outcome),
    )  # fmt: skip


def interval(chances: Floats, outcome: Floats, base_rate: float) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of the Brier skill."""
    chance = np.random.default_rng(SEED)
    draws = chance.integers(0, len(chances), (_RESAMPLED, len(chances)))
    skills = [brier_skill(chances[rows], outcome[rows], base_rate) for rows in draws]
    low, high = np.quantile(skills, (0.025, 0.975))
    return float(low), float(high)


@dataclass(frozen=True, slots=True)
class TreatmentFigures:
    """`tau` is Kendall's over the pairs of options of each condition whose true effects differ;
    `unmarked` counts contraindicated options that were shown without their mark."""

    patients: int
    conditions: int
    pairs: int
    tau: float
    asked: int
    unmarked: int


def treatments(patients: int, asked: int = 200, seed: int = SEED) -> TreatmentFigures:
    """Rank each condition's options for some patients with it, as patients alike fared: those near
    the composite of the patient and of whom a treatment helped."""
    records = list(features(patients, seed))
    table = table_of({e.patient_id: Profile.of({*e.observed, *e.drugs}) for e in records})
    composite = Composite(table, PatientIndex(table).information, ())
    effects = _effects()
    right = wrong = unmarked = 0
    met = set[str]()
    turns = np.random.default_rng(seed).permutation(patients)[:asked]
    for number in turns.tolist():
        condition = records[number].cluster.partition("/")[0]
        others = [
            place for place, each in enumerate(records)
            if place != number and each.cluster.partition("/")[0] == condition
        ]  # fmt: skip
        likeness = composite.likeness(number, [n for n in others if records[n].improved])
        cases = [
            Case(records[n].patient_id, records[n].treatment, records[n].improved,
                 float(likeness[n]))
            for n in others
        ]  # fmt: skip
        allergic = next(iter(sorted({case.treatment for case in cases})), "")
        cautions = {allergic: (Caution("contraindicated", "an allergy on record"),)}
        answer = rank(cases, cautions)
        unmarked += sum(o.treatment == allergic and not o.cautions for o in answer.options)
        if not answer.told:
            continue
        met.add(condition)
        expected = {o.treatment: o.expected for o in answer.options}
        for one, other in combinations(sorted(expected), 2):
            apart = effects[condition].get(one, 0) - effects[condition].get(other, 0)
            if apart:
                same = (expected[one] - expected[other]) * apart > 0
                right, wrong = right + same, wrong + (not same)
    pairs = right + wrong
    return TreatmentFigures(
        patients, len(met), pairs, (right - wrong) / max(pairs, 1), len(turns), unmarked
    )


def _effects() -> Mapping[str, Mapping[str, float]]:
    table = concepts()
    return {
        kind.key: {table[key].name: effect for key, effect in kind.options} for kind in archetypes()
    }
