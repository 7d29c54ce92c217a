"""Studies of the invented hospital: who takes part, and how their trials went by the month.

They are no part of a chart or of the benchmark: what was measured on those stays as it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from eval.hospital.case import Case, build
from eval.hospital.coding import HL7, Json, codeable, coded, entry, instant
from eval.hospital.course import DEFAULT_SEED, draw
from eval.hospital.dice import Dice, stable_id
from eval.hospital.people import HOSPITAL_ID, everyone
from eval.hospital.vocabulary import concepts

_STREAM = 31  # of the seed, that no chart draws from
_JOINS = 0.6  # of those who have the condition
_MONTHS = 12  # of trial metrics
_FIRST_YEAR = 2020
_SITES = ("Harrow Point", "Mill Lane clinic")


@dataclass(frozen=True, slots=True)
class Study:
    """`condition` and `focus` are keys of the vocabulary; `phase` "" for one that only observes."""

    key: str
    title: str
    description: str
    condition: str
    focus: str
    aim: str
    phase: str = ""
    arms: tuple[str, ...] = ()


STUDIES = (
    Study(
        "sugar", "Home glucose sensors in type 2 diabetes",
        "A randomised trial of continuous glucose monitoring against finger sticks in adults with "
        "type 2 diabetes on metformin: time in range, and how often blood sugar fell too low.",
        "t2dm", "metformin", "Time in range after six months", "phase-4",
        ("Sensor", "Finger sticks"),
    ),
    Study(
        "pressure", "Two drugs or one to begin with in high blood pressure",
        "A randomised comparison of beginning with an ACE inhibitor alone or together with a "
        "calcium channel blocker in people with newly treated hypertension.",
        "hypertension", "lisinopril", "Blood pressure below 130/80 mm[Hg] at three months",
        "phase-3", ("One drug", "Two drugs"),
    ),
    Study(
        "kidney", "Register of kidney function after acute illness",
        "Everybody with kidney disease who was in hospital is followed for two years: creatinine, "
        "return to hospital, dialysis. Nothing is given and nothing is changed.",
        "ckd", "", "Kidney function after two years",
    ),
)  # fmt: skip


def studies_bundle(patients: int, seed: int = DEFAULT_SEED) -> Json:
    """Write the studies with those of the first `patients` who take part."""
    entries = [entry(_study(each)) for each in STUDIES]
    for index in range(patients):
        course = draw(seed, index)
        ill = {course.archetype.disease, *course.comorbid}
        dice = Dice(seed, index, _STREAM)
        joined = [each for each in STUDIES if dice.chance(_JOINS) and each.condition in ill]
        if joined and course.age >= 18:
            case = build(seed, index)
            entries += [entry(_subject(each, case, dice)) for each in joined]
    return {
        "resourceType": "Bundle", "id": stable_id("bundle", "studies"), "type": "transaction",
        "entry": entries,
    }  # fmt: skip


def study_id(study: Study) -> str:
    """Name a study's resource."""
    return stable_id("study", study.key)


def _study(study: Study) -> Json:
    table = concepts()
    lead = next(each for each in everyone() if each.author_id)
    found: Json = {
        "resourceType": "ResearchStudy", "id": study_id(study), "status": "active",
        "title": study.title, "description": study.description,
        "category": [{"text": "Interventional" if study.phase else "Observational"}],
        "condition": [codeable(table[study.condition])],
        "period": {"start": f"{_FIRST_YEAR}-01-01", "end": "2027-12-31"},
        "sponsor": {"reference": f"Organization/{HOSPITAL_ID}"},
        "principalInvestigator": {"reference": f"Practitioner/{lead.author_id}"},
        "objective": [{"name": study.aim}],
    }  # fmt: skip
    if study.focus:
        found["focus"] = [codeable(table[study.focus])]
    if study.phase:
        found["phase"] = coded(f"{HL7}/research-study-phase", study.phase)
        found["arm"] = [{"name": name} for name in study.arms]
    return found


def _subject(study: Study, case: Case, dice: Dice) -> Json:
    start = case.encounters[-1].end
    left = dice.chance(0.2)
    period = {"start": instant(start)}
    if left:
        period["end"] = instant(start + timedelta(days=dice.between(20, 200)))
    found: Json = {
        "resourceType": "ResearchSubject", "id": stable_id("subject", study.key, case.person.mrn),
        "status": "withdrawn" if left else "on-study", "period": period,
        "study": {"reference": f"ResearchStudy/{study_id(study)}"},
        "individual": {"reference": f"Patient/{case.person.patient_id}"},
    }  # fmt: skip
    if study.arms:
        found["assignedArm"] = found["actualArm"] = dice.pick(study.arms)
    return found


def trial_lines(now: datetime, seed: int = DEFAULT_SEED) -> bytes:
    """Write line protocol (seconds) of the trials' last months, each site's on the first of the
    month; a month's numbers are the same whenever they are written."""
    this = now.astimezone(UTC).year * 12 + now.astimezone(UTC).month - 1
    lines = []
    for number, study in enumerate(each for each in STUDIES if each.phase):
        for place, site in enumerate(_SITES):
            for month in range(this - _MONTHS + 1, this + 1):
                dice = Dice(seed, month, _STREAM + 10 * number + place)
                people = 2 * (month - 12 * _FIRST_YEAR) + place
                at = datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
                name = site.replace(" ", "\\ ")
                lines.append(
                    f"trial_data,trial={study_id(study)},site={name},type=enrolment "
                    f"value={dice.between(2, 9)},patients={people}i,"
                    f"adverse_events={dice.between(0, 3)}i,"
                    f"protocol_deviations={dice.between(0, 2)}i,"
                    f"quality={dice.between(88, 99) / 100} {int(at.timestamp())}"
                )
    return "\n".join(lines).encode() + b"\n"
