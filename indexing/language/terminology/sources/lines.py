"""Lines of a plain or gzipped file, numbered, with what is wrong kept apart."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, cast

from indexing.errors import ConfigurationError

_MAX_LINE = 1 << 20  # bytes; longer is no terminology row
Reject = Callable[[int, str], None]


def head(path: Path, count: int = 3) -> list[str]:
    """Return the first lines. Raises: ConfigurationError when the file cannot be read."""
    try:
        with _opened(path) as stream:
            return [stream.readline(_MAX_LINE).decode("utf-8", "replace") for _ in range(count)]
    except (OSError, EOFError, zlib.error) as exc:
        raise ConfigurationError(f"{path}: cannot be read", hint="check path and format") from exc


class Lines:
    """Numbered lines of a file; `digest` names the content once all are read."""

    def __init__(self, path: Path, salt: str) -> None:
        self.path = path
        self.rejects: list[str] = []
        self._hash = hashlib.blake2b(salt.encode(), digest_size=16)

    @property
    def digest(self) -> str:
        """Return the digest of the content read so far, compression aside."""
        return self._hash.hexdigest()

    def reject(self, number: int, reason: str) -> None:
        """Note a bad line."""
        self.rejects.append(f"{self.path}:{number}: {reason}")

    def __iter__(self) -> Iterator[tuple[int, str]]:
        number = 0
        try:
            with _opened(self.path) as stream:
                while line := stream.readline(_MAX_LINE):
                    number += 1
                    self._hash.update(line)
                    try:
                        text = line.decode("utf-8").rstrip("\r\n")
                    except UnicodeDecodeError:
                        self.reject(number, "not UTF-8")
                        continue
                    if text.strip():
                        yield number, text.removeprefix("\ufeff")
        except (OSError, EOFError, zlib.error):
            self.reject(number + 1, "the file breaks off or is damaged")


def cells(line: str) -> list[str]:
    """Split a tab-separated row; a cell may stand in double quotes."""
    row = []
    for cell in line.split("\t"):
        cell = cell.strip()
        if len(cell) > 1 and cell[0] == cell[-1] == '"':
            cell = cell[1:-1].replace('""', '"')
        row.append(cell)
    return row


def _opened(path: Path) -> IO[bytes]:
    with path.open("rb") as stream:
        packed = stream.read(2) == b"\x1f\x8b"
    if packed:
        return cast("IO[bytes]", gzip.open(path, "rb"))
    return path.open("rb")
