"""Numbered lines of text files, plain or .gz, read as a stream and never past a bound."""

from __future__ import annotations

import gzip
import io
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO

from indexing.errors import InvalidInput

MOST_CHARACTERS = 32_000_000  # of one line: a whole book, and less than a machine's memory


def numbered(path: Path, most: int = MOST_CHARACTERS) -> Iterator[tuple[int, str]]:
    """Yield the numbered lines that are not blank, without their ends.

    Raises:
        InvalidInput: the file cannot be read, is not UTF-8, or a line is longer than `most`.
    """
    number = 0
    try:
        with _opened(path) as lines:
            while line := lines.readline(most + 1):
                number += 1
                if len(line) > most:
                    raise InvalidInput(f"{path.name}, line {number}: longer than {most} characters")
                if line.strip():
                    yield number, line.rstrip("\r\n")
    except (OSError, EOFError, zlib.error) as exc:
        raise InvalidInput(f"{path.name}, after line {number}: cannot be read") from exc
    except UnicodeDecodeError as exc:
        raise InvalidInput(f"{path.name}, after line {number}: not UTF-8") from exc


def _opened(path: Path) -> IO[str]:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="\n")
    return path.open("rt", encoding="utf-8-sig", newline="\n")


@contextmanager
def written(path: Path) -> Iterator[TextIO]:
    """Lend a text file, packed where its name ends in .gz, that appears whole or not at all. A
    link stays one; what is no file, as a pipe or `/dev/null`, is written to and never replaced."""
    target = path.resolve()
    straight = target.exists() and not target.is_file()
    draft = target if straight else target.with_name(f"{target.name}.{os.getpid()}.draft")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with draft.open("wb") as raw:
            if path.suffix == ".gz":  # no time in it: the same content is the same file
                with gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as packed:
                    yield from _text(packed)
            else:
                yield from _text(raw)
        if not straight:
            draft.replace(target)
    except OSError as exc:
        raise InvalidInput(f"{path.name} cannot be written") from exc
    finally:
        if not straight:
            draft.unlink(missing_ok=True)


def _text(raw: IO[bytes] | gzip.GzipFile) -> Iterator[TextIO]:
    out = io.TextIOWrapper(raw, encoding="utf-8", newline="\n")
    yield out
    out.flush()
    out.detach()
