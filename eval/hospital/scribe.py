"""Whoever writes a patient's notes, and the pages that ward and clinic share."""

from __future__ import annotations

from datetime import datetime, timedelta

from eval.hospital import sections as s
from eval.hospital.case import Case, Encounter, vitals_for
from eval.hospital.dice import Dice, mix, stable_id
from eval.hospital.facts import slots
from eval.hospital.model import Note
from eval.hospital.page import Page
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


class Scribe:
    """Writes one patient's notes in the order of their dates."""

    def __init__(self, seed: int, case: Case) -> None:
        self.case = case
        self.dice = Dice(seed, case.course.index, 5)
        # Twins share the draws that shape a page, not those that fill it.
        self.hand = mix(seed, case.course.index // 2, 6)
        self.facts: dict[str, Slot] = slots(case, Dice(seed, case.course.index, 7))
        self.notes: list[Note] = []
        self.carry: Block | None = None

    def page(self, who: Author, *, lay: bool = False) -> Page:
        """Take a fresh page in this author's hand."""
        return Page(self.dice, who, self.case, self.facts, lay=lay)

    def keep(
        self, page: Page, kind: str, when: datetime, meeting: Encounter, main: tuple[str, ...]
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

    def imaging(self, meeting: Encounter, when: datetime) -> None:
        """Write a radiology report."""
        course = self.case.course
        if not course.archetype.imaging:
            return
        study, found, verdict = self.dice.pick(course.archetype.imaging)
        page = self.page(self.case.team["radiologist"])
        page.literal(f"EXAM: {study}\n")
        page.literal(f"DATE: {when:%m/%d/%Y}\n")
        page.literal(f"ORDERED BY: Dr. {self.case.team['hospitalist'].family}")
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

    def operation(self, meeting: Encounter, key: str) -> None:
        """Write the report of a procedure."""
        who = self.case.team["specialist"]
        when = meeting.start + timedelta(hours=30 if meeting.kind == "IMP" else 2)
        page = self.page(self.case.team["surgeon"] if "ectomy" in key else who)
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
        page.sentence("op_close")
        s.precautions(page)
        self.keep(page, "Operative note", when, meeting, (key,))

    def operate(self, meeting: Encounter) -> None:
        """Report the operation, if there was one."""
        surgery = [k for k in self.case.course.procedures if k in s.SURGERY]
        if surgery:
            self.operation(meeting, surgery[-1])

    def nursing(self, meeting: Encounter, when: datetime, healed: float) -> None:
        """Write a nurse's note, in plainer words."""
        page = self.page(self.case.team["nurse"], lay=True)
        course = self.case.course
        page.heading("nursing")
        young = "_child" if self.case.child else ""
        page.phrase("nursing_open" + young)
        s.vitals(page, vitals_for(self.case, self.dice, meeting, when, healed), heading=False)
        page.literal(".") if page.last != "." else None
        page.sentence("nursing_sx" + young, sx=Said(page.some(course.symptoms, 2)))
        neg = page.some(course.excluded, 3)
        if neg:
            page.sentence("nursing_no", neg=Said(neg, Assertion.NEGATED, "or"))
        for key in page.some((course.option, *course.acute, *self.case.home_drugs), 2):
            page.sentence("nursing_drug", drug=Said((key,)))
        page.several("nursing_more" + young, 2)
        page.several("nursing_end", 2)
        known = s.problems(self.case)
        if known and self.dice.chance(0.5):
            page.literal(" Hx of ")
            page.listed(Said(page.some(known, 2)))
            page.literal(".")
        if self.dice.chance(0.5):
            s.precautions(page)
        self.keep(page, "Nursing note", when, meeting, ())


def _asserted(page: Page) -> tuple[str, ...]:
    """Name what a report found, conditions first: its verdict comes last."""
    said = [m.concept for m in page.mentions if m.assertion is Assertion.PRESENT]
    found = [k for k in said if concepts()[k].kind == "condition"]
    return tuple(dict.fromkeys(found[-2:]))
