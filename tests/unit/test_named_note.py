"""A note is named by its id, or by the address of its page as somebody copies it."""

from __future__ import annotations

import pytest

from app.questions import named_note


@pytest.mark.parametrize(
    ("typed", "doc_id"),
    [
        (" note-1 ", "note-1"),
        ("https://search.example:8443/notes/note-1?found=abc#hit-2", "note-1"),
        ("http://127.0.0.1/notes/n%2F1%20a#section-0", "n/1 a"),
        ("/notes/note-1", "note-1"),
        ("ward/notes/7", "ward/notes/7"),  # an id that looks a little like one
        ("https://search.example/patients/p", "https://search.example/patients/p"),
        ("", ""),
    ],
)
def test_a_note_is_named_by_id_or_address(typed: str, doc_id: str) -> None:
    assert named_note(typed) == doc_id
