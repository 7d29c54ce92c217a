"""What a search says where an engine is down, dies or hangs."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from indexing.errors import EngineUnavailable
from rankers.search import Search
from tests.searching import Down, Slow, ask, found


def test_a_leg_that_is_down_is_named(parts: dict[str, object]) -> None:
    search = Search(**{**parts, "vector": Down(), "graph": Down()})  # type: ignore[arg-type]
    answer = ask(search, "chest pain")
    assert answer.missing == ("vector", "graph")
    assert found(answer) == ["has"]
    everything = Search(**{**parts, "lexical": Down(), "vector": Down(), "graph": Down()})  # type: ignore[arg-type]
    with pytest.raises(EngineUnavailable):
        ask(everything, "chest pain")


def test_an_unchecked_hit_is_not_shown(parts: dict[str, object]) -> None:
    search = Search(**{**parts, "lexical": Down()})  # type: ignore[arg-type]
    assert "lexical" in ask(search, "chest pain", bare=True).missing
    with pytest.raises(EngineUnavailable):
        ask(search, "chest pain -fever", bare=True)


def test_a_full_text_that_was_asked_in_vain_is_not_asked_again(parts: dict[str, object]) -> None:
    class Counted(Down):
        asked = 0

        def matching(self, *_: object) -> Mapping[str, int]:
            self.asked += 1
            return super().assertions()

    down = Counted()
    search = Search(**{**parts, "lexical": down})  # type: ignore[arg-type]
    with pytest.raises(EngineUnavailable, match="full text"):
        ask(search, "chest pain -fever", bare=True)
    assert down.asked == 0


def test_a_statement_is_held_against_no_note_where_the_full_text_is_down(
    parts: dict[str, object],
) -> None:
    class Counted(Down):
        asked = 0

        def counts(self, *_: object) -> Mapping[str, int]:
            self.asked += 1
            return super().assertions()

    down = Counted()
    search = Search(**{**parts, "lexical": down})  # type: ignore[arg-type]
    answer = ask(search, "The patient has severe chest pain that radiates.", bare=True)
    assert (answer.missing, down.asked) == (("lexical",), 0)


def test_a_full_text_that_dies_after_it_answered_is_named(
    parts: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    search = Search(**parts)  # type: ignore[arg-type]
    monkeypatch.setattr(parts["lexical"], "scores", Down().matching, raising=False)
    answer = ask(search, "The patient has severe chest pain that radiates.")
    assert "lexical" in answer.missing
    assert found(answer)[0] == "has"


def test_a_slow_leg_is_not_waited_for(parts: dict[str, object]) -> None:
    slow = Slow()
    search = Search(**{**parts, "vector": slow}, timeout_s=0.2)  # type: ignore[arg-type]
    answer = ask(search, "chest pain")
    slow.released.set()
    assert answer.missing == ("vector",)
    assert answer.hits[0].doc_id == "has"
