"""Notes of a stay: emergency room, admission, rounds, consultation, discharge, return."""

from __future__ import annotations

from datetime import datetime, timedelta

from eval.hospital import sections as s
from eval.hospital.case import Encounter, Vitals, results_for, vitals_for
from eval.hospital.dice import Dice
from eval.hospital.prose import Said
from eval.hospital.scribe import Scribe
from indexing.model import Assertion


def emergency(scribe: Scribe, meeting: Encounter, v: Vitals, drawn: datetime) -> None:
    """Write the first look, when much is still uncertain."""
    page = scribe.page(scribe.case.team["emergency"])
    s.complaint(page)
    s.story(page, full=False)
    if scribe.dice.chance(0.5):
        s.past(page, brief=True)
    s.allergies(page)
    s.vitals(page, v)
    s.exam(page, ill=True)
    s.results(page, drawn)
    s.assessment(page, settled=False)
    s.precautions(page)
    scribe.keep(page, "Emergency department note", meeting.start, meeting, scribe.disease)


def admission(scribe: Scribe, meeting: Encounter, v: Vitals, drawn: datetime) -> None:
    """Write the history and physical in full."""
    page = scribe.page(scribe.case.team["hospitalist"])
    s.complaint(page)
    start = page.length
    s.story(page, full=True)
    scribe.carry = page.clip(start)
    s.past(page)
    s.drugs(page, "meds", scribe.case.home_drugs)
    s.allergies(page)
    s.family(page)
    s.social(page)
    s.review(page)
    s.vitals(page, v)
    s.exam(page, ill=True)
    s.results(page, drawn)
    s.assessment(page, settled=False)
    s.plan(page)
    when = meeting.start + timedelta(hours=5)
    scribe.keep(page, "History and physical", when, meeting, scribe.disease)


def daily(scribe: Scribe, meeting: Encounter, day: int, stay: int) -> None:
    """Write one day's progress note, perhaps with yesterday's history pasted in."""
    healed = day / max(stay, 1)
    when = meeting.start.replace(hour=9, minute=scribe.dice.between(0, 59)) + timedelta(days=day)
    results_for(scribe.case, scribe.dice, meeting, when, healed)
    page = scribe.page(scribe.case.team["hospitalist"])
    page.heading("interval")
    page.literal(f"Hospital day {day + 1}.")
    s.progress(page, better=healed > 0.4)
    s.denials(page, 3)
    if scribe.carry and scribe.dice.chance(0.45):
        s.carried(page, scribe.carry)
    s.vitals(page, vitals_for(scribe.case, scribe.dice, meeting, when, healed))
    s.exam(page, ill=healed < 0.7)
    s.results(page, when)
    s.assessment(page, settled=healed > 0.4)
    if scribe.dice.chance(0.6):
        s.response(page) if healed > 0.6 else page.sentence(
            "started", drug=Said((scribe.case.course.option,))
        )
    s.plan(page)
    scribe.keep(page, "Progress note", when, meeting, scribe.disease)


def consult(scribe: Scribe, meeting: Encounter) -> None:
    """Write the specialist's opinion."""
    course = scribe.case.course
    when = meeting.start + timedelta(hours=26)
    page = scribe.page(scribe.case.team["specialist"])
    page.literal(f"Asked by Dr. {scribe.case.team['hospitalist'].family} to see this patient.")
    s.story(page, full=False)
    s.past(page, brief=True)
    s.exam(page, ill=True)
    s.assessment(page, settled=True)
    page.sentence("started", drug=Said(course.acute or (course.option,)))
    s.plan(page)
    scribe.keep(page, "Consultation note", when, meeting, scribe.disease)


def discharge(scribe: Scribe, meeting: Encounter) -> None:
    """Write the discharge summary."""
    case, course = scribe.case, scribe.case.course
    page = scribe.page(case.team["hospitalist"])
    results_for(case, scribe.dice, meeting, meeting.end, 1.0)
    page.heading("diagnoses")
    for turn, key in enumerate((*scribe.disease, *course.complications, *s.problems(case)[:3]), 1):
        page.item(turn)
        page.concept(key, Assertion.PRESENT)
    s.story(page, full=False)
    page.heading("course")
    s.treatment(page)
    s.response(page)
    if course.complications:
        page.sentence("complicated", dx=Said(course.complications))
    rivals = tuple(k for k in course.archetype.consider if k not in course.observed)[:1]
    if rivals:
        page.sentence("ruled_out", dx=Said(rivals, Assertion.NEGATED))
    s.results(page, meeting.end)
    s.drugs(page, "discharge_meds", (*s.kept(case), *case.home_drugs))
    s.allergies(page)
    page.heading("condition")
    page.literal(
        scribe.dice.pick(
            ("Stable, to home.", "Good. Home with family.", "Stable, home with services.")
        )
    )
    page.heading("return")
    s.precautions(page)
    scribe.keep(page, "Discharge summary", meeting.end, meeting, scribe.disease)


def relapse(scribe: Scribe, meeting: Encounter) -> None:
    """Write the return, and the death where there was one."""
    case, course = scribe.case, scribe.case.course
    healed = 0.1
    results_for(case, scribe.dice, meeting, meeting.start, healed)
    v = vitals_for(case, scribe.dice, meeting, meeting.start, healed)
    page = scribe.page(case.team["emergency"])
    s.complaint(page)
    page.heading("hpi")
    ill = case.meeting("illness")
    gap = max((meeting.start - ill.end).days, 1) if ill else 1
    page.phrase("relapse", sx=Said(course.symptoms[:2]), gap=str(gap))
    s.denials(page)
    s.past(page, brief=True)
    s.drugs(page, "meds", s.kept(case))
    s.allergies(page)
    s.vitals(page, v)
    s.exam(page, ill=True)
    s.results(page, meeting.start)
    s.assessment(page, settled=True)
    scribe.keep(page, "Emergency department note", meeting.start, meeting, scribe.disease)
    if meeting.kind == "IMP":
        _ending(scribe, meeting)


def _ending(scribe: Scribe, meeting: Encounter) -> None:
    """Write the summary of the second stay."""
    course = scribe.case.course
    page = scribe.page(scribe.case.team["hospitalist"])
    page.heading("diagnoses")
    page.listed(Said((*scribe.disease, *course.complications)))
    page.literal(".")
    page.heading("course")
    page.phrase("relapse", sx=Said(course.symptoms[:2]), gap="some")
    page.sentence("started", drug=Said(course.acute or (course.option,)))
    if course.died:
        page.sentence("died")
    else:
        page.sentence("better", sx=Said(page.some(course.symptoms, 2)))
        s.drugs(page, "discharge_meds", (*s.kept(scribe.case), *scribe.case.home_drugs))
        page.heading("return")
        s.precautions(page)
    s.allergies(page)
    scribe.keep(page, "Discharge summary", meeting.end, meeting, scribe.disease)


def stay(scribe: Scribe, meeting: Encounter) -> None:
    """Write everything that an admission leaves behind."""
    start = meeting.start
    v = vitals_for(scribe.case, scribe.dice, meeting, start, 0.0)
    results_for(scribe.case, scribe.dice, meeting, start, 0.0)
    emergency(scribe, meeting, v, start)
    scribe.imaging(meeting, start + timedelta(hours=2))
    admission(scribe, meeting, v, start)
    days = (meeting.end - start).days
    hand = Dice(scribe.hand)
    if hand.chance(0.8):
        scribe.nursing(meeting, start + timedelta(hours=11), 0.2)
    if hand.chance(0.45):
        consult(scribe, meeting)
    scribe.operate(meeting)
    for day in sorted(hand.some(range(1, max(days, 2)), hand.between(1, 3))):
        daily(scribe, meeting, day, days)
    discharge(scribe, meeting)
