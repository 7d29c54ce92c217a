"""The words on which all notes of a patient agree: pronouns, sides, numbers, relatives."""

from __future__ import annotations

import re

from eval.hospital.case import Case
from eval.hospital.dice import Dice
from eval.hospital.model import Course
from eval.hospital.prose import Said, Slot

_JOBS = (
    "machinist", "bus driver", "schoolteacher", "line cook", "electrician", "bookkeeper",
    "fisherman", "carpenter", "librarian", "mail carrier", "seamstress", "dairy farmer",
)  # fmt: skip
_BUGS = ("E. coli", "Klebsiella", "MSSA", "Enterococcus", "Proteus")
_DAYS = ("Monday", "Tuesday", "Thursday", "Friday", "Saturday", "Sunday")
_HALVES = ("AM", "PM")


def _numbers(dice: Dice, course: Course) -> dict[str, Slot]:
    """Draw the sides, places and numbers of the illness."""
    lobe = dice.pick(("right lower", "left lower", "right middle", "right upper"))
    reduced = "reduced_ef" in course.markers
    return {
        "side": dice.pick(("left", "right")), "lobe": lobe, "lobe_cap": lobe.capitalize(),
        "ef": str(dice.between(20, 36) if reduced else dice.between(52, 64)),
        "vessel": dice.pick(("LAD", "RCA", "circumflex")),
        "pct": str(dice.pick((60, 75, 80, 90, 95))),
        "ratio": f"{dice.between(7, 13) / 10:.1f}", "trop": f"{dice.between(20, 240) / 10:.1f}",
        "nihss": str(dice.between(3, 8) + 6 * course.severity), "bug": dice.pick(_BUGS),
        "vein": dice.pick(("popliteal", "femoral", "posterior tibial")),
        "n": str(dice.between(2, 4)),
        "n0": str(dice.between(28, 58)), "weekday": dice.pick(_DAYS),
        "weeks": str(dice.pick((4, 6, 8, 12))),
        "hour": f"{dice.between(1, 12)}:{dice.pick(('00', '15', '30', '45'))} {dice.pick(_HALVES)}",
        "years": str(dice.between(58, 88)), "decade": str(dice.pick((50, 60, 70))),
        "gest": str(dice.between(29, 37)), "phq": str(dice.between(8, 12) + 5 * course.severity),
        "moca": str(dice.between(21, 25) - 6 * course.severity),
        "tumor": f"{dice.between(12, 46) / 10:.1f}",
    }  # fmt: skip


def slots(case: Case, dice: Dice) -> dict[str, Slot]:
    """Fill the words on which every note of a patient agrees."""
    course, who = case.course, case.person
    age, female = course.age, course.female
    partner, child = ("her husband", "her daughter") if female else ("his wife", "his daughter")
    friend = "her sister" if female else "his brother"
    kin = (partner, friend, child) if age > 45 else (partner, friend)
    months = max((case.onset.date() - who.born).days // 30, 1)
    pronoun = ("she", "her", "her", "herself") if female else ("he", "his", "him", "himself")
    relative = dice.pick(kin) if age > 20 else f"{'her' if female else 'his'} mother"
    child = (
        ("girl" if female else "boy") if age >= 2 else ("infant girl" if female else "infant boy")
    )
    parent = dice.pick(("mother", "mother", "father"))
    job = dice.pick(_JOBS)
    old = f"{months}-month-old" if age < 2 else f"{age}-year-old"
    grade = course.archetype.grades[course.severity]
    return {
        "he": pronoun[0], "his": pronoun[1], "him": pronoun[2], "himself": pronoun[3],
        "He": pronoun[0].capitalize(), "His": pronoun[1].capitalize(), "given": who.given,
        "Mr": f"{'Ms.' if female else 'Mr.'} {who.family}" if age > 17 else who.given,
        "age": str(age), "sexword": ("woman" if female else "man") if age > 17 else child,
        "sexletter": "F" if female else "M", "kin": relative, "Kin_cap": relative.capitalize(),
        "childage": old, "a_childage": f"{'an' if re.match('8|1[18]-', old) else 'a'} {old}",
        "childword": child,
        "parent": parent, "parent_cap": parent.capitalize(),
        "job": job, "job_cap": job.capitalize(),
        "grade": grade, "grade_cap": grade[0].upper() + grade[1:],
        "service": course.archetype.service.lower(), "onset": case.onset.strftime("%B %Y"),
        "days": _lasting(dice, case), "option": Said((course.option,)),
        "main": Said((course.archetype.disease,)), "year": str(case.onset.year - 1),
        **_numbers(dice, course),
    }  # fmt: skip


_SUDDEN = frozenset(
    "myocardial_infarction stroke pulmonary_embolism appendicitis hip_fracture gi_bleed "
    "atrial_fibrillation alcohol_withdrawal".split()
)
_SLOW = frozenset("hip_osteoarthritis cirrhosis colon_cancer tuberculosis aortic_stenosis".split())


def _lasting(dice: Dice, case: Case) -> str:
    if case.course.archetype.key in _SUDDEN:
        return dice.pick(("several hours", "about six hours", "two hours", "half a day", "one day"))
    if case.course.archetype.key in _SLOW:
        return dice.pick(("several weeks", "two months", "about a month", "most of a year"))
    if case.course.archetype.inpatient or case.child:
        return dice.pick(
            ("two days", "three days", "1 day", "about a week", "four days", "48 hours")
        )
    return dice.pick(("a few days", "two weeks", "about a month", "a week or so", "three weeks"))
