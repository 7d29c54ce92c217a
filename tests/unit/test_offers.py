"""A question without a name: a concept is offered, searched when taken, and taken back."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from indexing.access import Access, Role
from indexing.backends.memory.graph import MemoryGraphIndex
from indexing.backends.memory.lexical import MemoryLexicalIndex
from indexing.backends.memory.vectors import MemoryVectorIndex
from indexing.clauses import Clause, Word
from indexing.language.linking import Link
from indexing.language.matcher import Matcher
from indexing.language.pipeline import Language
from indexing.language.terminology import open_terminology
from indexing.model import Document, Passage, TenantId
from indexing.ports import Derived, Filters, GraphEntry, LexicalEntry
from rankers.answer import Answer, SearchRequest, ShownChip
from rankers.search import Search
from rankers.snippets import snippet, wanted
from rankers.spelling import RARE
from tests.searching import Letters, Shelf

TENANT = TenantId(uuid4())
ACCESS = Access(TENANT, "dr", frozenset())
NOTES = {
    "has": "Gout of the left big toe. Allopurinol started.",
    "denies": "She denies gout. Feels well.",
    "other": "Wobblefoot was her word for it, she is tired.",
}


class Fixed:
    """Links one wording."""

    def sure(self, text: str) -> Link | None:
        if text == "wobblefoot misery":
            [gout] = open_terminology().find("gout")
            return Link(gout, "gout", 0.9)
        return None


class Common(MemoryLexicalIndex):
    """Beside these notes others, of other people, hold every word."""

    def counts(
        self, access: Access, clauses: Sequence[Clause | None], filters: Filters
    ) -> tuple[int, ...]:
        if filters.empty:
            return (RARE + 1,) * len(clauses)
        return super().counts(access, clauses, filters)


@pytest.fixture
def search() -> Iterator[Search]:
    yield from _searching(MemoryLexicalIndex())


def _searching(lexical: MemoryLexicalIndex) -> Iterator[Search]:
    terminology = open_terminology()
    language, graph = Language(terminology), MemoryGraphIndex()
    held = {}
    for doc_id, text in NOTES.items():
        day = datetime(2024, 1, 1, tzinfo=UTC)
        document = Document(TENANT, doc_id, 1, text, patient_id="p", date_start=day)
        found = language.annotate(text)
        held[doc_id] = Derived(document, "1", found.sections, found.passages, found.mentions)
        lexical.upsert(TENANT, [LexicalEntry(document, found.sections, found.mentions)])
        graph.upsert(TENANT, [GraphEntry(document, found.mentions)])
    made = Search(
        lexical=lexical, vector=MemoryVectorIndex(), graph=graph, encoder=Letters(),
        terminology=terminology, matcher=Matcher(terminology), documents=Shelf(held),
        links=Fixed(),
    )  # fmt: skip
    yield made
    made.close()


def ask(search: Search, q: str, *, accepted: tuple[str, ...] = (), rejected: tuple[str, ...] = (),
        rankers: tuple[str, ...] = ("lexical", "graph")) -> Answer:  # fmt: skip
    asked = SearchRequest(q, rankers=rankers, accepted=accepted, rejected=rejected)
    return search.answer(ACCESS, asked)


def near(answer: Answer) -> list[tuple[str, str, bool, int | None]]:
    return [(c.id, c.label, c.offered, c.count) for c in answer.chips if c.kind == "near"]


def test_an_offer_changes_nothing_until_it_is_taken(search: Search) -> None:
    answer = ask(search, "wobblefoot misery")
    [(own, label, offered, count)] = near(answer)
    assert (label, offered, count) == ("wobblefoot misery → gout", True, 2)
    assert [hit.doc_id for hit in answer.hits] == ["other"]
    taken = ask(search, "wobblefoot misery", accepted=(own,))
    assert taken.hits[0].doc_id == "has"
    assert "denies" not in [hit.doc_id for hit in taken.hits]
    assert taken.hidden == {"negated": 1}
    assert [(i, o) for i, _, o, _ in near(taken)] == [(own, False)]
    marks = {taken.hits[0].snippet.text[m.start : m.end] for m in taken.hits[0].snippet.marks}
    assert "Gout" in marks
    for legs in (("lexical",), ("graph",)):
        found = ask(search, "wobblefoot misery", accepted=(own,), rankers=legs)
        assert "has" in [hit.doc_id for hit in found.hits]


def test_an_offer_is_taken_back_and_waved_away(search: Search) -> None:
    [(own, *_)] = near(ask(search, "wobblefoot misery"))
    back = ask(search, "wobblefoot misery", accepted=(own,), rejected=(own,))
    assert [hit.doc_id for hit in back.hits] == ["other"]
    assert near(back) == near(ask(search, "wobblefoot misery", rejected=(own,))) == []


@pytest.mark.parametrize("q", ["gout", "wobblefoot", '"wobblefoot misery"', "chest pain"])
def test_nothing_is_offered_beside_a_name_or_a_literal(search: Search, q: str) -> None:
    assert near(ask(search, q)) == []


def test_a_concept_of_another_terminology_is_left_alone(search: Search) -> None:
    answer = ask(search, "wobblefoot misery", accepted=("near:X:1/wobblefoot misery",))
    assert [hit.doc_id for hit in answer.hits] == ["other"]


def test_what_is_near_in_meaning_is_shown_by_a_sentence_and_no_heading() -> None:
    text = "DIAGNOSES:\n1.\nGout of the left big toe, with a tophus.\n2.\nRest."
    document = Document(TENANT, "d", 1, text, patient_id="p")
    note = Derived(document, "1", (), (Passage(0, 0, len(text)),), ())
    want = wanted(Word("absent"))
    shown = snippet(note, want, "present", 0)
    assert shown.text == "Gout of the left big toe, with a tophus."
    assert text[shown.at : shown.at + len(shown.text)] == shown.text
    for short in ("", "A", "1.", "PLAN:\n", "1.\n2.\n3."):
        document = Document(TENANT, "d", 1, short, patient_id="p")
        bare = Derived(document, "1", (), (Passage(0, 0, len(short)),), ())
        assert snippet(bare, want, "present", 0).text in short


def offers(answer: Answer) -> list[ShownChip]:
    return [chip for chip in answer.chips if chip.offered]


def test_what_other_charts_hold_is_a_word_in_this_one_too() -> None:
    for search in _searching(Common()):
        assert not offers(ask(search, "alloprinol"))
        assert not offers(ask(search, "patient:p alloprinol"))


def test_a_misspelt_name_is_offered_as_it_is_spelled(search: Search) -> None:
    answer = ask(search, "alloprinol")
    assert not answer.hits
    [offer] = offers(answer)
    assert (offer.kind, offer.label, offer.removed, offer.count) == (
        "spelling", "alloprinol → allopurinol", "allopurinol", 1,
    )  # fmt: skip
    assert [hit.doc_id for hit in ask(search, offer.removed).hits] == ["has"]


def test_a_time_is_offered_as_a_date_where_dates_are_not_moved(search: Search) -> None:
    year = datetime.now(UTC).year - 1
    answer = ask(search, "gout last year")
    [offer] = offers(answer)
    assert (offer.kind, offer.label, offer.removed, offer.count) == (
        "time", f"last year → of {year}", f"gout date:{year}", None,
    )  # fmt: skip
    assert answer.hits[0].doc_id == "has"  # nothing is narrowed until it is taken
    assert not ask(search, offer.removed).hits  # they are of 2024
    hidden = Access(TENANT, "r", frozenset({Role.RESEARCHER}))
    assert hidden.deidentified
    assert not offers(search.answer(hidden, SearchRequest("gout last year", rankers=("lexical",))))
    exact = SearchRequest("gout last year", rankers=("lexical",), plain=True)
    assert not offers(search.answer(ACCESS, exact))
