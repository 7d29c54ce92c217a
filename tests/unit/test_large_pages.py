"""What is held goes into large pages where it is dense, and stays what it was."""

from __future__ import annotations

import mmap
import re
import threading
from pathlib import Path

import pytest

from app import large_pages
from app.large_pages import LargePages, dense, in_large_pages, in_small_pages

PAGE = 2 << 20
FLAGS = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


def region(start: int, size: int, rss: int, of: str = "rw-p 00000000 00:00 0 ") -> str:
    """Spell a region as Linux does, sizes in bytes."""
    return (
        f"{start:x}-{start + size:x} {of}\nSize: {size // 1024:14} kB\nKernelPageSize: 4 kB\n"
        f"MMUPageSize: 4 kB\nRss: {rss // 1024:15} kB\nPss: 0 kB\nVmFlags: rd wr mr mw me ac \n"
    )


def rss() -> int:
    found = re.search(r"^Rss: +(\d+) kB", Path("/proc/self/smaps_rollup").read_text(), re.MULTILINE)
    assert found is not None
    return 1024 * int(found[1])


def test_what_is_dense_anonymous_and_writable_is_taken_by_whole_pages() -> None:
    at = 64 * PAGE
    maps = (
        region(at + 4096, 3 * PAGE, 3 * PAGE)  # two whole pages of 2 MB lie in it
        + region(at + 8 * PAGE, PAGE, PAGE, "rw-p 00000000 00:00 0     [heap]")
        + region(at + 10 * PAGE, 4 * PAGE, PAGE)  # a thread's stack
        + region(at + 15 * PAGE, PAGE, PAGE, "rw-p 00000000 00:00 0     [anon:an arena]")
        + region(at + 20 * PAGE, PAGE, PAGE, "rw-p 00000000 fe:00 185    /lib/x.so")
        + region(at + 30 * PAGE, PAGE, PAGE, "r--p 00000000 00:00 0 ")
        + region(at + 40 * PAGE, PAGE, PAGE, "rw-p 00000000 00:00 0     [stack]")
        + region(at + 50 * PAGE + 4096, PAGE, PAGE)  # no whole page
    )
    assert list(dense(maps)) == [
        (at + PAGE, 2 * PAGE),
        (at + 8 * PAGE, PAGE),
        (at + 15 * PAGE, PAGE),
    ]


@pytest.mark.skipif(
    not Path("/sys/kernel/mm/transparent_hugepage").exists(), reason="Linux has no large pages here"
)
def test_what_is_held_lies_in_large_pages_and_reads_as_before() -> None:
    with mmap.mmap(-1, 16 * PAGE, flags=FLAGS) as held, mmap.mmap(-1, 64 * PAGE, FLAGS) as empty:
        held.madvise(mmap.MADV_NOHUGEPAGE)
        held.write(bytes(range(256)) * (16 * PAGE // 256))
        empty[0] = 1
        before, resident = in_small_pages(), rss()
        in_large_pages()
        if in_small_pages() > before - 8 * PAGE:
            pytest.skip("this kernel collapses nothing at once (before Linux 6.1, or no memory)")
        assert held[: 4 * PAGE] == bytes(range(256)) * (4 * PAGE // 256)
        assert (empty[0], empty[5 * PAGE]) == (1, 0)
        assert rss() < resident + 16 * PAGE  # what is nearly empty is not filled up


def test_where_there_is_no_proc_nothing_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_pages, "_MAPS", tmp_path / "none")
    monkeypatch.setattr(large_pages, "_SUM", tmp_path / "none")
    in_large_pages()
    assert in_small_pages() == 0


def test_it_is_asked_again_once_much_has_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = iter([100, 100, 110, 150, 130])  # MB in small pages, as each look finds them
    asked, done = [], threading.Event()

    def told() -> int:
        size = next(sizes, None)
        if size is None:
            done.set()
            return 0
        asked.append(size)
        return size << 20

    monkeypatch.setattr(large_pages, "_LOOK_EVERY_S", 0.0)
    monkeypatch.setattr(large_pages, "in_small_pages", told)
    monkeypatch.setattr(large_pages, "in_large_pages", lambda: asked.append(-1))
    with LargePages():
        assert done.wait(30)
    assert asked == [100, -1, 100, 110, 150, -1, 130]
