"""What patients alike were given for a condition, and what became of them: options, not advice.

Options that the graph marks (contraindicated, allergy, interaction) stand first and keep their
marks; the others follow by how often the outcome was good among patients alike, shrunk towards
what all options reached, so that three lucky cases do not lead.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rankers.outcomes import wilson

LEAST_CASES = 5  # of an option, alike enough to count
LEAST_ALL = 20  # of all options together: fewer, and nothing is told
_PRIOR = 4.0  # cases' worth of belief in what all options reached
SEVERITIES = ("contraindicated", "allergy", "major", "moderate", "minor", "unchecked")


@dataclass(frozen=True, slots=True)
class Case:
    """One patient with the condition: what was given, whether the recorded outcome was good, and
    the likeness to the patient asked about, 0 to 1."""

    patient_id: str
    treatment: str
    good: bool
    likeness: float


@dataclass(frozen=True, slots=True)
class Caution:
    """Why an option needs a second look. `kind` is one of SEVERITIES, `stated_by` the knowledge
    that says so, `source` the record or note of the patient ("Type/id") that it rests on."""

    kind: str
    words: str
    stated_by: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True)
class Option:
    """`good` of `cases` patients alike; [`low`, `high`] is Wilson's 95 % interval of that share;
    `expected` is what it is ranked by. `withheld`: too few cases to tell a share by."""

    treatment: str
    cases: int
    good: int
    low: float
    high: float
    expected: float
    cautions: tuple[Caution, ...]
    patients: tuple[str, ...]
    withheld: bool


@dataclass(frozen=True, slots=True)
class Options:
    """`told` False: too little is known, `why` says so; cautions are shown all the same."""

    options: tuple[Option, ...]
    told: bool
    why: str = ""


def rank(cases: Sequence[Case], cautions: Mapping[str, Sequence[Caution]]) -> Options:
    """Rank what was given; `cautions` by treatment, and an option that only they name is told."""
    by: dict[str, list[Case]] = {name: [] for name in cautions}
    for case in cases:
        by.setdefault(case.treatment, []).append(case)
    weight = np.array([case.likeness for case in cases], np.float64)
    good = np.array([case.good for case in cases], np.float64)
    overall = float(np.average(good, weights=weight)) if weight.sum() > 0 else 0.5
    options = [
        _option(name, own, cautions.get(name, ()), overall) for name, own in sorted(by.items())
    ]
    # What one lucky case speaks for stands behind what a share is told of.
    options.sort(key=lambda o: (_severity(o), o.withheld, -o.expected, o.treatment))
    if len(cases) < LEAST_ALL:
        why = f"{len(cases)} patients alike are too few to tell by; {LEAST_ALL} are needed"
        return Options(tuple(o for o in options if o.cautions), False, why)
    return Options(tuple(options), True)


def _severity(option: Option) -> int:
    ranks = [SEVERITIES.index(each.kind) for each in option.cautions]
    return min(ranks) if ranks else len(SEVERITIES)


def _option(
    name: str, cases: Sequence[Case], cautions: Sequence[Caution], overall: float
) -> Option:
    weight = np.array([case.likeness for case in cases], np.float64)
    good = np.array([case.good for case in cases], np.float64)
    # Likeness as weight, scaled so that the weights count cases.
    scale = weight / weight.mean() if len(cases) and weight.mean() > 0 else np.ones(len(cases))
    expected = (float((scale * good).sum()) + _PRIOR * overall) / (float(scale.sum()) + _PRIOR)
    low, high = wilson(float(good.sum()), len(cases))
    nearest = sorted(cases, key=lambda case: (-case.likeness, case.patient_id))[:5]
    return Option(
        name, len(cases), int(good.sum()), low, high, expected, tuple(cautions),
        tuple(case.patient_id for case in nearest), len(cases) < LEAST_CASES,
    )  # fmt: skip
