"""Whole notes: which are written in which encounter, by whom, and what stands in them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from eval.hospital import sections as s
from eval.hospital.case import Case, Encounter, Vitals, results_for, vitals_for
from eval.hospital.dice import Dice, mix, stable_id
from eval.hospital.model import Note
from eval.hospital.people import Author
from eval.hospital.prose import Block, Said, Slot, note_status
from eval.hospital.vocabulary import concepts
from indexing.model import Assertion

LOINC = {
    "Emergency department note": "34111-5",
    "History and physical": "34117-2",
    "Progress note": "11506-3",
    "Consultation note": "11488-4",
    "Discharge summary": "18842-5",
    "Radiology report": "18748-4",
    "Nursing note": "34746-8",
    "Clinic letter": "34108-1",
    "Operative note": "11504-8",
    "Telephone encounter": "34748-4",
}
_SURGERY = frozenset(
    "stent cath tavr appendectomy cholecystectomy bowel_resection lumpectomy mastectomy lobectomy "
    "hemicolectomy hip_replacement hemiarthroplasty hip_fixation cesarean egd colonoscopy ercp "
    "bronchoscopy paracentesis incision_drainage lymph_biopsy".split()
)


class Scribe:
    """Writes one patient's notes in the order of their dates."""

    def __init__(self, seed: int, case: Case) -> None:
        self.case = case
        self.dice = Dice(seed, case.course.index, 5)
        # Twins share the draws that shape a page, not those that fill it.
        self.hand = mix(seed, case.course.index // 2, 6)
        self.facts: dict[str, Slot] = s.slots(case, Dice(seed, case.course.index, 7))
        self.notes: list[Note] = []
        self.carry: Block | None = None

    def _page(self, who: Author, *, lay: bool = False) -> s.Page:
        return s.Page(self.dice, who, self.case, self.facts, lay=lay)

    def keep(
        self, page: s.Page, kind: str, when: datetime, meeting: Encounter, main: tuple[str, ...]
    ) -> None:
        """Sign the page and file it."""
        s.signature(page, when)
        number = len(self.notes)
        draw = self.dice.random()
        markup = "text/html" if draw < 0.06 else "text/rtf" if draw < 0.09 else "text/plain"
        self.notes.append(
            Note(
                doc_id=stable_id("note", self.case.person.patient_id, number),
                kind=kind,
                loinc=LOINC[kind],
                title=f"{kind}, {page.author.specialty}",
                when=when,
                author_id=page.author.author_id,
                author=page.author.name,
                specialty=page.author.specialty,
                encounter=meeting.number,
                text=page.text,
                mentions=tuple(page.mentions),
                status=note_status(page.mentions),
                main=main,
                markup=markup,
            )
        )

    @property
    def disease(self) -> tuple[str, ...]:
        """Name what most notes are about."""
        return (self.case.course.archetype.disease,)

    def routine(self, meeting: Encounter) -> None:
        """Write the visit before anything happened."""
        page = self._page(self.case.team["primary"])
        known = s.problems(self.case)
        page.heading("hpi")
        page.phrase("before" if known else "before_well", pmh=Said(known[:3]))
        for _ in range(2):
            page.sentence("before_body")
        s.denials(page, 4)
        s.past(page)
        s.drugs(page, "meds", self.case.home_drugs)
        s.allergies(page)
        s.family(page)
        s.social(page)
        s.vitals(page, vitals_for(self.case, self.dice, meeting, meeting.start, 1.0))
        page.heading("assessment")
        for key in known[:3]:
            page.sentence("chronic", dx=Said((key,)))
        page.sentence("before_body")
        self.keep(page, "Progress note", meeting.start, meeting, known[:2])

    def emergency(self, meeting: Encounter, v: Vitals, drawn: datetime) -> None:
        """Write the first look, when much is still uncertain."""
        page = self._page(self.case.team["emergency"])
        s.complaint(page)
        s.story(page, full=False)
        if self.dice.chance(0.5):
            s.past(page, brief=True)
        s.allergies(page)
        s.vitals(page, v)
        s.exam(page, ill=True)
        s.results(page, drawn)
        s.assessment(page, settled=False)
        s.precautions(page)
        self.keep(page, "Emergency department note", meeting.start, meeting, self.disease)

    def admission(self, meeting: Encounter, v: Vitals, drawn: datetime) -> None:
        """Write the history and physical in full."""
        page = self._page(self.case.team["hospitalist"])
        s.complaint(page)
        start = page.length
        s.story(page, full=True)
        self.carry = page.clip(start)
        s.past(page)
        s.drugs(page, "meds", self.case.home_drugs)
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
        self.keep(page, "History and physical", when, meeting, self.disease)

    def imaging(self, meeting: Encounter, when: datetime) -> None:
        """Write a radiology report."""
        course = self.case.course
        if not course.archetype.imaging:
            return
        study, found, verdict = self.dice.pick(course.archetype.imaging)
        page = self._page(self.case.team["radiologist"])
        page.literal(f"EXAM: {study}\n")
        page.literal(f"DATE: {when:%m/%d/%Y}")
        page.heading("indication")
        page.listed(Said(page.some(course.symptoms, 2)))
        rivals = tuple(k for k in course.archetype.consider if k not in course.observed)
        if rivals:
            page.literal(self.dice.pick((", rule out ", ", r/o ", "; evaluate for ")))
            page.listed(Said(page.some(rivals, 1), Assertion.UNCERTAIN))
        page.literal(". Comparison: none.")
        page.heading("findings")
        page.say(found)
        page.heading("impression")
        page.say(verdict)
        self.keep(page, "Radiology report", when, meeting, _asserted(page))

    def nursing(self, meeting: Encounter, when: datetime, healed: float) -> None:
        """Write a nurse's note, in plainer words."""
        page = self._page(self.case.team["nurse"], lay=True)
        course = self.case.course
        page.heading("nursing")
        page.phrase("nursing_open")
        s.vitals(page, vitals_for(self.case, self.dice, meeting, when, healed), heading=False)
        page.literal(".") if not page.text.endswith(".") else None
        page.sentence("nursing_sx", sx=Said(page.some(course.symptoms, 2)))
        neg = page.some(course.excluded, 3)
        if neg:
            page.sentence("nursing_no", neg=Said(neg, Assertion.NEGATED, "or"))
        for key in page.some((course.option, *course.acute, *self.case.home_drugs), 2):
            page.sentence("nursing_drug", drug=Said((key,)))
        for _ in range(self.dice.between(2, 4)):
            page.sentence("nursing_end")
        known = s.problems(self.case)
        if known and self.dice.chance(0.5):
            page.literal(" Hx of ")
            page.listed(Said(page.some(known, 2)))
            page.literal(".")
        if self.dice.chance(0.5):
            s.precautions(page)
        self.keep(page, "Nursing note", when, meeting, ())

    def daily(self, meeting: Encounter, day: int, stay: int) -> None:
        """Write one day's progress note, perhaps with yesterday's history pasted in."""
        healed = day / max(stay, 1)
        when = meeting.start.replace(hour=9, minute=self.dice.between(0, 59)) + timedelta(days=day)
        results_for(self.case, self.dice, meeting, when, healed)
        page = self._page(self.case.team["hospitalist"])
        page.heading("interval")
        page.literal(f"Hospital day {day + 1}.")
        s.progress(page, better=healed > 0.4)
        s.denials(page, 3)
        if self.carry and self.dice.chance(0.45):
            s.carried(page, self.carry)
        s.vitals(page, vitals_for(self.case, self.dice, meeting, when, healed))
        s.exam(page, ill=healed < 0.7)
        s.results(page, when)
        s.assessment(page, settled=healed > 0.4)
        if self.dice.chance(0.6):
            s.response(page) if healed > 0.6 else page.sentence(
                "started", drug=Said((self.case.course.option,))
            )
        s.plan(page)
        self.keep(page, "Progress note", when, meeting, self.disease)

    def consult(self, meeting: Encounter) -> None:
        """Write the specialist's opinion."""
        when = meeting.start + timedelta(hours=26)
        page = self._page(self.case.team["specialist"])
        page.literal(f"Asked by Dr. {self.case.team['hospitalist'].family} to see this patient.")
        s.story(page, full=False)
        s.past(page, brief=True)
        s.exam(page, ill=True)
        s.assessment(page, settled=True)
        s.treatment(page)
        s.plan(page)
        self.keep(page, "Consultation note", when, meeting, self.disease)

    def operation(self, meeting: Encounter, key: str) -> None:
        """Write the report of a procedure."""
        who = self.case.team["specialist"]
        when = meeting.start + timedelta(hours=30 if meeting.kind == "IMP" else 2)
        page = self._page(self.case.team["surgeon"] if "ectomy" in key else who)
        page.heading("procedure")
        page.concept(key, Assertion.PRESENT)
        page.literal(".")
        page.heading("indication")
        page.listed(Said(self.disease))
        page.literal(" with ")
        page.listed(Said(page.some(self.case.course.symptoms, 2)))
        page.literal(".")
        page.heading("findings")
        page.phrase("op_body", proc=Said((key,)))
        s.allergies(page)
        page.heading("plan")
        page.literal("Routine monitoring. Diet as tolerated.")
        s.precautions(page)
        self.keep(page, "Operative note", when, meeting, (key,))

    def discharge(self, meeting: Encounter) -> None:
        """Write the discharge summary."""
        case, course = self.case, self.case.course
        page = self._page(case.team["hospitalist"])
        results_for(case, self.dice, meeting, meeting.end, 1.0)
        page.heading("diagnoses")
        for turn, key in enumerate(
            (*self.disease, *course.complications, *s.problems(case)[:3]), 1
        ):
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
        s.drugs(page, "discharge_meds", (course.option, *course.drugs, *case.home_drugs))
        s.allergies(page)
        page.heading("condition")
        page.literal(
            self.dice.pick(
                ("Stable, to home.", "Good. Home with family.", "Stable, home with services.")
            )
        )
        page.heading("return")
        s.precautions(page)
        self.keep(page, "Discharge summary", meeting.end, meeting, self.disease)

    def letter(self, meeting: Encounter, *, first: bool) -> None:
        """Write to the family doctor."""
        case, course = self.case, self.case.course
        page = self._page(case.team["specialist"], lay=self.dice.chance(0.4))
        who = case.person
        page.literal(f"Dear Dr. {case.team['primary'].family},\n\n")
        page.literal(f"Re: {who.given} {who.family}, MRN {who.mrn}\n\n")
        known = Said(s.problems(case)[:3] or self.disease)
        page.phrase("letter_open", pmh=known)
        page.sentence("letter_main")
        if first:
            page.sentence("also", sx=Said(page.some(course.symptoms, 3)))
            page.free(self.dice.pick(course.archetype.colour))
        else:
            page.sentence("gone" if course.improved else "same", sx=_symptom(page, course.improved))
        s.denials(page, 4)
        page.literal("\n\n")
        if not first:
            s.treatment(page)
            s.response(page)
        page.sentence("letter_drug", drug=Said((course.option,)))
        other = page.some((*course.drugs, *case.home_drugs), 2)
        if other:
            page.sentence("takes", drug=Said(other))
        if case.stopped and self.dice.chance(0.7):
            key, why, year = case.stopped[0]
            page.sentence(
                "stopped", drug=Said((key,), Assertion.HISTORICAL), why=why, year=str(year)
            )
        page.literal("\n\n")
        for line in self.dice.some(course.archetype.plan, 2):
            page.free(line)
            page.literal(".") if not page.text.endswith(".") else None
        s.precautions(page)
        page.literal("\n\n")
        page.phrase("letter_close")
        self.keep(page, "Clinic letter", meeting.start + timedelta(hours=3), meeting, self.disease)

    def clinic(self, meeting: Encounter) -> None:
        """Write the first outpatient visit for the illness."""
        page = self._page(self.case.team["specialist"])
        v = vitals_for(self.case, self.dice, meeting, meeting.start, 0.2)
        results_for(self.case, self.dice, meeting, meeting.start, 0.0)
        s.complaint(page)
        s.story(page, full=True)
        s.past(page)
        s.drugs(page, "meds", self.case.home_drugs)
        s.allergies(page)
        if self.dice.chance(0.7):
            s.family(page)
            s.social(page)
        s.review(page)
        s.vitals(page, v)
        s.exam(page, ill=True)
        s.results(page, meeting.start)
        s.assessment(page, settled=self.dice.chance(0.5))
        page.sentence("started", drug=Said((self.case.course.option,)))
        s.plan(page)
        s.precautions(page)
        self.keep(page, "Progress note", meeting.start, meeting, self.disease)

    def telephone(self, meeting: Encounter, when: datetime) -> None:
        """Write down a telephone call."""
        course = self.case.course
        page = self._page(self.case.team["nurse"], lay=True)
        sx = Said(page.some(course.symptoms, 1))
        page.phrase("call", drug=Said((course.option,)), sx=sx)
        s.denials(page, 3)
        page.sentence("takes", drug=Said((course.option, *course.drugs)))
        page.sentence("call_end")
        s.precautions(page)
        if course.allergy:
            page.literal(" Allergy list reviewed: ")
            s.reaction(page)
        page.sentence("letter_main")
        page.sentence("nursing_end")
        self.keep(page, "Telephone encounter", when, meeting, ())

    def follow_up(self, meeting: Encounter) -> None:
        """Write the visit afterwards."""
        healed = 1.0 if self.case.course.improved else 0.6
        results_for(self.case, self.dice, meeting, meeting.start, healed)
        v = vitals_for(self.case, self.dice, meeting, meeting.start, healed)
        if self.dice.chance(0.6):
            self.letter(meeting, first=False)
            return
        course = self.case.course
        page = self._page(self.case.team["specialist"])
        page.heading("interval")
        page.phrase("letter_main")
        page.sentence("gone" if course.improved else "same", sx=_symptom(page, course.improved))
        s.response(page)
        s.denials(page, 4)
        s.past(page)
        s.drugs(page, "meds", (course.option, *course.drugs, *self.case.home_drugs))
        s.allergies(page)
        s.vitals(page, v)
        s.exam(page, ill=not course.improved)
        s.results(page, meeting.start)
        s.assessment(page, settled=True)
        s.plan(page)
        self.keep(page, "Progress note", meeting.start, meeting, self.disease)

    def relapse(self, meeting: Encounter) -> None:
        """Write the return, and the death where there was one."""
        case, course = self.case, self.case.course
        healed = 0.1
        results_for(case, self.dice, meeting, meeting.start, healed)
        v = vitals_for(case, self.dice, meeting, meeting.start, healed)
        page = self._page(case.team["emergency"])
        s.complaint(page)
        page.heading("hpi")
        ill = case.meeting("illness")
        gap = max((meeting.start - ill.end).days, 1) if ill else 1
        page.phrase("relapse", sx=Said(course.symptoms[:2]), gap=str(gap))
        s.denials(page)
        s.past(page, brief=True)
        s.drugs(page, "meds", (course.option, *course.drugs))
        s.allergies(page)
        s.vitals(page, v)
        s.exam(page, ill=True)
        s.results(page, meeting.start)
        s.assessment(page, settled=True)
        self.keep(page, "Emergency department note", meeting.start, meeting, self.disease)
        if meeting.kind == "IMP":
            self._ending(meeting)

    def _ending(self, meeting: Encounter) -> None:
        """Write the summary of the second stay."""
        course = self.case.course
        page = self._page(self.case.team["hospitalist"])
        page.heading("diagnoses")
        page.listed(Said((*self.disease, *course.complications)))
        page.literal(".")
        page.heading("course")
        page.phrase("relapse", sx=Said(course.symptoms[:2]), gap="some")
        page.sentence("started", drug=Said(course.acute or (course.option,)))
        if course.died:
            page.sentence("died")
        else:
            page.sentence("better", sx=Said(page.some(course.symptoms, 2)))
            s.drugs(page, "discharge_meds", (course.option, *course.drugs, *self.case.home_drugs))
            page.heading("return")
            s.precautions(page)
        s.allergies(page)
        self.keep(page, "Discharge summary", meeting.end, meeting, self.disease)

    def stay(self, meeting: Encounter) -> None:
        """Write everything that an admission leaves behind."""
        start = meeting.start
        v = vitals_for(self.case, self.dice, meeting, start, 0.0)
        results_for(self.case, self.dice, meeting, start, 0.0)
        self.emergency(meeting, v, start)
        self.imaging(meeting, start + timedelta(hours=2))
        self.admission(meeting, v, start)
        days = (meeting.end - start).days
        hand = Dice(self.hand)
        if hand.chance(0.8):
            self.nursing(meeting, start + timedelta(hours=11), 0.2)
        if hand.chance(0.45):
            self.consult(meeting)
        self._operate(meeting)
        for day in sorted(hand.some(range(1, max(days, 2)), hand.between(1, 3))):
            self.daily(meeting, day, days)
        self.discharge(meeting)

    def _operate(self, meeting: Encounter) -> None:
        surgery = [k for k in self.case.course.procedures if k in _SURGERY]
        if surgery:
            self.operation(meeting, surgery[-1])

    def visit(self, meeting: Encounter) -> None:
        """Write everything that an outpatient illness leaves behind."""
        hand = Dice(self.hand)
        self.clinic(meeting)
        if hand.chance(0.6):
            self.letter(meeting, first=True)
        if hand.chance(0.7):
            self.imaging(meeting, meeting.start + timedelta(hours=4))
        self._operate(meeting)
        if hand.chance(0.7):
            self.telephone(meeting, meeting.start + timedelta(days=3, hours=2))


def _symptom(page: s.Page, over: bool) -> Said:
    sx = page.some(page.case.course.symptoms, 2)
    return Said(sx, Assertion.NEGATED if over else Assertion.PRESENT, "or" if over else "and")


def _asserted(page: s.Page) -> tuple[str, ...]:
    """Name what a report found, conditions first: its verdict comes last."""
    said = [m.concept for m in page.mentions if m.assertion is Assertion.PRESENT]
    found = [k for k in said if concepts()[k].kind == "condition"]
    return tuple(dict.fromkeys(found[-2:]))


def write_notes(seed: int, case: Case) -> tuple[Note, ...]:
    """Write all notes of a case, in the order of their dates; fills its results and vitals."""
    scribe = Scribe(seed, case)
    for meeting in case.encounters:
        inpatient = case.course.archetype.inpatient
        write: dict[str, Callable[[Encounter], None]] = {
            "before": scribe.routine,
            "illness": scribe.stay if inpatient else scribe.visit,
            "follow-up": scribe.follow_up,
            "relapse": scribe.relapse,
        }
        write[meeting.phase](meeting)
    return tuple(sorted(scribe.notes, key=lambda n: n.when))
