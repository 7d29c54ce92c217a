"""The proof of an erasure: what was not looked at proves nothing, and everything is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from app import erasing
from app.erasing import _cached, _counted, _refill, _said, _Store, files
from indexing.erasure import Needles
from indexing.errors import EngineUnavailable
from indexing.model import TenantId

OWN, OTHER = TenantId(UUID(int=1)), TenantId(UUID(int=2))
NEEDLES = Needles.of(["Patient/b7ba1b9a-e850-4300"], (), ["Ada Quill"])


def down(*_: object) -> Any:
    raise EngineUnavailable("down")


class Cached:
    """A cache of one answer; it fails behind that where it is told to."""

    def __init__(self, value: bytes, *, fails: bool = False) -> None:
        self.value, self.fails = value, fails

    def values(self, tenant_id: TenantId) -> Iterator[bytes]:
        yield self.value
        if self.fails:
            down()


def test_a_store_that_does_not_answer_is_no_proof() -> None:
    assert not _counted(_Store("words", "documents", down, ["d1"])).clean
    assert not _said("names", down, NEEDLES).clean
    assert not _cached(Cached(b"nothing", fails=True), OWN, NEEDLES).clean  # type: ignore[arg-type]


def test_what_a_store_still_holds_is_counted() -> None:
    left = _counted(_Store("words", "documents", lambda: ["d1", "d2"], ["d1", "d3"]))
    assert (left.looked, left.found, left.clean) == (2, 1, False)
    said = _said("names", lambda: ["the gait of ADA QUILL", "gout"], NEEDLES)
    assert (said.looked, said.found) == (2, 1)
    kept = _cached(Cached(b'{"of": "ada quill"}'), OWN, NEEDLES)  # type: ignore[arg-type]
    assert (kept.looked, kept.found) == (1, 1)
    assert _cached(Cached(b"{}"), OWN, NEEDLES).clean  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("postgres/log", True),  # the database's own files are looked through as rows, its log here
        ("postgres/base/1/2", False),
        (f"tantivy/{OWN.hex}/segment", True),
        (f"tantivy/{OTHER.hex}/segment", False),
        ("notes.txt", True),
    ],
)
def test_every_file_of_the_home_that_may_hold_it_is_looked_through(
    tmp_path: Path, path: str, found: bool
) -> None:
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"seen: Ada Quill.")
    assert files(tmp_path, [OWN], NEEDLES).found == found


def test_what_lies_across_two_pieces_of_a_file_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erasing, "_PIECE", 64)
    monkeypatch.setattr(erasing, "_OVERLAP", 32)
    (tmp_path / "log").write_bytes(b"." * 60 + b"Ada Quill" + b"." * 60)
    assert files(tmp_path, [OWN], NEEDLES).found == 1


def test_answers_that_are_kept_go_with_the_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    forgot: list[TenantId] = []
    monkeypatch.setattr(erasing, "movers", lambda _: [])
    bare = SimpleNamespace(
        medical=None, settings=SimpleNamespace(medical="postgres", vector="postgres"),
        patients=SimpleNamespace(vectors=None), partitions=SimpleNamespace(all=list),
        forget_answers=forgot.append,
    )  # fmt: skip
    _refill(bare, OWN)  # type: ignore[arg-type]
    assert forgot == [OWN]
