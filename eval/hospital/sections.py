"""The parts of a note, each written from the case in the author's hand."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from eval.hospital.case import USUAL_DRUG, Case, Encounter, Result, Vitals
from eval.hospital.dice import Dice
from eval.hospital.model import Concept, Course
from eval.hospital.page import Page
from eval.hospital.prose import Block, Said, marks
from eval.hospital.vocabulary import concepts, phrases
from indexing.model import Assertion

SURGERY = frozenset(
    "stent cath tavr appendectomy cholecystectomy bowel_resection lumpectomy mastectomy lobectomy "
    "hemicolectomy hip_replacement hemiarthroplasty hip_fixation cesarean egd colonoscopy ercp "
    "bronchoscopy paracentesis incision_drainage lymph_biopsy".split()
)
_ATTENDED = frozenset({"psychotherapy", "physical_therapy"})
_PAST_KEYS = {
    "rash": "rash", "nausea": "nausea", "cough": "cough", "wheezing": "wheezing",
    "itching": "pruritus", "fever": "fever", "loose stools": "diarrhea",
    "ankle swelling": "leg_edema", "constipation": "constipation", "slow pulse": "bradycardia",
}  # fmt: skip
_BRIEF = re.compile(r"\bIV\b|once$|nebulized")
_PAST_WORDS = re.compile("|".join(_PAST_KEYS))


def problems(case: Case) -> tuple[str, ...]:
    """List the chronic conditions that a summary of the patient begins with."""
    return tuple(k for k in case.course.comorbid if k != "tobacco_use")


def _ends(page: Page, text: str) -> None:
    if page.last not in ".\n":
        page.literal(text)


def denials(page: Page, most: int = 5, but: tuple[str, ...] = ()) -> None:
    """Write what the patient denies, and `but` what they do have."""
    course = page.case.course
    neg = page.some(course.excluded, page.dice.between(2, most))
    if not neg:
        return
    denied = Said(neg, Assertion.NEGATED, "or")
    if but:
        page.sentence("mixed_denial", neg=denied, sx=Said(but))
    else:
        page.sentence("denies_child" if page.case.child else "denies", neg=denied)


def tellable(lines: tuple[str, ...], course: Course) -> list[str]:
    """Keep the lines that are true of this patient: no denial of what holds, no barred drug."""
    return [line for line in lines if all(_true(mark, course) for mark in marks(line))]


def _true(mark: tuple[str, str], course: Course) -> bool:
    sign, key = mark
    if key == "tobacco_use":
        return key in course.observed
    return key != course.allergy and not (sign == "-" and key in course.observed)


def complaint(page: Page) -> None:
    """Write the chief complaint."""
    page.heading("cc")
    page.listed(Said(page.case.course.symptoms[: page.dice.between(1, 2)]))
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
    but = rest[:1] if course.excluded and not case.child and dice.chance(0.2) else ()
    if rest and not but:
        page.sentence("also", sx=Said(rest))
    for line in dice.some(tellable(course.archetype.colour, course), 2 if full else 1):
        page.free(line)
    if full and dice.chance(0.6):
        page.sentence("worsening")
    denials(page, but=but)
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
        stopped(page)


def directions(drug: Concept, case: Case) -> str:
    """Choose the directions for a drug, the same in every note and in the order."""
    if not drug.sigs:
        return ""
    sig = Dice(case.course.index, len(drug.key)).pick(drug.sigs)
    adult = case.child and re.search(r"\d (mg|mcg|g|units?|mEq)\b(?!/)", sig)
    return "dosed by weight" if adult else sig


def kept(case: Case) -> tuple[str, ...]:
    """List the drugs of the illness that are taken on at home: no drips, no single doses."""
    chosen = (case.course.option, *case.course.drugs)
    if not case.course.archetype.inpatient:
        return chosen
    return tuple(k for k in chosen if not _BRIEF.search(directions(concepts()[k], case)))


def drugs(page: Page, heading: str, keys: tuple[str, ...]) -> None:
    """Write a list of drugs with their directions."""
    page.heading(heading)
    if not keys:
        page.literal("None.")
    in_line = page.dice.chance(0.3)
    page.formal = page.dice.chance(0.7)
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
    page.formal = False


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
    page.reacting = page.formal = True
    said = Said((course.allergy,), Assertion.NEGATED)
    template = page.dice.pick(phrases()["allergy"])
    page.say(template.replace("{reaction}", over(course.reaction)), drug=said)
    page.reacting = page.formal = False


def over(words: str) -> str:
    """Mark the symptoms in a reason or a reaction as being past."""
    return _PAST_WORDS.sub(lambda found: f"[~{_PAST_KEYS[found.group()]}:{found.group()}]", words)


def stopped(page: Page) -> None:
    """Write which drug was given up, and why."""
    for key, why, when in page.case.stopped:
        page.gap()
        template = page.dice.pick(phrases()["stopped"]).replace("{why}", over(why))
        page.say(template, drug=Said((key,), Assertion.HISTORICAL), year=str(when))


def family(page: Page) -> None:
    """Write the family history."""
    case = page.case
    page.heading("family")
    lines = [line for line in phrases()["family"] if _fits(line, case)]
    steady = Dice(case.course.index, 11)  # relatives do not change between notes
    for key, line in zip(case.family, steady.some(lines, len(case.family)), strict=False):
        page.gap()
        page.say(line, fam=Said((key,), Assertion.FAMILY))
    if case.family_none and page.dice.chance(0.6):
        page.sentence("family_none", fam=Said(case.family_none, Assertion.FAMILY))


def _fits(line: str, case: Case) -> bool:
    """Keep breast cancer among the women, and the parents of the young alive."""
    if (case.course.age < 40 and "{years}" in line) or (
        case.course.age < 20 and "{decade}" in line
    ):
        return False
    men = ("Father", "A brother", "Positive")
    return "breast_cancer" not in case.family or not line.startswith(men)


def social(page: Page) -> None:
    """Write the social history."""
    page.heading("social")
    age = page.case.course.age
    name = "social_old" if age > 66 else "social" if age > 22 else "social_young"
    if "alcohol_use" in page.case.course.observed:
        name = "social_drinks"
    steady = Dice(page.case.course.index, 12)  # nor do homes and habits
    page.say(steady.pick(phrases()[name if age > 15 else "social_child"]))
    if age > 15:
        smokes = "tobacco_use" in page.case.course.observed
        page.gap()
        page.say(steady.pick(phrases()["smoker" if smokes else "nonsmoker"]))


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
    sick = ill and course.severity and course.archetype.inpatient
    young = "_child" if page.case.child else ""
    page.phrase(("exam_sick" if sick else "exam_general") + young)
    if ill and course.signs:
        page.sentence("exam_signs", signs=Said(course.signs))
    elif course.signs:
        page.sentence("exam_absent", neg=Said(page.some(course.signs, 3), Assertion.NEGATED, "or"))
    page.sentence("exam_rest" + young) if dice.chance(0.8) else None


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
        stable(page, chronic[0])


def stable(page: Page, key: str) -> None:
    """Write that a chronic condition is quiet."""
    page.sentence("chronic" if key in USUAL_DRUG else "chronic_plain", dx=Said((key,)))


def plan(page: Page, *, after: bool = False) -> None:
    """Write the plan; `after` a stay, the plan of the clinic."""
    page.heading("plan")
    course = page.case.course
    pool = tellable(course.archetype.plan, course)
    pool = list(phrases()["plan_after"]) if after else pool
    for turn, line in enumerate(page.dice.some(pool, page.dice.between(3, 4)), 1):
        page.item(turn)
        page.say(line)
        _ends(page, "." if page.style.headings == "dictated" else "")
    if page.style.headings != "dictated":
        page.literal("\n")


def precautions(page: Page) -> None:
    """Write what should bring the patient back."""
    counsel = page.case.course.archetype.counsel
    for key in page.some(counsel, page.dice.between(1, 2)):
        page.sentence("if_then", sx=Said((key,), Assertion.HYPOTHETICAL))


def treatment(page: Page) -> None:
    """Write what was done and given."""
    course, dice = page.case.course, page.dice
    # The lines that name the drug tell of its success.
    told = tellable(course.archetype.story, course)
    told = [t for t in told if course.improved or "{option}" not in t]
    for line in dice.some(told, dice.between(2, 3)):
        page.free(line)
    if course.acute:
        page.sentence("started", drug=Said(course.acute))
    for key in page.some(course.procedures, 2):
        name = "attends" if key in _ATTENDED else "done" if key in SURGERY else "done_test"
        page.sentence(name, proc=Said((key,)))


def response(page: Page) -> None:
    """Write how the chosen drug worked: the recorded outcome."""
    said = Said((page.case.course.option,))
    page.sentence("response_good" if page.case.course.improved else "response_poor", drug=said)


def progress(page: Page, *, better: bool) -> None:
    """Write how the patient is since yesterday."""
    sx = Said(page.some(page.case.course.symptoms, 2))
    brighter = "better_child" if page.case.child else "better"
    page.sentence(brighter if better else "same", sx=sx)


def signature(page: Page, when: datetime) -> None:
    """Sign the note."""
    signed = when + timedelta(minutes=20)
    stamp = signed.strftime("%m/%d/%Y %H:%M")
    page.literal("\n" if page.last == "\n" else "\n\n")
    page.literal(page.dice.pick(("Electronically signed by ", "", "Dictated and signed: ")))
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
