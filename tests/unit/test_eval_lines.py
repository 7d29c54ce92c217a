"""Where files of the lab are written to."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from eval.lines import written
from indexing.errors import InvalidInput


def write(path: Path, text: str) -> None:
    with written(path) as out:
        out.write(text)


def test_a_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "run.txt"
    write(path, "first\n")
    with pytest.raises(TypeError), written(path) as out:
        out.writelines(["half of the sec", 0])  # type: ignore[list-item]
    assert path.read_text() == "first\n"
    assert list(path.parent.iterdir()) == [path]


def test_a_pipe_is_written_to_and_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor(1) as pool:
        read = pool.submit(pipe.read_text)
        write(pipe, "told\n")
        assert read.result(60) == "told\n"
    assert pipe.is_fifo()


def test_a_link_stays_one(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old\n")
    link.symlink_to(real)
    write(link, "new\n")
    assert link.is_symlink()
    assert real.read_text() == "new\n"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot be written"):
        write(tmp_path, "told\n")
    assert list(tmp_path.parent.glob(f"{tmp_path.name}.*")) == []
