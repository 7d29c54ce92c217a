"""Stream patients: patient i is a pure function of (seed, i), so 50 begin any larger hospital."""

from __future__ import annotations

from collections.abc import Iterator

from eval.hospital.bundle import patient_bundle
from eval.hospital.case import Case, build
from eval.hospital.course import DEFAULT_SEED, patient_id
from eval.hospital.model import PatientChart, Truth
from eval.hospital.notes import write_notes
from eval.hospital.vocabulary import concepts


def _truth(seed: int, case: Case) -> Truth:
    course, table = case.course, concepts()
    drugs = (course.option, *course.drugs, *case.home_drugs)
    return Truth(
        patient_id=case.person.patient_id,
        archetype=course.archetype.key,
        severity=course.severity,
        cluster=course.cluster,
        twin_id=patient_id(seed, course.index ^ 1),
        observed=tuple(table[k].name for k in course.observed),
        excluded=tuple(table[k].name for k in course.excluded),
        drugs=tuple(dict.fromkeys(table[k].name for k in drugs)),
        treatment=table[course.option].name,
        response=course.response,
        improved=course.improved,
        risk=course.risk,
        relapsed=course.relapsed,
        died=course.died,
    )


def chart(seed: int, index: int) -> PatientChart:
    """Make patient `index` of the hospital that `seed` makes."""
    case = build(seed, index)
    notes = write_notes(seed, case)
    bundle = patient_bundle(seed, case, notes)
    return PatientChart(index, case.person.patient_id, bundle, notes, _truth(seed, case))


def generate(patients: int, seed: int = DEFAULT_SEED) -> Iterator[PatientChart]:
    """Stream the charts of a hospital, one in memory at a time."""
    for index in range(patients):
        yield chart(seed, index)
