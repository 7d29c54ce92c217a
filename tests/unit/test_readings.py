"""Numbers that a note gives for one mention."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexing.language import readings as module
from indexing.language.readings import readings


def read(text: str, name: str, *, dose: bool = False) -> list[tuple[float, float | None, str]]:
    start = text.index(name)
    found = readings(text, start, start + len(name), dose=dose)
    for each in found:
        assert 0 <= each.start < each.end <= len(text)
    return [(each.value, each.upper, each.unit) for each in found]


@pytest.mark.parametrize(
    ("text", "name", "expected"),
    [
        ("Hemoglobin was 7.2 g/dL on arrival.", "Hemoglobin", [(7.2, None, "g/dl")]),
        ("Hemoglobin A1c: 10.4%.", "Hemoglobin A1c", [(10.4, None, "%")]),
        ("EF of 20-25 %.", "EF", [(20, 25, "%")]),
        ("A1c came down from 9.1 to 7.9.", "A1c", [(7.9, None, "")]),
        ("EF went from 25% to 50% on GDMT.", "EF", [(50, None, "%")]),
        ("Glucose values 250-300", "Glucose", [(250, 300, "")]),
        ("Sodium lab: 120-125", "Sodium", [(120, 125, "")]),
        ("Sodium lab ref 135-145: 120", "Sodium", [(120, None, "")]),
        ("Hgb 7.1 -> 8.4 -> 9.0", "Hgb", [(9.0, None, "")]),
        ("an 8.2 % A1c", "A1c", [(8.2, None, "%")]),
        ("BP 180/110 mmHg", "BP", [(180, None, "mmhg")]),
        ("Hgb (3/4/24) 7.1", "Hgb", [(7.1, None, "")]),
        ("Hemoglobin on 3/4: 7.1", "Hemoglobin", [(7.1, None, "")]),
        ("Creatinine today 2.4 mg/dL (baseline 1.1)", "Creatinine", [(2.4, None, "mg/dl")]),
        ("Platelets 22,000.", "Platelets", [(22000, None, "")]),
        ("goal INR 2-3", "INR", []),
        ("INR goal 2-3", "INR", []),
        ("Call if hemoglobin falls below 7.", "hemoglobin", []),
        ("Hemoglobin stable. Platelets 90.", "Hemoglobin", []),
        ("Hemoglobin in 2019", "Hemoglobin", []),
        # What is normal is no result, in front or behind; a range that stands alone is one.
        ("glucose (70-99) 140", "glucose", [(140, None, "")]),
        ("Glucose 140 (70-99) mg/dL", "Glucose", [(140, None, "mg/dl")]),
        ("glucose 140 H (70-99) mg/dL", "glucose", [(140, None, "mg/dl")]),
        ("Hgb 7.8 (13.5-17.5)", "Hgb", [(7.8, None, "")]),
        ("Hemoglobin (13.5-17.5): 7.8", "Hemoglobin", [(7.8, None, "")]),
        ("K 5.1 [3.5-5.0]", "K", [(5.1, None, "")]),
        ("Potassium [3.5-5.0 mmol/L]: 5.1", "Potassium", [(5.1, None, "")]),
        ("Hemoglobin [Normal: 12.0-16.0 g/dL] 9.1 g/dL", "Hemoglobin", [(9.1, None, "g/dl")]),
        ("Sodium (ref 135-145) 128", "Sodium", [(128, None, "")]),
        ("Glucose, ref 70-99, 140", "Glucose", [(140, None, "")]),
        ("Glucose reference range 70-99", "Glucose", []),
        ("Troponin (<0.04): 2.3", "Troponin", [(2.3, None, "")]),
        ("Platelets 90 L [150-400]", "Platelets", [(90, None, "")]),
        ("glucose (140)", "glucose", [(140, None, "")]),
        ("ejection fraction (20-25%)", "ejection fraction", [(20, 25, "%")]),
        ("glucose (120-140) 2 hours after meals", "glucose", [(120, 140, "")]),
        ("glucose 70-99", "glucose", [(70, 99, "")]),
        ("Saturation on room air: 98%", "Saturation", [(98, None, "%")]),
        ("Potassium H 6.1 mmol/L", "Potassium", [(6.1, None, "mmol/l")]),
        ("Weight loss, a total of 24 pounds", "Weight loss", [(24, None, "lb")]),
        ("Gleason 3 + 4 = 7", "Gleason", [(7, None, "")]),
    ],
)
def test_results(text: str, name: str, expected: list[tuple[float, float | None, str]]) -> None:
    assert read(text, name) == expected


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("metoprolol succinate ER 200 mg daily", "metoprolol", [200]),
        ("20 mg of prednisone daily", "prednisone", [20]),
        ("aspirin 81 daily", "aspirin", [81]),
        ("metformin 2 tablets of 500 mg twice daily", "metformin", [500]),
        ("warfarin 5 mg Mon/Wed and 7.5 mg other days", "warfarin", [5, 7.5]),
        ("Taper prednisone; it was 60 mg in March", "prednisone", []),
        ("furosemide twice daily at 40 mg", "furosemide", [40]),
    ],
)
def test_doses(text: str, name: str, values: list[float]) -> None:
    assert [value for value, _, _ in read(text, name, dose=True)] == values


def test_what_it_was_raised_to_is_the_dose() -> None:
    values = {
        value for value, _, _ in read("lisinopril from 10 mg to 20 mg", "lisinopril", dose=True)
    }
    assert values == {20}


def test_a_number_behind_the_next_name_is_not_its() -> None:
    text = "Hemoglobin, platelets 90"
    assert readings(text, 0, 10, [text.index("platelets")]) == []


@given(
    st.text(alphabet="Hb 0123456789./-<>%mgto()\n;,>", max_size=60),
    st.integers(0, 60), st.integers(1, 10), st.booleans(),
)  # fmt: skip
def test_offsets_slice_back(text: str, start: int, length: int, dose: bool) -> None:
    start = min(start, len(text))
    end = min(len(text), start + length)
    for found in readings(text, start, end, dose=dose):
        assert 0 <= found.start < found.end <= len(text)
        assert any(character.isdigit() for character in text[found.start : found.end])
        assert found.value >= 0


def test_a_mention_of_a_long_note_is_read_by_what_is_near(monkeypatch: pytest.MonkeyPatch) -> None:
    line, many = "Glucose (70-99) 140.\n", 5_000
    text, seen = line * many, list[int]()
    own = module._readings

    def noted(near: str, start: int, end: int, others: Sequence[int], *, dose: bool) -> object:
        seen.append(len(near) + len(others))
        return own(near, start, end, others, dose=dose)

    monkeypatch.setattr(module, "_readings", noted)
    places = range(0, len(text), len(line))
    for start in places[::500]:
        [found] = readings(text, start, start + 7, places)
        assert (found.value, text[found.start : found.end].strip(".")) == (140, "140")
    assert max(seen) < 600
