"""The seed, the read API, and the walk over the graph."""

from __future__ import annotations

from pathlib import Path

import pytest

from indexing.errors import ConfigurationError, InvalidInput, NotFound
from indexing.language.terminology import (
    Addition,
    Code,
    EdgeKind,
    NameKind,
    SemanticType,
    Terminology,
    open_terminology,
    seed,
)
from indexing.language.terminology.compile import compile_facts


@pytest.fixture(scope="module")
def terminology() -> Terminology:
    return open_terminology()


def test_the_seed_is_large_and_typed(terminology: Terminology) -> None:
    assert len(terminology) >= 1500
    names = [name for own in terminology.concept_ids() for name in terminology.names(own)]
    assert len(names) >= 4000
    assert sum(name.kind is NameKind.LAY for name in names) >= 1000
    kinds = {terminology.concept(own).semantic_type for own in terminology.concept_ids()}
    assert {SemanticType.DRUG, SemanticType.LAB_TEST, SemanticType.DEVICE} < kinds


@pytest.mark.parametrize(
    ("wording", "name"),
    [
        ("high blood pressure", "hypertension"),
        ("ringing in the ears", "tinnitus"),
        ("heart attack", "myocardial infarction"),
        ("water pill", "diuretic"),
        ("Lasix", "furosemide"),
        ("nose bleeds", "epistaxis"),
        ("COPD", "chronic obstructive pulmonary disease"),
        ("gall stones", "gallstones"),
    ],
)
def test_names_find_their_concept(terminology: Terminology, wording: str, name: str) -> None:
    assert [terminology.concept(own).name for own in terminology.find(wording)][:1] == [name]


def test_a_name_within_words_is_found_as_when_spelt_out(terminology: Terminology) -> None:
    frames = ["former {}", "{} allergy", "family history of {}", "ex {}", "{}", "NOT {}"]
    for name in ["penicillin", "smoker", *terminology.compiled.name_texts[::5]]:
        found = list(terminology.framed(name, frames))
        assert found == [terminology.find(frame.format(name)) for frame in frames], name
    [[allergy], [smoker]] = (
        list(terminology.framed("penicillin", ["{} allergy"])),
        list(terminology.framed("smoker", ["former {}"])),
    )
    assert allergy
    assert smoker


def test_a_concept_with_its_codes(terminology: Terminology) -> None:
    (own,) = terminology.by_code("SNOMED", "38341003")
    concept = terminology.concept(own)
    assert concept.name == "hypertension"
    assert Code("ICD10CM", "I10") in concept.codes
    assert terminology.names(own)[0].kind is NameKind.PREFERRED
    assert terminology.by_code("SNOMEDCT_US_2025_09_01", "38341003") == (own,)


def test_unknown_ids_are_not_found(terminology: Terminology) -> None:
    with pytest.raises(NotFound):
        terminology.concept("anm:no-such-thing")
    assert terminology.find("no such thing at all") == ()
    assert terminology.neighbourhood({"anm:no-such-thing": 1.0}) == {}


def test_ancestors_follow_every_parent(terminology: Terminology) -> None:
    above = terminology.ancestors("anm:st-elevation-myocardial-infarction")
    assert above["anm:myocardial-infarction"] == 1
    assert above["anm:acute-coronary-syndrome"] == 1
    assert above["anm:cardiovascular-disease"] >= 2
    below = terminology.descendants("anm:cardiovascular-disease")
    assert all("anm:cardiovascular-disease" in terminology.ancestors(own) for own in below)
    assert len(terminology.descendants("anm:cardiovascular-disease", limit=5)) == 5


def test_the_hierarchy_has_no_circle(terminology: Terminology) -> None:
    for own in terminology.concept_ids():
        assert own not in terminology.ancestors(own)


def test_a_drug_treats_what_its_class_treats(terminology: Terminology) -> None:
    edges = terminology.edges("anm:lisinopril", [EdgeKind.TREATS])
    assert "anm:hypertension" in {edge.other for edge in edges}
    back = terminology.edges("anm:hypertension", [EdgeKind.TREATS])
    assert any(edge.other == "anm:lisinopril" and edge.inverse for edge in back)


def test_information_grows_downwards(terminology: Terminology) -> None:
    for own in terminology.concept_ids():
        value = terminology.information_content(own)
        assert 0.0 <= value <= 1.0
        for parent in terminology.parents(own):
            assert terminology.information_content(parent) <= value


def test_the_neighbourhood_decays(terminology: Terminology) -> None:
    start = "anm:heart-failure"
    near = terminology.neighbourhood({start: 1.0}, 1)
    far = terminology.neighbourhood({start: 1.0}, 2)
    assert near[start] == far[start] == 1.0
    assert set(near) < set(far)
    assert near["anm:systolic-heart-failure"] > near["anm:cardiovascular-disease"]
    assert all(0 < weight <= 1 for weight in far.values())
    assert list(far.values()) == sorted(far.values(), reverse=True)
    assert len(terminology.neighbourhood({start: 1.0}, 3, limit=10)) == 10
    only = terminology.neighbourhood({start: 1.0}, 1, kinds={EdgeKind.TREATS: 1.0})
    assert "anm:furosemide" in only
    assert "anm:systolic-heart-failure" not in only


def test_search_ranks_exact_then_likely(terminology: Terminology) -> None:
    found = terminology.search("heart attack")
    assert found[0] == ("anm:myocardial-infarction", 1.0)
    assert terminology.search("myocardal infarctoin")[0][0] == "anm:myocardial-infarction"
    scores = [score for _, score in found]
    assert scores == sorted(scores, reverse=True)


def test_a_tenants_own_names(terminology: Terminology) -> None:
    own = terminology.with_additions(
        [
            Addition("anm:hypertension", "the squeeze"),
            Addition("site:ward-9-rash", "ward nine rash", parent_id="anm:rash"),
        ]
    )
    assert own.find("the squeeze") == ("anm:hypertension",)
    assert own.find("ward nine rashes") == ("site:ward-9-rash",)
    assert "anm:rash" in own.ancestors("site:ward-9-rash")
    assert own.version != terminology.version
    assert terminology.find("the squeeze") == ()
    assert own.neighbourhood({"anm:rash": 1.0}, 1)["site:ward-9-rash"] > 0
    with pytest.raises(InvalidInput):
        terminology.with_additions([Addition("site:x", "x-ish", parent_id="site:none")])


def test_bad_seed_lines_say_where() -> None:
    with pytest.raises(ConfigurationError, match=r"a\.txt:2"):
        seed.read([("a.txt", "[disorder]\ngout | a | Q:1")])
    with pytest.raises(ConfigurationError, match=r"a\.txt:1: < nothing"):
        seed.read([("a.txt", "gout | | | < nothing")])
    with pytest.raises(ConfigurationError, match="twice"):
        seed.read([("a.txt", "gout\ngout")])


def test_the_seed_compiles_to_the_same_bytes() -> None:
    left, right = (compile_facts(seed.read(), "v") for _ in range(2))
    assert left.ids == right.ids
    assert left.lexicon.patterns == right.lexicon.patterns
    assert left.graph.other.tolist() == right.graph.other.tolist()


def test_the_seed_is_kept_at_home(tmp_path: Path) -> None:
    first = open_terminology(tmp_path)
    assert (tmp_path / "terminology" / first.version / "texts.json").is_file()
    assert open_terminology(tmp_path) is first


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("DNR", "full code"), ("DNR", "advance directive"), ("DNI", "DNR"), ("LBBB", "RBBB"),
        ("palliative care", "hospice"), ("palliative care", "CMO"), ("HER2", "ER status"),
    ],
)  # fmt: skip
def test_what_forbids_each_other_has_no_name_in_common(
    terminology: Terminology, one: str, other: str
) -> None:
    mine, others = terminology.find(one), terminology.find(other)
    assert mine
    assert others
    assert set(mine).isdisjoint(others)
