"""What every full-text index must do, the reference, the embedded one and every server alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from uuid import uuid4

import pytest

from app.settings import LexicalBackend
from indexing.access import LABELS
from indexing.clauses import Expansion, Held, Phrase, Word
from indexing.model import Assertion, Section, TenantId, Tombstone
from indexing.ports import AssertionMode, LexicalIndex
from tests import engines
from tests.full_text import ACCESS, ALL, TENANT, clause, entry, hits, ids, said


@pytest.fixture(params=engines.every(LexicalBackend))
def index(
    request: pytest.FixtureRequest, lexical_index: Callable[[str], LexicalIndex]
) -> LexicalIndex:
    return lexical_index(request.param)


@pytest.fixture
def filled(index: LexicalIndex) -> LexicalIndex:
    index.upsert(
        TENANT,
        [
            entry("a", "Severe chest pain radiating to the left arm.", title="Emergency note"),
            entry("b", "Pain in the knee. Chest clear. A1c of 10.2, takes 5mg daily."),
            entry("c", "Cough and fever for three days; café au lait spots; Crohn’s disease."),
            entry("d", "Arthritis of both hands. Chest x-ray: normal."),
        ],
    )
    return index


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("chest pain", {"a", "b", "d"}),
        ("chest AND pain", {"a", "b"}),
        ('"chest pain"', {"a"}),
        ('"Chest Pain" fever', {"a"}),
        ('"pain chest"', set()),
        ('"severe pain"~1', {"a"}),
        ('"severe radiating"~1', set()),
        ('"severe radiating"~2', {"a"}),
        ("fever OR knee", {"b", "c"}),
        ("chest -pain", {"d"}),
        ("-chest", {"c"}),
        ("pains", {"a", "b"}),
        ('"pains"', set()),
        ("arthr*", {"d"}),
        ("*itis", {"d"}),
        ("ar*is", {"d"}),
        ("x-ray", {"d"}),
        ("x-ray AND chest", {"d"}),
        ("A1C", {"b"}),
        ("10.2", {"b"}),
        ("5", {"b"}),
        ("CAFE", {"c"}),
        ("crohn's", {"c"}),
        ("emergency", {"a"}),
        ("nosuchword", set()),
        ("the", {"a", "b"}),
        ("(knee OR fever) AND -cough", {"b"}),
        ("NOT (knee OR fever)", {"a", "d"}),
    ],
)
def test_what_a_query_finds(filled: LexicalIndex, query: str, found: set[str]) -> None:
    assert ids(filled, query) == found
    assert filled.search(ACCESS, clause(query), ALL, 100, "present").total == len(found)
    every = ["a", "b", "c", "d", "nobody"]
    assert filled.matching(ACCESS, clause(query), ALL, "present", every) == found


@pytest.mark.parametrize("named", [1, 1000])
def test_many_are_held_against_a_query_as_few_are(
    filled: LexicalIndex, named: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("indexing.backends.tantivy.lexical.MOST_NAMED", named)
    every = ["a", "b", "d", *(f"nobody{i}" for i in range(100))]
    assert filled.matching(ACCESS, clause("chest"), ALL, "present", every) == {"a", "b", "d"}
    assert filled.matching(ACCESS, clause("fever"), ALL, "present", every) == set()  # c's alone
    nobody = replace(ACCESS, patients=frozenset())
    assert filled.matching(nobody, clause("chest"), ALL, "present", every) == set()


def test_title_and_rarity_raise_a_document(filled: LexicalIndex) -> None:
    filled.upsert(TENANT, [entry("e", "Emergency exit at the left side of the hall, on the right")])
    assert [h.doc_id for h in hits(filled, "emergency")] == ["a", "e"]


def test_the_best_wording_counts_and_others_weigh_less(filled: LexicalIndex) -> None:
    plain = filled.search(ACCESS, Word("fever"), ALL, 9, "present").hits
    either = Expansion(Word("pyrexia"), ((Word("fever"), 0.5), (Word("cough"), 0.1)))
    found = filled.search(ACCESS, either, ALL, 9, "present").hits
    assert [h.doc_id for h in found] == ["c"]
    assert found[0].score == pytest.approx(plain[0].score / 2, rel=1e-4)


def test_a_rarer_wording_for_the_same_thing_is_no_better_answer(index: LexicalIndex) -> None:
    common = [entry(f"itch{i}", "itching of the arm") for i in range(8)]
    rare = [entry("rare", "pruritus of the arm"), entry("skin", "itchy skin of arm")]
    index.upsert(TENANT, [*common, *rare])
    either = Expansion(Word("itching"), ((Word("pruritus"), 0.9), (Phrase(("itchy", "skin")), 0.8)))
    for mode in ("any", "present"):
        found = index.search(ACCESS, either, ALL, 20, mode).hits
        score = {hit.doc_id: hit.score for hit in found}
        assert score["rare"] == pytest.approx(0.9 * score["itch0"], rel=1e-3)
        assert score["skin"] == pytest.approx(0.8 * score["itch0"], rel=1e-3)


def test_what_is_held_counts_once_as_rare_as_it_is(filled: LexicalIndex) -> None:
    filled.upsert(TENANT, [entry("e", "Pain, pain, pain and more pain.")])
    parts = (Word("pain"), Word("severe"), Word("wombat"), Phrase(("chest", "pain")))
    every = ["a", "b", "c", "d", "e", "nobody"]
    held = filled.scores(ACCESS, Held(parts), ALL, "present", every)
    assert held.keys() == {"a", "b", "e"}
    assert held["a"] == pytest.approx(1.0, rel=1e-4)  # nobody holds the wombat
    assert held["b"] == pytest.approx(held["e"], rel=1e-4)  # how often says nothing
    assert 0 < held["e"] < 1 / 3  # three in five hold it, one the others
    assert filled.scores(ACCESS, Held(parts), ALL, "present", ["e", "c"]).keys() == {"e"}
    assert filled.scores(ACCESS, Held((Word("wombat"),)), ALL, "present", every) == {}
    assert filled.scores(ACCESS, Held(()), ALL, "present", every) == {}


def test_words_of_every_note_make_none_worse_for_what_was_replaced(index: LexicalIndex) -> None:
    for version in (1, 2):  # engines count what was replaced for a while
        common = [entry(f"n{at}", "the knee", version) for at in range(0, 20, version)]
        index.upsert(TENANT, [*common, entry("rare", "a knee and a wombat", version)])
    held = index.scores(
        ACCESS, Held((Word("knee"), Word("wombat"))), ALL, "present", ["n0", "rare"]
    )
    assert 0 < held["n0"] < held["rare"] == pytest.approx(1.0, rel=1e-4)


def test_another_wording_is_held_as_the_one_that_was_asked(filled: LexicalIndex) -> None:
    either = Expansion(Word("pyrexia"), ((Word("fever"), 0.5),))
    held = filled.scores(ACCESS, Held((either, Word("cough"))), ALL, "present", ["a", "c"])
    assert held == {"c": pytest.approx(1.0, rel=1e-4)}
    alone = filled.scores(ACCESS, Held((either, Word("emergency"))), ALL, "present", ["a", "c"])
    assert alone.keys() == {"a", "c"}
    wild = Held((Word("fev*", pattern=True),))  # nobody knows how rare it is
    assert filled.scores(ACCESS, wild, ALL, "present", ["a", "c"]) == {}


def test_what_is_held_is_asserted_and_open_to_who_asks(filled: LexicalIndex) -> None:
    base = entry("n", "No wombat fever", patient_id="p", labels=("R",))
    filled.upsert(TENANT, [said(base, "fever", Assertion.NEGATED)])
    both = Held((Word("fever"), Word("wombat")))
    opened = replace(ACCESS, labels=LABELS)
    held = filled.scores(opened, both, ALL, "present", ["n"])
    assert held["n"] < filled.scores(opened, both, ALL, "any", ["n"])["n"]
    assert filled.scores(ACCESS, both, ALL, "any", ["n", "c"]).keys() == {"c"}
    nobody = replace(opened, patients=frozenset())
    assert filled.scores(nobody, both, ALL, "any", ["n", "c"]) == {}
    elsewhere = replace(opened, tenant_id=TenantId(uuid4()))
    assert filled.scores(elsewhere, both, ALL, "any", ["n", "c"]) == {}


def test_scores_are_those_of_a_search(filled: LexicalIndex) -> None:
    ranked = {hit.doc_id: hit.score for hit in hits(filled, "severe chest pain")}
    found = filled.scores(ACCESS, clause("severe chest pain"), ALL, "present", ["a", "d", "c"])
    assert found == {d: pytest.approx(ranked[d], rel=1e-4) for d in ("a", "d")}


def test_a_phrase_denied_in_a_section_is_found_by_its_literal_words(index: LexicalIndex) -> None:
    text = "History\nHe denies chest pains."
    base = replace(entry("a", text), sections=(Section(0, 8, len(text), "subjective"),))
    index.upsert(TENANT, [said(base, "chest pains", Assertion.NEGATED, "subjective")])
    assert ids(index, 'section:subjective "chest pains"', mode="negated") == {"a"}
    assert ids(index, 'section:subjective "chest pain"', mode="negated") == set()
    assert ids(index, 'section:subjective "chest pains"') == set()


def test_a_title_before_a_name_is_found_in_its_phrase_alone(index: LexicalIndex) -> None:
    index.upsert(TENANT, [
        entry("ill", "MS since 2015. Severe MR. Background DR. Ms since then is stable."),
        entry("seen", "Ms. Smith and Mr Jones were seen by Dr. Lee.", title="Letter to Dr. Moss"),
    ])  # fmt: skip
    for title in ("ms", "mr", "dr"):
        assert ids(index, title) == {"ill"}
        assert ids(index, title, mode="any") == {"ill", "seen"}
    for phrase in ('"ms smith"', '"Mr. Jones"', '"dr lee"', '"dr moss"'):
        assert ids(index, phrase) == {"seen"}
    assert ids(index, "smith") == {"seen"}


def test_upsert_twice_is_once_and_newer_wins(filled: LexicalIndex) -> None:
    before = hits(filled, "chest")
    filled.upsert(TENANT, [entry("d", "Arthritis of both hands. Chest x-ray: normal.")])
    assert [h.doc_id for h in hits(filled, "chest")] == [h.doc_id for h in before]
    filled.upsert(TENANT, [entry("a", "quite new", 3), entry("a", "old", 2)])
    filled.upsert(TENANT, [entry("a", "older still", 2)])
    assert ids(filled, "new") == {"a"}
    assert ids(filled, "old older severe") == set()
    assert filled.entries(TENANT) == {"a": 3, "b": 1, "c": 1, "d": 1}


def test_tombstones_outlive_late_upserts(filled: LexicalIndex) -> None:
    filled.delete(TENANT, [Tombstone("a", 2), Tombstone("unknown", 5)])
    filled.upsert(TENANT, [entry("a", "chest back again", 1), entry("unknown", "chest", 5)])
    filled.upsert(TENANT, [entry("a", "chest back again", 2)])
    assert ids(filled, "chest") == {"b", "d"}
    filled.delete(TENANT, [Tombstone("b", 0)])
    assert ids(filled, "chest") == {"b", "d"}
    filled.upsert(TENANT, [entry("a", "chest back again", 3)])
    assert ids(filled, "chest") == {"a", "b", "d"}
    assert filled.state(TENANT).count == 4


def test_a_repeated_annotation_of_one_version_replaces_it(index: LexicalIndex) -> None:
    plain = entry("n", "No fever today")
    index.upsert(TENANT, [plain])
    assert ids(index, "fever") == {"n"}
    index.upsert(TENANT, [said(plain, "fever", Assertion.NEGATED)])
    assert ids(index, "fever") == set()


@pytest.fixture
def judged(index: LexicalIndex) -> LexicalIndex:
    negated, family = Assertion.NEGATED, Assertion.FAMILY
    text = "History: cough. Family history: Mother had breast cancer. Plan: aspirin."
    sections = (Section(0, 8, 16, "subjective"), Section(16, 31, 58, "family_history"))
    index.upsert(
        TENANT,
        [
            said(entry("denied", "Denies chest pain. Has a cough."), "chest pain", negated),
            said(entry("both", "No fever now, fever last week."), "fever", negated),
            entry("has", "Complains of chest pain."),
            replace(
                said(entry("mother", text), "breast cancer", family, "family_history"),
                sections=sections,
            ),
            said(entry("if", "If fever develops, call us."), "fever", Assertion.HYPOTHETICAL),
            said(entry("old", "Former asthma."), "asthma", Assertion.HISTORICAL),
        ],
    )
    return index


@pytest.mark.parametrize(
    ("query", "mode", "found"),
    [
        ("chest pain", "present", {"has"}),
        ("chest pain", "any", {"has", "denied"}),
        ("chest pain", "negated", {"denied"}),
        ('"chest pain"', "present", {"has"}),
        ('"chest pain"', "any", {"has", "denied"}),
        ('"chest pain"', "negated", {"denied"}),
        ('"denies has"', "any", set()),
        ('"denies has"~1', "present", set()),
        ("cough -chest", "present", {"mother"}),
        ("fever", "present", {"both"}),
        ("fever", "any", {"both", "if"}),
        ("asthma", "present", {"old"}),
        ("cancer", "present", set()),
        ("section:family_history cancer", "present", {"mother"}),
        ('section:family_history "breast cancer"', "present", {"mother"}),
        ("section:FHx canc*", "present", {"mother"}),
        ("section:subjective cancer", "any", set()),
        ("section:subjective cough", "present", {"mother"}),
        ("cough -(section:subjective cough)", "present", {"denied"}),
        ("section:family_history", "present", {"mother"}),
        ("cough AND NOT cancer", "present", {"denied"}),
    ],
)
def test_assertion_and_sections(
    judged: LexicalIndex, query: str, mode: AssertionMode, found: set[str]
) -> None:
    assert ids(judged, query, mode=mode) == found


def test_tenants_share_nothing(filled: LexicalIndex) -> None:
    other = replace(ACCESS, tenant_id=TenantId(uuid4()))
    assert ids(filled, "chest", access=other) == set()
    assert filled.counts(other, [None, clause("chest")], ALL) == (0, 0)
    before = hits(filled, "chest")
    filled.upsert(other.tenant_id, [entry(f"x{i}", "chest chest") for i in range(20)])
    assert hits(filled, "chest") == before
    filled.drop(other.tenant_id)
    assert filled.entries(other.tenant_id) == {}
    assert hits(filled, "chest") == before


def test_deep_pages_and_ties(index: LexicalIndex) -> None:
    names = [f"n{i:03}" for i in range(150)]
    index.upsert(TENANT, [entry(name, "same words") for name in reversed(names)])
    assert [h.doc_id for h in hits(index, "words", k=1)] == ["n000"]
    assert [h.doc_id for h in hits(index, "words", k=40)] == names[:40]
    assert [h.doc_id for h in hits(index, "words", k=500)] == names


@pytest.mark.parametrize("query", ["🙂", "\u0301", "…"])
def test_a_question_without_words_finds_nothing(filled: LexicalIndex, query: str) -> None:
    assert filled.search(ACCESS, Word(query), ALL, 10, "present").total == 0


def test_text_of_every_kind(index: LexicalIndex) -> None:
    index.upsert(
        TENANT,
        [
            entry("empty", ""),
            entry("odd", "lone \ud800 surrogate, nul \x00, 日本語 текст naïve cafe\u0301"),
            entry("long", "x" * 100_000 + " end"),
        ],
    )
    assert ids(index, "naive") == ids(index, "café") == ids(index, "текст") == {"odd"}
    assert ids(index, "end") == {"long"}
    assert index.counts(ACCESS, [None], ALL) == (3,)


def test_state_folds_keys_and_versions(filled: LexicalIndex) -> None:
    before = filled.state(TENANT)
    filled.upsert(TENANT, [entry("a", "changed", 2)])
    after = filled.state(TENANT)
    assert (before.count, after.count) == (4, 4)
    assert before.digest != after.digest
