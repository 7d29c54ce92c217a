"""What a process that answers questions holds, in pages of 2 MB.

Terminology, graphs and models are some 500 MB of small objects, which a question visits all over:
in pages of 4 KB a fourteenth of its time goes into finding where they lie. Linux gives large pages
to who asks for them; libraries ask for arrays alone. Where there are none to be had, all stays as
it is. Source: madvise(2), MADV_HUGEPAGE and MADV_COLLAPSE (Linux 6.1).
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator
from pathlib import Path

from app.looking import Looking

_PAGE = 2 << 20
_ASK, _COLLAPSE = 14, 25
_DENSE = 0.9  # of a region: the rest is made up, and a thread's stack is nearly empty
_WORTH = 32 << 20  # bytes in small pages, more than were left the last time
_LOOK_EVERY_S = 60.0
_MAPS, _SUM = Path("/proc/self/smaps"), Path("/proc/self/smaps_rollup")
_REGION = re.compile(
    r"^(?P<start>[0-9a-f]+)-(?P<end>[0-9a-f]+) rw-p \S+ \S+ 0 *(?:\[heap\]|\[anon:.*\])?\n"
    r"(?:\w+: .*\n)*?Rss: +(?P<rss>\d+) kB\n",
    re.MULTILINE,
)
_HELD = re.compile(r"^(Anonymous|AnonHugePages): +(\d+) kB$", re.MULTILINE)


def dense(maps: str) -> Iterator[tuple[int, int]]:
    """Yield start and length of what can be put in large pages and is nearly full, by the text of
    /proc/self/smaps."""
    for found in _REGION.finditer(maps):
        start, end = int(found["start"], 16), int(found["end"], 16)
        first, last = -(-start // _PAGE) * _PAGE, end // _PAGE * _PAGE
        if last > first and 1024 * int(found["rss"]) >= _DENSE * (end - start):
            yield first, last - first


def in_large_pages() -> None:
    """Ask for large pages, now, for what is held; what Linux does not do is left. Some 500 MB take
    a second, beside which other threads work."""
    try:
        maps = _MAPS.read_text()
        libc = ctypes.CDLL(None)
        advise = libc.madvise
    except (OSError, AttributeError):
        return  # no Linux
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    for start, length in dense(maps):
        for advice in (_ASK, _COLLAPSE):
            advise(start, length, advice)


def in_small_pages() -> int:
    """Return how many bytes are held in pages of 4 KB; 0 where that is not told."""
    try:
        told = dict(_HELD.findall(_SUM.read_text()))
    except OSError:
        return 0
    return 1024 * (int(told.get("Anonymous", 0)) - int(told.get("AnonHugePages", 0)))


class LargePages(Looking):
    """Looks every minute whether much has come in, while a process serves."""

    def __init__(self) -> None:
        super().__init__("large-pages", _LOOK_EVERY_S)
        self._left = 0

    def look(self) -> None:
        """Ask for large pages where much lies in small ones that did not a look ago."""
        if in_small_pages() >= self._left + _WORTH:
            in_large_pages()
            self._left = in_small_pages()
