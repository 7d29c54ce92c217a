"""The parts of a note, each written from the case in the author's hand."""

from __future__ import annotations

from datetime import datetime, timedelta

from eval.hospital.case import Case, Encounter, Result, Vitals
from eval.hospital.dice import Dice
from eval.hospital.model import Concept
from eval.hospital.people import Author
from eval.hospital.prose import Block, Said, Slot, Writer
from eval.hospital.vocabulary import concepts, phrases
from indexing.model import Assertion

_GRADES = ("mild", "moderate", "severe")
_JOBS = (
    "machinist", "bus driver", "schoolteacher", "line cook", "electrician", "bookkeeper",
    "fisherman", "carpenter", "librarian", "mail carrier", "seamstress", "dairy farmer",
)  # fmt: skip
_BUGS = ("E. coli", "Klebsiella", "MSSA", "Enterococcus", "Proteus")
_DAYS = ("Monday", "Tuesday", "Thursday", "Friday", "Saturday", "Sunday")
_HALVES = ("AM", "PM")


def slots(case: Case, dice: Dice) -> dict[str, Slot]:
    """Fill the words on which every note of a patient agrees."""
    course, who = case.course, case.person
    age, female = course.age, course.female
    kin = (
        ("his wife", "his daughter", "his son")
        if not female
        else ("her husband", "her daughter", "her sister")
    )
    months = max((case.onset.date() - who.born).days // 30, 1)
    lobe = dice.pick(("right lower", "left lower", "right middle", "right upper"))
    pronoun = ("she", "her", "her", "herself") if female else ("he", "his", "him", "himself")
    relative = dice.pick(kin) if age > 20 else "mother"
    child = (
        ("girl" if female else "boy") if age >= 2 else ("infant girl" if female else "infant boy")
    )
    parent = dice.pick(("mother", "mother", "father"))
    job = dice.pick(_JOBS)
    reduced = "reduced_ef" in course.markers
    return {
        "he": pronoun[0], "his": pronoun[1], "him": pronoun[2], "himself": pronoun[3],
        "He": pronoun[0].capitalize(), "His": pronoun[1].capitalize(), "given": who.given,
        "Mr": f"{'Ms.' if female else 'Mr.'} {who.family}" if age > 17 else who.given,
        "age": str(age), "sexword": ("woman" if female else "man") if age > 17 else child,
        "sexletter": "F" if female else "M", "kin": relative, "Kin_cap": relative.capitalize(),
        "childage": f"{months}-month-old" if age < 2 else f"{age}-year-old", "childword": child,
        "parent": parent, "parent_cap": parent.capitalize(),
        "job": job, "job_cap": job.capitalize(),
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
        "grade": _GRADES[course.severity], "grade_cap": _GRADES[course.severity].capitalize(),
        "service": course.archetype.service.lower(), "onset": case.onset.strftime("%B %Y"),
        "days": _lasting(dice, case), "option": Said((course.option,)),
        "main": Said((course.archetype.disease,)), "year": str(case.onset.year - 1),
        "gest": str(dice.between(29, 37)), "tumor": f"{dice.between(12, 46) / 10:.1f}",
    }  # fmt: skip


def _lasting(dice: Dice, case: Case) -> str:
    if case.course.archetype.inpatient or case.child:
        return dice.pick(
            ("two days", "three days", "1 day", "about a week", "four days", "48 hours")
        )
    return dice.pick(("a few days", "two weeks", "about a month", "a week or so", "three weeks"))


class Page(Writer):
    """A note under way: a writer that knows the case, its encounter and the clock."""

    def __init__(
        self, dice: Dice, author: Author, case: Case, facts: dict[str, Slot], *, lay: bool = False
    ) -> None:
        super().__init__(dice, author.style, facts, lay)
        self.author = author
        self.case = case
        self._number = 0

    def heading(self, name: str) -> None:
        """Begin a section in the author's style."""
        title = self.dice.pick(phrases()[f"h_{name}"])
        style = self.style.headings
        self._number += 1
        gap = "" if not self.length else "\n" if style in ("numbered", "bullet") else "\n\n"
        if style == "dictated":
            self._append(f"{' ' if self.length else ''}{title.upper()}:  ")
        elif style == "numbered":
            self._append(f"{gap}{self._number}. {title}: ")
        elif style == "bullet":
            self._append(f"{gap}• {title}: ")
        elif style == "caps_own_line":
            self._append(f"{gap}{title.upper()}\n")
        else:
            self._append(f"{gap}{title.upper() if style == 'caps' else title}: ")

    def item(self, turn: int) -> None:
        """Begin one item of a list, on its own line unless the note was dictated."""
        if self.style.headings == "dictated":
            self._append(f"{turn}. " if turn == 1 else f"  {turn}. ")
        else:
            self._append("\n" + ("- " if self.style.headings == "bullet" else f"{turn}. "))

    def gap(self) -> None:
        """Part two sentences."""
        if not self.text.endswith(("\n", " ", ":")):
            self._append(" ")

    def sentence(self, phrase: str, **filled: Slot) -> None:
        """Write one more sentence from the phrase file."""
        self.gap()
        self.phrase(phrase, **filled)

    def free(self, template: str) -> None:
        """Write one more sentence of the disease's own."""
        self.gap()
        self.say(template)

    def some(self, keys: tuple[str, ...], most: int) -> tuple[str, ...]:
        """Draw some of the concepts."""
        return tuple(self.dice.some(keys, most))


def problems(case: Case) -> tuple[str, ...]:
    """List the chronic conditions that a summary of the patient begins with."""
    return tuple(k for k in case.course.comorbid if k != "tobacco_use")


def _ends(page: Page, text: str) -> None:
    if not page.text.endswith((".", "\n")):
        page.literal(text)


def denials(page: Page, most: int = 5) -> None:
    """Write what the patient denies, sometimes beside what they do have."""
    course = page.case.course
    neg = page.some(course.excluded, page.dice.between(2, most))
    if not neg:
        return
    if page.dice.chance(0.15) and course.symptoms:
        sx = Said(page.some(course.symptoms, 1))
        page.sentence("mixed_denial", neg=Said(neg, Assertion.NEGATED, "or"), sx=sx)
    else:
        page.sentence("denies", neg=Said(neg, Assertion.NEGATED, "or"))


def complaint(page: Page) -> None:
    """Write the chief complaint."""
    page.heading("cc")
    page.listed(Said(page.some(page.case.course.symptoms[:3], page.dice.between(1, 2))))
    page.literal(".")


def story(page: Page, *, full: bool) -> None:
    """Write the history of the present illness."""
    course, case, dice = page.case.course, page.case, page.dice
    page.heading("hpi")
    first = Said(course.symptoms[:2])
    known = Said(problems(case)[:3])
    if case.child:
        page.phrase("open_child", sx=first)
    elif known.keys:
        page.phrase("open_adult", sx=first, pmh=known)
    else:
        page.phrase("open_plain", sx=first)
    rest = course.symptoms[2:5]
    if rest:
        page.sentence("also", sx=Said(rest))
    for line in dice.some(course.archetype.colour, 2 if full else 1):
        page.free(line)
    if full and dice.chance(0.6):
        page.sentence("worsening")
    denials(page)
    if course.markers and dice.chance(0.7):
        page.sentence("workup", signs=Said(course.markers))


def past(page: Page, *, brief: bool = False) -> None:
    """Write the past history: what stands, what is over, what was stopped."""
    case, dice = page.case, page.dice
    page.heading("pmh")
    known = problems(case)
    if known:
        page.listed(Said(known))
        page.literal(".")
    elif not case.past:
        page.literal("None.")
    year = case.onset.year
    for key, when in case.past:
        said = Said((key,), Assertion.HISTORICAL)
        page.sentence("past", dx=said, year=str(when), years_ago=str(year - when))
    for key, when in case.past_procedures:
        page.sentence("past_procedure", dx=Said((key,), Assertion.HISTORICAL), year=str(when))
    if not brief and dice.chance(0.8):
        for key, why, when in case.stopped:
            said = Said((key,), Assertion.HISTORICAL)
            page.sentence("stopped", drug=said, why=why, year=str(when))


def directions(drug: Concept, case: Case) -> str:
    """Choose the directions for a drug, the same in every note and in the order."""
    return (
        drug.sigs[Dice(case.course.index, len(drug.key)).between(0, len(drug.sigs) - 1)]
        if drug.sigs
        else ""
    )


def drugs(page: Page, heading: str, keys: tuple[str, ...]) -> None:
    """Write a list of drugs with their directions."""
    page.heading(heading)
    if not keys:
        page.literal("None.")
    in_line = page.dice.chance(0.3)
    for turn, key in enumerate(keys, 1):
        if in_line:
            page.literal("; " if turn > 1 else "")
        else:
            page.item(turn)
        page.concept(key, Assertion.PRESENT)
        sig = directions(concepts()[key], page.case)
        if sig:
            page.literal(f" {sig}")
    if in_line and keys:
        page.literal(".")


def allergies(page: Page) -> None:
    """Write the allergies under their heading."""
    page.heading("allergies")
    if page.case.course.allergy:
        reaction(page)
    else:
        page.phrase("no_allergy")


def reaction(page: Page) -> None:
    """Write what the patient reacts to; the drug itself is not being taken."""
    course = page.case.course
    page.reacting = True
    said = Said((course.allergy,), Assertion.NEGATED)
    page.phrase("allergy", drug=said, reaction=course.reaction)
    page.reacting = False


def family(page: Page) -> None:
    """Write the family history."""
    case = page.case
    page.heading("family")
    for key in case.family:
        page.sentence("family", fam=Said((key,), Assertion.FAMILY))
    if case.family_none and page.dice.chance(0.6):
        page.sentence("family_none", fam=Said(case.family_none, Assertion.FAMILY))


def social(page: Page) -> None:
    """Write the social history."""
    page.heading("social")
    if page.case.course.age < 16:
        page.phrase("social_child")
        return
    page.phrase("social")
    smokes = "tobacco_use" in page.case.course.observed
    page.sentence("smoker" if smokes else "nonsmoker")


def review(page: Page) -> None:
    """Write the review of systems as prose, list, minus signs or template boxes."""
    course = page.case.course
    has, lacks = page.some(course.symptoms, 4), page.some(course.excluded, 5)
    if not lacks:
        return
    page.heading("ros")
    style = page.style.ros
    if style == "boxes":
        for turn, key in enumerate(sorted({*has, *lacks})):
            page.literal("  " if turn else "")
            page.literal("[x] " if key in has else "[ ] ")
            page.concept(key, Assertion.PRESENT if key in has else Assertion.NEGATED)
    elif style == "minus":
        page.literal("(+) ")
        page.listed(Said(has))
        page.literal("; (-) ")
        page.listed(Said(lacks, Assertion.NEGATED))
        page.literal(".")
    else:
        page.literal("Positive for ")
        page.listed(Said(has))
        page.literal(". Negative for " if style == "prose" else ". Negative: ")
        page.listed(Said(lacks, Assertion.NEGATED, "or" if style == "prose" else "and"))
        page.literal(". All other systems reviewed and negative.")


def vitals(page: Page, v: Vitals, *, heading: bool = True) -> None:
    """Write a set of vital signs."""
    if heading:
        page.heading("vitals")
    else:
        page.gap()
    f = v.temp * 9 / 5 + 32
    if page.style.vitals == "slashes":
        page.literal(
            f"T {v.temp:.1f} / HR {v.hr} / BP {v.sbp}/{v.dbp} / RR {v.rr} / SpO2 {v.spo2}%"
        )
    elif page.style.vitals == "sentence":
        page.literal(
            f"Temperature {f:.1f} F, pulse {v.hr}, blood pressure {v.sbp}/{v.dbp}, "
            f"respirations {v.rr}, saturating {v.spo2}%."
        )
    else:
        page.literal(f"BP {v.sbp}/{v.dbp}, HR {v.hr}, RR {v.rr}, T {f:.1f} F, SpO2 {v.spo2}%")


def exam(page: Page, *, ill: bool) -> None:
    """Write the examination."""
    course, dice = page.case.course, page.dice
    page.heading("exam")
    page.phrase("exam_sick" if ill and course.severity else "exam_general")
    if ill and course.signs:
        page.sentence("exam_signs", signs=Said(course.signs))
    elif course.signs:
        page.sentence("exam_absent", neg=Said(page.some(course.signs, 3), Assertion.NEGATED, "or"))
    page.sentence("exam_rest") if dice.chance(0.8) else None


def results(page: Page, when: datetime) -> None:
    """Quote the labs drawn at one time."""
    drawn = [r for r in page.case.results if r.when == when]
    if not drawn:
        return
    page.heading("labs")
    terse = page.dice.chance(0.6)
    parts = [
        f"{r.lab.short} {shown(r)}" if terse else f"{r.lab.short} of {shown(r)}" for r in drawn
    ]
    page.literal(", ".join(parts) + ".")


def shown(result: Result) -> str:
    """Write a value the way a note does, with a flag when it is out of range."""
    low, high = result.lab.low, result.lab.high
    flag = " (H)" if result.value > high else " (L)" if result.value < low else ""
    return f"{result.value:.{result.lab.decimals}f}{flag}"


def assessment(page: Page, *, settled: bool) -> None:
    """Write what the author makes of it: first suspicions, later verdicts."""
    course, dice = page.case.course, page.dice
    page.heading("assessment")
    page.phrase("assess")
    rivals = page.some(course.archetype.consider, 2)
    rivals = tuple(k for k in rivals if k not in course.observed)
    if rivals and settled:
        page.sentence("ruled_out", dx=Said(rivals[:1], Assertion.NEGATED, "or"))
    elif rivals:
        name = "uncertain_one" if len(rivals) == 1 else "uncertain_many"
        page.sentence(name, dx=Said(rivals, Assertion.UNCERTAIN, "or"))
    if settled and course.complications:
        page.sentence("complicated", dx=Said(course.complications))
    chronic = page.some(problems(page.case), 2)
    if chronic and dice.chance(0.6):
        page.sentence("chronic", dx=Said(chronic[:1]))


def plan(page: Page) -> None:
    """Write the plan."""
    page.heading("plan")
    for turn, line in enumerate(
        page.dice.some(page.case.course.archetype.plan, page.dice.between(3, 4)), 1
    ):
        page.item(turn)
        page.say(line)
        _ends(page, "." if page.style.headings == "dictated" else "")


def precautions(page: Page) -> None:
    """Write what should bring the patient back."""
    counsel = page.case.course.archetype.counsel
    for key in page.some(counsel, page.dice.between(1, 2)):
        page.sentence("if_then", sx=Said((key,), Assertion.HYPOTHETICAL))


def treatment(page: Page) -> None:
    """Write what was done and given."""
    course, dice = page.case.course, page.dice
    for line in dice.some(course.archetype.story, dice.between(2, 3)):
        page.free(line)
    if course.acute:
        page.sentence("started", drug=Said(course.acute))
    for key in page.some(course.procedures, 2):
        page.sentence("done", proc=Said((key,)))


def response(page: Page) -> None:
    """Write how the chosen drug worked: the recorded outcome."""
    said = Said((page.case.course.option,))
    page.sentence("response_good" if page.case.course.improved else "response_poor", drug=said)


def progress(page: Page, *, better: bool) -> None:
    """Write how the patient is since yesterday."""
    sx = Said(page.some(page.case.course.symptoms, 2))
    page.sentence("better" if better else "same", sx=sx)


def signature(page: Page, when: datetime) -> None:
    """Sign the note."""
    signed = when + timedelta(minutes=20)
    stamp = signed.strftime("%m/%d/%Y %H:%M")
    page.literal(
        page.dice.pick(("\n\nElectronically signed by ", "\n\n", "\n\nDictated and signed: "))
    )
    page.literal(f"{page.author.name}, {page.author.specialty} {stamp}")


def carried(page: Page, block: Block) -> None:
    """Copy an earlier paragraph forward, as hurried people do."""
    page.gap()
    if page.dice.chance(0.5):
        page.phrase("copy_tag")
        page.gap()
    page.paste(block)


def first_vitals(case: Case, meeting: Encounter) -> Vitals:
    """Find the vital signs at the door."""
    return next(v for v in case.vitals if v.encounter == meeting.number)
