"""What a search says where no note answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from indexing.ports import Freshness
from rankers import absence
from rankers.absence import UNSAID, UNSAID_SO_FAR, proof
from rankers.search import Search
from tests.searching import LEXICAL, NOTES, ask, built, found, made_of_notes


def test_absence_is_proved(search: Search) -> None:
    answer = ask(search, "borborygmus", rankers=LEXICAL)
    assert answer.absence is not None
    assert answer.absence.statement == "No mention in 4 of 4 notes, complete to 2024-01-01 14:02."
    assert ask(search, "fever").absence is None
    denied = ask(search, "breast cancer", rankers=LEXICAL)
    assert denied.absence is not None
    assert denied.absence.statement == (
        "Not asserted in 4 of 4 notes, complete to 2024-01-01 14:02: 1 says it of the family."
    )


def test_the_proof_tells_of_notes_that_could_not_be_asked_yet() -> None:
    """An absence that was proved of the indexed notes is none of those that came a moment ago."""
    fresh = Freshness(datetime(2024, 1, 1, 14, 2, tzinfo=UTC), {"lexical": 2, "vector": 3})
    for total, filtered in ((3, ""), (None, "The filters let no note through")):
        told = proof(0, total, fresh, UTC, {"family": 1} if total else {}).statement
        assert told.startswith(filtered)
        assert "complete to 2024-01-01 14:02" in told
        assert told.endswith("; 3 notes are still being indexed.")
    one = proof(4, 4, replace(fresh, pending={"lexical": 1}), UTC, {}).statement
    assert one.endswith("; 1 note is still being indexed.")


def test_the_proof_names_what_was_looked_for(search: Search) -> None:
    """Who asks for a denial, or in one section, is not told that there is no mention at all."""
    for question, told in (
        ("no gout", "No denial in 4 of 4 notes"),
        ("no borborygmus", "No mention in 4 of 4 notes"),  # no denial of it is marked
        ("section:plan fever", "No mention under plan, in 4 of 4 notes"),
    ):
        absence = ask(search, question, rankers=LEXICAL).absence
        assert absence is not None
        assert absence.statement.startswith(told)


def test_notes_that_say_nothing_of_a_value_are_no_answer(search: Search) -> None:
    answer = ask(search, "potassium over 5 on exertion")
    assert found(answer)
    assert answer.absence is not None
    assert answer.absence.statement == "No note that comes near says this as it is asked."
    assert answer.absence.searched == 4


def test_the_proof_tells_how_far_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(absence, "MOST_READ", 2)
    notes = {word: ("Clinic", "P1", f"Takes warfarin. {word}.") for word in ("One", "Two", "Three")}
    search = Search(**made_of_notes(notes))  # type: ignore[arg-type]
    proved = ask(search, "warfarin 5 mg").absence
    assert proved is not None
    assert proved.statement == UNSAID_SO_FAR
    search.close()


def test_a_filter_that_lets_nothing_through_is_no_proof(search: Search) -> None:
    absence = ask(search, "fever author:ann", rankers=LEXICAL).absence
    assert absence is not None
    assert absence.statement.startswith(
        "The filters let no note through, complete to 2024-01-01 14:02"
    )
    assert "words of their value" in absence.statement
    assert ask(search, 'fever author:"DR LEE"', rankers=LEXICAL).absence is None


def test_a_page_that_reading_emptied_is_proved_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(NOTES, "zoo", ("Clinic letter", "P4", "There is no wombat in the ward."))
    search, _ = built()
    absence = ask(search, "wombat", rankers=LEXICAL).absence
    assert absence is not None
    assert absence.statement == (
        "Not asserted in 5 of 5 notes, complete to 2024-01-01 14:02: 1 has its words otherwise."
    )
    search.close()


def test_what_is_only_near_does_not_hide_that_nothing_was_found(search: Search) -> None:
    answer = ask(search, "pneumonia", rankers=("lexical", "graph"))
    assert found(answer)  # cough and fever are near it
    assert answer.absence is not None
    assert answer.absence.statement.startswith("No mention in 4 of 4 notes")


def test_a_note_without_the_dose_is_only_near() -> None:
    notes = {"takes": ("Clinic", "P1", "Takes warfarin.")}
    search = Search(**made_of_notes(notes))  # type: ignore[arg-type]
    answer = ask(search, "warfarin 5 mg")
    assert found(answer) == ["takes"]
    assert answer.absence is not None
    assert answer.absence.statement == UNSAID
    notes["dosed"] = ("Clinic", "P2", "Takes warfarin 5 mg daily.")
    search = Search(**made_of_notes(notes))  # type: ignore[arg-type]
    assert ask(search, "warfarin 5 mg").absence is None
    search.close()


def test_a_value_that_no_note_gives_is_not_denied_to_notes_that_come_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    parts = made_of_notes({"takes": ("Clinic", "P1", "Takes warfarin.")})
    fresh = Freshness(datetime(2024, 1, 1, tzinfo=UTC), {"lexical": 2})
    monkeypatch.setattr(type(parts["documents"]), "freshness", lambda *_: fresh)
    search = Search(**parts)  # type: ignore[arg-type]
    answer = ask(search, "warfarin 5 mg")
    assert answer.absence is not None
    assert answer.absence.statement == f"{UNSAID[:-1]}; 2 notes are still being indexed."
    search.close()
