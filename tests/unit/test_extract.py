"""Sentences that answer: asserted as asked, covered by at least half, none invented."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.errors import InvalidQuery
from indexing.language.matcher import Matcher
from indexing.language.pipeline import Language
from indexing.language.terminology import open_terminology
from indexing.model import Copied, Document, TenantId
from indexing.ports import Derived
from rankers.answer import Hit, SearchRequest, Sentence
from rankers.describe import described
from rankers.extract import MOST, extracted
from rankers.plan import Planner
from rankers.snippets import marks

TENANT = TenantId(uuid4())
TEXTS = {
    "angina": (
        "p1",
        ("HISTORY OF PRESENT ILLNESS:\nChest pain on exertion for two weeks. She denies fever.\n\n"
        "FAMILY HISTORY:\nMother had diabetes mellitus.\n\n"
        "PLAN:\nStart aspirin 81 mg and arrange an exercise test. Call if chest pain recurs."),
    ),
    "denies": ("p2", "Denies chest pain. No shortness of breath.\n\nPLAN:\nReturn in a year."),
    "ward": (
        "p3",
        ("HOSPITAL COURSE:\nShortness of breath from pulmonary edema, treated with furosemide.\n"
        "The chest pain on arrival was musculoskeletal. Hemoglobin 7.2. Former smoker. "
        "Possible pneumonia in the left lung."),
    ),
    "asked": ("p4", "Patient denies:\n- hemoptysis\n- vertigo\n\nStopped medications:\n- naproxen"),
}  # fmt: skip


@pytest.fixture(scope="module")
def planner() -> Planner:
    terminology = open_terminology()
    return Planner(terminology, Matcher(terminology))


@pytest.fixture(scope="module")
def notes(language: Language) -> Mapping[str, Derived]:
    return {key: derived(language, key, *pair) for key, pair in TEXTS.items()}


def derived(language: Language, doc_id: str, patient: str, text: str) -> Derived:
    found = language.annotate(text)
    document = Document(TENANT, doc_id, 1, text, title=f"Note {doc_id}", patient_id=patient)
    return Derived(document, "1", found.sections, found.passages, found.mentions)


def answer(planner: Planner, notes: Mapping[str, Derived], q: str) -> tuple[Sentence, ...]:
    plan = planner.plan(SearchRequest(q), 1, UTC)
    hits = [Hit(rank, doc_id, 1.0, {}) for rank, doc_id in enumerate(notes, 1)]
    return extracted(plan, described(plan, hits, notes), notes)


@pytest.mark.parametrize(
    ("q", "wanted"),
    [
        ("chest pain", ["Chest pain on exertion for two weeks.",
                        "The chest pain on arrival was musculoskeletal."]),
        ("dyspnea", ["Shortness of breath from pulmonary edema, treated with furosemide."]),
        ("exercise test arranged", ["Start aspirin 81 mg and arrange an exercise test."]),
        ("hemoglobin below 8", ["Hemoglobin 7.2."]),
        ("hemoglobin below 7", []),
        ("section:plan aspirin", ["Start aspirin 81 mg and arrange an exercise test."]),
        ("section:plan dyspnea", []),
        ("heart failure", []),
        ("the weather tomorrow", []),
        ('"dyspnea"', []),
    ],
)  # fmt: skip
def test_the_sentence_that_says_it(
    planner: Planner, notes: Mapping[str, Derived], q: str, wanted: list[str]
) -> None:
    assert [each.text for each in answer(planner, notes, q)] == wanted


@pytest.mark.parametrize(
    ("q", "text", "says"),
    [
        ("no fever", "She denies fever.", "negated"),
        ("fever assertion:any", "She denies fever.", "negated"),
        ("family history of diabetes", "Mother had diabetes mellitus.", "family"),
        ("former smoker", "Former smoker.", "historical"),
        ("pneumonia", "Possible pneumonia in the left lung.", "uncertain"),
        ("chest pain assertion:negated", "Denies chest pain.", "negated"),
    ],
)
def test_how_the_note_speaks_of_it_is_told(
    planner: Planner, notes: Mapping[str, Derived], q: str, text: str, says: str
) -> None:
    (found,) = answer(planner, notes, q)
    assert (found.text, found.says) == (text, says)


@pytest.mark.parametrize(
    ("q", "text", "above"),
    [
        ("no hemoptysis", "- hemoptysis", "Patient denies:"),
        ("vertigo assertion:any", "- vertigo", "Patient denies:"),
        ("stopped naproxen", "- naproxen", "Stopped medications:"),
        ("no fever", "She denies fever.", None),
        ("family history of diabetes", "Mother had diabetes mellitus.", None),
    ],
)
def test_what_decides_from_above_stands_beside_its_sentence(
    planner: Planner, notes: Mapping[str, Derived], q: str, text: str, above: str | None
) -> None:
    (found,) = answer(planner, notes, q)
    assert (found.text, found.lead and found.lead.text) == (text, above)
    plan = planner.plan(SearchRequest(q), 1, UTC)
    note = notes[found.doc_id]
    (hit,) = described(plan, [Hit(1, found.doc_id, 1.0, {})], notes)
    assert (hit.snippet.text, hit.snippet.lead) == (found.text, found.lead)
    shown = marks(note, plan.wanted(), plan.assertion)
    lead = found.lead
    assert lead is None or any(m.start < lead.at + len(lead.text) and lead.at < m.end
                               for m in shown)  # fmt: skip


def test_a_heading_that_decides_nothing_leads_nothing(planner: Planner, language: Language) -> None:
    held = {
        "no": derived(language, "no", "a", "Denies:\n- hemoptysis"),
        "yes": derived(language, "yes", "a", "Complains of:\n- hemoptysis"),
    }
    found = answer(planner, held, "hemoptysis assertion:any")
    assert {each.doc_id: each.lead and each.lead.text for each in found} == {
        "no": "Denies:", "yes": None,
    }  # fmt: skip


def test_a_heading_over_what_is_past_is_marked_in_the_note(
    planner: Planner, notes: Mapping[str, Derived]
) -> None:
    plan = planner.plan(SearchRequest("naproxen"), 1, UTC)
    text = notes["asked"].document.text
    shown = marks(notes["asked"], plan.wanted(), plan.assertion)
    assert ("Stopped medications:", "cue") in [(text[m.start : m.end], m.kind) for m in shown]


@pytest.mark.parametrize(
    ("q", "first"),
    [
        ("pneumonia", "Pneumonia with sepsis."),
        ("suspected pneumonia", "Possible pneumonia."),
        ("rule out pneumonia", "Possible pneumonia."),
        ("history of pneumonia", "Had pneumonia in 2015."),
    ],
)
def test_what_is_asked_for_in_particular_comes_first(
    planner: Planner, language: Language, q: str, first: str
) -> None:
    texts = ("Pneumonia with sepsis.", "Possible pneumonia.", "Had pneumonia in 2015.")
    held = {f"n{i}": derived(language, f"n{i}", f"p{i}", text) for i, text in enumerate(texts)}
    assert answer(planner, held, q)[0].text == first


@pytest.mark.parametrize("q", ["fever", "diabetes", "recurring diabetes mellitus"])
def test_what_is_denied_or_of_the_family_answers_nothing(
    planner: Planner, notes: Mapping[str, Derived], q: str
) -> None:
    assert answer(planner, notes, q) == ()


def test_words_without_a_concept_must_be_asserted(planner: Planner, language: Language) -> None:
    held = {
        "yes": derived(language, "yes", "a", "He whittles wooden spoons daily."),
        "no": derived(language, "no", "b", "He denies wooden spoons."),
    }
    assert [each.doc_id for each in answer(planner, held, "wooden spoons")] == ["yes"]


@pytest.mark.parametrize(
    ("q", "answers"),
    [("codeine", []), ("codeine allergy", ["Allergies: codeine (nausea)."]), ("opioid", [])],
)
def test_who_reacts_to_a_drug_does_not_take_it(
    planner: Planner, language: Language, q: str, answers: list[str]
) -> None:
    held = {"a": derived(language, "a", "a", "Allergies: codeine (nausea).\n\nPLAN:\nRest.")}
    assert [each.text for each in answer(planner, held, q)] == answers


def test_letters_with_several_meanings_are_answered_by_no_heading_and_no_title(
    planner: Planner, language: Language
) -> None:
    text = "PHYSICAL EXAMINATION:\nLooks unwell.\n\nASSESSMENT:\nIntermediate-risk PE."
    held = {
        "both": derived(language, "both", "a", text),
        "heading": derived(language, "heading", "b", "PHYSICAL EXAMINATION:\nLooks well."),
        "title": derived(language, "title", "c", "HPI:\nMs. Example feels well."),
    }
    assert [each.text for each in answer(planner, held, "PE")] == ["Intermediate-risk PE."]
    assert answer(planner, held, "MS") == ()
    assert [each.doc_id for each in answer(planner, held, "physical examination")] == [
        "both", "heading",
    ]  # fmt: skip


def test_a_note_must_hold_both_things_asked_for(planner: Planner, language: Language) -> None:
    held = {
        "both": derived(language, "both", "a", "Pneumonia of the left lung. Started azithromycin."),
        "one": derived(language, "one", "b", "Pneumonia of the left lung, seen by x-ray."),
    }
    found = answer(planner, held, "pneumonia treated with azithromycin")
    assert [(each.doc_id, each.covers) for each in found] == [("both", 0.5)]


def test_copies_and_repeats_answer_once(planner: Planner, language: Language) -> None:
    text = "Chest pain on exertion."
    held = {
        "first": derived(language, "first", "a", text),
        "same": derived(language, "same", "a", text),
        "other": derived(language, "other", "b", text),
    }
    assert [each.doc_id for each in answer(planner, held, "chest pain")] == ["first", "other"]
    copied = Copied(0, len(text), "gone", 0, len(text))
    made = Derived(*[getattr(held["other"], n) for n in Derived.__slots__[:5]], copied=(copied,))
    assert [e.doc_id for e in answer(planner, held | {"other": made}, "chest pain")] == ["first"]


words = st.sampled_from(
    "chest pain no fever denies hemoptysis naproxen stopped of history family mother "
    "AND OR NOT hemoglobin below 8 left "
    "dyspnea aspirin section:plan assertion:any \" ( ) nephro* spoons".split()
)  # fmt: skip


@settings(max_examples=120)
@given(st.lists(words, min_size=1, max_size=6))
def test_every_sentence_stands_in_its_note(
    planner: Planner, notes: Mapping[str, Derived], q: list[str]
) -> None:
    try:
        plan = planner.plan(SearchRequest(" ".join(q)), 1, UTC)
    except InvalidQuery:
        return
    hits = [Hit(rank, doc_id, 1.0, {}) for rank, doc_id in enumerate(notes, 1)]
    found = extracted(plan, described(plan, hits, notes), notes)
    assert len(found) <= MOST
    for each in found:
        text = notes[each.doc_id].document.text
        assert text[each.at : each.at + len(each.text)] == each.text
        assert 0.5 <= each.covers <= 1
        if each.lead is not None:
            assert text[each.lead.at :].startswith(each.lead.text)
            assert each.lead.at + len(each.lead.text) <= each.at
        for mark in each.marks:
            assert 0 <= mark.start < mark.end <= len(each.text)


@pytest.mark.parametrize(
    ("q", "text", "says"),
    [
        ("keeps pigeons", "Keeps pigeons.", ["present"]),
        ("keeps pigeons", "Used to keep pigeons.", ["historical"]),
        ("vodka every evening", "Vodka every evening.", ["present"]),
        ("vodka every evening", "No vodka. Reads every evening.", []),
        ("former heavy smoker in a mine", "Former heavy smoker in a mine.", ["historical"]),
        ("rash from allopurinol", "Rash from allopurinol.", ["present"]),
        ("rash from allopurinol", "Rash on the trunk. Takes allopurinol.", []),
    ],
)
def test_what_words_are_said_to_be(
    language: Language, planner: Planner, q: str, text: str, says: list[str]
) -> None:
    notes = {"a": derived(language, "a", "p1", text)}
    assert [each.says for each in answer(planner, notes, q)] == says
