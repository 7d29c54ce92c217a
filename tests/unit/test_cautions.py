"""What speaks against a drug: never passed over, whichever way allergy and drug are written."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexing.language.matcher import Matcher
from indexing.language.pipeline import Language
from indexing.language.terminology import SemanticType, Terminology
from indexing.language.terminology.store import seed_terminology
from indexing.site_edges import site_edges
from indexing.treatments import Coded, Note, TreatmentFacts
from rankers.cautions import Pharmacy
from rankers.hierarchy import Hierarchy
from rankers.medical_knowledge import Knowledge
from rankers.recorded import went_well
from rankers.treatments import Case, Caution, rank


@cache
def terminology() -> Terminology:
    return seed_terminology()


@cache
def pharmacy() -> Pharmacy:
    own = terminology()
    known = Knowledge(own, site_edges(Path("/nonexistent")))
    return Pharmacy(own, Hierarchy(own), Matcher(own), known)


@cache
def of_kind(kind: SemanticType) -> list[str]:
    own = terminology()
    return [each for each in own.concept_ids() if own.concept(each).semantic_type is kind]


def drug(name: str) -> Coded:
    return Coded("MedicationRequest/m", "", "", name)


def cautions(option: str, facts: TreatmentFacts) -> tuple[Caution, ...]:
    own = pharmacy()
    return own.cautions(own.medicine(drug(option)), own.against(facts))


def allergic(name: str) -> TreatmentFacts:
    return TreatmentFacts(allergies=[Coded("AllergyIntolerance/a", "", "", name)])


drugs = st.deferred(lambda: st.sampled_from(of_kind(SemanticType.DRUG)))
classes = st.deferred(lambda: st.sampled_from(of_kind(SemanticType.DRUG_CLASS)))
products = st.sampled_from(["{}", "{} 10 MG Oral Tablet", "{} / zorblaxin", "extended release {}"])


def spelled(concept: str, data: st.DataObject) -> str:
    """Return any of a concept's names that mean it alone."""
    own = terminology()
    names = [n.text for n in own.names(concept) if own.find(n.text)[:1] == (concept,)]
    return data.draw(st.sampled_from(names or [own.concept(concept).name]))


@settings(max_examples=60)
@given(drugs, products, st.data())
def test_a_drug_is_marked_for_an_allergy_to_itself(
    concept: str, product: str, data: st.DataObject
) -> None:
    option, allergen = spelled(concept, data), spelled(concept, data)
    found = cautions(product.format(option), allergic(allergen))
    assert any(each.kind == "allergy" for each in found)


@given(classes, products, st.data())
def test_a_drug_is_marked_for_an_allergy_to_any_class_above_it(
    above: str, product: str, data: st.DataObject
) -> None:
    own = terminology()
    below = [
        each for each in own.descendants(above)
        if own.concept(each).semantic_type is SemanticType.DRUG
    ]  # fmt: skip
    if below:
        concept = data.draw(st.sampled_from(sorted(below)))
        option = product.format(own.concept(concept).name)
        found = cautions(option, allergic(own.concept(above).name))
        assert any(each.kind == "allergy" for each in found), option


@given(st.lists(drugs, min_size=1, max_size=8), st.data())
def test_an_option_that_anything_speaks_against_is_never_shown_unmarked(
    given_: list[str], data: st.DataObject
) -> None:
    own, asked = terminology(), pharmacy()
    bad = data.draw(st.sampled_from(given_))
    against = asked.against(allergic(own.concept(bad).name))
    medicines = [asked.medicine(drug(own.concept(each).name)) for each in given_]
    said = {m.key: asked.cautions(m, against) for m in medicines}
    cases = [Case(f"p{n}", m.key, True, 0.5) for n, m in enumerate(medicines * 10)]
    found = rank(cases, {key: told for key, told in said.items() if told})
    for option in found.options:
        if bad in option.treatment.split("+"):
            assert option.cautions[0].kind == "allergy"
    marks = [bool(option.cautions) for option in found.options]
    assert marks == sorted(marks, reverse=True)


@pytest.mark.parametrize(
    ("option", "allergen"),
    [
        ("Amoxicillin 500 MG / Clavulanate 125 MG Oral Tablet", "Penicillin"),
        ("Augmentin", "amoxicillin"),
        ("Bactrim DS", "sulfa drugs"),
        ("Sulfasalazine 500 MG", "Sulfa"),
        ("naproxen sodium", "NSAIDs"),
        ("Zorblaxin 5 MG", "zorblaxin"),  # unknown to the terminology: by its name
        ("insulin", "insulin glargine"),
    ],
)
def test_allergies_are_met_by_class_brand_part_and_name(option: str, allergen: str) -> None:
    found = cautions(option, allergic(allergen))
    assert found
    assert found[0].kind == "allergy"
    assert found[0].source == "AllergyIntolerance/a"


def test_a_fellow_of_the_class_and_a_cross_reaction_are_told_as_such() -> None:
    [fellow] = cautions("naproxen", allergic("ibuprofen"))
    assert (fellow.kind, "same class" in fellow.words) == ("moderate", True)
    [crossed] = cautions("cephalexin", allergic("penicillin"))
    assert (crossed.kind, "cross-reaction" in crossed.words) == ("moderate", True)
    assert cautions("metoprolol", allergic("penicillin")) == ()


def test_interactions_and_conditions_are_met_by_class_with_who_says_so() -> None:
    facts = TreatmentFacts(
        taken=[Coded("MedicationRequest/w", "", "", "Warfarin 5 MG")],
        problems=[Coded("Condition/c", "", "", "Peptic ulcer disease", "resolved")],
    )
    found = cautions("ketorolac", facts)
    assert [(each.kind, each.source) for each in found] == [
        ("contraindicated", "Condition/c"), ("major", "MedicationRequest/w"),
    ]  # fmt: skip
    assert "(resolved)" in found[0].words
    assert found[0].stated_by
    assert cautions("acetaminophen", TreatmentFacts(problems=facts.problems)) == ()
    [stop] = cautions("sildenafil", TreatmentFacts(taken=[drug("nitroglycerin")]))
    assert stop.kind == "contraindicated"


def test_what_the_terminology_does_not_know_is_said_to_be_unchecked() -> None:
    [only] = cautions("Zorblaxin 5 MG", TreatmentFacts())
    assert only.kind == "unchecked"
    assert [e.words for e in pharmacy().against(allergic("Zorblaxin")).unknown] == ["Zorblaxin"]
    assert pharmacy().against(allergic("Penicillin")).unknown == ()


def test_what_only_the_notes_say_counts_with_a_link_to_the_note() -> None:
    text = (
        "ALLERGIES:\nPenicillin (rash).\n\nMEDICATIONS:\nWarfarin 5 mg daily.\n\n"
        "ASSESSMENT:\nPeptic ulcer disease. No asthma. Mother had heart failure.\n"
    )
    annotation = Language(terminology()).annotate(text)
    notes = [Note("n1", datetime(2024, 1, 1, tzinfo=UTC), text, annotation)]
    facts = TreatmentFacts(notes=notes)
    [penicillin, *_] = cautions("amoxicillin", facts)
    assert (penicillin.kind, penicillin.source) == ("allergy", "Document/n1")
    kinds = [each.kind for each in cautions("ibuprofen", facts)]
    assert kinds == ["contraindicated", "major"]
    assert cautions("propranolol", facts) == ()  # the asthma is denied
    assert cautions("pioglitazone", facts) == ()  # the heart failure is the mother's


@pytest.mark.parametrize(
    ("words", "good"),
    [
        ("improved", True), ("Improving on therapy", True), ("complete response", True),
        ("not improved", False), ("no significant improvement", False), ("unchanged", False),
        ("treatment failed", False), ("disease progression", False), ("worse", False),
        ("did not respond", False), ("see note", None), ("", None),
    ],
)  # fmt: skip
def test_a_recorded_outcome_is_read_as_good_bad_or_neither(words: str, good: bool | None) -> None:
    assert went_well(words) is good


def test_a_code_says_it_before_any_word() -> None:
    assert went_well("better or worse", "385425000") is True
    assert went_well("better", "385671000") is False
