"""The nouns of the generator: a latent course, the chart it leaves, and the truth beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from indexing.model import Assertion

Weighted = tuple[tuple[str, float], ...]  # (key, probability)


@dataclass(frozen=True, slots=True)
class Concept:
    """A clinical idea and the words people use for it; `code` is SNOMED CT, RxNorm for drugs."""

    key: str
    kind: str
    name: str
    code: str
    icd: str
    terms: tuple[str, ...]
    short: tuple[str, ...]
    lay: tuple[str, ...]
    parents: tuple[str, ...]
    sigs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lab:
    """A measurable analyte with its adult reference range."""

    key: str
    name: str
    loinc: str
    unit: str
    low: float
    high: float
    decimals: int
    short: str


@dataclass(frozen=True, slots=True)
class Archetype:
    """A disease course that patients are drawn from; effects in `options` are invented."""

    key: str
    disease: str
    service: str
    weight: float
    ages: tuple[int, int]
    sex: str
    inpatient: bool
    symptoms: Weighted
    denies: tuple[str, ...]
    signs: Weighted
    stages: tuple[tuple[str, ...], ...]
    grades: tuple[str, ...]
    labs: tuple[tuple[str, float, float], ...]
    vitals: Mapping[str, float]
    comorbid: Weighted
    drugs: Weighted
    options: tuple[tuple[str, float], ...]
    acute: Weighted
    procedures: Weighted
    complications: Weighted
    consider: tuple[str, ...]
    counsel: tuple[str, ...]
    colour: tuple[str, ...]
    story: tuple[str, ...]
    plan: tuple[str, ...]
    imaging: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Course:
    """What is really the matter with patient `index`; a pure function of (seed, index).

    `risk` is the true probability of the bad outcome (readmitted or dead within 90 days);
    `response` the true probability that `option` helps, `improved` what was recorded.
    """

    index: int
    archetype: Archetype
    severity: int
    age: int
    female: bool
    symptoms: tuple[str, ...]
    signs: tuple[str, ...]
    markers: tuple[str, ...]
    excluded: tuple[str, ...]
    comorbid: tuple[str, ...]
    complications: tuple[str, ...]
    drugs: tuple[str, ...]
    acute: tuple[str, ...]
    procedures: tuple[str, ...]
    option: str
    allergy: str
    reaction: str
    response: float
    improved: bool
    risk: float
    relapsed: bool
    died: bool

    @property
    def cluster(self) -> str:
        """Name the ground-truth neighbourhood: archetype and severity."""
        return f"{self.archetype.key}/{self.severity}"

    @property
    def observed(self) -> tuple[str, ...]:
        """List the concept keys that truly hold of the patient."""
        parts = (self.symptoms, self.signs, self.markers, self.comorbid, self.complications)
        return tuple(dict.fromkeys((self.archetype.disease, *(k for p in parts for k in p))))


@dataclass(frozen=True, slots=True)
class FeatureRecord:
    """One patient as features only; codes are "SNOMED|…" or "", aligned with `observed`."""

    patient_id: str
    age: int
    sex: str
    observed: tuple[str, ...]
    codes: tuple[str, ...]
    excluded: tuple[str, ...]
    drugs: tuple[str, ...]
    cluster: str
    twin_id: str
    risk: float
    relapsed: bool
    treatment: str
    improved: bool


@dataclass(frozen=True, slots=True)
class TruthMention:
    """A concept named at `text[start:end]` of a note, and what the words there say of it.

    `copied`: in a paragraph pasted from an earlier note. `allergy`: named as what the patient
    reacts to; the assertion then speaks of the drug, which is not taken.
    """

    start: int
    end: int
    text: str
    concept: str
    assertion: Assertion
    copied: bool = False
    allergy: bool = False


@dataclass(frozen=True, slots=True)
class Note:
    """One note as generated; `main` are the concepts it is about, `status` the note-level truth."""

    doc_id: str
    kind: str
    loinc: str
    title: str
    when: datetime
    author_id: str
    author: str
    specialty: str
    encounter: int
    text: str
    mentions: tuple[TruthMention, ...]
    status: Mapping[str, Assertion]
    main: tuple[str, ...]
    markup: str = "text/plain"


@dataclass(frozen=True, slots=True)
class Truth:
    """What the generator knows of a patient and no reader of the chart is told."""

    patient_id: str
    archetype: str
    severity: int
    cluster: str
    twin_id: str
    observed: tuple[str, ...]
    excluded: tuple[str, ...]
    drugs: tuple[str, ...]
    treatment: str
    response: float
    improved: bool
    risk: float
    relapsed: bool
    died: bool


@dataclass(frozen=True, slots=True)
class PatientChart:
    """A patient's FHIR transaction bundle, notes and ground truth."""

    index: int
    patient_id: str
    bundle: dict[str, Any]
    notes: tuple[Note, ...]
    truth: Truth


@dataclass(frozen=True, slots=True)
class Person:
    """Who the patient is on paper."""

    patient_id: str
    mrn: str
    given: str
    middle: str
    family: str
    female: bool
    born: date
    street: str
    town: str
    postal: str
    phone: str
