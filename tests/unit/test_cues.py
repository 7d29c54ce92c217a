"""Cue words of questions, and what the whole question wants."""

from __future__ import annotations

from datetime import UTC
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.language.matcher import Matcher
from indexing.language.terminology import open_terminology
from indexing.language.values import Side, sides
from indexing.model import Assertion
from rankers.answer import SearchRequest
from rankers.cues import Asked, cues
from rankers.lookalike import holds_alike, longer_names, look_alikes
from rankers.plan import Planner
from rankers.wants import Reader


@pytest.fixture(scope="module")
def matcher() -> Matcher:
    return Matcher(open_terminology())


@pytest.mark.parametrize(
    ("query", "asked", "cue", "of"),
    [
        ("current pneumonia", Asked.CURRENT, "current", "pneumonia"),
        ("active tuberculosis", Asked.CURRENT, "active", "tuberculosis"),
        ("chest pain now", Asked.CURRENT, "now", "chest pain"),
        ("previous pneumonia", Asked.PAST, "previous", "pneumonia"),
        ("former alcohol use", Asked.PAST, "former", "alcohol use"),
        ("history of stroke", Asked.HISTORY, "history of", "stroke"),
        ("h/o gout", Asked.HISTORY, "h/o", "gout"),
        ("family history of breast cancer", Asked.FAMILY, "family history of", "breast cancer"),
        ("mother with lupus", Asked.FAMILY, "mother with", "lupus"),
        ("diabetes in the family", Asked.FAMILY, "in the family", "diabetes"),
        ("no family history of gout", Asked.NO_FAMILY, "no family history of", "gout"),
        ("no fever or chills", Asked.NEGATED, "no", "fever or chills"),
        ("denies chest pain", Asked.NEGATED, "denies", "chest pain"),
        ("no evidence of ascites", Asked.NEGATED, "no evidence of", "ascites"),
        ("pneumonia ruled out", Asked.NEGATED, "ruled out", "pneumonia"),
        ("confirmed sarcoidosis", Asked.CONFIRMED, "confirmed", "sarcoidosis"),
        ("r/o appendicitis", Asked.SUSPECTED, "r/o", "appendicitis"),
        ("?PE", Asked.SUSPECTED, "?", "PE"),
        ("on warfarin", Asked.TAKING, "on", "warfarin"),
        ("warfarin stopped", Asked.STOPPED, "stopped", "warfarin"),
        ("no longer taking lithium", Asked.STOPPED, "no longer taking", "lithium"),
        ("stopped taking metformin", Asked.STOPPED, "stopped taking", "metformin"),
        ("ruled out for PE", Asked.NEGATED, "ruled out for", "PE"),
        ("does not drink alcohol", Asked.NEGATED, "does not", "drink alcohol"),
        ("doesn't have gout", Asked.NEGATED, "doesn't have", "gout"),
        ("did not take lithium", Asked.NOT_TAKING, "did not take", "lithium"),
        ("isn't on warfarin", Asked.NOT_TAKING, "isn't on", "warfarin"),
        ("not on insulin", Asked.NOT_TAKING, "not on", "insulin"),
        ("penicillin allergy", Asked.ALLERGY, "allergy", "penicillin"),
        ("allergic to sulfa", Asked.ALLERGY, "allergic to", "sulfa"),
        ("statin intolerance", Asked.INTOLERANCE, "intolerance", "statin"),
    ],
)
def test_a_cue_and_what_it_holds_for(query: str, asked: Asked, cue: str, of: str) -> None:
    (found,) = cues(query)
    assert (found.asked, query[found.start : found.end]) == (asked, cue)
    assert query[found.first : found.last].strip() == of


def test_a_cue_ends_where_something_else_begins() -> None:
    (found,) = cues("asthma without eczema")
    assert "asthma without eczema"[found.first : found.last] == "eczema"
    (taking,) = cues("on warfarin with INR over 4")
    assert "on warfarin with INR over 4"[taking.first : taking.last] == "warfarin"


@given(st.text(max_size=80))
def test_cues_lie_in_the_query_in_order_and_apart(query: str) -> None:
    last = 0
    for cue in cues(query):
        assert last <= cue.start < cue.end <= len(query)
        assert 0 <= cue.first <= cue.last <= len(query)
        assert not (cue.first < cue.end and cue.start < cue.last)
        last = cue.end


@given(
    st.sampled_from(["family history of", "no", "former", "current", "suspected", "history of"]),
    st.sampled_from(["gout", "chest pain", "atrial fibrillation"]),
    st.sampled_from(["", " ", "  "]),
)
def test_a_cue_means_the_same_before_any_name(cue: str, name: str, space: str) -> None:
    query = f"{space}{cue} {name}"
    (found,) = cues(query)
    assert query[found.start : found.end] == cue
    assert query[found.first : found.last] == name


def asked(reader: Reader, query: str) -> list[tuple[str, Asked]]:
    return [(want.words, want.asked) for want in reader.read(query).wants]


@pytest.mark.parametrize(
    "query",
    [
        "copd exacerbation in the past 12 months", "falls in the past few weeks",
        "past year chest pain", "past 2 years diabetes", "chest pain in the past year",
    ],
)  # fmt: skip
def test_a_stretch_of_time_up_to_now_is_no_history(query: str) -> None:
    assert Asked.PAST not in [cue.asked for cue in cues(query)]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("asthma without eczema", [("asthma", Asked.PRESENT), ("eczema", Asked.NEGATED)]),
        (
            "no complications of the surgery",
            [("surgery", Asked.PRESENT), ("complications", Asked.NEGATED)],
        ),
        (
            "no side effects of metformin",
            [("side effects", Asked.NEGATED), ("metformin", Asked.PRESENT)],
        ),
        ("recent travel to Mexico", [("recent travel", Asked.PRESENT)]),
        ("no recent travel", [("travel", Asked.NEGATED)]),
        ("denies recent travel", [("travel", Asked.NEGATED)]),
        ("no history of recent travel", [("travel", Asked.NEGATED)]),
        ("takes blood pressure pills", [("blood pressure pills", Asked.TAKING)]),
        ("former smoker", [("smoker", Asked.PAST)]),
        ("never smoked", [("never smoked", Asked.NEGATED)]),
        ("ex-smoker", [("ex-smoker", Asked.PAST)]),
        ("penicillin allergy", [("penicillin", Asked.ALLERGY)]),
        ("PCN allergy", [("PCN", Asked.ALLERGY)]),
        ("zorbamycin allergy", [("zorbamycin", Asked.ALLERGY)]),
        ("acute myeloid leukemia", [("acute myeloid leukemia", Asked.PRESENT)]),
        ("acute stroke", [("stroke", Asked.CURRENT)]),
        ("pain on exertion", [("pain", Asked.PRESENT)]),
        ("no acute distress", [("acute distress", Asked.NEGATED)]),
        ("no active bleeding", [("bleeding", Asked.NEGATED)]),
        ("denies past suicide attempts", [("suicide attempts", Asked.NEGATED)]),
        ("family history of active tuberculosis", [("tuberculosis", Asked.FAMILY)]),
        ("does not drink alcohol", [("drink alcohol", Asked.NEGATED)]),
        ("fever with chills", [("fever", Asked.PRESENT), ("chills", Asked.PRESENT)]),
        ("There is no increased risk of stroke with insulin.", []),
    ],
)
def test_wants(reader: Reader, query: str, expected: list[tuple[str, Asked]]) -> None:
    assert asked(reader, query) == expected


def test_a_number_belongs_to_the_name_right_before_it(reader: Reader) -> None:
    anemia, hemoglobin = reader.read("anemia with hemoglobin less than 7").wants
    assert anemia.bound is None
    assert hemoglobin.bound is not None
    assert (hemoglobin.bound.op, hemoglobin.bound.value) == ("<", 7)


def test_a_unit_is_no_disease(reader: Reader) -> None:
    (want,) = reader.read("metoprolol 200 mg").wants
    assert want.words == "metoprolol"
    assert want.bound is not None


@pytest.mark.parametrize("query", ["fever for 3 days", "cough over 2 weeks", "asthma 5 mg"])
def test_not_every_number_is_a_condition(reader: Reader, query: str) -> None:
    assert [want.bound for want in reader.read(query).wants] == [None]


@pytest.mark.parametrize(
    "query",
    ["58 year old man chest pain", "no change in chest pain", "triple negative breast cancer"],
)
def test_not_every_such_word_is_a_cue(reader: Reader, query: str) -> None:
    assert {want.asked for want in reader.read(query).wants} == {Asked.PRESENT}


def test_sides_stand_beside_names(reader: Reader) -> None:
    (want,) = reader.read("left knee pain").wants
    assert want.side is Side.LEFT
    (other,) = reader.read("right inguinal hernia").wants
    assert other.side is Side.RIGHT


@pytest.mark.parametrize(
    "query", ["left lower lobe pneumonia", "pneumonia, right middle lobe", "left upper lobe nodule"]
)
def test_where_on_its_side_a_thing_lies_is_no_other_thing(reader: Reader, query: str) -> None:
    (want,) = reader.read(query).wants
    assert want.side in (Side.LEFT, Side.RIGHT)
    assert "lobe" not in want.words


def test_what_means_nothing_known_is_denied_nowhere_by_name(reader: Reader) -> None:
    assert reader.read("no complications").mode == "any"
    assert reader.read("no chest pain").mode == "negated"


@pytest.mark.parametrize(
    ("query", "mode"),
    [
        ('"no chest pain"', "any"),
        ('"family history of gout"', "any"),
        ('"chest pain"', "present"),
        ('"NKDA"', "any"),
        ("NKDA", "negated"),
        ('"not limited to"', "present"),
        ('"no chest pain" assertion:negated', "negated"),
    ],
)
def test_what_is_quoted_with_its_denial_is_looked_for_where_it_stands(
    matcher: Matcher, query: str, mode: str
) -> None:
    plan = Planner(matcher.terminology, matcher).plan(SearchRequest(q=query), 10, UTC)
    assert plan.assertion == mode
    assert mode != "any" or all(chip.kind == "phrase" for chip in plan.parsed.chips)


def test_a_long_text_wants_nothing(reader: Reader) -> None:
    assert reader.read("chest pain and fever " * 30).wants == ()


def test_names_tell_a_standing(reader: Reader) -> None:
    (smoker,) = reader.read("smoker").wants
    assert smoker.meaning.told["anm:never-smoker"] is Assertion.NEGATED
    assert smoker.meaning.told["anm:former-smoker"] is Assertion.HISTORICAL


def test_look_alikes(matcher: Matcher) -> None:
    terminology = matcher.terminology
    assert "anm:hydralazine" in look_alikes(terminology, "hydroxyzine")
    assert "anm:clonidine" in look_alikes(terminology, "clonazepam")
    assert "anm:hydroxyzine" not in look_alikes(terminology, "hydroxyzine")
    assert "anm:aspirin" not in look_alikes(terminology, "metoprolol")
    assert holds_alike("lamotrigine", "Given Lamivudine 150 mg.")
    assert not holds_alike("lamotrigine", "Given lamotrigine.")
    assert not holds_alike("lamotrigine", "fatigue, lami 5")
    assert "anm:hemoglobin-a1c" in longer_names(terminology, "anm:hemoglobin")
    assert "anm:hemoglobin" not in longer_names(terminology, "anm:hemoglobin-a1c")


@given(st.text(max_size=60))
def test_sides_slice_back(text: str) -> None:
    for found in sides(text):
        assert 0 <= found.start < found.end <= len(text)
        assert text[found.start : found.end].strip()


@given(query=st.text(alphabet=st.characters(codec="utf-8"), max_size=60))
def test_any_question_is_read(reader: Reader, query: str) -> None:
    for want in reader.read(query).wants:
        assert query[want.start : want.end] == want.words


@pytest.mark.parametrize(
    ("query", "kind", "label", "removed"),
    [
        ("family history of gout", "cue", "family history of → in the family", "gout"),
        ("warfarin stopped", "cue", "stopped → stopped", "warfarin"),
        ("hemoglobin  below 8 g/dL", "value", "below 8 g/dL → < 8 g/dl", "hemoglobin"),
        ("A1c between 7 and 8", "value", "between 7 and 8 → 7 to 8", "A1c"),
        ('no "chest pain" type:x', "cue", "no → denied", '"chest pain" type:x'),
        ("patients with NKDA", "cue", "NKDA → no known allergy", "patients with"),
        ("no active bleeding", "cue", "no → denied", "active bleeding"),
        ("Aspirin, then stopped.", "cue", "stopped → stopped", "Aspirin, then."),
    ],
)
def test_cues_and_numbers_are_chips(
    matcher: Matcher, query: str, kind: str, label: str, removed: str
) -> None:
    planner = Planner(matcher.terminology, matcher)
    chips = planner.plan(SearchRequest(q=query), 10, UTC).parsed.chips
    (made,) = [chip for chip in chips if chip.kind == kind]
    assert (made.label, made.removed) == (label, removed)
    assert label.startswith(query[made.start : made.end])
    assert all(a.end <= b.start for a, b in pairwise(chips))


def test_words_that_are_not_looked_for_get_no_chip(matcher: Matcher) -> None:
    planner = Planner(matcher.terminology, matcher)

    def labels(query: str) -> list[str]:
        return [c.label for c in planner.plan(SearchRequest(q=query), 10, UTC).parsed.chips]

    assert labels("pain in the chest") == ["pain", "chest"]
    assert labels("in the") == ["in", "the"]
    assert labels("Show me all patients with sepsis") == ["sepsis"]
    assert labels("date:2020 list notes gout") == ["date:2020", "gout"]
    assert labels("which patients") == ["patients"]


def test_each_limit_of_a_chain_is_a_chip(matcher: Matcher) -> None:
    planner = Planner(matcher.terminology, matcher)
    chips = planner.plan(SearchRequest(q="3 < K < 5"), 10, UTC).parsed.chips
    assert [(chip.label, chip.removed) for chip in chips] == [
        ("3 < → > 3 and < 5", "K < 5"), ("K", "3 < < 5"), ("< 5 → > 3 and < 5", "3 < K"),
    ]  # fmt: skip
