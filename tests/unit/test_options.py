"""Mappings and files of one command line."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from app.cli.options import maps_and_paths


def test_mappings_stand_before_the_files(tmp_path: Path) -> None:
    notes, odd = tmp_path / "notes.csv", tmp_path / "text=b.csv"
    for each in (notes, odd):
        each.touch()
    given = ["id=note_id", "text=body", str(notes), str(odd)]
    assert maps_and_paths(given) == (["id=note_id", "text=body"], [notes, odd])
    assert maps_and_paths([str(odd)]) == ([], [odd])


@pytest.mark.parametrize("given", [["id=a"], ["nowhere.csv"], ["id=a", "nowhere.csv"]])
def test_a_file_that_is_not_there_is_told(given: list[str]) -> None:
    with pytest.raises(typer.BadParameter, match=r"does not exist|no file"):
        maps_and_paths(given)
