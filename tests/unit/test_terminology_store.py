"""What lies on disk of a terminology: whole for whoever reads it, and no more than is needed."""

from __future__ import annotations

import gc
import os
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from indexing.language.terminology import Addition, Terminology, compiled, open_terminology, store
from indexing.language.terminology.compile import compile_facts
from indexing.language.terminology.facts import Facts


def test_processes_that_compile_at_once_leave_one_snapshot_whole(tmp_path: Path) -> None:
    """A tenant adds names, and every process compiles: none fails, no reader meets a half."""
    made = compile_facts(Facts(), "v1")
    together = threading.Barrier(8)

    def compile_(_number: int) -> None:
        together.wait()
        for _ in range(10):
            store._save(made, tmp_path)
            assert compiled.read(tmp_path / "v1") is not None

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(compile_, range(8)))
    assert [path.name for path in tmp_path.iterdir()] == ["v1"]


def test_a_snapshot_that_reads_well_is_not_taken_from_its_readers(tmp_path: Path) -> None:
    made, target = compile_facts(Facts(), "v1"), tmp_path / "v1"
    store._save(made, tmp_path)
    before = target.stat().st_ino
    store._save(made, tmp_path)
    assert target.stat().st_ino == before
    whole = (target / "arrays.npz").read_bytes()
    for broken in (whole[:99], b""):
        (target / "arrays.npz").write_bytes(broken)
        assert compiled.read(target) is None
        store._save(made, tmp_path)
        assert compiled.read(target) is not None
    (target / "arrays.npz").unlink()  # between two reads of one who looks
    assert compiled.read(target) is None


def test_loading_leaves_tenants_terms_and_what_others_are_writing(tmp_path: Path) -> None:
    folder = tmp_path / "terminology"
    for name in (store._OVERLAYS, ".building-now", ".building-left", "old"):
        (folder / name).mkdir(parents=True)
    os.utime(folder / ".building-left", (0, 0))
    store._prune(folder, {"new"})
    assert {path.name for path in folder.iterdir()} == {store._OVERLAYS, ".building-now"}


def test_what_a_kill_left_of_a_tenants_terms_goes_with_the_next(tmp_path: Path) -> None:
    folder = tmp_path / "terminology" / store._OVERLAYS
    for name in (".building-now", ".building-left"):
        (folder / name).mkdir(parents=True)
    os.utime(folder / ".building-left", (0, 0))
    made = store.open_overlaid(tmp_path, open_terminology(None), [Addition("anm:rash", "spots")])
    assert {path.name for path in folder.iterdir()} == {".building-now", made.version}


@pytest.mark.parametrize(("where", "at"), [(store, "_sweep"), (store.snapshots, "save")])
def test_a_tenants_own_names_open_while_another_process_takes_the_folder_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: Any, at: str
) -> None:
    does = getattr(where, at)

    def meanwhile(*given: Any) -> None:
        store.forget_overlaid(tmp_path)
        does(*given)

    monkeypatch.setattr(where, at, meanwhile)
    made = store.open_overlaid(tmp_path, open_terminology(None), [Addition("anm:rash", "spots")])
    assert made.find("spots")


def test_a_terminology_that_is_let_go_is_gone_at_once() -> None:
    """A process that serves looks for cycles seldom, and each takes what a terminology takes."""
    terminology = Terminology(open_terminology(None).compiled)
    assert terminology.find("fever") == terminology.find("fever") != ()
    assert terminology.find("fever " * 1_000) == ()
    assert set(terminology._found) == {"fever"}
    left = weakref.ref(terminology)
    gc.disable()
    try:
        del terminology
        assert left() is None
    finally:
        gc.enable()
