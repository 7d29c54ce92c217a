"""A folder of an adapted encoder is the old one or the new one, whenever it is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from eval.adapt import appearing
from indexing.encoders.shelf import FILES
from indexing.errors import InvalidInput


def written(folder: Path, what: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in FILES:
        (folder / name).write_text(what)


def held(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text() for path in folder.iterdir()}


def test_a_folder_appears_whole_and_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "own"
    for what in ("old", "new"):
        before = held(target) if target.exists() else None
        with appearing(target) as draft:
            written(draft, what)
            assert (held(target) if target.exists() else None) == before
        assert held(target) == dict.fromkeys(FILES, what)
    assert [path.name for path in target.parent.iterdir()] == ["own"]


def test_a_kill_leaves_what_was_there(tmp_path: Path) -> None:
    target = tmp_path / "own"
    written(target, "old")

    def kill() -> None:
        with appearing(target) as draft:
            (draft / "model.onnx").write_text("new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kill()
    assert held(target) == dict.fromkeys(FILES, "old")
    assert [path.name for path in tmp_path.iterdir()] == ["own"]


def test_what_a_kill_left_beside_comes_back(tmp_path: Path) -> None:
    target = tmp_path / "own"
    written(tmp_path / ".own.old", "old")
    with pytest.raises(InvalidInput), appearing(target):
        raise InvalidInput("too few pairs")
    assert held(target) == dict.fromkeys(FILES, "old")
    assert [path.name for path in tmp_path.iterdir()] == ["own"]


def test_a_folder_with_something_else_in_it_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(InvalidInput, match=r"thesis\.txt"), appearing(tmp_path):
        raise AssertionError
    assert (tmp_path / "thesis.txt").read_text() == "mine"
