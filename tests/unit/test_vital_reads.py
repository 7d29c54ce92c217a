"""What is remembered of series may be forgotten by another thread at any moment."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from indexing.access import Access, Role
from indexing.backends.postgres import vital_reads
from indexing.backends.postgres.vital_reads import VitalReads
from indexing.model import TenantId

ACCESS = Access(TenantId(UUID(int=1)), "r", frozenset({Role.CLINICIAN}))


class Rows:
    """A connection that tells the keys of whatever series is asked; meanwhile others forget."""

    def __init__(self, reads: VitalReads) -> None:
        self.reads, self.asked = reads, list[list[int]]()

    def execute(self, _: str, bound: tuple[TenantId, list[int]]) -> Rows:
        self.asked.append([*bound[1]])
        self.reads._known.clear()
        return self

    def fetchall(self) -> list[tuple[Any, ...]]:
        rest = ("vital_signs", "p", "heart_rate", "/min", "")
        return [(n, *rest, str(n), "stream", []) for n in self.asked[-1]]


def places(reads: VitalReads, conn: Any, *numbers: int) -> list[str]:
    return [key.place for key in reads._keys(conn, ACCESS, numbers)]


def test_a_key_that_another_thread_forgets_is_told() -> None:
    reads = VitalReads("t")
    conn = Rows(reads)
    assert places(reads, conn, 1, 2) == ["1", "2"]
    assert places(reads, conn, 2, 3, 1) == ["2", "3", "1"]
    assert conn.asked == [[1, 2], [3]]


def test_no_more_is_remembered_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vital_reads, "_MOST_KNOWN", 3)
    reads = VitalReads("t")
    for first in range(0, 12, 2):
        places(reads, Rows(reads), first, first + 1)
        assert len(reads._known) <= 3
