"""What the matcher finds in text, and that its offsets hold."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.language.matcher import Matcher
from indexing.language.terminology import Terminology, open_terminology
from indexing.language.terminology.store import no_terminology
from indexing.model import Section


@pytest.fixture(scope="module")
def terminology() -> Terminology:
    return open_terminology()


@pytest.fixture(scope="module")
def matcher(terminology: Terminology) -> Matcher:
    return Matcher(terminology)


def test_without_a_terminology_nothing_is_found() -> None:
    assert Matcher(no_terminology()).find("chest pain") == []


def found(matcher: Matcher, text: str) -> list[tuple[str, str]]:
    return [(text[s.start : s.end], s.name) for s in matcher.find(text)]


# Long enough to be read as a note, not as a question.
_ROUND = (
    " Seen on the evening round with the team, and the plan for the coming week was explained to "
)
_ROUND += "the relatives, who had no questions."


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("He has chest pain.", [("chest pain", "chest pain")]),
        ("pain in the chest", [("pain in the chest", "chest pain")]),
        ("pain in his chest", [("pain in his chest", "chest pain")]),
        ("pain in the left knee", [("pain in the left knee", "knee pain")]),
        ("Swelling of both ankles", [("Swelling of both ankles", "peripheral edema")]),
        ("fracture of left hip", [("fracture of left hip", "fracture of hip")]),
        ("pain of the left ventricle", [("pain", "pain"), ("left ventricle", "left ventricle")]),
        ("diabetes type 2", [("diabetes type 2", "type 2 diabetes mellitus")]),
        ("diabetes, type II", [("diabetes, type II", "type 2 diabetes mellitus")]),
        ("Chest and abdominal pain", [("Chest", "chest pain"), ("abdominal pain",) * 2]),
        ("chest/abdominal pain", [("chest", "chest pain"), ("abdominal pain",) * 2]),
        (
            "neck, hip, and knee pain",
            [("neck", "neck pain"), ("hip", "hip pain"), ("knee pain", "knee pain")],
        ),
        (
            "pain in the chest and abdomen",
            [("pain in the chest", "chest pain"), ("abdomen", "abdominal pain")],
        ),
        ("hepatitis B and C", [("hepatitis B",) * 2, ("C", "hepatitis C")]),
        ("two heart attacks", [("heart attacks", "myocardial infarction")]),
        ("Crohn's disease", [("Crohn's disease", "Crohn disease")]),
        ("X-ray", [("X-ray", "X-ray")]),
        ("x ray", [("x ray", "X-ray")]),
        ("hiatal-hernia", [("hiatal-hernia", "hiatal hernia")]),
        ("fractured hip", [("fractured hip", "fracture of hip")]),
        ("swollen ankles", [("swollen ankles", "peripheral edema")]),
        ("oesophagitis and anaemia", [("oesophagitis", "esophagitis"), ("anaemia", "anemia")]),
        ("She vomited twice", [("vomited", "vomiting")]),
        ("renal failure", [("renal failure", "kidney failure")]),
        ("type II diabetes", [("type II diabetes", "type 2 diabetes mellitus")]),
        ("type 2 diabetes", [("type 2 diabetes", "type 2 diabetes mellitus")]),
    ],
)
def test_wordings_of_a_concept(
    matcher: Matcher, text: str, expected: list[tuple[str, str]]
) -> None:
    assert found(matcher, text) == expected


@pytest.mark.parametrize(
    "text",
    ["no chest. Pain elsewhere", "chest\n\npain", "chestpain", "xasthma", "chest (pain)"],
)
def test_no_name_across_a_break(matcher: Matcher, text: str) -> None:
    assert not {"chest pain", "asthma"} & {name for _, name in found(matcher, text)}


def test_a_wrapped_line_does_not_cut_a_name(matcher: Matcher) -> None:
    text = "The patient came to the emergency department because of chest\npain since noon."
    assert ("chest\npain", "chest pain") in found(matcher, text)


@pytest.mark.parametrize(
    ("typo", "name"),
    [("hypertenson", "hypertension"), ("pnuemonia", "pneumonia"), ("diarrhoea", "diarrhea")],
)
def test_safe_typos(matcher: Matcher, typo: str, name: str) -> None:
    assert [n for _, n in found(matcher, f"known {typo} today")] == [name]


@pytest.mark.parametrize(
    "word",
    # words between two drugs, drugs we do not know that look like ones we do, ordinary words
    ["hydralazyne", "hydroxyzone", "clonidin", "clonazepine", "lesson", "patient", "statues",
     "breach", "12O", "hydroxazine", "prednisolon", "chlorpropamine"],
)  # fmt: skip
def test_no_bridge_between_lookalikes(matcher: Matcher, word: str) -> None:
    assert found(matcher, word) == []


@pytest.mark.parametrize(
    "text",
    [
        "The abdomen was prepped and draped in the morning.",  # PrEP, mourning
        "Chromic sutures, suction, and a fascial closure.",  # chronic, section, facial
        "Hip adduction and peroneal nerve intact.",  # addiction, perineal
        "Thoracotomy and gastrotomy were closed.",  # thoracostomy, gastrostomy
        "Aphakia of the left eye.",  # aphasia
        "Hemithorax resonant; urine nitrite positive.",  # hemothorax, nitrate
        "Criteria were met; first aid, padding, walking aids.",  # mets, PAD, AIDS
        "Bipolar cautery; infiltrated with saline; port flushed.",
        "Left lateral decubitus position; luminal narrowing; LUE elevated.",
    ],
)
def test_no_word_is_taken_for_one_that_looks_like_it(matcher: Matcher, text: str) -> None:
    wrong = {
        "emtricitabine-tenofovir", "bereavement", "face", "addiction", "substance use disorder",
        "chest tube insertion", "gastrostomy", "feeding tube", "aphasia", "hemothorax", "nitrate",
        "metastatic cancer", "peripheral artery disease", "AIDS", "bipolar disorder",
        "pulmonary infiltrate", "flushing", "pressure ulcer", "phenobarbital", "syphilis",
    }  # fmt: skip
    assert not wrong & {name for _, name in found(matcher, text + _ROUND)}


@pytest.mark.parametrize(
    ("slip", "other"),
    [("thoracostmy", "thoracotomy"), ("hemothorx", "hemithorax"), ("nitrat", "nitrite")],
)
def test_parts_that_tell_words_apart_are_no_slips(matcher: Matcher, slip: str, other: str) -> None:
    forms = matcher.terminology.keyer.forms
    assert forms.corrected(other) is None
    assert len(slip) < 7 or forms.corrected(slip) is not None


def test_regular_forms_and_british_spelling_still_count(matcher: Matcher) -> None:
    text = (
        "PrEP begun, mets in the marrow, SSRIs and LFTs noted, a tumour with coloured stools, AIDS."
    )
    assert {name for _, name in found(matcher, text + _ROUND)} >= {
        "emtricitabine-tenofovir", "metastatic cancer", "selective serotonin reuptake inhibitor",
        "liver function test", "tumor", "AIDS",
    }  # fmt: skip


def test_english_words_in_capitals_are_no_abbreviations(matcher: Matcher) -> None:
    text = "THE PATIENT WAS SEEN IN ALL CLINICS AS SHE CAN GO HOME"
    names = {name for _, name in found(matcher, text)}
    assert not names & {"acute lymphoblastic leukemia", "aortic stenosis", "cancer"}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("CTA showed saddle PE, heparin started", "pulmonary embolism"),
        ("PE: General: no distress. HEENT normal. Vitals stable", "physical examination"),
        ("MS with optic neuritis and relapsing weakness, sees neurology", "multiple sclerosis"),
        ("echo: MS with mitral valve area 1.2, rheumatic", "mitral stenosis"),
        ("RA with swollen hands on methotrexate", "rheumatoid arthritis"),
        ("child with CP, spastic, in a wheelchair", "cerebral palsy"),
        ("CP and SOB on exertion, troponin sent", "chest pain"),
    ],
)
def test_context_decides_abbreviations(matcher: Matcher, text: str, name: str) -> None:
    spans = [s for s in matcher.find(text) if text[s.start : s.end].isupper() and not s.ambiguous]
    assert name in {s.name for s in spans}


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("AGE: 54. In BED, MOM beside him. HE is no longer SAD. Left ON.", "AGE BED MOM HE SAD ON"),
        ("Pulmonary consult: pH 7.32 on the blood gas, right heart dilated.", "pH"),
        ("ALL other systems were reviewed and are negative.", "ALL"),
        ("ADD a note. TAKE ONE TAB daily, TEN in all. A PAD on the dressing.", "ADD TAB TEN PAD"),
        ("She HIT her head. DI were given. DR Jones told, so was the RD.", "HIT DI DR RD"),
    ],
)
def test_what_most_likely_names_no_concept_names_none(
    matcher: Matcher, text: str, written: str
) -> None:
    note = text + _ROUND
    assert not {note[s.start : s.end] for s in matcher.find(note)} & set(written.split())


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Echo: RVSP 60, right heart dilated; PH, sildenafil begun.", "pulmonary hypertension"),
        ("Gravida 3, para 2, one TAB in 2009, last pregnancy easy.", "abortion"),
        ("Platelets fell on heparin; HIT suspected.", "heparin-induced thrombocytopenia"),
        ("Cirrhosis, asterixis; HE, so lactulose was begun.", "hepatic encephalopathy"),
    ],
)
def test_what_is_around_makes_a_word_in_capitals_a_concept(
    matcher: Matcher, text: str, name: str
) -> None:
    assert name in {s.name for s in matcher.find(text + _ROUND)}


def test_in_a_question_a_word_in_capitals_is_offered(matcher: Matcher) -> None:
    (span,) = matcher.find("TAB")
    assert (span.name, span.ambiguous, len(span.candidates)) == ("abortion", True, 1)


def test_an_undecided_abbreviation_is_said_to_be_ambiguous(matcher: Matcher) -> None:
    (span,) = matcher.find("MS")
    assert span.ambiguous
    assert len(span.candidates) > 1
    assert span.concept_id == span.candidates[0]


def test_a_section_helps(matcher: Matcher) -> None:
    text = "PE normal"
    section = Section(0, 0, len(text), "physical_exam")
    assert [s.name for s in matcher.find(text, [section]) if not s.ambiguous] == [
        "physical examination"
    ]


def test_a_section_edge_ends_a_name(matcher: Matcher) -> None:
    text = "Complaint: chest pain"
    edge = text.index("pain")
    sections = [Section(0, 0, edge, "a"), Section(edge, edge, len(text), "b")]
    assert "chest pain" not in {s.name for s in matcher.find(text, sections)}


WORDS = st.sampled_from(
    "chest pain and or abdominal , . / - the of in no MS PE lisinopril asthmatic heart attack "
    "\n é ﬁ İ 😀 \ud800 \u0301 x's 3.5 mg hepatitis B C ankle swelling 𝟛".split(" ")
)
TEXTS = st.lists(st.one_of(WORDS, st.text(max_size=4)), max_size=30).map(" ".join)


@given(TEXTS)
@settings(max_examples=200, deadline=None)
def test_offsets_slice_back_and_never_overlap(text: str) -> None:
    matcher = _shared()
    end = 0
    for span in matcher.find(text):
        assert end <= span.start < span.end <= len(text)
        assert text[span.start : span.end].strip() == text[span.start : span.end] != ""
        assert span.concept_id in matcher.terminology
        end = span.end


@given(TEXTS, TEXTS)
@settings(max_examples=100, deadline=None)
def test_a_blank_line_keeps_names_apart(left: str, right: str) -> None:
    matcher = _shared()
    whole = matcher.find(f"{left} .\n\n{right}")
    edge = len(left) + 2
    assert all(s.end <= edge or s.start >= edge for s in whole)


def _shared(made: list[Matcher] = []) -> Matcher:  # noqa: B006 — one per run, on purpose
    if not made:
        made.append(Matcher(open_terminology()))
    return made[0]
