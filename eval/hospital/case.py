"""Put a course on a calendar: encounters, results, vital signs, team and past."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from eval.hospital.course import draw
from eval.hospital.dice import Dice, mix
from eval.hospital.model import Course, Lab, Person
from eval.hospital.people import Author, person, staff
from eval.hospital.vocabulary import concepts, labs

USUAL_DRUG = {
    "hypertension": ("amlodipine", "lisinopril", "hydrochlorothiazide", "losartan"),
    "hyperlipidemia": ("atorvastatin", "rosuvastatin"),
    "t2dm": ("metformin", "glipizide", "empagliflozin"),
    "gerd": ("omeprazole", "famotidine"),
    "hypothyroidism": ("levothyroxine",),
    "depression": ("sertraline", "escitalopram"),
    "anxiety": ("escitalopram", "sertraline"),
    "afib": ("apixaban", "metoprolol"),
    "cad": ("aspirin", "atenolol"),
    "copd": ("albuterol", "tiotropium"),
    "asthma": ("albuterol", "fluticasone"),
    "bph": ("tamsulosin",),
    "osteoporosis": ("alendronate",),
    "osteoarthritis": ("acetaminophen",),
    "heart_failure": ("furosemide", "carvedilol"),
    "allergic_rhinitis": ("cetirizine",),
    "migraine": ("sumatriptan",),
    "insomnia": ("trazodone",),
    "gout": ("allopurinol",),
}
_PAST = (
    ("pneumonia", 18), ("dvt", 30), ("kidney_stones", 25), ("appendicitis", 12), ("shingles", 50),
    ("hip_fracture", 70), ("tia", 60), ("depression", 20), ("gi_bleed", 50), ("pyelonephritis", 18),
    ("c_difficile", 50), ("mi", 60), ("gout", 45), ("cellulitis", 30), ("pancreatitis", 40),
)  # fmt: skip
_PAST_PROCEDURE = (
    ("appendectomy", 10), ("cholecystectomy", 35), ("hip_replacement", 68), ("colonoscopy", 50),
    ("cath", 60), ("joint_injection", 45), ("egd", 40),
)  # fmt: skip
_STOPPED = (
    ("lisinopril", "cough"), ("metformin", "loose stools"), ("naproxen", "stomach upset"),
    ("amlodipine", "ankle swelling"), ("simvastatin", "muscle aches"), ("sertraline", "no benefit"),
    ("gabapentin", "drowsiness"), ("atenolol", "slow pulse"), ("prednisone", "mood changes"),
    ("warfarin", "nosebleeds"), ("oxycodone", "constipation"),
)  # fmt: skip
_FAMILY = (
    "mi breast_cancer colon_cancer t2dm stroke hypertension dementia lung_cancer depression "
    "rheumatoid_arthritis asthma heart_failure afib parkinsons gout"
).split()
_FAMILY_YOUNG = "asthma t2dm hypertension migraine depression celiac eczema epilepsy".split()
_NORMAL = {"hr": 76.0, "rr": 15.0, "spo2": 98.0, "sbp": 124.0, "temp": 36.8}


@dataclass(frozen=True, slots=True)
class Encounter:
    """One contact with the hospital; `kind` is the HL7 ActCode class."""

    number: int
    kind: str
    start: datetime
    end: datetime
    service: str
    phase: str


@dataclass(frozen=True, slots=True)
class Result:
    """One lab value at one time."""

    lab: Lab
    value: float
    when: datetime
    encounter: int


@dataclass(frozen=True, slots=True)
class Vitals:
    """One set of vital signs; degrees Celsius, mmHg, percent, per minute, kilograms."""

    when: datetime
    encounter: int
    hr: int
    rr: int
    spo2: int
    sbp: int
    dbp: int
    temp: float
    weight: float


@dataclass(frozen=True, slots=True)
class Case:
    """A course with its dates and people."""

    course: Course
    person: Person
    onset: datetime
    encounters: tuple[Encounter, ...]
    team: dict[str, Author]
    home_drugs: tuple[str, ...]
    past: tuple[tuple[str, int], ...]
    past_procedures: tuple[tuple[str, int], ...]
    stopped: tuple[tuple[str, str, int], ...]
    family: tuple[str, ...]
    family_none: tuple[str, ...]
    died_on: datetime | None
    results: list[Result] = field(default_factory=list)
    vitals: list[Vitals] = field(default_factory=list)

    def meeting(self, phase: str) -> Encounter | None:
        """Find the encounter of a phase."""
        return next((e for e in self.encounters if e.phase == phase), None)

    @property
    def child(self) -> bool:
        """Say whether somebody else tells this patient's story."""
        return self.course.age < 13


def _calendar(dice: Dice, course: Course, onset: datetime, born: datetime) -> list[Encounter]:
    """Lay the encounters out: an earlier visit, the illness, the follow-up, perhaps a return."""
    kind, out = course.archetype, []
    stay = dice.between(2, 4) + 2 * course.severity + dice.between(0, 2)
    earlier = onset - timedelta(days=dice.between(70, 420), minutes=dice.between(0, 59))
    if course.comorbid and earlier - timedelta(days=30) > born and dice.chance(0.75):
        out.append(("AMB", earlier, timedelta(minutes=30), "Family Medicine", "before"))
    if kind.inpatient:
        out.append(("IMP", onset, timedelta(days=stay), kind.service, "illness"))
        gone = onset + timedelta(days=stay)
    else:
        out.append(("AMB", onset, timedelta(minutes=45), kind.service, "illness"))
        gone = onset + timedelta(days=2)
    after = gone + timedelta(days=dice.between(10, 40))
    back = gone + timedelta(days=dice.between(5, 80), hours=dice.between(0, 9))
    if course.relapsed:
        shape = (
            ("IMP", timedelta(days=dice.between(2, 7)))
            if course.severity
            else ("EMER", timedelta(hours=6))
        )
        out.append((shape[0], back, shape[1], "Emergency Medicine", "relapse"))
    if not (course.died and back <= after + timedelta(days=1)):
        out.append(("AMB", after, timedelta(minutes=30), kind.service, "follow-up"))
    out.sort(key=lambda e: e[1])
    return [Encounter(n, k, s, s + d, v, p) for n, (k, s, d, v, p) in enumerate(out)]


def _team(seed: int, course: Course) -> dict[str, Author]:
    """Staff the case; both patients of a twin pair meet the same hands."""
    hands = Dice(seed, course.index // 2, 3)
    team = {
        role: hands.pick(staff(role))
        for role in ("hospitalist", "emergency", "radiologist", "nurse", "primary", "surgeon")
    }
    turn = hands.between(0, 2)
    team["specialist"] = staff("specialist", course.archetype.service)[turn]
    if course.age < 13:
        team["hospitalist"] = staff("specialist", "Pediatrics")[turn - 1]
    return team


def _home_drugs(dice: Dice, course: Course) -> tuple[str, ...]:
    """List what the patient takes for the other conditions."""
    barred = {course.allergy, course.option, *course.drugs}
    rivals = {key for key, _ in course.archetype.options}
    out: list[str] = []
    table = concepts()
    for condition in course.comorbid:
        classes = {p for d in (course.option, *course.drugs, *out) for p in table[d].parents}
        free = [d for d in USUAL_DRUG.get(condition, ()) if not classes & set(table[d].parents)]
        choices = [d for d in free if d not in barred | rivals]
        if choices and dice.chance(0.85):
            out.append(dice.pick(choices))
    return tuple(dict.fromkeys(out))


def _history(
    dice: Dice, course: Course, year: int
) -> tuple[tuple[tuple[str, int], ...], tuple[tuple[str, int], ...]]:
    """Draw events that are over, each with its year."""
    held = {*course.observed, *course.excluded, *course.archetype.consider}
    held |= set(course.archetype.counsel)
    young = year - course.age + 5

    def dated(pool: tuple[tuple[str, int], ...], most: int) -> tuple[tuple[str, int], ...]:
        fit = [key for key, age in pool if course.age > age and key not in held]
        chosen = dice.some(fit, dice.between(0, most))
        return tuple((key, dice.between(max(young, year - 14), year - 2)) for key in chosen)

    done = set(course.procedures)
    procedures = tuple(p for p in _PAST_PROCEDURE if p[0] not in done)
    return dated(_PAST, 2), dated(procedures, 1)


def _round(value: float, decimals: int) -> float:
    return round(value, decimals) if decimals else float(round(value))


def results_for(
    case: Case, dice: Dice, encounter: Encounter, when: datetime, healed: float
) -> None:
    """Add one draw of labs; `healed` runs from 0 (at its worst) to 1 (recovered)."""
    scale = (0.7, 1.0, 1.3)[case.course.severity]
    for key, worst, after in case.course.archetype.labs:
        lab = labs()[key]
        first = after + (worst - after) * scale
        middle = first + (after - first) * healed
        value = max(middle + dice.near(0, abs(middle) * 0.04), min(worst, after) * 0.5)
        case.results.append(Result(lab, _round(value, lab.decimals), when, encounter.number))


def vitals_for(
    case: Case, dice: Dice, encounter: Encounter, when: datetime, healed: float
) -> Vitals:
    """Add one set of vital signs."""
    worst, found = case.course.archetype.vitals, {}
    scale = (0.7, 1.0, 1.2)[case.course.severity]
    young = case.course.age < 6
    for key, normal in _NORMAL.items():
        base = {"hr": 116.0, "rr": 28.0, "sbp": 92.0}.get(key, normal) if young else normal
        ill = base + (worst.get(key, base) - base) * scale
        found[key] = ill + (base - ill) * healed + dice.near(0, 0.2 if key == "temp" else 3)
    sbp = round(found["sbp"])
    age = case.course.age
    heavy = 18 if "obesity" in case.course.comorbid else 0
    stable = Dice(mix(case.course.index, age)).near(0, 9)
    weight = 4 + age * 3.2 if age < 16 else (64 if case.course.female else 79) + heavy + stable
    made = Vitals(
        when,
        encounter.number,
        round(found["hr"]),
        round(found["rr"]),
        min(round(found["spo2"]), 100),
        sbp,
        round(sbp * 0.58 + dice.near(4, 4)),
        round(found["temp"], 1),
        round(weight + (1 - healed) * (2.5 if "leg_swelling" in case.course.symptoms else 0), 1),
    )
    case.vitals.append(made)
    return made


def build(seed: int, index: int) -> Case:
    """Draw patient `index` and lay their story on the calendar."""
    course = draw(seed, index)
    who, day = person(seed, index, course.age, course.female)
    dice = Dice(seed, index, 4)
    onset = datetime(day.year, day.month, day.day, dice.between(8, 15), dice.between(0, 59))
    born = datetime(who.born.year, who.born.month, who.born.day)
    encounters = _calendar(dice, course, onset, born)
    past, past_procedures = _history(dice, course, onset.year)
    home = _home_drugs(dice, course)
    taken = {course.option, *course.drugs, *course.acute, *home, course.allergy}
    gone = [s for s in _STOPPED if s[0] in concepts() and s[0] not in taken]
    stopped = dice.pick(gone) if gone and course.age > 30 and dice.chance(0.45) else None
    pool = _FAMILY if course.age > 25 else _FAMILY_YOUNG
    relatives = [k for k in pool if k != course.archetype.disease]
    chosen = dice.some(relatives, 3)
    relapse = next((e for e in encounters if e.phase == "relapse"), None)
    return Case(
        course=course,
        person=who,
        onset=onset,
        encounters=tuple(encounters),
        team=_team(seed, course),
        home_drugs=home,
        past=past,
        past_procedures=past_procedures,
        stopped=((*stopped, onset.year - dice.between(1, 4)),) if stopped else (),
        family=tuple(chosen[: dice.between(1, 2)]),
        family_none=tuple(chosen[2:]),
        died_on=relapse.end if course.died and relapse else None,
    )
