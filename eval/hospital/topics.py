"""Questions with known answers: topics over the generated notes, graded by the ground truth.

Grades: 3 present and what the note is about, 2 present, 1 historical or uncertain, 0 denied, of
the family, hypothetical, or outside the topic's period. Everything named is judged.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from eval.hospital.model import Note, PatientChart
from eval.hospital.vocabulary import concepts, descendants
from indexing.model import Assertion

_GRADE = {
    Assertion.PRESENT: 2,
    Assertion.HISTORICAL: 1,
    Assertion.UNCERTAIN: 1,
}


@dataclass(frozen=True, slots=True)
class Topic:
    """A question. Notes answer when they name one of `concepts` (and one of each of `also`).

    `allergy`: the note must tell of a reaction to the drug rather than of its use.
    With `also`, a note that names the first alone is worth 1 where the chart holds the second.
    """

    topic_id: str
    kind: str
    text: str
    concepts: frozenset[str]
    also: frozenset[str] = frozenset()
    year: int | None = None
    allergy: bool = False


def _family(key: str) -> frozenset[str]:
    return frozenset({key}) | descendants(key)


def _name(key: str) -> str:
    return concepts()[key].name


_FACTS = ("penicillin", "sulfa", "codeine", "morphine", "vancomycin")
_DENIED = (
    "chest_pain fever dyspnea headache vomiting syncope palpitations weight_loss cough rash "
    "hematuria diarrhea abdominal_pain hemoptysis joint_pain seizure"
).split()
_LAY = (
    "mi diuretic hypertension anticoagulant statin dyspnea stroke dvt pe pneumonia copd dysphagia "
    "hemoptysis melena gerd cellulitis uti hyperlipidemia ckd jaundice palpitations"
).split()
_SHORT = (
    "heart_failure copd afib dvt ckd uti gerd mi t2dm hypertension osa bph tuberculosis".split()
)
_PARENTS = (
    "anticoagulant arrhythmia beta_blocker diuretic antibiotic corticosteroid statin nsaid "
    "opioid thromboembolism autoimmune cancer mental_disorder bronchodilator antiplatelet "
    "antidepressant antiepileptic ppi insulin chemotherapy liver_disease lung_disease"
).split()
_COHORTS = (
    ("heart_failure", "beta_blocker", "patients with heart failure on a beta blocker"),
    ("afib", "anticoagulant", "atrial fibrillation treated with an anticoagulant"),
    ("copd", "corticosteroid", "COPD patients who were given steroids"),
    ("pneumonia", "antibiotic", "pneumonia treated with antibiotics"),
    ("t2dm", "insulin", "type 2 diabetes on insulin"),
    ("t2dm", "statin", "diabetics taking a statin"),
    ("hypertension", "diuretic", "high blood pressure treated with a diuretic"),
    ("mi", "antiplatelet", "myocardial infarction on an antiplatelet drug"),
    ("rheumatoid_arthritis", "dmard", "rheumatoid arthritis on disease-modifying drugs"),
    ("depression", "antidepressant", "depression treated with an antidepressant"),
)
_YEARED = ("pneumonia", "heart_failure", "stroke", "sepsis", "copd", "cellulitis", "uti", "pe")


def _single(kind: str, keys: Iterable[str], words: Callable[[str], str]) -> Iterator[Topic]:
    for key in keys:
        yield Topic(f"{kind}-{key}", kind, words(key), _family(key))


def topics() -> tuple[Topic, ...]:
    """List every question the generator can grade, whether a given hospital answers it or not."""
    table = concepts()
    out = [
        Topic(f"cohort-{a}-{b}", "cohort", text, _family(a), _family(b)) for a, b, text in _COHORTS
    ]
    out += [
        Topic(f"fact-{k}", "fact", f"reaction to {_name(k)}", frozenset({k}), allergy=True)
        for k in _FACTS
    ]
    out += _single("negated", _DENIED, _name)
    out += _single("lay", _LAY, lambda k: table[k].lay[0])
    out += _single("abbreviation", _SHORT, lambda k: table[k].short[0])
    out += _single("graph", _PARENTS, _name)
    out += [
        Topic(f"temporal-{k}-{year}", "temporal", f"{_name(k)} in {year}", _family(k), year=year)
        for k in _YEARED
        for year in (2021, 2022, 2023)
    ]
    return tuple(out)


def grade(topic: Topic, note: Note, patient_holds: frozenset[str]) -> int | None:
    """Judge a note: 0 to 3, or None where it does not touch the topic at all."""
    said = {k: note.status[k] for k in topic.concepts if k in note.status}
    if not said:
        return None
    if topic.allergy:
        return 3 if _reaction(topic, note) else 0
    best = max(_GRADE.get(status, 0) for status in said.values())
    if best == 2 and any(k in note.main and s is Assertion.PRESENT for k, s in said.items()):
        best = 3
    if topic.year is not None and note.when.year != topic.year:
        return 0
    if topic.also:
        here = any(note.status.get(k) is Assertion.PRESENT for k in topic.also)
        if not here:
            return min(best, 1) if topic.also & patient_holds else 0
    return best


def _reaction(topic: Topic, note: Note) -> bool:
    return any(m.concept in topic.concepts and m.allergy for m in note.mentions)


def judgements(chart: PatientChart, asked: Iterable[Topic]) -> Iterator[tuple[str, str, int]]:
    """Grade a patient's notes: (topic_id, doc_id, grade), for all that a topic touches."""
    holds = frozenset(k for n in chart.notes for k, s in n.status.items() if s in _GRADE)
    for topic in asked:
        for note in chart.notes:
            found = grade(topic, note, holds)
            if found is not None:
                yield topic.topic_id, note.doc_id, found
