"""Paths to texts: single files, NDJSON, folders, archives and compressed forms of them.

Streams in constant memory; bombs, links, devices and `..` end as `Rejected`, never as a crash.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from indexing.fhir.faults import Rejected, Unusable, Where
from indexing.fhir.streams import Opened, open_texts

MAX_LINE = 48 * 1024 * 1024  # bytes of one line, or of one text that comes out of a compression
MAX_WHOLE = 256 * 1024 * 1024  # bytes of one text that lies open on disk

_LINE_ENDINGS = (".ndjson", ".jsonl")
ENDINGS = (".json", *_LINE_ENDINGS)
_CHUNK = 1024 * 1024
_BLANK = b" \t\r\n"


@dataclass(frozen=True, slots=True)
class Source:
    """One text to read: a whole JSON file, or one line of NDJSON.

    `file` names archive members as "archive.tar.zst!folder/member.json"; `line` is None for whole
    files.
    """

    file: str
    line: int | None
    data: bytes


def read_sources(paths: Iterable[Path]) -> Iterator[Source | Rejected]:
    """Yield every text under `paths`, folders sorted, and what could not be read."""
    for opened in open_texts(paths, ENDINGS):
        if isinstance(opened, Rejected):
            yield opened
        else:
            yield from _read(opened)


def _read(opened: Opened) -> Iterator[Source | Rejected]:
    try:
        if _holds_lines(opened):
            for number, data in read_lines(opened):
                yield Source(opened.file, number, data)
        else:
            yield Source(opened.file, None, _whole(opened))
    except Unusable as fault:
        yield Rejected(Where(file=opened.file, line=fault.where.line), fault.reason)


def _holds_lines(opened: Opened) -> bool:
    """Tell NDJSON by its name, else by a first line that is an object with another behind it."""
    if opened.name.lower().endswith(_LINE_ENDINGS):
        return True
    head = opened.stream.peek(1).removeprefix(b"\xef\xbb\xbf").lstrip(_BLANK)
    first, _, rest = head.partition(b"\n")
    return (
        first.startswith(b"{")
        and first.rstrip(_BLANK).endswith(b"}")
        and rest.lstrip(_BLANK).startswith(b"{")
    )


def read_lines(opened: Opened) -> Iterator[tuple[int, bytes]]:
    """Yield each line that is not blank, numbered from 1, without its line break.

    Raises:
        Unusable: a line longer than MAX_LINE, or a stream that ends wrongly; with the line.
    """
    number = 0
    while True:
        number += 1
        try:
            line = opened.stream.readline(MAX_LINE + 1)
        except Unusable as fault:
            raise fault.at(line=number) from None
        except (OSError, EOFError) as exc:
            raise Unusable("cannot be read to its end", Where(line=number)) from exc
        if not line:
            return
        if len(line) > MAX_LINE:
            raise Unusable(f"a line longer than {MAX_LINE} bytes", Where(line=number))
        if line.strip(_BLANK):
            yield number, line.rstrip(b"\r\n")


def _whole(opened: Opened) -> bytes:
    """Read a whole text; BytesIO hands its buffer over without a second copy."""
    limit = MAX_LINE if opened.packed else MAX_WHOLE
    text = io.BytesIO()
    try:
        while chunk := opened.stream.read(_CHUNK):
            if text.tell() + len(chunk) > limit:
                raise Unusable(f"longer than {limit} bytes: send it as NDJSON")
            text.write(chunk)
    except (OSError, EOFError) as exc:
        raise Unusable("cannot be read to its end") from exc
    return text.getvalue()
