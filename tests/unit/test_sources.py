"""Opening what people point at: every packing, and every way to harm the reader."""

from __future__ import annotations

import gzip
import io
import os
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from indexing.fhir import sources
from indexing.fhir.faults import Rejected
from indexing.fhir.sources import Source, read_sources

A = b'{"resourceType":"Patient","id":"a"}'
B = b'{"resourceType":"Patient","id":"b"}'
LINES = A + b"\n\n" + B + b"\r\n"


def read(*paths: Path) -> tuple[list[Source], list[Rejected]]:
    found = list(read_sources(paths))
    good = [item for item in found if isinstance(item, Source)]
    return good, [item for item in found if isinstance(item, Rejected)]


def tar_of(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def zip_of(**members: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def zst(data: bytes) -> bytes:
    return zstandard.compress(data)


def zst_long(data: bytes) -> bytes:
    options = zstandard.ZstdCompressionParameters(window_log=27, enable_ldm=True)
    return zstandard.ZstdCompressor(compression_params=options).compress(data)


MEMBERS = {"x/a.json": A, "x/b.json.gz": gzip.compress(B), "README.md": b"#", ".hidden.json": b"x"}


@pytest.mark.parametrize(
    ("name", "data", "lines"),
    [
        ("one.json", A, [None]),
        ("one.json.gz", gzip.compress(A), [None]),
        ("two.ndjson", LINES, [1, 3]),
        ("two.jsonl", LINES, [1, 3]),
        ("two.json", LINES, [1, 3]),
        ("two", LINES, [1, 3]),
        ("two.ndjson.gz", gzip.compress(A) + gzip.compress(b"\n\n" + B), [1, 3]),
        ("two.ndjson.zst", zst(A) + zst(b"\n\n" + B), [1, 3]),
        ("two.ndjson.gz.zst", zst(gzip.compress(LINES)), [1, 3]),
        ("all.tar", tar_of(**MEMBERS), [None, None]),
        ("all.tar.gz", gzip.compress(tar_of(**MEMBERS)), [None, None]),
        ("all.tgz", gzip.compress(tar_of(**MEMBERS)), [None, None]),
        ("all.tar.zst", zst_long(tar_of(**MEMBERS)), [None, None]),
        ("all.zip", zip_of(**MEMBERS), [None, None]),
        ("pretty.json", b'{\n "resourceType": "Patient"\n}', [None]),
    ],
)
def test_every_packing(tmp_path: Path, name: str, data: bytes, lines: list[int | None]) -> None:
    (tmp_path / name).write_bytes(data)
    good, bad = read(tmp_path / name)
    assert bad == []
    assert [source.line for source in good] == lines
    if len(good) == 2:
        assert [source.data for source in good] == [A, B]


def test_members_are_named(tmp_path: Path) -> None:
    (tmp_path / "all.tar.zst").write_bytes(zst(tar_of(**{"x/a.json": A})))
    good, _ = read(tmp_path / "all.tar.zst")
    assert good[0].file == f"{tmp_path}/all.tar.zst!x/a.json"


def test_folders_are_read_in_order_and_other_files_left(tmp_path: Path) -> None:
    for name in ("b/2.json", "a/1.json", "a/notes.txt", "c.ndjson", "a/.x.json"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(A)
    good, bad = read(tmp_path)
    assert bad == []
    names = [source.file.removeprefix(f"{tmp_path}/") for source in good]
    assert names == ["c.ndjson", "a/1.json", "b/2.json"]


def test_what_cannot_be_read_is_reported_and_the_rest_lands(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "z.json").write_bytes(A)
    (tmp_path / "x.json").write_bytes(b"BZh91AY&SY")
    good, bad = read(tmp_path, tmp_path / "absent.json")
    assert len(good) == 1
    assert [item.reason for item in bad] == [
        "not a regular file",
        "bzip2 is not read: use gzip, zstd, tar or zip",
        "no such file",
    ]


def hostile_tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("../up.json", "/etc/x.json", "a/../../b.json", "C:\\x.json", "good.json"):
            info = tarfile.TarInfo(name)
            info.size = len(A)
            archive.addfile(info, io.BytesIO(A))
        for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE):
            info = tarfile.TarInfo("l.json")
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    return buffer.getvalue()


def test_archives_cannot_reach_out(tmp_path: Path) -> None:
    (tmp_path / "t.tar").write_bytes(hostile_tar())
    good, bad = read(tmp_path / "t.tar")
    assert [source.file.rpartition("!")[2] for source in good] == ["good.json"]
    assert len(bad) == 8
    link = zipfile.ZipInfo("l.json")
    link.external_attr = 0o120777 << 16
    with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
        archive.writestr("../up.json", A)
        archive.writestr("good.json", A)
    good, bad = read(tmp_path / "z.zip")
    assert [source.file.rpartition("!")[2] for source in good] == ["good.json"]
    assert len(bad) == 2


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("x.ndjson.gz", gzip.compress(LINES * 50)),
        ("x.ndjson.zst", zst(LINES * 50)),
        ("x.tar", tar_of(**{"a.json": A, "b.json": B})),
        ("x.tar.gz", gzip.compress(tar_of(**{"a.json": A, "b.json": B}))),
        ("x.zip", zip_of(**{"a.json": A, "b.json": B})),
    ],
)
def test_a_file_cut_short_is_never_taken_for_a_whole_one(
    tmp_path: Path, name: str, whole: bytes
) -> None:
    for length in (len(whole) // 2, len(whole) * 3 // 4):
        if name == "x.tar":
            length = length // 512 * 512  # as a transfer cut at a block's edge
            length = min(length, 1536)
        (tmp_path / name).write_bytes(whole[:length])
        _, bad = read(tmp_path / name)
        assert bad, length


def test_a_header_broken_inside_an_archive_is_reported(tmp_path: Path) -> None:
    whole = bytearray(tar_of(**{"a.json": A, "b.json": B}))
    whole[1024 + 10] ^= 0xFF  # in the second header
    (tmp_path / "x.tar").write_bytes(whole)
    good, bad = read(tmp_path / "x.tar")
    assert len(good) == 1
    assert "cut short or broken" in bad[0].reason


@pytest.mark.parametrize(
    ("name", "data"),
    [("in.tar", tar_of(**{"x.tar": tar_of(**{"a.json": A})})), ("in.zip", zip_of(x=A))],
)
def test_archives_inside_archives_are_refused(tmp_path: Path, name: str, data: bytes) -> None:
    inner = {"n.tar.gz": gzip.compress(data)} if name == "in.tar" else {"n.zip": data}
    (tmp_path / name).write_bytes(tar_of(**inner))
    good, bad = read(tmp_path / name)
    assert good == []
    assert "inside" in bad[0].reason


def test_a_line_beyond_the_bound_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "MAX_LINE", 100)
    (tmp_path / "x.ndjson").write_bytes(A + b"\n" + b"x" * 101 + b"\n")
    good, bad = read(tmp_path / "x.ndjson")
    assert len(good) == 1
    assert bad[0].where.line == 2


def packed(unit: bytes, total: int, compressor: Callable[[], object]) -> bytes:
    work = compressor()
    pieces = [work.compress(unit) for _ in range(total // len(unit))]  # type: ignore[attr-defined]
    return b"".join([*pieces, work.flush()])  # type: ignore[attr-defined]


def gzip_work() -> object:
    return zlib.compressobj(6, zlib.DEFLATED, 31)


def zstd_work() -> object:
    return zstandard.ZstdCompressor(level=1).compressobj()


BOMB = 100_000_000
MEASURE = """
import resource, sys
from pathlib import Path
from indexing.fhir.faults import Rejected, Unusable
from indexing.fhir.sources import read_sources
from indexing.fhir.bundle import read_submission
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
reasons = []
for found in read_sources([Path(sys.argv[1])]):
    if isinstance(found, Rejected):
        reasons.append(found.reason)
    else:
        try:
            read_submission(found.data)
        except Unusable as fault:
            reasons.append(fault.reason)
grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
print(int(grown), reasons[0])
"""


@pytest.mark.parametrize("kind", ["gz", "zst", "zip", "tar.gz", "gz.gz", "depth"])
def test_bombs_end_clearly_within_64_mb(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"bomb.json.{kind}"
    unit = b"[" * 1_000_000
    if kind == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("a.json", unit * (BOMB // len(unit)))
    elif kind == "tar.gz":
        head = tarfile.TarInfo("a.json")
        head.size = BOMB
        path.write_bytes(gzip.compress(head.tobuf()) + packed(unit, BOMB, gzip_work))
    elif kind == "gz.gz":
        path.write_bytes(gzip.compress(packed(unit, BOMB, gzip_work)))
    elif kind == "depth":
        path.write_bytes(b'{"resourceType":"Bundle","entry":' + unit * 20)
    else:
        path.write_bytes(packed(unit, BOMB, gzip_work if kind == "gz" else zstd_work))
    # A process of its own: a peak can only be told from a low start, and a child that was forked
    # starts with its parent's peak, so a shell stands between.
    command = f'"{sys.executable}" -c "$MEASURE" "{path}"; exit $?'
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "MEASURE": MEASURE, "PYTHONPATH": str(Path(__file__).parents[2])},
    )
    grown, _, reason = done.stdout.partition(" ")
    assert int(grown) <= 64
    assert any(word in reason for word in ("bomb", "deeper", "values"))


def test_a_large_honest_bundle_passes(tmp_path: Path) -> None:
    text = b'{"resourceType":"Bundle","entry":[%s]}' % b",".join(
        b'{"resource":{"resourceType":"Observation","id":"%d","note":"%s"}}'
        % (number, zlib.compress(str(number).encode()).hex().encode() * 8)
        for number in range(100_000)
    )
    assert len(text) > 25_000_000
    (tmp_path / "big.json.gz").write_bytes(gzip.compress(text, 1))
    good, bad = read(tmp_path / "big.json.gz")
    assert bad == []
    assert good[0].data == text


def test_the_patients_archive(shared_data: Path) -> None:
    found = read_sources([shared_data / "patients" / "synthea_r4_500.tar.zst"])
    assert all(isinstance(next(found), Source) for _ in range(20))


def test_a_name_that_is_not_unicode_is_spelled_for_reports(tmp_path: Path) -> None:
    bad, good = (os.fsencode(tmp_path) + b"/" + name for name in (b"b\xff.json", b"g\xff.tar"))
    Path(os.fsdecode(bad)).symlink_to("/dev/null")
    Path(os.fsdecode(good)).write_bytes(tar_of(**{"n.json": A, "e\udcff.txt/../x.json": B}))
    found, refused = read(Path(os.fsdecode(bad)), Path(os.fsdecode(good)))
    assert [Path(each.file).name for each in found] == ["g?.tar!n.json"]
    assert [Path(each.where.file).name for each in refused] == ["b?.json", "x.json"]
    for each in (*(one.file for one in found), *(one.where.file for one in refused)):
        each.encode()
