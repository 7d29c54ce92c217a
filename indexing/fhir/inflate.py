"""Compressed bytes as streams that refuse bombs and cut-off files.

A stream never holds more than its buffer; what swells beyond belief ends as `Unusable`.
"""

from __future__ import annotations

import gzip
import io
import zlib
from typing import BinaryIO, Protocol

import zstandard

from indexing.fhir.faults import Unusable

BUFFER = 128 * 1024
# Clinical JSON packs 10 to 70 times smaller, a folder of one generator's bundles at most 100.
# Below FREE_OUTPUT no ratio is judged, so that memory stays far under 64 MiB when a bomb ends.
MAX_RATIO = 250
FREE_OUTPUT = 16 * 1024 * 1024
BOMB = f"unpacks to more than {MAX_RATIO} times its size: a decompression bomb"
MAX_WINDOW = 2**27  # bytes: what `zstd --long=27` writes

GZIP_MARK = b"\x1f\x8b"
ZSTD_MARK = b"\x28\xb5\x2f\xfd"
# Skippable zstd frames, which some writers put first. Source: RFC 8878, 3.1.2.
_ZSTD_SKIPPABLE = tuple(bytes((0x50 + low,)) + b"\x2a\x4d\x18" for low in range(16))
_OTHER_MARKS = (
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"Rar!", "RAR"),
)


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class Metered:
    """A source that counts what was read of it."""

    def __init__(self, source: _Readable) -> None:
        self._source = source
        self.count = 0

    def read(self, size: int = -1, /) -> bytes:
        """Read as the source does."""
        data = self._source.read(size)
        self.count += len(data)
        return data


class _Zstd:
    """Frames of zstd, read in small steps: one step yields at most 16 MiB, however packed.

    `zstandard`'s own stream reader takes a file that was cut short for a whole one.
    """

    _STEP = 512

    def __init__(self, source: _Readable) -> None:
        self._source = source
        self._input = b""
        self._ready = io.BytesIO()
        self._frame: zstandard.ZstdDecompressionObj | None = None

    def read(self, size: int = -1, /) -> bytes:
        """Read up to `size` bytes, b"" at the end of the last frame."""
        while True:
            if data := self._ready.read(size):
                return data
            if not self._input:
                self._input = self._source.read(BUFFER)
            if not self._input:
                if self._frame is not None:
                    raise EOFError
                return b""
            self._ready = io.BytesIO(self._advance())

    def _advance(self) -> bytes:
        step, self._input = self._input[: self._STEP], self._input[self._STEP :]
        if self._frame is None:
            self._frame = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj()
        data = self._frame.decompress(step)
        if self._frame.eof:
            self._input = self._frame.unused_data + self._input
            self._frame = None
        return data


class _Inflated(io.RawIOBase):
    """What comes out of a decompressor, watched."""

    def __init__(self, inner: _Readable, packed: Metered, name: str) -> None:
        self._inner = inner
        self._packed = packed
        self._name = name
        self._count = 0
        self._fault: Unusable | None = None

    def readable(self) -> bool:
        """Say yes: `io.BufferedReader` asks."""
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Fill `buffer` as far as the stream goes."""
        filled = 0
        while filled < len(buffer):
            data = self._next(len(buffer) - filled)
            if not data:
                break
            buffer[filled : filled + len(data)] = data
            filled += len(data)
        return filled

    def _next(self, size: int) -> bytes:
        if self._fault is not None:  # an archive reader may ask again
            raise self._fault
        try:
            data = self._inner.read(size)
        except EOFError:
            self._fault = Unusable(f"the {self._name} data ends too early")
        except (OSError, zlib.error, zstandard.ZstdError):
            self._fault = Unusable(f"broken {self._name} data")
        else:
            self._count += len(data)
            if self._count > FREE_OUTPUT and self._count > MAX_RATIO * self._packed.count:
                self._fault = Unusable(BOMB)
        if self._fault is not None:
            raise self._fault
        return data


def buffered(inner: _Readable, packed: Metered, name: str) -> io.BufferedReader:
    """Return a watched stream over a decompressor that reads from `packed`."""
    return io.BufferedReader(_Inflated(inner, packed, name), BUFFER)


def inflate(stream: io.BufferedReader) -> io.BufferedReader | None:
    """Return what one layer of gzip or zstd holds, None when `stream` is neither.

    Raises:
        Unusable: packed in a way that is not read.
    """
    head = stream.peek(8)[:8]
    if head.startswith(GZIP_MARK):
        packed = Metered(stream)
        return buffered(gzip.GzipFile(fileobj=_as_file(packed)), packed, "gzip")
    if head.startswith((ZSTD_MARK, *_ZSTD_SKIPPABLE)):
        packed = Metered(stream)
        return buffered(_Zstd(packed), packed, "zstd")
    for mark, name in _OTHER_MARKS:
        if head.startswith(mark):
            raise Unusable(f"{name} is not read: use gzip, zstd, tar or zip")
    return None


def _as_file(source: Metered) -> BinaryIO:
    """`gzip` asks for a file and only reads from it."""
    return source  # type: ignore[return-value]
