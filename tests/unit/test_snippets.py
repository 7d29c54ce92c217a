"""What a snippet marks of another wording: all of it, or nothing."""

from __future__ import annotations

from uuid import uuid4

from indexing.clauses import Word
from indexing.model import Document, Passage, TenantId
from indexing.ports import Derived
from rankers.snippets import snippet, wanted


def marked(text: str, *synonyms: str) -> list[tuple[str, str]]:
    note = Derived(
        Document(TenantId(uuid4()), "d", 1, text, patient_id="p"),
        "1", (), (Passage(0, 0, len(text)),), (),
    )  # fmt: skip
    shown = snippet(note, wanted(Word("hematuria"), synonyms), "present", 0)
    return [(shown.text[m.start : m.end], m.kind) for m in shown.marks]


def test_a_piece_of_another_wording_is_not_marked() -> None:
    text = "Passed the bedside swallow. " + "Walks with help. " * 8 + "Blood sugars were fair."
    assert all(kind == "semantic" for _, kind in marked(text, "passing blood"))
    assert ("blood", "synonym") in marked("He was passing blood.", "passing blood")
    assert ("blood", "synonym") in marked(
        "Blood, he says, is passed in clots.".lower(), "passing blood"
    )


def test_one_whole_wording_is_enough_and_what_is_asked_always_counts() -> None:
    assert marked("Some bleeding.", "bleeding", "bleeding from the bladder") == [
        ("bleeding", "synonym")
    ]
    assert marked("Hematuria again.", "passing blood") == [("Hematuria", "literal")]
