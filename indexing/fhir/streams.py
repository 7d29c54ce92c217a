"""Paths to open streams: files, folders, and the members of archives, one at a time.

Nothing is written to disk. Links, devices and paths that climb out are refused, not followed.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, cast

from indexing.fhir.faults import Rejected, Unusable, Where
from indexing.fhir.inflate import BOMB, BUFFER, FREE_OUTPUT, MAX_RATIO, Metered, buffered, inflate

MAX_LAYERS = 3  # of compression around one text
MAX_TAR_HEADER = 1024 * 1024  # bytes of one extended header, which tarfile keeps in memory
MAX_ZIP_DIRECTORY = 5 * 1024 * 1024  # bytes; each entry takes ten times that in memory

_PACKED = (".gz", ".gzip", ".zst", ".zstd")
_ARCHIVES = (".tar", ".tgz", ".tzst", ".zip")
_TAR_MARK = b"ustar"
_ZIP_MARKS = (b"PK\x03\x04", b"PK\x05\x06")
_CLIMBS = "a path that leaves the archive"


@dataclass(frozen=True, slots=True)
class Opened:
    """An open text. `name` is its last part without compression endings; read it before going on.

    `packed` is True when it came out of a compression or an archive.
    """

    file: str
    name: str
    stream: io.BufferedReader
    packed: bool


def open_texts(paths: Iterable[Path], endings: tuple[str, ...]) -> Iterator[Opened | Rejected]:
    """Open what lies under `paths`, sorted; inside folders and archives only files with `endings`.

    A path that is named itself is opened whatever its ending.
    """
    for path in paths:
        for found in _files(path, endings):
            if isinstance(found, Rejected):
                yield found
            else:
                yield from _open_file(found, endings)


def _files(path: Path, endings: tuple[str, ...]) -> Iterator[Path | Rejected]:
    if not path.is_dir():
        yield path
        return
    closed: list[OSError] = []
    for folder, folders, names in os.walk(path, onerror=closed.append):
        folders.sort()
        here = Path(folder)
        for name in folders:
            if (here / name).is_symlink():
                yield _rejected(str(here / name), "a link to a folder, which is not followed")
        yield from (here / name for name in sorted(names, key=_turn) if _wanted(name, endings))
    for fault in closed:
        yield _rejected(str(fault.filename), f"cannot be read ({type(fault).__name__})")


def _turn(name: str) -> tuple[bool, str]:
    """Order files by name, but first what the others refer to by a search: newer Synthea says
    `Organization?identifier=…` in each patient's file of what stands in these two."""
    return not name.startswith(("hospitalInformation", "practitionerInformation")), name


def _wanted(name: str, endings: tuple[str, ...]) -> bool:
    bare = _bare(name.lower())
    return not name.startswith(".") and bare.endswith((*endings, *_ARCHIVES))


def _bare(name: str) -> str:
    """Return a file name without its compression endings."""
    while name.lower().endswith(_PACKED):
        name = name[: name.rindex(".")]
    return name


def _rejected(file: str, reason: str) -> Rejected:
    return Rejected(Where(file=_spelled(file)), reason)


def _spelled(file: str) -> str:
    """Spell a file's name for reports: it need not be Unicode, and they are."""
    return file.encode("utf-8", "replace").decode()


def _open_file(path: Path, endings: tuple[str, ...]) -> Iterator[Opened | Rejected]:
    file = str(path)
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # opening a pipe would wait for ever
            yield _rejected(file, "not a regular file")
            return
        with _wide(io.FileIO(path)) as stream:
            if stream.peek(4)[:4] in _ZIP_MARKS:
                yield from _zip_members(stream, file, endings)
            else:
                yield from _unpack(stream, file, path.name, endings, member=False)
    except Unusable as fault:
        yield _rejected(file, fault.reason)
    except FileNotFoundError:
        yield _rejected(file, "no such file")
    except OSError as exc:
        yield _rejected(file, f"cannot be read ({type(exc).__name__})")


def _unpack(
    stream: io.BufferedReader, file: str, name: str, endings: tuple[str, ...], *, member: bool
) -> Iterator[Opened | Rejected]:
    """Yield the text in `stream`, or the members of the archive that it is."""
    layers = 0
    while (inner := inflate(stream)) is not None:
        layers += 1
        if layers > MAX_LAYERS:
            raise Unusable(f"packed more than {MAX_LAYERS} times over")
        stream = inner
    head = stream.peek(512)[:512]
    if head[257:262] == _TAR_MARK and member:
        raise Unusable("an archive inside an archive is not read: unpack it first")
    if head[257:262] == _TAR_MARK:
        yield from _tar_members(stream, file, endings)
    elif head[:4] in _ZIP_MARKS:
        raise Unusable("a zip inside another file is not read: unpack it first")
    else:
        yield Opened(_spelled(file), _bare(name), stream, packed=member or layers > 0)


class _BoundedTarInfo(tarfile.TarInfo):
    """A header that may not fill memory, and whose faults do not pass for the archive's end."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _BoundedTarInfo:
        try:
            info = super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as exc:
            # A block of zeros ends an archive; everything else would end it silently.
            if buf and len(buf) == tarfile.BLOCKSIZE and not any(buf):
                raise
            raise tarfile.ReadError("the archive is cut short or broken") from exc
        extended = info.type not in (*tarfile.REGULAR_TYPES, tarfile.DIRTYPE)
        if extended and info.size > MAX_TAR_HEADER:
            raise tarfile.ReadError("an oversized header")
        return info


def _tar_members(
    stream: io.BufferedReader, file: str, endings: tuple[str, ...]
) -> Iterator[Opened | Rejected]:
    try:
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_BoundedTarInfo) as archive:
            headers: list[tarfile.TarInfo] = vars(archive)["members"]
            for member in archive:
                headers.clear()  # tarfile would keep every one
                place = f"{file}!{member.name}"
                if refused := _refused_tar(member):
                    yield _rejected(place, refused)
                elif member.isfile() and _wanted(PurePosixPath(member.name).name, endings):
                    inner = archive.extractfile(member)
                    if inner is not None:
                        yield from _member(_wide(inner), place, endings)
    except (tarfile.TarError, ValueError, EOFError) as exc:
        raise Unusable(f"broken tar: {_tar_reason(exc)}") from None


def _wide(inner: IO[bytes] | io.RawIOBase) -> io.BufferedReader:
    """Return a stream with a buffer wide enough to tell what it is."""
    return io.BufferedReader(cast(io.RawIOBase, inner), BUFFER)


def _tar_reason(exc: Exception) -> str:
    known = ("the archive is cut short or broken", "an oversized header", "unexpected end of data")
    return str(exc) if str(exc) in known else "a header that cannot be read"


def _refused_tar(member: tarfile.TarInfo) -> str:
    if member.issym() or member.islnk():
        return "a link in an archive, which is not followed"
    if member.ischr() or member.isblk() or member.isfifo():
        return "a device in an archive"
    if member.issparse():
        return "a sparse file in an archive"
    return _CLIMBS if _climbs(member.name) else ""


def _climbs(name: str) -> bool:
    parts = name.replace("\\", "/").split("/")
    return ".." in parts or name.startswith(("/", "\\")) or parts[0].endswith(":")


def _member(
    stream: io.BufferedReader, place: str, endings: tuple[str, ...]
) -> Iterator[Opened | Rejected]:
    """Yield one member's text; its own fault does not end the archive."""
    try:
        yield from _unpack(stream, place, PurePosixPath(place).name, endings, member=True)
    except Unusable as fault:
        yield _rejected(place, fault.reason)


def _zip_members(
    stream: io.BufferedReader, file: str, endings: tuple[str, ...]
) -> Iterator[Opened | Rejected]:
    _refuse_large_directory(stream)
    try:
        with zipfile.ZipFile(stream) as archive:
            for info in archive.infolist():
                place = f"{file}!{info.filename}"
                if refused := _refused_zip(info):
                    yield _rejected(place, refused)
                elif not info.is_dir() and _wanted(PurePosixPath(info.filename).name, endings):
                    yield from _zip_member(archive, info, place, endings)
    except (zipfile.BadZipFile, NotImplementedError, EOFError, zlib.error, ValueError):
        raise Unusable("broken zip") from None


def _zip_member(
    archive: zipfile.ZipFile, info: zipfile.ZipInfo, place: str, endings: tuple[str, ...]
) -> Iterator[Opened | Rejected]:
    with archive.open(info) as inner:
        packed = Metered(inner)
        packed.count = max(info.compress_size, 1)
        yield from _member(buffered(_ZipStream(inner), packed, "zip"), place, endings)


class _ZipStream:
    """A zip member whose faults read like those of the other decompressors."""

    def __init__(self, inner: IO[bytes]) -> None:
        self._inner = inner

    def read(self, size: int = -1, /) -> bytes:
        """Read as the member does."""
        try:
            return self._inner.read(size)
        except zipfile.BadZipFile as exc:
            raise OSError("broken zip member") from exc


def _refuse_large_directory(stream: io.BufferedReader) -> None:
    """Look at the end record: `zipfile` reads the whole directory into memory."""
    size = stream.seek(0, io.SEEK_END)
    stream.seek(max(size - 65_557, 0))
    tail = stream.read()
    stream.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or at + 22 > len(tail):
        raise Unusable("broken zip")
    (directory,) = struct.unpack_from("<L", tail, at + 12)
    if directory > MAX_ZIP_DIRECTORY:
        raise Unusable("a zip of too many files: pack them as tar")


def _refused_zip(info: zipfile.ZipInfo) -> str:
    mode = info.external_attr >> 16
    if stat.S_ISLNK(mode):
        return "a link in an archive, which is not followed"
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode) or stat.S_ISFIFO(mode):
        return "a device in an archive"
    if info.flag_bits & 0x1:
        return "encrypted"
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return "a zip compression that is not read"
    if info.file_size > max(FREE_OUTPUT, MAX_RATIO * info.compress_size):
        return BOMB
    return _CLIMBS if _climbs(info.filename) else ""
