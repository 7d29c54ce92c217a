"""Copied paragraphs are found, habits of wording are not."""

from __future__ import annotations

from indexing.language.copyforward import copied, paragraphs, repeated, signature, similarity

FIRST = (
    "Mr. Lind is a 71-year-old man with ischaemic cardiomyopathy, an ejection fraction of 30 per "
    "cent and three admissions for decompensated heart failure in the last year, most recently "
    "in March, when he was diuresed by nine litres."
)
EDITED = FIRST.replace("71-year-old", "72-year-old")
OTHER = (
    "He slept well, walked the corridor twice with the physiotherapist and asks when he may go "
    "home. Weight is down by one kilogram since yesterday and the lungs are clear."
)


def test_a_copy_with_one_edit_is_the_same_paragraph() -> None:
    notes = [f"HPI\n\n{FIRST}\n\nNo acute distress.", f"{OTHER}\n\n{EDITED}", f"{FIRST}\n\n{OTHER}"]
    found = repeated(notes)
    assert [(r.first.note, r.later_notes) for r in found] == [(0, 2), (1, 1)]
    for group in found:
        for place in (group.first, *group.later):
            assert notes[place.note][place.start : place.end] in (FIRST, EDITED, OTHER)


def test_copied_marks_only_what_earlier_notes_hold() -> None:
    text = f"{OTHER}\n\n{EDITED}\n"
    start = text.index(EDITED)
    assert copied(text, [signature(FIRST)]) == [(start, start + len(EDITED))]
    assert copied(text, []) == []


def test_unlike_paragraphs_stay_apart() -> None:
    assert similarity(signature(FIRST), signature(OTHER)) < 0.2
    assert similarity(signature(FIRST), signature(FIRST.upper())) == 1.0


def test_short_lines_are_no_paragraphs() -> None:
    assert list(paragraphs("No acute distress.\n\n  \nLungs clear.")) == []


def test_unpaired_surrogates_do_no_harm() -> None:
    assert signature(FIRST + "\ud800").shape == signature(FIRST).shape
