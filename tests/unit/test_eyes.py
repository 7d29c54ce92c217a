"""Letters that name an eye: OD, OS and OU."""

from __future__ import annotations

import pytest

from indexing.language.assertion import Offsets
from indexing.language.values import Side, side
from rankers.wants import Reader


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ("glaucoma OD", Side.RIGHT), ("cataract os", Side.LEFT), ("OU cataracts", Side.BILATERAL),
        ("retinal detachment O.D.", Side.RIGHT), ("eye pain OD and OS", Side.BILATERAL),
    ],
)  # fmt: skip
def test_letters_name_an_eye_in_a_question(reader: Reader, query: str, wanted: Side) -> None:
    (want,) = reader.read(query).wants
    assert want.side is wanted


def test_elsewhere_they_are_an_overdose(reader: Reader) -> None:
    assert [want.words for want in reader.read("fentanyl OD").wants] == ["fentanyl", "OD"]


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ("Cataract OD.", Side.RIGHT), ("OS: cataract.", Side.LEFT),
        ("Cataract, OU.", Side.BILATERAL), ("Cataracts OD and OS.", Side.BILATERAL),
        ("Cataracts OD > OS.", Side.BILATERAL), ("Cataract O.S.", Side.LEFT),
        ("Cataracts O.D. and O.S.", Side.BILATERAL), ("O.S./O.D. cataract", Side.BILATERAL),
        ("Cataract, os calcis fracture.", None), ("O.D. cataract.", Side.RIGHT),
        ("O.S. cataract.", Side.LEFT), ("O.U. cataract.", Side.BILATERAL),
        ("Cataract of the lens and OS pressure.", Side.LEFT), ("Cataract and O.D.", Side.RIGHT),
        ("Cataract seen O.D. Left hip pain.", Side.RIGHT),
    ],
)  # fmt: skip
def test_letters_name_an_eye_in_a_note(told: str, wanted: Side | None) -> None:
    at = told.index("ataract")
    assert side(told, Offsets(at - 1, at + 7)) is wanted


def test_letters_are_no_side_of_what_is_no_eye() -> None:
    assert side("Took aspirin OD for a fracture.", Offsets(22, 30)) is None
