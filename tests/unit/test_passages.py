"""Passages cover the note, keep to their size and to their section."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from indexing.language.passages import LIMIT, SMALL, passages
from indexing.language.sections import section_at, sections

SENTENCE = "The patient walked down the corridor twice without any shortness of breath today. "
LONG = f"HOSPITAL COURSE: {SENTENCE * 30}\nPLAN: {SENTENCE * 5}\nALLERGIES: None.\nDIET: Regular."


def test_a_short_note_is_one_passage() -> None:
    text = "ALLERGIES: none.\nPLAN: rest."
    assert [(p.start, p.end) for p in passages(text, sections(text))] == [(0, len(text))]
    assert passages("", ()) == ()


def test_passages_end_at_sentences_and_sections() -> None:
    parts = sections(LONG)
    found = passages(LONG, parts)
    assert [p.number for p in found] == list(range(len(found)))
    for one in found[:-1]:
        assert LONG[one.end - 1 : one.end + 1].strip() in (".", "T") or LONG[one.end - 1] in " .\n"
        assert one.end - one.start <= LIMIT
    plan = LONG.index("PLAN:")
    assert any(one.start == plan for one in found)
    assert found[-1].end - found[-1].start > 10


def test_tiny_sections_are_joined() -> None:
    text = LONG + "\nACTIVITY: As tolerated.\nCONDITION: Stable."
    last = passages(text, sections(text))[-1]
    assert text[last.start : last.end].count(":") >= 3


@given(st.lists(st.sampled_from([SENTENCE, "PLAN:\n", "ALLERGIES: none.\n", "x" * 700, "\n\n"])))
def test_they_cover_any_text(pieces: list[str]) -> None:
    text = "".join(pieces)
    parts = sections(text)
    found = passages(text, parts)
    assert "".join(text[p.start : p.end] for p in found) == text
    assert all(0 < p.end - p.start <= LIMIT for p in found)
    if len(text) > LIMIT:
        for one in found:
            part = section_at(parts, one.start)
            assert part is not None
            assert part.name == one.section
            assert one.end <= part.end or part.end - one.start <= LIMIT
    assert passages(text, parts) == found
    assert SMALL < LIMIT
