"""What questions ask of how things hang together: what came of it, what happened on it, how a test
came out, who was born when; and what is named among more words than names."""

from __future__ import annotations

import pytest

from indexing.language.pipeline import Language
from indexing.model import Assertion
from rankers.cues import Asked
from rankers.judge import answers, fitting, lowered
from rankers.standing import AGAINST, FULLY, PARTLY, SILENT
from rankers.wants import Reader
from tests.notes import note

# The question, a note that says it, and one that says less of it or something else.
BETTER = [
    ("rash from allopurinol", "Rash after starting allopurinol.", "Rash. Takes allopurinol."),
    ("AKI due to vancomycin", "AKI caused by vancomycin.", "AKI on arrival. Vancomycin given."),
    ("positive FIT test", "FIT test came back positive.", "Chose FIT test over colonoscopy."),
    ("positive FIT test", "FIT test positive.", "FIT test was negative."),
    ("positive blood cultures", "Blood cultures 2/2 positive for MSSA.", "Blood cultures pending."),
    ("positive FOBT", "FOBT positive.", "FOBT sent."),
    ("positive troponin", "Troponin elevated at 3.2.", "Troponin sent."),
    ("positive blood culture", "Blood culture grew MSSA.", "Blood culture: no growth."),
    ("stroke on apixaban", "Stroke while taking apixaban. Apixaban held.",
     "Stroke in 2019. Now on apixaban."),
    ("pain not controlled with oxycodone", "Pain despite oxycodone.", "Pain. Oxycodone given."),
    ("anaphylaxis to penicillin", "Anaphylaxis to penicillin.", "Allergic to penicillin."),
    ("anaphylaxis to penicillin", "Penicillin caused anaphylaxis.", "Allergy: penicillin (rash)."),
    ("seizure on tramadol", "Seizure on tramadol.", "Seizure. Takes tramadol since."),
    ("born at 27 weeks", "Born at 27 weeks.", "Pregnant at 27 weeks."),
    ("born at 27 weeks", "An ex-27 weeker.", "G3P2 at 27 weeks gestation."),
    ("visual acuity 20/200", "VA OD 20/200, OS 20/40.", "VA 20/25, BP 200/90."),
    ("completed diabetes education", "She completed diabetes education.",
     "Has not yet completed diabetes education."),
]  # fmt: skip
WRONG = [
    ("seizure on tramadol", "Seizures, so tramadol was avoided."),
    ("seizure on tramadol", "Seizure in 2012. Took tramadol once. Tramadol stopped."),
    ("AF on warfarin", "AF, on warfarin. Warfarin was stopped."),
    ("uses CPAP", "Could not tolerate CPAP."),
    ("CT showed appendicitis", "No CT evidence of appendicitis."),
    ("unable to walk", "Able to walk 300 ft."),
    ("chest tube removed", "Chest tube to suction."),
    ("history of stroke", "PCP: father had a stroke at 70."),
    ("uses CPAP", "CPAP not indicated."),
    ("pain not controlled with oxycodone", "Pain well controlled on oxycodone."),
    ("uses a walker", "Used a walker until last year, now no longer uses a walker."),
    ("completed diabetes education", "Has not yet completed diabetes education."),
    ("missed dialysis", "Has not missed dialysis this year."),
    ("skipped insulin", "Never skipped her insulin."),
    ("out of lisinopril", "Takes lisinopril, no missed doses."),
    ("anaphylaxis to penicillin", "Given penicillin, no anaphylaxis."),
    ("penicillin allergy", "Got penicillin without rash, hives or anaphylaxis."),
    ("vaccinated for shingles", "Shingles on the left. Not vaccinated."),
    ("refused TPN", "Family asked about TPN; not indicated."),
    ("cured hep C", "Chronic hepatitis C, not yet treated."),
    ("recent travel to India", "Trip to India planned next month."),
]
RIGHT = [
    ("seizure on tramadol", "Seizure after taking extra tramadol. Tramadol discontinued."),
    ("uses CPAP", "Wears CPAP nightly."),
    ("missed dialysis", "Missed his last two dialysis sessions."),
    ("missed dialysis", "He missed dialysis on Monday."),
    ("out of lisinopril for two weeks", "He ran out of lisinopril two weeks ago."),
    ("pt is out of lisinopril", "Ran out of lisinopril."),
    ("penicillin allergy", "Penicillin allergy (hives), no anaphylaxis."),
    ("penicillin allergy", "No anaphylaxis but hives with penicillin."),
    ("penicillin allergy", "No known drug allergies except penicillin (hives)."),
    ("cured hep C", "HCV treated with Epclusa, SVR12 achieved."),
    ("refused surgery", "Surgery was recommended; patient and family declined."),
    ("gave up driving", "Stopped driving last winter."),
    ("vaccinated for shingles", "Received both doses of Shingrix."),
    ("penicillin allergy", "No problems with amoxicillin, penicillin causes hives."),
    ("unable to walk", "Cannot walk, proximal legs weak."),
    ("unable to walk", "She is unable to walk."),
    ("chest tube removed", "L chest tube removed this AM."),
    ("CT showed appendicitis", "CT consistent with acute appendicitis."),
    ("T above 39", "Tmax 39.8 at home."),
    ("weight over 150 kg", "Wt 171 kg, BMI 58."),
    ("takes insulin", "Injects glargine 20 units nightly."),
    ("declined flu shot", "Offered influenza vaccine today, patient declined."),
]


@pytest.mark.parametrize(("query", "right", "less"), BETTER)
def test_who_says_it_comes_before_who_says_less(
    language: Language, reader: Reader, query: str, right: str, less: str
) -> None:
    wants = reader.read(query)
    assert answers(note(language, right), wants) > answers(note(language, less), wants)


@pytest.mark.parametrize(("query", "text"), WRONG)
def test_who_says_something_else_is_no_answer(
    language: Language, reader: Reader, query: str, text: str
) -> None:
    assert answers(note(language, text), reader.read(query)) <= SILENT


@pytest.mark.parametrize(("query", "text"), RIGHT)
def test_who_says_it_answers(language: Language, reader: Reader, query: str, text: str) -> None:
    assert answers(note(language, text), reader.read(query)) > SILENT


def test_a_drug_stopped_for_what_happened_on_it_answers(language: Language, reader: Reader) -> None:
    stopped = note(language, "Seizure after taking extra tramadol. Tramadol discontinued.")
    assert answers(stopped, reader.read("seizure on tramadol")) == FULLY
    assert answers(stopped, reader.read("on tramadol")) == AGAINST
    later = note(language, "Seizure in childhood. Takes tramadol.")
    assert answers(later, reader.read("seizure on tramadol")) <= PARTLY


def test_weeks_of_a_pregnancy_are_no_birth(language: Language, reader: Reader) -> None:
    (want,) = reader.read("born at 27 weeks").wants
    assert fitting(note(language, "Ex-preemie, born at 27 weeks gestation."), want)
    assert fitting(note(language, "A former 27-week premature infant."), want)
    assert not fitting(note(language, "G3P2 at 27 weeks gestation with back pain."), want)


@pytest.mark.parametrize(
    ("query", "asked"),
    [
        ("out of bed", Asked.PRESENT),
        ("pain out of proportion", Asked.PRESENT),
        ("out of hospital arrest", Asked.PRESENT),
        ("completed stroke", Asked.PRESENT),
        ("out of lisinopril", Asked.UNTAKEN),
        ("completed chemotherapy", Asked.PAST),
        ("foley removed", Asked.STOPPED),
        ("unable to walk", Asked.NEGATED),
        ("cannot tolerate metformin", Asked.INTOLERANCE),
        ("can't afford insulin", Asked.UNTAKEN),
        ("unable to control pain", Asked.PRESENT),
        ("gallbladder removed", Asked.PRESENT),
        ("wears hearing aids", Asked.TAKING),
        ("cured of hepatitis C", Asked.PAST),
        ("not vaccinated for influenza", Asked.NEGATED),
        ("nursing mother with mastitis", Asked.PRESENT),
    ],
)
def test_how_it_is_asked(reader: Reader, query: str, asked: Asked) -> None:
    assert {want.asked for want in reader.read(query).wants} <= {asked}


def test_a_name_among_many_words_demands_nothing_and_still_orders(reader: Reader) -> None:
    wants = reader.read("drinks a pint of vodka daily")
    assert not wants.wants
    (drink,) = wants.beside
    (concept,) = drink.meaning.itself
    found = lowered(wants.beside, {
        "drinks": {concept: Assertion.PRESENT}, "used to": {concept: Assertion.HISTORICAL},
        "father": {concept: Assertion.FAMILY}, "sober": {concept: Assertion.NEGATED},
        "silent": {}, "at risk": {concept: Assertion.HYPOTHETICAL},
    })  # fmt: skip
    assert found == {"used to": 0.8, "father": 0.5, "sober": 0.5}


def test_a_told_sentence_orders_nothing(reader: Reader) -> None:
    assert not reader.read("A man who drank a pint of vodka daily for years came in.").beside
    assert not reader.read(
        "foods that may block cancer formation in mice and rats fed on it"
    ).beside


def test_a_mass_index_does_not_stand_in_for_a_weight(language: Language, reader: Reader) -> None:
    """Vital signs give both: "Wt 171 kg, BMI 58" left every leg of a question for the weight."""
    (weight,) = reader.read("weight over 150 kg").wants
    (index,) = language.terminology.find("body mass index")
    assert index not in weight.meaning.alike
