"""Notes held against what a question wants of them."""

from __future__ import annotations

from datetime import UTC

import pytest

from indexing.access import Access
from indexing.backends.memory.graph import MemoryGraphIndex
from indexing.backends.memory.lexical import MemoryLexicalIndex
from indexing.language.matcher import Matcher
from indexing.language.pipeline import Language
from indexing.language.terminology.store import no_terminology
from indexing.model import Assertion, Copied
from indexing.ports import Ranking, Scored
from rankers.answer import SearchRequest
from rankers.cues import Asked
from rankers.explain import Fused, Signal
from rankers.judge import answers, met, repeats, settled, sifted, unsettled
from rankers.plan import Planner
from rankers.sift import Sifter
from rankers.standing import AGAINST, FULLY, PARTLY, SILENT
from rankers.wants import Reader
from tests.notes import TENANT, note
from tests.searching import Shelf

ANSWERED = [
    ("current pneumonia", "Chest film shows pneumonia.", "Pneumonia, resolved."),
    ("confirmed pneumonia", "Chest film shows pneumonia.", "Possible pneumonia."),
    ("suspected pneumonia", "Possible pneumonia.", "No pneumonia."),
    ("previous pneumonia", "History of pneumonia in 2015.", "No pneumonia."),
    ("former smoker", "Former smoker, quit in 2001.", "Current smoker, one pack a day."),
    ("never smoker", "Lifelong nonsmoker.", "Former smoker, quit in 2001."),
    ("family history of gout", "His father had gout.", "He has gout."),
    ("family history of gout", "His father had gout.", "No family history of gout."),
    ("no family history of gout", "No family history of gout.", "His father had gout."),
    ("no chest pain", "Denies chest pain.", "Chest pain since this morning."),
    ("head ct no bleed", "CT head without contrast. No ICH.", "CT head: intracranial hemorrhage."),
    ("on warfarin", "Takes warfarin daily.", "Warfarin was stopped."),
    ("warfarin stopped", "Warfarin was stopped.", "Takes warfarin daily."),
    ("not on insulin", "Not on insulin.", "On insulin glargine at bedtime."),
    ("no allergy to penicillin", "Not allergic to penicillin.", "Allergic to penicillin."),
    ("not allergic to penicillin", "Not allergic to penicillin.", "Allergic to penicillin."),
    ("no known allergies", "No known allergies.", "Allergies: codeine."),
    ("neg d-dimer", "D-dimer negative.", "D-dimer 3.8 (H)."),
    ("can't take nsaids", "Could not tolerate ibuprofen.", "Takes ibuprofen daily."),
    ("no fam hx gout", "No family history of gout.", "His father had gout."),
    ("mom breast ca", "Mother had carcinoma of the breast.", "Breast ca, stage I."),
    ("warfarin restarted", "Takes warfarin daily.", "Formerly took warfarin (stopped)."),
    ("hold metformin", "Metformin was stopped.", "Takes metformin daily."),
    ("refused flu shot", "Declined flu shot.", "Had the flu shot at the pharmacy."),
    ("hiv negative", "HIV negative.", "HIV, on treatment."),
    ("hx gout", "History of gout.", "No gout."),
    ("tolerates penicillin", "Takes penicillin V.", "Allergies: penicillin (rash)."),
    ("penicillin tolerated", "Takes penicillin V.", "Allergies: penicillin (rash)."),
    ("fever w/o cough", "Fever. No cough.", "No fever. Cough."),
    ("positive for covid", "COVID-19 confirmed.", "Negative for COVID-19."),
    ("no nausea or vomiting", "Denies nausea. No vomiting.", "Nausea and vomiting."),
    ("penicillin allergy", "Allergic to penicillin.", "Started penicillin V today."),
    ("penicillin allergy", "ALLERGIES: Penicillin", "She is not allergic to penicillin."),
    ("statin intolerance", "Could not tolerate atorvastatin.", "Takes atorvastatin daily."),
    ("childhood asthma", "Asthma as a child.", "Asthma, on albuterol."),
    ("mother with lupus", "Her mother had lupus.", "FAMILY HISTORY: Maternal cousin with lupus."),
    ("father died of stroke", "Father died of a stroke.", "Father had gout, mother a stroke."),
    ("dad has gout", "Gout in both parents.", "Gout in his brother, father healthy."),
    ("gout in the grandmother", "PGM with gout.", "Mother with gout."),
    (
        "no family history of gout",
        "No family history of gout.",
        "His son has gout. Other than his son no family members have gout.",
    ),
    ("NKDA", "No known drug allergies.", "ALLERGIES: drug allergy, see list."),
    ("no known drug allergies", "ALLERGIES: NKDA", "Allergic to medicine: drug allergy."),
    ("NKA", "ALLERGIES: NKA.", "Allergies are bad this spring."),
    ("does not drink alcohol", "Denies alcohol use.", "He drinks alcohol daily."),
    ("no acute distress", "No acute distress.", "In acute distress."),
    ("penicillin tolerated", "Takes penicillin V.", "A rash, which occurred from penicillin."),
    ("on penicillin", "Takes penicillin V.", "She is penicillin allergic."),
    ("no fever since yesterday", "Denies fever.", "Fever since yesterday."),
    ("no seizures since last visit", "Denies seizures.", "Seizures twice."),
    ("no chest pain since monday", "Denies chest pain.", "Chest pain."),
    ("no fever last night", "Denies fever.", "Fever to 39."),
    ("left leg cellulitis", "LLE cellulitis.", "RLE cellulitis."),
    ("metformin", "Metformin 500 mg.", "She was never started on metformin."),
    ("left knee pain", "Left knee pain for weeks.", "Right knee pain on stairs."),
    ("right inguinal hernia", "Right inguinal hernia.", "Left inguinal hernia."),
    ("pain in the left knee", "Pain in the left knee.", "Pain in the right knee."),
    ("left cataract", "Cataract, left eye.", "Cataract, right eye."),
    ("left hip fracture", "Left hip fracture.", "Fracture of the right femoral neck."),
]


@pytest.mark.parametrize(("query", "right", "wrong"), ANSWERED)
def test_right_and_wrong(
    language: Language, reader: Reader, query: str, right: str, wrong: str
) -> None:
    wants = reader.read(query)
    assert answers(note(language, right), wants) > SILENT
    assert answers(note(language, wrong), wants) == AGAINST


def test_letters_that_deny_are_read_without_a_terminology_that_knows_them() -> None:
    nothing = no_terminology()
    wants = Reader(nothing, Matcher(nothing)).read("patients with NKDA")
    assert wants.mode == "any"
    assert answers(note(Language(nothing), "ALLERGIES: NKDA"), wants) > SILENT


def test_letters_that_deny_are_no_allergy(language: Language, reader: Reader) -> None:
    wants = reader.read("drug allergy")
    assert answers(note(language, "Drug allergy."), wants) == FULLY
    assert answers(note(language, "ALLERGIES: NKDA"), wants) == AGAINST
    mention = note(language, "ALLERGIES: NKDA").mentions[-1]
    assert mention.assertion is Assertion.NEGATED
    assert mention.cue is not None
    assert mention.cue.text == "NKDA"


def test_a_family_that_names_nobody_answers_for_a_mother_in_part(
    language: Language, reader: Reader
) -> None:
    wants = reader.read("mother with lupus")
    assert answers(note(language, "FAMILY HISTORY: Positive for lupus."), wants) == PARTLY
    assert answers(note(language, "FAMILY HISTORY: Lupus in mother."), wants) == FULLY
    side = "FAMILY HISTORY: Lupus on her mother's side."
    assert answers(note(language, side), wants) == PARTLY


def test_who_denies_something_narrower_denies_less(language: Language, reader: Reader) -> None:
    for query, broad, narrow in (
        ("no infection", "No evidence of infection.", "No abscess."),
        ("never had a stroke", "Denies stroke.", "Subarachnoid hemorrhage has been excluded."),
        ("not on statin", "Not on a statin.", "Not on atorvastatin."),
    ):
        wants = reader.read(query)
        assert answers(note(language, broad), wants) == FULLY
        assert answers(note(language, narrow), wants) == PARTLY


def test_a_diet_or_an_exam_is_no_illness(language: Language, reader: Reader) -> None:
    for query, told, other in (
        ("hypokalemia", "Low potassium today.", "Low potassium diet sheet."),
        ("diabetic foot ulcer", "Diabetic foot ulcer.", "Diabetic foot examination completed."),
    ):
        concepts = {mention.concept_id for mention in note(language, told).mentions}
        (want,) = reader.read(query).wants
        assert concepts & want.concepts
        mentioned = {mention.concept_id for mention in note(language, other).mentions}
        assert not mentioned & want.concepts


@pytest.mark.parametrize(
    ("query", "told", "in_full"),
    [
        ("warfarin 5 mg", "Takes warfarin 5 mg.", True),
        ("warfarin 5 mg", "Takes warfarin.", False),
        ("left hip replacement", "Left hip replacement.", True),
        ("left hip replacement", "Hip replacement.", False),
        ("warfarin", "Takes warfarin.", True),
    ],
)
def test_a_note_without_the_number_or_side_is_only_near(
    language: Language, reader: Reader, query: str, told: str, in_full: bool
) -> None:
    wants, held = reader.read(query), note(language, told)
    assert answers(held, wants) > SILENT
    assert met(held, wants) is in_full


def test_pt_is_no_test_where_something_else_is_asked(reader: Reader) -> None:
    assert [want.words for want in reader.read("pt is dnr").wants] == ["dnr"]


def test_who_never_used_drugs_is_no_answer_to_drug_use(language: Language, reader: Reader) -> None:
    wants = reader.read("drug use")
    assert answers(note(language, "Uses drugs on weekends."), wants) == FULLY
    assert answers(note(language, "Never used drugs."), wants) == AGAINST


@pytest.mark.parametrize("query", sorted({query for query, _, _ in ANSWERED}))
def test_a_note_about_something_else_is_silent(
    language: Language, reader: Reader, query: str
) -> None:
    other = note(language, "Sprained ankle, elastic bandage applied.")
    assert answers(other, reader.read(query)) <= SILENT


@pytest.mark.parametrize(
    ("query", "text", "weight"),
    [
        ("history of diabetes", "Type 2 diabetes, on metformin.", PARTLY),
        ("history of stroke", "H/o stroke in 2012.", FULLY),
        ("confirmed pneumonia", "Pneumonia in 2015, resolved.", PARTLY),
        ("current pneumonia", "Possible pneumonia versus atelectasis.", PARTLY),
        ("left knee pain", "Knee pain for weeks.", PARTLY),
        ("hemoglobin below 8", "Hemoglobin was low.", PARTLY),
    ],
)
def test_partly(language: Language, reader: Reader, query: str, text: str, weight: float) -> None:
    assert answers(note(language, text), reader.read(query)) == weight


@pytest.mark.parametrize(
    ("query", "text", "against"),
    [
        ("left kidney stone", "Kidneys: 4 mm stone on the right. No hydronephrosis.", True),
        ("left kidney stone", "Kidneys: 4 mm stones on the left. Right side clear.", False),
        ("right kidney stone", "Stone in the left kidney, 6 mm.", True),
        ("right kidney stone", "Kidneys: left stone 6 mm, right stone 2 mm.", False),
        ("left kidney stone", "Left ureteric calculus. Right kidney: no stone.", False),
        ("right ovarian cyst", "Pelvis: left cyst of 4 cm, ovarian.", True),
        ("right ovarian cyst", "Ovarian reserve low. Baker's cyst of the left knee.", False),
        ("fracture of the left wrist", "Right wrist: distal radius fracture.", True),
        ("fracture of the left wrist", "Wrist splint on the right. Fracture clinic.", False),
        ("fracture of the left wrist", "Right wrist pain, fracture on the left.", False),
        ("left thyroid nodule", "Left thyroid lobe enlarged; lung nodule, right.", False),
    ],
)
def test_a_name_whose_words_stand_apart_has_the_side_of_its_head(
    language: Language, reader: Reader, query: str, text: str, against: bool
) -> None:
    assert (answers(note(language, text), reader.read(query)) == AGAINST) is against


def test_a_copy_repeats_what_is_asked_only_with_its_number(
    language: Language, reader: Reader
) -> None:
    text = "LABS: hemoglobin 7.2 g/dL."
    copy = note(language, text, copied=(Copied(0, len(text), "first", 0, len(text)),))
    assert repeats(copy, reader.read("hemoglobin < 8"))
    assert not repeats(copy, reader.read("hemoglobin > 8"))
    assert not repeats(note(language, text), reader.read("hemoglobin < 8"))


def test_copies_alone_say_what_is_asked_as_far_as_they_have_its_number(
    language: Language, reader: Reader
) -> None:
    """A page of copies says that somebody said it; nothing of another number."""
    terminology = language.terminology
    text = "LABS: hemoglobin 7.2 g/dL."
    copies = {d: note(language, text, d, (Copied(0, len(text), "first", 0, len(text)),))
              for d in ("b", "c")}  # fmt: skip
    fused = [Fused(d, rank, 1 / rank, {}) for rank, d in enumerate(copies, 1)]
    sifter = Sifter(MemoryLexicalIndex(), MemoryGraphIndex(), Shelf(copies))
    access = Access(TENANT, "dr", frozenset())
    for query, said in (("hemoglobin < 8", True), ("hemoglobin > 8", False)):
        plan = Planner(terminology, Matcher(terminology)).plan(SearchRequest(query), 10, UTC)
        hits, told = sifter.sifted(access, plan, fused, 10)
        assert ([hit.doc_id for hit in hits], told) == (["b", "c"], said)


def test_what_was_copied_is_said_by_the_first_author(language: Language, reader: Reader) -> None:
    wants = reader.read("cellulitis of the left leg")
    text = "Cellulitis of the left leg after an insect bite."
    assert answers(note(language, text), wants) == FULLY
    told = note(language, f"Copied from the note of 10 January: {text}\n\nThe leg has healed.")
    assert answers(told, wants) <= SILENT
    known = note(language, text, copied=(Copied(0, len(text), "first", 0, len(text)),))
    assert answers(known, wants) <= SILENT


def test_words_without_a_concept_are_judged_where_they_stand(
    language: Language, reader: Reader
) -> None:
    wants = reader.read("zorbaxia")
    assert answers(note(language, "He has zorbaxia."), wants) == FULLY
    assert answers(note(language, "Denies zorbaxia."), wants) == AGAINST


def test_a_look_alike_is_no_answer(language: Language, reader: Reader) -> None:
    wants = reader.read("lamotrigine")
    assert answers(note(language, "Stable on lamotrigine."), wants) == FULLY
    assert answers(note(language, "Suppressed on lamivudine."), wants) == AGAINST


def test_a_drug_has_no_other_words(language: Language, reader: Reader) -> None:
    other = note(language, "Hypertension, on chlorthalidone.")
    assert answers(other, reader.read("amiodarone")) == SILENT


def test_of_two_things_named_neither_need_be_named(language: Language, reader: Reader) -> None:
    wants = reader.read("cooked beans or sprouted beans")
    assert answers(note(language, "Legumes lower the pressure."), wants) > SILENT
    assert answers(note(language, "Ate sprouted beans."), wants) == FULLY


def test_any_lifts_the_standing_but_not_the_number(reader: Reader, language: Language) -> None:
    wants = reader.read("former smoker", Asked.ANY)
    assert answers(note(language, "Current smoker."), wants) == FULLY
    bound = reader.read("hemoglobin below 8", Asked.ANY)
    assert answers(note(language, "Hemoglobin 12."), bound) == AGAINST


def ranking(*doc_ids: str) -> Ranking:
    return Ranking(tuple(Scored(d, 1.0 / rank, rank) for rank, d in enumerate(doc_ids, 1)))


def test_what_only_denies_leaves_every_leg(reader: Reader) -> None:
    asked = reader.read("chest pain")
    own, pain = "anm:chest-pain", "anm:pain"
    standings = {
        "has": {own: Assertion.PRESENT},
        "denies": {own: Assertion.NEGATED},
        "mother": {own: Assertion.FAMILY},
        "once": {own: Assertion.HISTORICAL},
        "nothing hurts": {pain: Assertion.NEGATED},
        "hurts there": {pain: Assertion.NEGATED},  # says the same, and the words besides
    }
    every = ranking(*standings, "silent")
    found, weights = settled({"lexical": every, "vector": every}, asked, standings, {})
    for leg in ("lexical", "vector"):
        assert [hit.doc_id for hit in found[leg].hits] == ["has", "once", "silent"]
        assert [hit.rank for hit in found[leg].hits] == [1, 2, 3]
    assert weights == {"once": pytest.approx(0.8)}
    words = {"chest pain": frozenset({"hurts there"})}
    kept, _ = settled({"vector": every}, asked, standings, words)
    assert [hit.doc_id for hit in kept["vector"].hits] == ["has", "once", "hurts there", "silent"]


def test_who_denies_the_one_and_is_silent_on_the_other_is_no_answer(
    language: Language, reader: Reader
) -> None:
    denies = {"anm:hematuria": Assertion.NEGATED}
    has = {**denies, "anm:dysuria": Assertion.PRESENT}
    every = ranking("denies", "has", "silent")
    for question in ("hematuria OR dysuria", "patient with hematuria and dysuria"):
        asked = reader.read(question)
        found, _ = settled({"vector": every}, asked, {"denies": denies, "has": has}, {})
        assert [hit.doc_id for hit in found["vector"].hits] == ["has", "silent"]
        assert answers(note(language, "Denies hematuria."), asked) == AGAINST


def test_words_of_asking_are_not_what_is_asked(reader: Reader) -> None:
    for question in ("what about hematuria", "show me patients with hematuria", "any hematuria"):
        assert unsettled(reader.read(question))


def test_one_concept_among_many_words_settles_nothing(reader: Reader) -> None:
    assert not unsettled(reader.read("foods that may block cancer formation in mice"))
    assert unsettled(reader.read("breast cancer"))


def test_one_of_two_is_enough(reader: Reader) -> None:
    asked = reader.read("fever with chills")
    both = {"anm:fever": Assertion.NEGATED, "anm:chills": Assertion.NEGATED}
    one = {"anm:fever": Assertion.PRESENT, "anm:chills": Assertion.NEGATED}
    every = ranking("both", "one")
    found, _ = settled({"vector": every}, asked, {"both": both, "one": one}, {})
    assert [hit.doc_id for hit in found["vector"].hits] == ["one"]


def test_sifted_hits_keep_their_sums(language: Language, reader: Reader) -> None:
    signals = {"lexical": Signal(1, 3.0, 0.5), "vector": Signal(2, 0.6, 0.3)}
    hits = [Fused(d, rank, 0.8, signals) for rank, d in enumerate(("partly", "against", "gone"), 1)]
    notes = {
        "partly": note(language, "Knee pain for weeks."),
        "against": note(language, "Right knee pain."),
    }
    answering, silent = sifted(hits, reader.read("left knee pain"), notes)
    assert [hit.doc_id for hit in answering] == ["partly", "gone"]
    assert silent == []
    for hit in answering:
        assert sum(s.contribution for s in hit.signals.values()) == pytest.approx(hit.score)
    assert answering[0].score == pytest.approx(0.8 * PARTLY)


def test_either_is_enough_where_or_stands(language: Language, reader: Reader) -> None:
    asked = reader.read("history of stroke or pneumonia")
    assert answers(note(language, "History of stroke. No pneumonia."), asked) == FULLY
    assert answers(note(language, "No stroke. No pneumonia."), asked) == AGAINST
    both = reader.read("no fever or chills")
    assert answers(note(language, "Denies fever, has chills."), both) == AGAINST
    told = reader.read("left knee pain right hip fracture", either=True)
    assert answers(note(language, "Right hip fracture. Right knee pain."), told) == FULLY
