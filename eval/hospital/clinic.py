"""Notes of the clinic: visits, letters to the family doctor, telephone calls."""

from __future__ import annotations

from datetime import datetime, timedelta

from eval.hospital import sections as s
from eval.hospital.case import Encounter, results_for, vitals_for
from eval.hospital.dice import Dice
from eval.hospital.page import Page
from eval.hospital.prose import Said
from eval.hospital.scribe import Scribe
from eval.hospital.vocabulary import phrases
from indexing.model import Assertion


def routine(scribe: Scribe, meeting: Encounter) -> None:
    """Write the visit before anything happened."""
    page = scribe.page(scribe.case.team["primary"])
    known = s.problems(scribe.case)
    page.heading("hpi")
    page.phrase("before" if known else "before_well", pmh=Said(known[:3]))
    page.several("before_body_child" if scribe.case.child else "before_body", 2)
    s.denials(page, 4)
    s.past(page)
    s.drugs(page, "meds", scribe.case.home_drugs)
    s.allergies(page)
    s.family(page)
    s.social(page)
    s.vitals(page, vitals_for(scribe.case, scribe.dice, meeting, meeting.start, 1.0))
    page.heading("assessment")
    for key in known[:3]:
        s.stable(page, key)
    page.sentence("before_end")
    scribe.keep(page, "Progress note", meeting.start, meeting, known[:2])


def letter(scribe: Scribe, meeting: Encounter, *, first: bool) -> None:
    """Write to the family doctor."""
    case, course = scribe.case, scribe.case.course
    page = scribe.page(case.team["specialist"], lay=scribe.dice.chance(0.4))
    who = case.person
    page.literal(f"Dear Dr. {case.team['primary'].family},\n\n")
    page.literal(f"Re: {who.given} {who.family}, MRN {who.mrn}\n\n")
    known = Said(s.problems(case)[:3] or scribe.disease)
    page.phrase("letter_open" if first else "letter_again", pmh=known)
    page.sentence("letter_main")
    if first:
        page.sentence("also_letter", sx=Said(page.some(course.symptoms, 3)))
        page.free(scribe.dice.pick(s.tellable(course.archetype.colour, course)))
    else:
        page.sentence(
            "gone" if course.improved else "same_clinic", sx=_symptom(page, course.improved)
        )
    s.denials(page, 4)
    page.literal("\n\n")
    if not first:
        s.treatment(page)
        s.response(page)
    if course.option in s.kept(case):
        page.sentence("letter_start" if first else "letter_drug", drug=Said((course.option,)))
    other = page.some((*course.drugs, *case.home_drugs), 2)
    if other:
        page.sentence("takes", drug=Said(other))
    if case.stopped and scribe.dice.chance(0.7):
        s.stopped(page)
    page.literal("\n\n")
    later = not first and course.archetype.inpatient
    pool = phrases()["plan_after"] if later else s.tellable(course.archetype.plan, course)
    for line in scribe.dice.some(pool, 2):
        page.free(line)
        page.literal(".") if page.last != "." else None
    s.precautions(page)
    page.literal("\n\n")
    page.phrase("letter_close")
    scribe.keep(page, "Clinic letter", meeting.start + timedelta(hours=3), meeting, scribe.disease)


def clinic(scribe: Scribe, meeting: Encounter) -> None:
    """Write the first outpatient visit for the illness."""
    page = scribe.page(scribe.case.team["specialist"])
    v = vitals_for(scribe.case, scribe.dice, meeting, meeting.start, 0.2)
    results_for(scribe.case, scribe.dice, meeting, meeting.start, 0.0)
    s.complaint(page)
    s.story(page, full=True)
    s.past(page)
    s.drugs(page, "meds", scribe.case.home_drugs)
    s.allergies(page)
    if scribe.dice.chance(0.7):
        s.family(page)
        s.social(page)
    s.review(page)
    s.vitals(page, v)
    s.exam(page, ill=True)
    s.results(page, meeting.start)
    s.assessment(page, settled=scribe.dice.chance(0.5))
    page.sentence("started", drug=Said((scribe.case.course.option,)))
    s.plan(page)
    s.precautions(page)
    scribe.keep(page, "Progress note", meeting.start, meeting, scribe.disease)


def telephone(scribe: Scribe, meeting: Encounter, when: datetime) -> None:
    """Write down a telephone call."""
    course = scribe.case.course
    page = scribe.page(scribe.case.team["nurse"], lay=True)
    sx = Said(page.some(course.symptoms, 1))
    page.phrase("call", drug=Said((course.option,)), sx=sx)
    s.denials(page, 3)
    page.sentence("takes", drug=Said((course.option, *course.drugs)))
    page.sentence("call_more")
    page.sentence("call_end")
    s.precautions(page)
    if course.allergy:
        page.literal(" Allergy list reviewed: ")
        s.reaction(page)
    page.sentence("letter_main")
    scribe.keep(page, "Telephone encounter", when, meeting, ())


def follow_up(scribe: Scribe, meeting: Encounter) -> None:
    """Write the visit afterwards."""
    healed = 1.0 if scribe.case.course.improved else 0.6
    results_for(scribe.case, scribe.dice, meeting, meeting.start, healed)
    v = vitals_for(scribe.case, scribe.dice, meeting, meeting.start, healed)
    if scribe.dice.chance(0.6):
        letter(scribe, meeting, first=False)
        return
    course = scribe.case.course
    page = scribe.page(scribe.case.team["specialist"])
    page.heading("visit")
    page.phrase("letter_main")
    page.sentence("gone" if course.improved else "same_clinic", sx=_symptom(page, course.improved))
    s.response(page)
    s.denials(page, 4)
    s.past(page)
    s.drugs(page, "meds", (*s.kept(scribe.case), *scribe.case.home_drugs))
    s.allergies(page)
    s.vitals(page, v)
    s.exam(page, ill=not course.improved)
    s.results(page, meeting.start)
    s.assessment(page, settled=True)
    s.plan(page, after=course.archetype.inpatient)
    scribe.keep(page, "Progress note", meeting.start, meeting, scribe.disease)


def visit(scribe: Scribe, meeting: Encounter) -> None:
    """Write everything that an outpatient illness leaves behind."""
    hand = Dice(scribe.hand)
    clinic(scribe, meeting)
    if hand.chance(0.6):
        letter(scribe, meeting, first=True)
    if hand.chance(0.7):
        scribe.imaging(meeting, meeting.start + timedelta(hours=4))
    scribe.operate(meeting)
    if hand.chance(0.7):
        telephone(scribe, meeting, meeting.start + timedelta(days=3, hours=2))


def _symptom(page: Page, over: bool) -> Said:
    sx = page.some(page.case.course.symptoms, 2)
    return Said(sx, Assertion.NEGATED if over else Assertion.PRESENT, "or" if over else "and")
