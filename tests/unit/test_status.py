"""The note-level status: what a note says of a concept in the end."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from indexing.language.assertion import assess
from indexing.language.sections import sections
from indexing.language.status import statuses


@dataclass(frozen=True)
class Found:
    start: int
    end: int
    concept_id: str


def status_of(text: str, concept: str, copied: tuple[tuple[int, int], ...] = ()) -> str:
    spans = [Found(m.start(), m.end(), concept) for m in re.finditer(concept, text, re.IGNORECASE)]
    return statuses(text, spans, assess(text, sections(text), spans), copied)[0].value


@pytest.mark.parametrize(
    ("text", "concept", "expected"),
    [
        ("Possible PE. CT done. PE was ruled out.", "PE", "negated"),
        ("Pneumonia ruled out. Later film: possible pneumonia.", "pneumonia", "uncertain"),
        ("On warfarin. Bleeding noted. Warfarin was stopped.", "warfarin", "historical"),
        ("Warfarin was stopped. Warfarin resumed on day 3.", "warfarin", "present"),
        ("Presents with chest pain.\nROS: denies chest pain.", "chest pain", "present"),
        ("No fever on day 1. On day 2 he had fever.", "fever", "present"),
        ("Mother had diabetes. Patient has diabetes.", "diabetes", "present"),
        ("Patient has diabetes. Mother had diabetes.", "diabetes", "present"),
        ("Call if fever develops.", "fever", "hypothetical"),
        ("Plan: LP if headache worsens.", "headache", "hypothetical"),
        ("Headache for two days. Plan: LP if headache worsens.", "headache", "present"),
        ("Plan: LP if headache worsens. CC: headache.", "headache", "present"),
        ("Call if fever develops. No fever today.", "fever", "negated"),
        ("Rule out MI. Troponin negative. MI excluded.", "MI", "negated"),
        ("Pneumonia on admission. The pneumonia has resolved.", "pneumonia", "historical"),
        ("History of stroke. No new stroke on MRI.", "stroke", "historical"),
        ("Copied from note of 2 March: cellulitis of the leg.", "cellulitis", "historical"),
        ("Per prior note, cellulitis.\n\nToday cellulitis again.", "cellulitis", "present"),
    ],
)
def test_later_text_wins(text: str, concept: str, expected: str) -> None:
    assert status_of(text, concept) == expected


def test_a_copied_paragraph_counts_as_history() -> None:
    text = "Cellulitis of the left leg, on cefazolin.\n\nHere for a flu shot."
    assert status_of(text, "cellulitis") == "present"
    assert status_of(text, "cellulitis", ((0, 41),)) == "historical"
