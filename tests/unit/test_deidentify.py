"""What identifies goes, what is clinical stays, and intervals stay true."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.language.deidentify import deidentify, shift_days


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Patient Name: John Smith\nMr. Smith has asthma. Smith smokes.", ["John", "Smith"]),
        ("Seen by Dr. R. Johnson on 6/15/2023.", ["Johnson", "6/15/2023"]),
        ("Jane Q. Doe is a 45-year-old woman. Ms. Doe denies pain.", ["Jane", "Doe"]),
        ("MRN: 00481516, phone (412) 555-0199, a.b@example.org", ["00481516", "555-0199", "a.b@"]),
        ("Lives at 15 Maple Avenue, Springfield, IL 62704.", ["15 Maple", "62704"]),
        ("SSN 123-45-6789. Account #A99321.", ["123-45-6789", "A99321"]),
        ("Transferred from Mercy Hospital on March 3, 2021.", ["Mercy", "March 3, 2021"]),
        ("Maria Gonzalez, MD", ["Maria", "Gonzalez"]),
        ("A 93-year-old man.", ["93"]),
    ],
)
def test_identifiers_go(text: str, gone: list[str]) -> None:
    shown = deidentify(text, -30).text
    for part in gone:
        assert part not in shown, shown


@pytest.mark.parametrize(
    "text",
    [
        "LA enlargement with RA dilatation.",
        "BP 120/80, pulse 72, temperature 98.6.",
        "Hemoglobin 7.2, platelets 150.",
        "Parkinson disease and Crohn disease. Foley in place.",
        "Grade 3/6 murmur; strength 5/5; L4-5 disc.",
        "Dr. to review. Increase metoprolol to 50 mg.",
        "A 45-year-old man with Hodgkin lymphoma.",
    ],
)
def test_clinical_text_stays(text: str) -> None:
    assert deidentify(text, -30).text == text


def test_intervals_between_dates_stay() -> None:
    shown = deidentify("Admitted 2021-03-30, discharged 4/2/2021; seen April 9, 2021.", -40).text
    assert shown == "Admitted 2021-02-18, discharged 2/21/2021; seen February 28, 2021."


def test_the_shift_belongs_to_the_patient() -> None:
    key = b"k" * 32
    assert shift_days("a", key) == shift_days("a", key)
    assert len({shift_days(str(i), key) for i in range(50)}) > 30
    assert all(-364 <= shift_days(str(i), key) <= -1 for i in range(50))


def test_known_names_go_without_a_title() -> None:
    assert "Lind" not in deidentify("Lind slept well.", -1, ["Erik Lind"]).text


@given(st.text(max_size=200))
def test_offsets_are_of_the_original(text: str) -> None:
    last = 0
    for one in deidentify(text, -1).found:
        assert last <= one.start < one.end <= len(text)
        last = one.end


def test_recall_on_synthetic_notes(shared_data: Path) -> None:
    path = shared_data / "notes" / "deid_synthetic.jsonl.gz"
    hit = total = 0
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            note = json.loads(line)
            hidden = {
                i for one in deidentify(note["text"], -9).found for i in range(one.start, one.end)
            }
            for mark in note["annotations"]:
                total += 1
                hit += all(
                    i in hidden
                    for i in range(mark["start"], mark["end"])
                    if note["text"][i].isalnum()
                )
    assert hit / total >= 0.98
