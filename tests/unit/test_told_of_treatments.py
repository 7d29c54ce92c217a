"""What questions ask beside a name: whether it helped, was refused, never had; its form, grade
and lobe."""

from __future__ import annotations

import pytest

from indexing.language.pipeline import Language
from rankers.cues import Asked, cues
from rankers.judge import answers, met
from rankers.standing import AGAINST, FULLY, SILENT
from rankers.wants import Reader
from tests.notes import note

ANSWERED = [
    (
        "did not respond to antibiotics",
        "Her cellulitis failed to respond to antibiotics.",
        "Her cellulitis responded to antibiotics.",
    ),
    (
        "physical therapy without relief",
        "He had physical therapy without much relief.",
        "Physical therapy gave good relief.",
    ),
    ("morphine did not help", "Pain despite morphine.", "Pain relieved by morphine."),
    ("did not respond to antibiotics", "Antibiotics did nothing for it.", "Antibiotics helped."),
    ("prednisone did not help", "Prednisone had no effect.", "Prednisone was effective."),
    ("prednisone did not help", "Given prednisone to no avail.", "Prednisone has helped."),
    ("prednisone did not help", "Rash refractory to prednisone.", "Prednisone helped."),
    ("prednisone did not help", "Rash resistant to prednisone.", "Prednisone helped."),
    ("prednisone did not help", "Rash worse on prednisone.", "Prednisone helped."),
    ("prednisone did not help", "Poor response to prednisone.", "Prednisone helped."),
    ("prednisone did not help", "Prednisone didn't help.", "Prednisone was effective."),
    ("prednisone helped", "Prednisone was effective.", "Prednisone did not help."),
    ("prednisone helped", "Rash resolved with prednisone.", "No relief with prednisone."),
    ("refused blood transfusion", "She does not want a blood transfusion.", "Transfusion given."),
    ("failed methotrexate", "She failed methotrexate.", "She improved on methotrexate."),
    ("lorazepam did not help", "Lorazepam did not help.", "Lorazepam helped."),
    ("improved on prednisone", "Rash improved on prednisone.", "No response to prednisone."),
    ("improved on prednisone", "Relief with prednisone.", "Unresponsive to prednisone."),
    ("physical therapy helped", "Physical therapy has helped.", "Physical therapy was no help."),
    ("refused blood transfusion", "Refused blood products.", "Blood transfusion given."),
    ("blood transfusion declined", "Blood transfusion was declined.", "Got a blood transfusion."),
    ("DVT ppx with heparin", "Heparin SQ for DVT prophylaxis.", "DVT, on heparin drip."),
    ("ppx for stroke", "Aspirin to prevent stroke.", "He had a stroke."),
    ("has not had a colonoscopy", "Never had a colonoscopy.", "Colonoscopy last year."),
    (
        "family history negative for gout",
        "No family history of gout.",
        "FAMILY HISTORY: Gout in mother.",
    ),
    (
        "no gout in the family",
        "No family history of gout.",
        "FAMILY HISTORY: Gout in mother.",
    ),
    ("father w/ gout", "His father had gout.", "Maternal aunt had gout."),
    ("latex allergy", "ALLERGIES: Sulfa and latex.", "ALLERGIES: Patient denies latex allergy."),
    ("penicillin allergy", "Allergic to penicillin.", "Penicillin; his seasonal allergies flared."),
    ("cetirizine allergy", "ALLERGIES: Cetirizine.", "Allergic rhinitis. Takes cetirizine for it."),
]  # fmt: skip


@pytest.mark.parametrize(("query", "right", "wrong"), ANSWERED)
def test_right_and_wrong(
    language: Language, reader: Reader, query: str, right: str, wrong: str
) -> None:
    wants = reader.read(query)
    assert answers(note(language, right), wants) > SILENT
    assert answers(note(language, wrong), wants) == AGAINST


def test_the_response_is_asked_whichever_it_was(language: Language, reader: Reader) -> None:
    wants = reader.read("response to prednisone")
    assert [want.asked for want in wants.wants] == [Asked.EFFECT]
    for told in ("Improved on prednisone.", "No response to prednisone."):
        assert answers(note(language, told), wants) == FULLY
    assert answers(note(language, "Takes prednisone 5 mg."), wants) == SILENT
    assert answers(note(language, "Prednisone would help if she flares."), wants) <= SILENT


def test_what_nobody_refused_is_no_answer_in_full(language: Language, reader: Reader) -> None:
    wants = reader.read("refused blood transfusion")
    assert answers(note(language, "No blood transfusion."), wants) == SILENT


@pytest.mark.parametrize(
    ("query", "best", "next_best"),
    [
        ("fentanyl patch", "Fentanyl patch 25 mcg.", "Fentanyl drip."),
        ("insulin drip", "Put on an insulin drip.", "Insulin 10 units at bedtime."),
        ("IV vancomycin", "Vancomycin 1 g IV daily.", "Oral vancomycin."),
        ("inhaled budesonide", "Budesonide inhaler.", "Budesonide capsules."),
        ("topical clindamycin", "Clindamycin gel.", "Clindamycin capsules."),
        ("IM ceftriaxone", "Ceftriaxone 250 mg IM.", "Ceftriaxone by drip."),
        ("oral vancomycin", "Vancomycin by mouth.", "Vancomycin 1 g IV."),
        ("subcutaneous heparin", "Heparin SQ.", "Heparin drip."),
        ("right middle lobe pneumonia", "RML pneumonia.", "RUL pneumonia."),
        ("morphine PCA", "Morphine by PCA.", "Morphine 2 mg given."),
        ("insulin by pump", "Insulin by pump.", "Insulin 10 units at bedtime."),
        ("timolol drops", "Timolol drops at night.", "Timolol tablets."),
        ("severe aortic stenosis", "Severe aortic stenosis.", "Aortic stenosis."),
        ("severe aortic stenosis", "Aortic stenosis.", "Moderate aortic stenosis."),
        ("mild asthma", "Mild asthma.", "Severe asthma."),
        ("severe asthma", "Severe asthma.", "Severe cough. Asthma."),
        ("stage 2 pressure ulcer", "Stage II pressure ulcer.", "Pressure ulcer."),
        ("pressure ulcer stage 2", "Pressure ulcer.", "Stage IV pressure ulcer."),
        ("stage 0 melanoma", "Stage 0 melanoma.", "Stage I melanoma."),
        ("class III heart failure", "Class 3 heart failure.", "Class II heart failure."),
        ("grade 1 spondylolisthesis", "Grade I spondylolisthesis.", "Spondylolisthesis grade 2."),
        ("severe asthma", "Mild cough, severe asthma.", "Severe cough, mild asthma."),
        (
            "right lower lobe pneumonia",
            "Pneumonia, right lower lobe.",
            "Right upper lobe pneumonia.",
        ),
        ("pneumonia right lower lobe", "RLL pneumonia.", "RUL pneumonia."),
        ("left knee pain", "Left knee pain.", "Bilateral knee pain."),
    ],
)
def test_the_one_that_is_asked_comes_first(
    language: Language, reader: Reader, query: str, best: str, next_best: str
) -> None:
    wants = reader.read(query)
    first, second = (answers(note(language, text), wants) for text in (best, next_best))
    assert first > second > SILENT


@pytest.mark.parametrize(
    ("query", "of_it", "of_blood"),
    [
        ("urine sodium < 20", "Urine sodium 12.", "Serum sodium 12."),
        ("urine sodium < 20", "Urinary sodium 12.", "Sodium 12."),
        ("pleural fluid glucose < 60", "Pleural fluid glucose 30.", "Glucose 30."),
        ("ascitic albumin < 2", "Ascitic fluid albumin 1.1.", "Albumin 1.1."),
        ("peritoneal albumin < 2", "Ascitic albumin 1.1.", "Albumin 1.1."),
        ("synovial glucose < 60", "Synovial fluid glucose 30.", "Glucose 30."),
        ("joint fluid glucose < 60", "Synovial glucose 30.", "Glucose 30."),
        ("sweat chloride > 60", "Sweat chloride 80.", "Chloride 80."),
        ("CSF glucose < 40", "Cerebrospinal fluid glucose 30.", "Glucose 30."),
    ],
)
def test_a_fluid_that_is_measured_is_not_the_blood(
    language: Language, reader: Reader, query: str, of_it: str, of_blood: str
) -> None:
    first, second = (
        answers(note(language, text), reader.read(query)) for text in (of_it, of_blood)
    )
    assert first > second
    limit = reader.read(query.replace(query.split()[0], "", 1).replace("fluid", "").strip())
    assert answers(note(language, of_it), limit) < answers(note(language, of_blood), limit)


@pytest.mark.parametrize(
    "told",
    [
        "Improved on prednisone.", "Responded to prednisone.", "Responsive to prednisone.",
        "Relieved by prednisone.", "Relief with prednisone.", "Helped by prednisone.",
        "Prednisone was helpful.", "Prednisone was effective.", "Better on prednisone.",
        "Resolved with prednisone.", "Resolution on prednisone.", "Prednisone was of benefit.",
        "Benefited from prednisone.", "Prednisone was beneficial.", "Subsided on prednisone.",
        "Treated successfully with prednisone.", "Prednisone worked well.",
        "Well controlled on prednisone.",
    ],
)  # fmt: skip
def test_every_word_for_help_is_one(language: Language, reader: Reader, told: str) -> None:
    assert answers(note(language, told), reader.read("prednisone helped")) == FULLY


@pytest.mark.parametrize(
    ("told", "helped"),
    [
        ("Takes prednisone. Her rash improved.", SILENT),
        ("Her rash improved. Takes prednisone.", SILENT),
        ("Her rash improved. Prednisone was kept.", SILENT),
        ("Her rash improved; takes prednisone.", SILENT),
        ("Takes prednisone\nRash improved", SILENT),
        ("On prednisone 5 mg, her rash improved.", FULLY),
    ],
)
def test_an_effect_is_told_in_its_own_sentence(
    language: Language, reader: Reader, told: str, helped: float
) -> None:
    assert answers(note(language, told), reader.read("prednisone helped")) == helped


@pytest.mark.parametrize("whose", ["His mother improved on", "Return if worse and not helped by"])
def test_an_effect_on_nobody_here_is_none(language: Language, reader: Reader, whose: str) -> None:
    told = note(language, f"{whose} prednisone.")
    for query in ("prednisone helped", "prednisone did not help"):
        assert answers(told, reader.read(query)) <= SILENT


def test_a_note_without_the_form_is_only_near(language: Language, reader: Reader) -> None:
    patch, vein = reader.read("fentanyl patch"), reader.read("IV vancomycin")
    assert met(note(language, "Fentanyl patch."), patch)
    assert not met(note(language, "Fentanyl 50 mcg given."), patch)
    assert met(note(language, "Vancomycin 1 g daily."), vein)  # how, notes leave unsaid


def test_a_form_that_is_part_of_a_name_is_not_asked(reader: Reader) -> None:
    for query in ("blood pressure pills", "ran out of his inhaler", "inhaler"):
        (want,) = reader.read(query).wants
        assert (want.drug, want.quality) == (True, frozenset())
    (want,) = reader.read("IV antibiotics").wants
    assert want.quality == {"iv"}


def test_what_a_drug_did_is_denied_and_not_the_drug(language: Language, reader: Reader) -> None:
    wants = reader.read("no evidence of protamine reaction")
    assert [(want.words, want.asked) for want in wants.wants] == [
        ("protamine reaction", Asked.NEGATED)
    ]
    given = "Protamine was given; there was no evidence of a protamine reaction."
    assert answers(note(language, given), wants) == FULLY
    (drug,) = reader.read("protamine reaction").wants
    assert drug.words == "protamine"


def test_what_is_denied_by_name_is_asked_whatever_stands_around(reader: Reader) -> None:
    wants = reader.read("slid out of bed overnight no injury")
    assert [(want.words, want.asked) for want in wants.wants] == [("injury", Asked.NEGATED)]
    assert wants.mode == "any"  # the rest is not what is denied
    long = "slid out of bed on the ward last night with no injury"
    assert reader.read(long).wants == ()


def test_words_of_manner_are_no_denied_finding(reader: Reader) -> None:
    read = reader.read("extubated without difficulty")
    assert [(want.words, want.asked) for want in read.wants] == [("extubated", Asked.PRESENT)]
    assert read.cues == ()
    assert reader.read("no complications").mode == "any"


def test_what_charts_list_among_allergies_answers_in_full(
    language: Language, reader: Reader
) -> None:
    wants = reader.read("latex allergy")
    assert answers(note(language, "ALLERGIES: Sulfa and latex."), wants) == FULLY
    assert answers(note(language, "Latex gloves were worn."), wants) <= SILENT


def test_what_is_denied_in_the_family_is_one_thing() -> None:
    found = cues("no gout in the family")
    assert [cue.asked for cue in found] == [Asked.NO_FAMILY, Asked.NO_FAMILY]


def test_a_test_that_found_nothing_was_had(language: Language, reader: Reader) -> None:
    wants = reader.read("who has not had a colonoscopy")
    assert answers(note(language, "He has never had a colonoscopy."), wants) == FULLY
    assert answers(note(language, "Negative GI workup, including colonoscopy."), wants) <= SILENT
    assert answers(note(language, "No complications of the colonoscopy."), wants) <= SILENT
    result = reader.read("colonoscopy negative")
    assert answers(note(language, "Colonoscopy was negative."), result) == FULLY


def test_how_to_prevent_it_asks_for_no_patient(reader: Reader) -> None:
    assert [want.asked for want in reader.read("How to prevent a stroke").wants] == [Asked.PRESENT]


def test_a_drug_that_prevents_is_itself_asked(reader: Reader) -> None:
    (want,) = reader.read("nitrofurantoin prophylaxis").wants
    assert (want.words, want.asked) == ("nitrofurantoin", Asked.PRESENT)
    _, drug = reader.read("stroke aspirin prophylaxis").wants
    assert (drug.words, drug.asked) == ("aspirin", Asked.PRESENT)


def test_a_side_belongs_to_what_it_stands_beside(reader: Reader) -> None:
    left, none = reader.read("pneumothorax left with chest tube").wants
    assert (left.side, none.side) == ("left", None)


def test_words_apart_are_told_of_one_side_or_number(language: Language, reader: Reader) -> None:
    wants = reader.read("robotic zorbaplasty right")
    assert met(note(language, "Robotic-assisted right zorbaplasty."), wants)
    assert not met(note(language, "Robotic-assisted left zorbaplasty."), wants)


def test_negative_before_what_it_tells_of_denies_nothing_before_it() -> None:
    assert cues("melanoma negative margins") == ()
    assert [cue.asked for cue in cues("CT negative")] == [Asked.NEGATED]
