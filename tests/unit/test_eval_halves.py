"""Halves of notes: nothing of a question stands in the index, copies answer each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.benchmark import Text, load, write
from eval.halves import SPLIT, halves
from indexing.errors import InvalidInput


def note(doc_id: str, words: str) -> Text:
    return Text(doc_id, "Title", words, {})


LONG = " ".join(f"w{i}" for i in range(50))
OTHER = " ".join(f"v{i}" for i in range(50))


def test_the_first_half_is_asked_and_the_rest_is_indexed(tmp_path: Path) -> None:
    made = halves("set", (note("a", LONG), note("b", OTHER), note("c", "too short")), 1)
    assert set(made.topics) == {"a", "b"}
    assert [text.doc_id for text in made.corpus] == ["a", "b"]
    for text in made.corpus:
        asked = made.topics[text.doc_id]
        assert not text.title
        assert f"{asked} {text.text}" in (LONG, OTHER)
    write(made, tmp_path, SPLIT)
    assert load(tmp_path, SPLIT).qrels == made.qrels == {"a": {"a": 1}, "b": {"b": 1}}


def test_copies_answer_each_other() -> None:
    made = halves("set", (note("a", LONG), note("b", LONG), note("c", OTHER)), 2)
    assert made.qrels == {"a": {"a": 1, "b": 1}, "c": {"c": 1}}


def test_nothing_to_halve_is_said() -> None:
    with pytest.raises(InvalidInput, match="nothing to halve"):
        halves("set", (note("a", "short"),), 1)
