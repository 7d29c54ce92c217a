"""A question answered end to end on the reference engines."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from indexing.backends.memory.lexical import MemoryLexicalIndex
from indexing.errors import InvalidQuery
from indexing.model import Tombstone
from indexing.ports import (
    LexicalEntry,
)
from rankers.absence import UNSAID
from rankers.answer import Answer
from rankers.search import Search, SearchRequest
from tests.searching import ACCESS, LEXICAL, TENANT, Shelf, ask, found, made_of_notes


def test_the_sentence_in_the_right_chart(search: Search) -> None:
    hit = ask(search, "chest pain").hits[0]
    assert (hit.doc_id, hit.patient_id, hit.date, hit.type) == (
        "has", "P1", "2023-05-01", "Clinic letter"
    )  # fmt: skip
    assert hit.snippet.text == "He has chest pain on exertion."
    marked = {hit.snippet.text[m.start : m.end]: m.kind for m in hit.snippet.marks}
    assert marked["chest"] == marked["pain"] == "literal"


def test_default_search_means_present(search: Search) -> None:
    answer = ask(search, "chest pain", rankers=LEXICAL)
    assert found(answer) == ["has"]
    assert answer.hidden == {"negated": 1}
    assert found(ask(search, "chest pain", rankers=LEXICAL, assertion="negated")) == ["denies"]
    assert set(found(ask(search, "chest pain assertion:any", rankers=LEXICAL))) == {"has", "denies"}
    assert ask(search, "chest pain").hits[0].doc_id == "has"
    assert ask(search, "chest pain", rankers=("graph",)).hits[0].doc_id == "has"
    assert "denies" not in found(ask(search, "chest pain", rankers=("graph",)))


def test_a_payers_category_is_no_carcinoma() -> None:
    notes = {
        "mark": ("Problem list", "P4", "Morbid obesity (HCC). Seen by her podiatrist."),
        "liver": ("Problem list", "P5", "HCC of the right lobe, not resectable."),
    }
    search = Search(**made_of_notes(notes))  # type: ignore[arg-type]
    answer = ask(search, "hepatocellular carcinoma", rankers=LEXICAL)
    assert found(answer) == ["liver"]
    anyhow = ask(search, "hepatocellular carcinoma assertion:any", rankers=LEXICAL)
    assert set(found(anyhow)) == {"liver", "mark"}
    near = ask(search, "hepatocellular carcinoma", rankers=("vector",))
    marked = {h.doc_id: [h.snippet.text[m.start : m.end] for m in h.snippet.marks]
              for h in near.hits}  # fmt: skip
    assert "HCC" not in marked.get("mark", [])
    assert "HCC" in marked["liver"]
    search.close()


@pytest.mark.parametrize("asked", ["MS", "ms", "MS relapse"])
def test_nobodys_title_is_an_illness(asked: str) -> None:
    notes = {
        "ill": ("Neurology", "P1", "MS diagnosed in 2015, one relapse since."),
        "seen": ("Clinic letter", "P2", "Ms. Smith came for her cough. Ms. Smith feels better."),
    }
    search = Search(**made_of_notes(notes))  # type: ignore[arg-type]
    assert found(ask(search, asked, rankers=LEXICAL)) == ["ill"]
    assert found(ask(search, asked.split()[0])) == ["ill"]
    assert found(ask(search, "ms smith"))[0] == "seen"
    for hit in ask(search, asked).hits:
        assert "Ms" not in [hit.snippet.text[m.start : m.end] for m in hit.snippet.marks]
    search.close()


def test_contributions_add_up_on_every_hit(search: Search) -> None:
    answer = ask(search, "chest pain and fever")
    assert answer.hits
    for hit in answer.hits:
        parts = sum(signal.contribution for signal in hit.signals.values())
        assert parts == pytest.approx(hit.score)
    assert [hit.rank for hit in answer.hits] == list(range(1, len(answer.hits) + 1))


def test_constraints_hold_on_every_leg(search: Search) -> None:
    without = found(ask(search, "chest pain -fever"))
    assert "cough" not in without
    assert "mother" in without  # by its meaning alone, and it demands nothing but no fever
    assert set(found(ask(search, "pain type:nursing"))) <= {"cough"}
    assert found(ask(search, "section:family_history cancer")) == ["mother"]
    assert ask(search, "pain date:2022").hits == ()
    assert set(found(ask(search, "pain", only={"patient": ("P1",)}))) == {"has", "cough"}
    assert set(found(ask(search, "pain", only={"period": ("2022",)}))) == set()
    assert "has" in found(ask(search, "pain", only={"period": ("2023",)}))


def test_a_chart_that_was_chosen_is_that_of_its_id_and_of_no_like_one() -> None:
    """Ids of patients differ by case alone, and no note of another patient is in a chart."""
    about = "He has chest pain on exertion."
    search = Search(**made_of_notes({  # type: ignore[arg-type]
        "one": ("Letter", "AbC", about), "two": ("Letter", "abc", about),
        "three": ("Letter", "ABC", about),
    }))  # fmt: skip
    for patient, doc_id in (("AbC", "one"), ("abc", "two"), ("ABC", "three")):
        for leg in ("lexical", "vector", "graph"):
            request = SearchRequest("chest pain", rankers=(leg,), only={"patient": (patient,)})
            assert found(search.answer(ACCESS, request)) == [doc_id]
            for opened, seen in (({"abc"}, patient == "abc"), (set(), False)):
                narrow = replace(ACCESS, patients=frozenset(opened))
                assert bool(search.answer(narrow, request).hits) is seen
            assert found(ask(search, f"chest pain patient:{patient}", rankers=(leg,))) == [doc_id]
    for chosen in (("AbC", "abc"), ("", "AbC", "abc")):
        assert set(found(ask(search, "chest pain", only={"patient": chosen}))) == {"one", "two"}
    search.close()


def test_what_the_words_name_past_their_hits_is_a_match(
    search: Search, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The graph's best is not the words' best, and no second look at the full text is needed."""
    monkeypatch.setattr("rankers.search.DEPTH", 1)
    cleared = replace(ACCESS, labels=frozenset({"PSY"}))
    hits = search.rank(cleared, SearchRequest('"chest pain"', k=1)).answer.hits
    assert [(hit.doc_id, set(hit.signals)) for hit in hits] == [
        ("secret", {"lexical"}), ("has", {"graph"}),
    ]  # fmt: skip


def test_an_exact_operator_switches_meaning_off_visibly(search: Search) -> None:
    answer = ask(search, '"chest pain"')
    assert found(answer) == ["has"]
    assert answer.notices
    assert set(answer.hits[0].signals) <= {"lexical", "graph"}
    assert not ask(search, "chest pain").notices
    assert not ask(search, "hemoglobin below 8").notices
    [told] = ask(search, "chest pain in patients older than 65").notices
    assert "no note is held against it" in told


def test_who_asks_for_the_latest_is_shown_what_says_it_alone(search: Search) -> None:
    assert found(ask(search, "chest pain"))[1:]
    for query in ("latest chest pain", "last chest pain", "most recent chest pain"):
        assert found(ask(search, query)) == ["has"]
    assert ask(search, "when was her last seizure").absence is not None


def test_words_of_a_name_are_not_the_thing() -> None:
    notes = {
        "hip": ("Surgery", "P1", "Had a total hip replacement in 2006."),
        "knee": ("Surgery", "P2", "Knee arthroscopy three weeks ago."),
    }
    drinks = {**notes, "drinks": ("Clinic", "P3", "Drinks socially.")}
    search = Search(**made_of_notes(drinks))  # type: ignore[arg-type]
    assert ask(search, "alcohol use").absence is None  # another wording, found as a word
    search = Search(**made_of_notes(notes))  # type: ignore[arg-type]
    answer = ask(search, "total knee replacement")
    assert found(answer)
    assert answer.absence is not None
    assert answer.absence.statement == UNSAID
    assert ask(search, "total hip replacement").absence is None
    assert ask(search, "THR").absence is None
    assert ask(search, "alcohol use").absence is not None
    search.close()


def test_what_is_narrower_is_no_sentence_of_a_denial() -> None:
    notes = {
        "none": ("Radiology", "P1", "No evidence of infection."),
        "narrow": ("Radiology", "P2", "No abscess."),
    }
    search = Search(**made_of_notes(notes))  # type: ignore[arg-type]
    answer = ask(search, "no infection")
    assert found(answer) == ["none", "narrow"]
    assert [each.text for each in answer.best] == ["No evidence of infection."]
    search.close()


def test_closed_notes_stay_closed(search: Search) -> None:
    answer = ask(search, "panic attacks chest pain")
    assert "secret" not in found(answer)
    assert "panic" not in json.dumps(answer.to_json()["hits"])
    cleared = replace(ACCESS, labels=frozenset({"PSY"}))
    assert "secret" in found(search.answer(cleared, SearchRequest("panic attacks")))
    shut = replace(ACCESS, patients=frozenset({"P2"}))
    assert set(found(search.answer(shut, SearchRequest("chest pain")))) <= {"denies"}


def test_a_hit_shows_where_it_says_what_is_asked_as_it_is_asked() -> None:
    """Of the family, and not the patient's own in the words that hold most of the question."""
    text = "ASSESSMENT: Breast cancer, in the left breast.\nFAMILY HISTORY: Mother, breast cancer."
    search = Search(**made_of_notes({"both": ("Letter", "P", text)}))  # type: ignore[arg-type]
    for question, shown in (
        ("breast cancer left breast", "ASSESSMENT: Breast cancer, in the left breast."),
        ("mother with breast cancer", "FAMILY HISTORY: Mother, breast cancer."),
        ("breast cancer in the family, left breast", "FAMILY HISTORY: Mother, breast cancer."),
    ):
        (hit,) = ask(search, question).hits
        assert hit.snippet.text == shown
    search.close()


def test_words_that_only_ask_find_nothing() -> None:
    notes = {
        "asks": ("Clinic", "P1", "The patients were shown a list. Find all below."),
        "sepsis": ("Clinic", "P2", "Sepsis."),
    }
    search = Search(**made_of_notes(notes))  # type: ignore[arg-type]
    for question in (
        "show me all patients with sepsis", "List patients with sepsis.", "find sepsis",
        "which patients have sepsis",
    ):  # fmt: skip
        assert found(ask(search, question, rankers=LEXICAL)) == ["sepsis"]
    for question in ("list", "find all", "shown a list"):
        assert found(ask(search, question, rankers=LEXICAL)) == ["asks"]
    search.close()


def test_an_allergy_is_named_by_the_list_of_allergies() -> None:
    notes = {"list": ("Clinic", "P1", "ALLERGIES: sulfa, latex.")}
    search = Search(**made_of_notes(notes))  # type: ignore[arg-type]
    assert ask(search, "latex allergy").absence is None
    notes = {"list": ("Clinic", "P1", "ALLERGIES: sulfa. PLAN: allergy testing.")}
    search = Search(**made_of_notes(notes))  # type: ignore[arg-type]
    assert ask(search, "latex allergy").absence is not None
    search.close()


def test_letters_are_looked_for_as_they_are_written() -> None:
    """AMS is no "am"; TIAS are several TIA, and what else it is called counts."""
    notes = {
        "letters": ("Letter", "P1", "Brought in for AMS."),
        "morning": ("Letter", "P2", "Returns at 8 am, as far as I am aware."),
        "stroke": ("Letter", "P3", "Had a TIA in May."),
    }
    search = Search(**made_of_notes(notes))  # type: ignore[arg-type]
    for question, there in (("AMS", ["letters"]), ("TIAS", ["stroke"])):
        assert found(ask(search, question, rankers=LEXICAL)) == there
    search.close()


def test_a_statement_is_held_against_the_best_notes(parts: dict[str, object]) -> None:
    search = Search(**parts)  # type: ignore[arg-type]
    told = "The patient has severe chest pain that radiates."
    answer = ask(search, told)
    [first, *_] = answer.hits
    assert (first.doc_id, first.signals["held"].rank) == ("has", 1)
    assert first.score == pytest.approx(sum(s.contribution for s in first.signals.values()))
    asked = ask(search, told.rstrip("."))
    assert all("held" not in hit.signals for hit in asked.hits)
    alone = ask(search, told, rankers=LEXICAL)
    assert all("held" not in hit.signals for hit in alone.hits)  # one leg keeps its own scores


def test_a_note_deleted_since_is_left_out(parts: dict[str, object]) -> None:
    documents = parts["documents"]
    assert isinstance(documents, Shelf)
    shelf = Shelf({d: each for d, each in documents.held.items() if d != "has"})
    search = Search(**{**parts, "documents": shelf})  # type: ignore[arg-type]
    assert "has" not in found(ask(search, "chest pain"))


def test_why_not_names_what_removed_a_note(search: Search) -> None:
    def verdict(q: str, doc_id: str, **more: object) -> str:
        request = SearchRequest(q, **more)  # type: ignore[arg-type]
        return search.why_not(ACCESS, request, doc_id).verdict

    assert verdict("chest pain", "has") == "It is here, at rank 1."
    assert "denied" in verdict("chest pain", "denies", rankers=LEXICAL)
    assert "filter on its type" in verdict("pain type:nursing", "has")
    assert "demands" in verdict("cough -fever", "cough")
    assert "no such note" in verdict("chest pain", "secret")
    assert "no such note" in verdict("chest pain", "nothing")
    assert "page ends at 1" in verdict("cough fever pain", "has", k=1, rankers=LEXICAL)
    legs = search.why_not(ACCESS, SearchRequest('"chest pain"'), "has").legs
    assert [leg.leg for leg in legs] == ["lexical", "vector", "graph"]
    assert "exact" in legs[1].because


def test_json_reads_back(search: Search) -> None:
    answer = ask(search, 'chest pain type:"Clinic letter"')
    stored = json.loads(json.dumps(answer.to_json()))
    assert set(stored) >= {"query", "total", "freshness", "hits", "facets", "hidden", "missing"}
    hit = stored["hits"][0]
    assert set(hit) >= {
        "rank", "doc_id", "patient_id", "title", "date", "type", "score", "signals", "snippet"
    }  # fmt: skip
    assert set(hit["signals"]["lexical"]) == {"rank", "score", "contribution"}
    assert set(hit["snippet"]) >= {"text", "marks", "section"}
    assert Answer.from_json(stored) == answer


def test_a_bad_query_points_at_the_character(search: Search) -> None:
    with pytest.raises(InvalidQuery) as caught:
        ask(search, "chest AND")
    assert caught.value.position == 6
    assert ask(search, "chest AND", plain=True).hits


def test_facets_count_the_matches(search: Search) -> None:
    facets = ask(search, "cough OR pain OR mammo").facets
    assert {v["value"]: v["count"] for v in facets["type"]} == {"Clinic letter": 2, "Nursing": 1}
    assert [v["value"] for v in facets["period"]] == ["2023"]


def test_deleting_reaches_the_answer(parts: dict[str, object]) -> None:
    lexical = MemoryLexicalIndex()
    shelf = parts["documents"]
    assert isinstance(shelf, Shelf)
    for each in shelf.held.values():
        lexical.upsert(TENANT, [LexicalEntry(each.document, each.sections, each.mentions)])
    lexical.delete(TENANT, [Tombstone("has", 2)])
    search = Search(**{**parts, "lexical": lexical})  # type: ignore[arg-type]
    assert found(ask(search, "chest pain", rankers=LEXICAL)) == []
